use std::fs;
use std::path::Path;

use heyan_proto::vocabulary::{Disclosure, LegalBasis, LegalKind, Localized, PlainText, SharingClass};
use jiff::civil::date;

use super::PolicyEngine;
use crate::bundle::PolicyBundle;
use crate::condition::Condition;
use crate::decision::{Decision, Denial, DenialCause, Permit};
use crate::error::PolicyError;
use crate::exception::{ExceptionFacts, NotSharedResultType};
use crate::grant::{GrantStanding, read_grants};
use crate::request::tests::{Facts, ITEM};
use crate::request::{AccessRequest, Action};

/// An engine with one more policy: an exception over the result type, with this scope and condition.
fn engine(condition: &str) -> PolicyEngine {
    let text = format!(
        r#"@id("exception") @title_zh("例外") @title_en("Exception") @legal_basis("《样例法》第一条") @legal_kind("law")
        @owner("provider") @review_by("2026-11-23") @remedy_zh("申诉") @remedy_en("Contest it")
        forbid (principal, action, resource == ResultType::"result") when {{ {condition} }};"#
    );
    with(&[("policies/provider.cedar", &text)])
}

fn with(files: &[(&str, &str)]) -> PolicyEngine {
    let bundle = PolicyBundle::load(files, date(2026, 11, 23)).unwrap_or_else(|problems| panic!("\n{problems}"));
    let grants = format!(
        "schema = 1\n[[grant]]\nid = \"grant\"\nrequester = \"requester\"\nresult_types = [\"result\"]\n\
         items = [\"{ITEM}\"]\npurpose = \"p\"\nlegal_basis = \"b\"\nfrom = 2026-01-01\nuntil = 2026-12-31\napprover = \"a\"\n"
    );
    PolicyEngine::new(bundle, read_grants("grants/a.toml", &grants).unwrap(), Vec::new())
}

fn permit(engine: &PolicyEngine, request: &AccessRequest<'_>) -> Permit {
    match engine.authorize(request).unwrap() {
        Decision::Permitted(permit) => permit,
        Decision::Refused(denial) => panic!("{denial:?}"),
    }
}

fn denial(engine: &PolicyEngine, request: &AccessRequest<'_>) -> Denial {
    match engine.authorize(request).unwrap() {
        Decision::Permitted(permit) => panic!("{permit:?}"),
        Decision::Refused(denial) => denial,
    }
}

fn ids(policies: &[heyan_proto::vocabulary::PolicyId]) -> Vec<&str> {
    policies.iter().map(|id| id.as_str()).collect()
}

#[test]
fn a_permit_says_what_is_permitted_and_by_what() {
    let (engine, facts) = (with(&[]), Facts::new());
    let request = facts.request();
    let permit = permit(&engine, &request);
    assert_eq!((permit.requester(), permit.provider()), (request.requester, request.provider));
    assert_eq!((permit.result_type(), permit.fields()), (request.result_type, request.fields));
    assert_eq!((permit.action(), permit.grant()), (Action::Verify, None));
    assert_eq!(ids(permit.policies()), ["share-by-default"]);
    assert_eq!(permit.bundle(), engine.bundle());
}

#[test]
fn disclosure_is_what_is_declared_and_never_values_for_a_verification() {
    let (engine, facts) = (with(&[]), Facts::new());
    let disclosure =
        |action, disclosure| permit(&engine, &AccessRequest { action, disclosure, ..facts.request() }).disclosure();
    assert_eq!(disclosure(Action::Verify, Disclosure::Verdict), Disclosure::Verdict);
    assert_eq!(disclosure(Action::Verify, Disclosure::Claims), Disclosure::Claims);
    assert_eq!(disclosure(Action::Verify, Disclosure::Fields), Disclosure::Claims);
    assert_eq!(disclosure(Action::Retrieve, Disclosure::Fields), Disclosure::Fields);
}

/// Cedar decides over `share.cedar`, the explanation reads the conditions: over all of their combinations, for both
/// actions and every disclosure, they must agree on whether and why.
#[test]
fn the_explanation_agrees_with_the_permit_on_every_combination_of_conditions() {
    let (engine, facts) = (with(&[]), Facts::new());
    let mut seen = std::collections::BTreeSet::new();
    for bits in 0..32 {
        let bit = |n: u32| bits & (1 << n) != 0;
        for action in Action::ALL {
            for disclosure in Disclosure::ALL {
                let request = AccessRequest {
                    action,
                    disclosure,
                    requester_registered: bit(0),
                    item_in_force: bit(1),
                    item_needs_result: bit(2),
                    item_accepted_by_requester: bit(3),
                    has_case_number: bit(4),
                    ..facts.request()
                };
                let suffices = action == Action::Verify || disclosure == Disclosure::Fields;
                let met = [bit(0), bit(1), bit(2), bit(3), bit(4), suffices];
                seen.insert(met);
                let expected: Vec<_> = Condition::ALL
                    .into_iter()
                    .zip(met)
                    .filter(|(_, met)| !met)
                    .map(|(condition, _)| condition)
                    .collect();
                let prepared = engine.judge.prepare(&request, None).unwrap();
                let cedar = engine.judge.judge(&prepared).unwrap();
                assert_eq!(cedar.allowed, expected.is_empty(), "{request:?}");
                match engine.authorize(&request).unwrap() {
                    Decision::Permitted(_) => assert!(expected.is_empty()),
                    Decision::Refused(denial) => assert_eq!(denial.cause, DenialCause::NotPermitted(expected)),
                }
                let explained = engine.explain(&request).unwrap().conditions;
                assert_eq!(explained, Condition::ALL.into_iter().zip(met).collect::<Vec<_>>());
            }
        }
    }
    assert_eq!(seen.len(), 64);
}

#[test]
fn an_exception_is_cited_with_its_law() {
    let (engine, facts) = (engine(r#"context.fields.contains("valid_to")"#), Facts::new());
    let denial = denial(&engine, &facts.request());
    let DenialCause::Exception(cited) = &denial.cause else { panic!("{denial:?}") };
    assert_eq!((cited.id.as_str(), cited.legal_basis.citation.as_str()), ("exception", "《样例法》第一条"));
    assert_eq!(ids(&denial.policies), ["exception"]);
    permit(&engine, &AccessRequest { fields: &[], ..facts.request() });
}

/// A forbid that fails is skipped by Cedar, which alone would open what it closes.
#[test]
fn a_policy_that_errors_is_never_a_permit() {
    for condition in [
        "9223372036854775807 + context.today > 0",
        "context.today * 9223372036854775807 > 0",
        "context.today - 9223372036854775807 - 9223372036854775807 < 0",
    ] {
        let (engine, facts) = (engine(condition), Facts::new());
        let expected = PolicyError::Evaluation(vec!["exception".parse().unwrap()]);
        assert_eq!(engine.authorize(&facts.request()), Err(expected.clone()), "{condition}");
        assert_eq!(engine.explain(&facts.request()), Err(expected));
        // Also where the question would be refused anyway: what went wrong is not hidden.
        assert!(engine.authorize(&AccessRequest { has_case_number: false, ..facts.request() }).is_err());
    }
}

#[test]
fn not_permitted_comes_before_an_exception_and_that_before_a_grant() {
    let (engine, facts) = (engine("true || context.today == 0"), Facts::new());
    let everything = AccessRequest {
        sharing: SharingClass::Conditional,
        has_case_number: false,
        fields: &[],
        today: date(2027, 1, 1),
        ..facts.request()
    };
    let found = denial(&engine, &everything);
    assert_eq!(found.cause, DenialCause::NotPermitted(vec![Condition::CaseNumberGiven]));
    assert_eq!(ids(&found.policies), ["share-by-default"]);
    let entitled = AccessRequest { has_case_number: true, ..everything };
    assert!(matches!(denial(&engine, &entitled).cause, DenialCause::Exception(_)));
    let found = denial(&with(&[]), &entitled);
    assert_eq!(found.cause, DenialCause::GrantRequired(GrantStanding::Ended("grant".parse().unwrap())));
    assert_eq!(ids(&found.policies), ["withhold-without-grant"]);
}

#[test]
fn a_conditional_result_type_is_shared_under_a_live_grant() {
    let (engine, facts) = (with(&[]), Facts::new());
    let conditional = AccessRequest { sharing: SharingClass::Conditional, ..facts.request() };
    assert_eq!(permit(&engine, &conditional).grant().unwrap().as_str(), "grant");
    let other = Facts::named("other");
    let found = denial(&engine, &AccessRequest { requester: &other.requester, ..conditional });
    assert_eq!(found.cause, DenialCause::GrantRequired(GrantStanding::None));
}

#[test]
fn a_result_type_that_is_not_shared_cites_its_declaration_or_fails() {
    let facts = Facts::new();
    let request = AccessRequest { sharing: SharingClass::NotShared, ..facts.request() };
    let missing = Err(PolicyError::MissingException(request.result_type.clone()));
    assert_eq!(with(&[]).authorize(&request), missing);
    let text = |text: &str| Localized { zh: text.into(), en: text.into() };
    let exception = ExceptionFacts {
        id: "sealed".parse().unwrap(),
        title: text("sealed"),
        legal_basis: LegalBasis {
            kind: LegalKind::Law, citation: PlainText::parse("《样例法》第二条", 20).unwrap()
        },
        owner: request.provider.clone(),
        review_by: date(2027, 1, 1),
        remedy: text("contest it"),
    };
    let declared = NotSharedResultType { result_type: request.result_type.clone(), exception: exception.clone() };
    let bundle = PolicyBundle::load::<&str, &str>(&[], date(2026, 11, 23)).unwrap();
    let found = denial(&PolicyEngine::new(bundle, Vec::new(), vec![declared]), &request);
    assert_eq!(found.cause, DenialCause::Exception(exception.into()));
    assert_eq!(ids(&found.policies), ["withhold-not-shared"]);
}

#[test]
fn an_explanation_lists_every_condition_and_every_applicable_forbid() {
    let (engine, facts) = (engine(r#"context.fields.contains("name")"#), Facts::new());
    let request = AccessRequest { sharing: SharingClass::Conditional, today: date(2027, 1, 1), ..facts.request() };
    let explained = engine.explain(&request).unwrap();
    let standing = GrantStanding::Ended("grant".parse().unwrap());
    assert_eq!(explained.cause, Some(DenialCause::GrantRequired(standing.clone())));
    assert_eq!(explained.grant, Some(standing));
    assert!(explained.conditions.iter().all(|(_, met)| *met));
    let forbids: Vec<_> = explained.withholdings.iter().map(|forbid| (forbid.id.as_str(), forbid.holds)).collect();
    let expected = [
        ("exception", false),
        ("withhold-not-shared", false),
        ("withhold-suspended-grant", false),
        ("withhold-without-grant", true),
    ];
    assert_eq!(forbids, expected);
    assert_eq!(explained.withholdings[0].title.zh, "例外");
    assert_eq!(engine.explain(&facts.request()).unwrap().cause, None);
}

/// The exceptions of the sample city's departments load and all of them cite a law.
#[test]
fn the_sample_departments_exceptions_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("departments");
    let files: Vec<(String, String)> = (fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    let bundle = PolicyBundle::load(&files, date(2026, 11, 23)).unwrap_or_else(|problems| panic!("\n{problems}"));
    assert!(bundle.exceptions().count() >= 3);
    for facts in bundle.exceptions() {
        let citation = facts.legal_basis.citation.as_str();
        assert!(citation.starts_with('《') && citation.contains("》第") && citation.ends_with('条'), "{citation}");
    }
}
