use jiff::civil::date;

use super::{Resource, Scope, SliceIndex};
use crate::bundle::PolicyBundle;
use crate::request::Action;
use crate::request::tests::Facts;

#[test]
fn only_policies_that_can_apply_are_evaluated() {
    let text: String = (0..200)
        .map(|i| {
            format!(
                r#"@id("e-{i}") @title_zh("例外") @title_en("Exception") @legal_basis("《样例法》第一条") @legal_kind("law")
                @owner("tax") @review_by("2026-11-23") @remedy_zh("申诉") @remedy_en("Contest it")
                forbid (principal, action, resource == ResultType::"r-{i}");"#
            )
        })
        .collect();
    let bundle = PolicyBundle::load(&[("policies/a.cedar", text)], date(2026, 11, 23)).unwrap();
    let slice = SliceIndex::new(&bundle.policies).slice(&Facts::named("r-7").request());
    let mut ids: Vec<_> = slice.policies().map(|policy| policy.id().to_string()).collect();
    ids.sort();
    assert_eq!(
        ids,
        ["e-7", "share-by-default", "withhold-not-shared", "withhold-suspended-grant", "withhold-without-grant"]
    );
}

#[test]
fn a_scope_that_can_never_be_asked_is_refused() {
    for scope in [
        r#"principal == ResultType::"a", action, resource"#,
        r#"principal, action, resource == SubjectKind::"passport""#,
        r#"principal, action == Action::"delete", resource"#,
        r#"principal == Department::"Tax Office", action, resource"#,
        r#"principal, action, resource == ResultType::"Tax Clearance""#,
    ] {
        let policy = cedar_policy::Policy::parse(None, format!("forbid ({scope});")).unwrap();
        assert!(Scope::of(&policy).is_err(), "{scope}");
    }
    let policy = cedar_policy::Policy::parse(None, "forbid (principal, action, resource);").unwrap();
    let open = Scope { actions: Action::ALL.to_vec(), principal: None, resource: Resource::Any };
    assert_eq!(Scope::of(&policy), Ok(open));
}
