use heyan_proto::identifier::ItemCode;
use heyan_proto::vocabulary::{DepartmentId, FieldName, ResultTypeId};
use jiff::civil::{Date, date};

use super::{KnownNames, KnownResultType, PolicyBundle};

const TODAY: Date = date(2026, 11, 23);

/// A right exception, with one piece of text replaced.
fn exception(from: &str, to: &str) -> String {
    let right = r#"// A comment; with a semicolon.
@id("tax-secret")
@title_zh("纳税人情况保密")
@title_en("Tax secrecy")
@legal_basis("《中华人民共和国税收征收管理法》第八条")
@legal_kind("law")
@owner("tax")
@review_by("2026-11-23")
@remedy_zh("向税务局提出;或自行提供")
@remedy_en("Contest this with the tax authority")
forbid (principal, action, resource == ResultType::"tax-clearance")
when { context.fields.contains("amount") };
"#;
    assert!(right.contains(from), "{from}");
    right.replace(from, to)
}

fn load(text: &str) -> Result<PolicyBundle, String> {
    PolicyBundle::load(&[("policies/tax.cedar", text)], TODAY).map_err(|problems| problems.to_string())
}

fn refused(text: &str) -> String {
    load(text).unwrap_err()
}

#[test]
fn the_base_loads_and_every_policy_has_its_name() {
    let bundle = PolicyBundle::load::<&str, &str>(&[], TODAY).unwrap();
    let ids: Vec<_> = bundle.policy_ids().map(|id| id.as_str()).collect();
    assert_eq!(ids, ["share-by-default", "withhold-not-shared", "withhold-without-grant", "withhold-suspended-grant"]);
    for named in &bundle.policies {
        assert_eq!(AsRef::<str>::as_ref(named.policy.id()), named.id.as_str());
    }
}

#[test]
fn an_exception_gives_its_facts() {
    let bundle = load(&exception("@id", "@id")).unwrap();
    let facts = bundle.exceptions().next().unwrap();
    assert_eq!(facts.id.as_str(), "tax-secret");
    assert_eq!(facts.title.zh, "纳税人情况保密");
    assert_eq!(facts.legal_basis.citation.as_str(), "《中华人民共和国税收征收管理法》第八条");
    assert_eq!((facts.owner.as_str(), facts.review_by), ("tax", TODAY));
    assert_eq!(facts.remedy.zh, "向税务局提出;或自行提供");
}

#[test]
fn a_bundle_that_does_not_validate_strictly_is_refused() {
    for condition in [
        "context.no_such_fact",
        "resource.sealed",
        "context has sealed && context.sealed",
        r#"context.subject_kind == SubjectKind::"citizen_numbr""#,
        r#"context.item == 7"#,
        "false",
    ] {
        let found = refused(&exception(r#"context.fields.contains("amount")"#, condition));
        assert!(found.starts_with("policies/tax.cedar:"), "{condition}: {found}");
    }
}

#[test]
fn every_annotation_is_required_and_none_is_unknown() {
    for key in
        ["id", "title_zh", "title_en", "legal_basis", "legal_kind", "owner", "review_by", "remedy_zh", "remedy_en"]
    {
        let found = refused(&exception(&format!("@{key}("), "@note("));
        assert!(found.contains(&format!("policies/tax.cedar:2:1: missing annotation `@{key}`")), "{found}");
        assert!(found.contains("unknown annotation `@note`"), "{found}");
    }
}

#[test]
fn bad_annotations_are_named_where_they_stand() {
    for (from, to, expected) in [
        ("2026-11-23", "2026-11-22", "tax.cedar:8:1: `@review_by` has passed: 2026-11-22"),
        ("2026-11-23", "soon", "tax.cedar:8:1: `@review_by` is no date"),
        (r#""tax")"#, r#""Tax Office")"#, "tax.cedar:7:1: `@owner` department id must be"),
        (r#""law""#, r#""ministry_rule""#, "tax.cedar:6:1: `@legal_kind` is no kind of norm that can stop sharing"),
        ("《中华人民共和国税收征收管理法》第八条", " ", "tax.cedar:5:1: `@legal_basis` must not be empty"),
        ("tax-secret", "Tax Secret", "tax.cedar:2:1: `@id` policy id must be"),
        ("纳税人情况保密", "\u{202E}", "tax.cedar:3:1: `@title_zh` must not contain control"),
    ] {
        let found = refused(&exception(from, to));
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn departments_only_forbid_and_name_what_they_withhold() {
    assert!(refused(&exception("forbid", "permit")).contains("may contain `forbid` policies only"));
    let open = refused(&exception(r#"resource == ResultType::"tax-clearance""#, "resource"));
    assert!(open.contains("an exception must name what it withholds"), "{open}");
}

#[test]
fn a_file_without_an_exception_is_refused() {
    for text in ["", " \n", "// forbid (principal, action, resource);\n"] {
        let found = refused(text);
        assert!(found.starts_with("policies/tax.cedar:1:1: the file holds no exception"), "{text:?}: {found}");
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let broken = exception("when {", "when {{");
    let passed = exception("2026-11-23", "2020-01-01");
    let found = refused(&format!("{broken}{passed}"));
    assert!(found.contains("tax.cedar:12:"), "{found}");
    assert!(found.contains("tax.cedar:20:1: `@review_by` has passed"), "{found}");
}

#[test]
fn an_id_stands_once() {
    let right = exception("@id", "@id");
    let found = refused(&format!("{right}{right}"));
    assert!(found.contains("tax.cedar:14:1: policy `tax-secret` already stands at policies/tax.cedar:2:1"), "{found}");
    let base = refused(&exception("tax-secret", "share-by-default"));
    assert!(base.contains("policy `share-by-default` already stands at base/share.cedar:2:1"), "{base}");
}

#[test]
fn an_unfinished_file_is_refused() {
    for unfinished in ["forbid", "@id(\"a", "forbid (principal, action, resource)", "\"\\", "/"] {
        assert!(load(&format!("{}{unfinished}", exception("@id", "@id"))).is_err(), "{unfinished}");
    }
}

#[test]
fn the_hash_covers_every_text_and_no_order() {
    let (a, b) = (exception("@id", "@id"), exception("tax-secret", "tax-other"));
    let hash = |files: &[(&str, &str)]| PolicyBundle::load(files, TODAY).unwrap().hash();
    assert_eq!(hash(&[("a.cedar", &a), ("b.cedar", &b)]), hash(&[("b.cedar", &b), ("a.cedar", &a)]));
    let hashes = [hash(&[]), hash(&[("a.cedar", &a)]), hash(&[("b.cedar", &a)]), hash(&[("a.cedar", &b)])];
    for (i, hash) in hashes.iter().enumerate() {
        assert_eq!(hash.to_string().len(), 64);
        assert!(!hashes[..i].contains(hash));
    }
}

#[test]
fn a_misspelt_name_is_found() {
    let (tax, health) = (DepartmentId::parse("tax").unwrap(), DepartmentId::parse("health").unwrap());
    let clearance = ResultTypeId::parse("tax-clearance").unwrap();
    let fields = [FieldName::parse("amount").unwrap()];
    let check = |text: &str, provider: &DepartmentId| {
        let result_types = [KnownResultType { id: &clearance, provider, fields: &fields }];
        let known = KnownNames { departments: &[tax.clone(), health.clone()], result_types: &result_types };
        load(text).unwrap().check_names(&known).map_err(|problems| problems.to_string())
    };
    assert_eq!(check(&exception("@id", "@id"), &tax), Ok(()));
    let code = "11500000MB0000027A2000131001001";
    assert!(ItemCode::parse(code).is_ok());
    let condition = r#"context.fields.contains("amount")"#;
    assert_eq!(check(&exception(condition, &format!("context.item == \"{code}\"")), &tax), Ok(()));
    for (from, to, expected) in [
        ("tax-clearance", "tax-clearence", "the directory has no result type `tax-clearence`"),
        ("(principal,", r#"(principal == Department::"healht","#, "the directory has no department `healht`"),
        (
            condition,
            r#"context.fields.contains("amuont")"#,
            "no result type that this exception withholds has a field `amuont`",
        ),
        (condition, r#"context.fields.containsAny(["amount", "amuont"])"#, "has a field `amuont`"),
        (condition, r#"["amuont"].containsAll(context.fields)"#, "has a field `amuont`"),
        (condition, r#"context.item == "115""#, "`115` is no code of a service item"),
        (condition, r#"["115"].contains(context.item)"#, "`115` is no code of a service item"),
    ] {
        let found = check(&exception(from, to), &tax).unwrap_err();
        assert!(found.contains(expected), "{found}");
    }
    let found = check(&exception("@id", "@id"), &health).unwrap_err();
    assert!(found.contains("a department withholds its own results only"), "{found}");
}

/// Cedar reads brackets and operators by recursion: failure is a process that ends, or a policy of ordinary size refused.
#[test]
fn a_policy_that_would_overflow_the_stack_is_refused() {
    let with = |condition: &str| {
        load(&format!("{} when {{ {condition} }};", exception("@id", "@id").trim_end().trim_end_matches(';')))
    };
    let chain = |times| format!("{}true", "true && ".repeat(times));
    let nested = |times| format!("{}true{}", "(".repeat(times), ")".repeat(times));
    for deep in [chain(1_000), nested(1_000), "[".repeat(1_000), "if true then true else ".repeat(1_000)] {
        let found = with(&deep).unwrap_err().to_string();
        assert!(found.contains("the policy is nested too deeply"), "{found}");
    }
    // What is wrong with these is what they say, and not how long they are.
    for shallow in [chain(60), nested(14)] {
        let found = with(&shallow).map(drop).map_err(|problems| problems.to_string());
        assert!(!found.is_err_and(|found| found.contains("nested too deeply")));
    }
}
