use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::{Authorizer, Decision, PolicySet};
use heyan_proto::identifier::SubjectKind;
use heyan_proto::vocabulary::{DepartmentId, FieldName, ResultTypeId, SharingClass};
use jiff::civil::date;
use proptest::prelude::*;

use super::{Judge, PREPARED_MAX, Verdict, name};
use crate::bundle::PolicyBundle;
use crate::error::PolicyError;
use crate::grant::GrantStanding;
use crate::request::tests::Facts;
use crate::request::{AccessRequest, Action, Asked, Words};
use crate::slice::SliceIndex;

const DEPARTMENTS: [&str; 3] = ["tax", "health", "education"];
const RESULT_TYPES: [&str; 3] = ["tax-clearance", "birth-certificate", "degree-certificate"];
const FIELDS: [&str; 3] = ["amount", "name", "valid_to"];

/// What an exception may say in its scope and after it.
fn exceptions() -> impl Strategy<Value = Vec<String>> {
    let principal = prop_oneof![
        Just("principal".to_owned()),
        Just("principal is Department".to_owned()),
        prop::sample::select(&DEPARTMENTS).prop_map(|id| format!("principal == Department::\"{id}\"")),
        prop::sample::select(&DEPARTMENTS).prop_map(|id| format!("principal in Department::\"{id}\"")),
        prop::sample::select(&DEPARTMENTS).prop_map(|id| format!("principal is Department in Department::\"{id}\"")),
    ];
    let action = prop::sample::select(&[
        "action",
        r#"action == Action::"verify""#,
        r#"action in Action::"retrieve""#,
        r#"action in [Action::"verify", Action::"retrieve", Action::"verify"]"#,
        r#"action in [Action::"retrieve"]"#,
    ]);
    let resource = prop_oneof![
        prop::sample::select(&RESULT_TYPES).prop_map(|id| format!("resource == ResultType::\"{id}\"")),
        prop::sample::select(&RESULT_TYPES).prop_map(|id| format!("resource in ResultType::\"{id}\"")),
        prop::sample::select(&DEPARTMENTS).prop_map(|id| format!("resource in Department::\"{id}\"")),
        prop::sample::select(&DEPARTMENTS).prop_map(|id| format!("resource is ResultType in Department::\"{id}\"")),
    ];
    let condition = prop_oneof![
        Just(String::new()),
        prop::sample::select(&FIELDS).prop_map(|field| format!("when {{ context.fields.contains(\"{field}\") }}")),
        prop::sample::select(&FIELDS).prop_map(|field| format!("unless {{ context.fields.contains(\"{field}\") }}")),
        Just("when { context.has_case_number }".to_owned()),
        Just(r#"when { context.subject_kind == SubjectKind::"passport" }"#.to_owned()),
        Just(r#"unless { resource in Department::"tax" }"#.to_owned()),
        Just("when { context.today * 9223372036854775807 > 0 }".to_owned()),
    ];
    let exception = (principal, action, resource, condition).prop_map(|(principal, action, resource, condition)| {
        format!("forbid ({principal}, {action}, {resource}) {condition};")
    });
    prop::collection::vec(exception, 0..12)
}

#[derive(Debug, Clone)]
struct Ask {
    action: Action,
    requester: &'static str,
    provider: &'static str,
    result_type: &'static str,
    fields: Vec<&'static str>,
    sharing: SharingClass,
    case_number: bool,
    kind: SubjectKind,
}

fn asks() -> impl Strategy<Value = Ask> {
    let select = prop::sample::select::<&'static str>;
    (
        prop::sample::select(&Action::ALL),
        (select(&DEPARTMENTS), select(&DEPARTMENTS), select(&RESULT_TYPES)),
        prop::sample::subsequence(FIELDS.to_vec(), 0..=3),
        prop::sample::select(&SharingClass::ALL),
        any::<bool>(),
        prop::sample::select(&[SubjectKind::Passport, SubjectKind::CreditCode]),
    )
        .prop_map(|(action, (requester, provider, result_type), fields, sharing, case_number, kind)| Ask {
            action,
            requester,
            provider,
            result_type,
            fields,
            sharing,
            case_number,
            kind,
        })
}

fn bundle(exceptions: &[String]) -> PolicyBundle {
    let annotated = exceptions.iter().enumerate().map(|(i, exception)| {
        format!(
            r#"@id("e-{i}") @title_zh("例外") @title_en("Exception") @legal_basis("《样例法》第一条") @legal_kind("law")
            @owner("tax") @review_by("2026-11-23") @remedy_zh("申诉") @remedy_en("Contest it") {exception}
            "#
        )
    });
    // A file each: a file without an exception is a problem, and there may be none.
    let files: Vec<(String, String)> =
        annotated.enumerate().map(|(i, text)| (format!("policies/{i}.cedar"), text)).collect();
    PolicyBundle::load(&files, date(2026, 11, 23)).unwrap_or_else(|problems| panic!("\n{problems}"))
}

/// What Cedar says over all policies at once.
fn decide_whole(bundle: &PolicyBundle, asked: &Asked) -> Result<Verdict, PolicyError> {
    let whole = PolicySet::from_policies(bundle.policies.iter().map(|named| named.policy.clone())).unwrap();
    let response = Authorizer::new().is_authorized(&asked.request, &whole, &asked.entities);
    let failed: BTreeSet<_> = (response.diagnostics().errors())
        .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| name(error.policy_id()).unwrap())
        .collect();
    if !failed.is_empty() {
        return Err(PolicyError::Evaluation(failed.into_iter().collect()));
    }
    let reasons = response.diagnostics().reason().map(|id| name(id).unwrap()).collect();
    Ok(Verdict { allowed: response.decision() == Decision::Allow, reasons })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_slice_decides_as_the_whole_set_does(exceptions in exceptions(), asks in prop::collection::vec(asks(), 1..16)) {
        let bundle = bundle(&exceptions);
        let judge = Judge::new(bundle.schema.clone(), SliceIndex::new(&bundle.policies));
        let words = Words::new(bundle.schema.clone());
        let facts = Facts::new();
        for ask in asks {
            let requester = DepartmentId::parse(ask.requester).unwrap();
            let provider = DepartmentId::parse(ask.provider).unwrap();
            let result_type = ResultTypeId::parse(ask.result_type).unwrap();
            let fields: Vec<_> = ask.fields.iter().map(|field| FieldName::parse(field).unwrap()).collect();
            let request = AccessRequest {
                action: ask.action,
                requester: &requester,
                provider: &provider,
                result_type: &result_type,
                fields: &fields,
                sharing: ask.sharing,
                has_case_number: ask.case_number,
                subject_kind: ask.kind,
                ..facts.request()
            };
            let grant = (ask.sharing == SharingClass::Conditional).then(|| GrantStanding::Live("grant".parse().unwrap()));
            let asked = Asked::new(&words, &request, grant.as_ref()).unwrap();
            let whole = decide_whole(&bundle, &asked);
            // Twice, since the second is one that was prepared before.
            for _ in 0..2 {
                let sliced = judge.prepare(&request, grant.as_ref()).and_then(|prepared| judge.judge(&prepared).cloned());
                prop_assert_eq!(&sliced, &whole, "{:?}", ask);
            }
        }
    }
}

#[test]
fn prepared_requests_are_kept_and_bounded() {
    let bundle = bundle(&[]);
    let judge = Judge::new(bundle.schema.clone(), SliceIndex::new(&bundle.policies));
    let facts = Facts::new();
    let first = judge.prepare(&facts.request(), None).unwrap();
    assert!(Arc::ptr_eq(&first, &judge.prepare(&facts.request(), None).unwrap()));
    let other = AccessRequest { has_case_number: false, ..facts.request() };
    assert!(!Arc::ptr_eq(&first, &judge.prepare(&other, None).unwrap()));
    for number in 0..PREPARED_MAX {
        let name = [FieldName::parse(&format!("f{number}")).unwrap()];
        judge.prepare(&AccessRequest { fields: &name, ..facts.request() }, None).unwrap();
    }
    assert!(judge.prepared.read().unwrap().len() <= PREPARED_MAX);
}
