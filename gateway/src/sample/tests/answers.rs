//! Every case through the directory, the policies, the real adapter and matching, as a question goes.

use std::collections::BTreeSet;
use std::time::Duration;

use heyan_adapters::{AdapterError, Holdings, Lookup, OfficialOnCall};
use heyan_policies::{AccessRequest, Decision, DenialCause, GrantStanding};
use heyan_proto::identifier::{ItemCode, SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{
    DepartmentId, FieldType, Finding, PersonalText, ResultState, ResultTypeId, UndeterminedCause,
};

use super::*;
use crate::directory::{
    Asked, AskedWords, ClaimWords, Member, OfficialWords, PurposeWords, Question, SubjectWords, ValueWords, Words,
};
use crate::matching::{self, Matching, Outcome, Visible};
use crate::sample::cases::{CASES, Case, CaseClaim, Expected, FURTHER_CASES};

fn value(claim: &CaseClaim, field_type: FieldType) -> ValueWords<'static> {
    let one = claim.values[0];
    match field_type {
        FieldType::Scope => ValueWords::Texts(claim.values.to_vec()),
        FieldType::Integer => ValueWords::Integer(one.parse().unwrap()),
        FieldType::Flag => ValueWords::Flag(one.parse().unwrap()),
        FieldType::Text | FieldType::Code | FieldType::Date => ValueWords::Text(one),
    }
}

fn resolve(directory: &Directory, case: &Case) -> Question {
    let result_type = directory.result_type(case.result_type).unwrap();
    let claims = case.claims.iter().map(|claim| {
        let field_type = result_type.field(claim.field).unwrap().field_type();
        ClaimWords { field: claim.field, operator: Some(claim.operator), value: Some(value(claim, field_type)) }
    });
    let words = Words {
        request_id: "018f5c4e-7a3b-7c1d-9e2f-0a1b2c3d4e5f",
        purpose: PurposeWords { item: case.item, case_number: "2026-0001", reason: "办理事项" },
        official: OfficialWords { id: "1001", name: "样例经办人", unit: "综合科", terminal: "10.0.0.1" },
        subject: SubjectWords {
            kind: Some(case.subject.kind),
            number: case.subject.number,
            name: result_type.compares_names().then_some(case.subject.name),
        },
        result_type: case.result_type,
        certificate_number: case.certificate_number,
        asked: AskedWords::Claims(claims.collect()),
        as_of: case.as_of,
        max_age: None,
        validate_only: false,
    };
    directory.resolve(&words, day_of(now())).unwrap_or_else(|rejection| panic!("{}: {rejection}", case.id))
}

fn decide(directory: &Directory, case: &Case, question: &Question) -> Decision {
    let uri = format!("spiffe://sample-city.example/system/{}", case.system);
    let Some(Member::System(system)) = directory.member_by_uri(&uri) else { panic!("{}: no such system", case.id) };
    let (today, result_type) = (day_of(now()), &question.result_type);
    let item = directory.item(&ItemCode::parse(case.item).unwrap()).unwrap();
    let request = AccessRequest {
        action: question.asked.action(),
        requester: &system.department,
        requester_registered: true,
        provider: &result_type.provider,
        result_type: &result_type.id,
        sharing: result_type.sharing,
        disclosure: result_type.disclosure,
        subject_kind: question.subject.kind(),
        item: &item.code,
        item_in_force: item.is_in_force(today),
        item_needs_result: item.needs(&result_type.id),
        item_accepted_by_requester: item.is_accepted_by(&system.department),
        has_case_number: true,
        fields: &question.asked.fields(),
        today,
    };
    directory.engine().authorize(&request).unwrap()
}

fn clock() -> heyan_adapters::Now {
    std::sync::Arc::new(now)
}

/// Nobody hears of what the guards do.
fn unheard() -> std::sync::Arc<dyn heyan_adapters::GuardListener> {
    std::sync::Arc::new(())
}

async fn ask(folder: &Path, directory: &Directory, case: &Case, question: &Question) -> Result<Holdings, AdapterError> {
    let provider = directory.department(&question.result_type.provider).unwrap();
    let adapter =
        heyan_adapters::connect(provider.declaration.as_ref().unwrap(), folder, &unheard(), &clock()).unwrap();
    let lookup = Lookup {
        result_type: question.result_type.id.clone(),
        subject: question.subject.clone(),
        subject_name: Some(name_of(case)),
        certificate_number: question.certificate_number.clone(),
        as_of: question.as_of,
        reason: question.purpose.reason.clone(),
        official: question.official.clone(),
        requester: question.result_type.provider.clone(),
        deadline: Duration::from_secs(20),
        traceparent: None,
    };
    adapter.look_up(&lookup).await
}

fn name_of(case: &Case) -> PersonalText {
    PersonalText::parse(case.subject.name, 64).unwrap()
}

/// What the caller sees of the records.
fn see(case: &Case, question: &Question, holdings: &Holdings) -> Visible {
    let Asked::Claims(claims) = &question.asked else { panic!("a case has claims") };
    let name = name_of(case);
    let matching = Matching {
        result_type: &question.result_type,
        subject: &question.subject,
        subject_name: Some(&name),
        certificate_number: question.certificate_number.as_ref(),
        claims,
        as_of: question.as_of,
        today: day_of(now()),
    };
    let outcome: Outcome<'_> = matching::determine(&matching, holdings).unwrap();
    outcome.visible(question.result_type.disclosure)
}

async fn answer(folder: &Path, directory: &Directory, case: &Case) -> Expected {
    let question = resolve(directory, case);
    if let Decision::Refused(denial) = decide(directory, case, &question) {
        return refusal(case, denial.cause);
    }
    if matching::is_outside_coverage(&question.result_type, question.as_of, day_of(now())) {
        return Expected::OutsideCoverage;
    }
    let holdings = match ask(folder, directory, case, &question).await {
        Ok(holdings) => holdings,
        Err(AdapterError::Unavailable) => return Expected::Undetermined(UndeterminedCause::DepartmentDown),
        Err(error) => panic!("{}: {error}", case.id),
    };
    assert!(holdings.updated_at.is_some(), "{}: the data set has no update time", case.id);
    let visible = see(case, &question, &holdings);
    let Some(detail) = visible.detail else {
        return if visible.finding == Finding::Confirmed { Expected::Confirmed } else { Expected::VerdictNo };
    };
    for (claim, (field, _, outcome)) in case.claims.iter().zip(&detail.claims) {
        assert_eq!((claim.field, claim.outcome), (field.as_str(), *outcome), "{}", case.id);
    }
    match (visible.finding, detail.state) {
        (Finding::Confirmed, _) => Expected::Confirmed,
        (Finding::Ambiguous, _) => Expected::Ambiguous,
        (_, None) => Expected::NotIssued,
        (_, Some(ResultState::InForce)) => Expected::ClaimFails,
        (_, Some(ResultState::Other(words))) => match case.expect {
            Expected::NotInForceInTheirWords(expected) if words == expected => case.expect.clone(),
            _ => Expected::NotInForce(ResultState::Other(words)),
        },
        (_, Some(state)) => Expected::NotInForce(state),
    }
}

/// The expectation that a refusal meets. A case names ids as texts that live for ever; an id that it does not name fails it.
fn refusal(case: &Case, cause: DenialCause) -> Expected {
    let is = match cause {
        DenialCause::Exception(exception) => exception.id.to_string(),
        DenialCause::GrantRequired(GrantStanding::None) => return Expected::GrantRequired(None),
        DenialCause::GrantRequired(
            GrantStanding::NotYet(grant)
            | GrantStanding::Ended(grant)
            | GrantStanding::Suspended(grant)
            | GrantStanding::OutsideScope(grant, _),
        ) => grant.to_string(),
        DenialCause::GrantRequired(GrantStanding::Live(_)) => panic!("{}: refused under a live grant", case.id),
        DenialCause::NotPermitted(conditions) => panic!("{}: {conditions:?}", case.id),
    };
    match &case.expect {
        Expected::RefusedByException(id) | Expected::GrantRequired(Some(id)) => assert_eq!(is, *id, "{}", case.id),
        other => panic!("{}: refused by {is}, expected {other:?}", case.id),
    }
    case.expect.clone()
}

#[tokio::test]
async fn every_case_has_the_answer_that_it_promises() {
    let (folder, _) = city();
    let directory = directory_of(folder.path());
    for case in CASES.iter().chain(FURTHER_CASES) {
        assert_eq!(answer(folder.path(), &directory, case).await, case.expect, "{}", case.id);
    }
    let ids: BTreeSet<&str> = CASES.iter().chain(FURTHER_CASES).map(|case| case.id).collect();
    assert_eq!(ids.len(), CASES.len() + FURTHER_CASES.len(), "ids are not distinct");
    assert!(ids.iter().all(|id| Case::named(id).is_some_and(|case| case.id == *id)));
}

/// Result type, kind of number, department, and where its numbers stand.
const SOURCES: [(&str, SubjectKind, &str, &str); 14] = [
    ("business-licence", SubjectKind::CreditCode, "market-regulation", "SELECT TYSHXYDM FROM QYDJ_JBXX"),
    ("food-licence", SubjectKind::CreditCode, "market-regulation", "SELECT DISTINCT TYSHXYDM FROM SPJY_XKZ"),
    (
        "identity-card",
        SubjectKind::CitizenNumber,
        "public-security",
        "SELECT GMSFHM FROM CZRK_JBXX WHERE ZJLX = '111' LIMIT 1500",
    ),
    (
        "criminal-record",
        SubjectKind::CitizenNumber,
        "public-security",
        "SELECT GMSFHM FROM WFFZ_JL WHERE GMSFHM GLOB '5*'",
    ),
    ("marriage-registration", SubjectKind::CitizenNumber, "civil-affairs", "SELECT nan_sfzh FROM hydj LIMIT 1500"),
    ("subsistence-allowance", SubjectKind::CitizenNumber, "civil-affairs", "SELECT DISTINCT sfzh FROM shjz_dx"),
    ("social-organisation", SubjectKind::CreditCode, "civil-affairs", "SELECT tyshxydm FROM shzz"),
    (
        "real-estate-certificate",
        SubjectKind::CitizenNumber,
        "natural-resources",
        "SELECT DISTINCT ZJH FROM BDC_QLR WHERE ZJH GLOB '5*' LIMIT 1500",
    ),
    (
        "birth-certificate",
        SubjectKind::CitizenNumber,
        "health",
        "SELECT DISTINCT MQZJHM FROM T_CSYXZM WHERE MQZJHM GLOB '5*' LIMIT 1500",
    ),
    ("death-record", SubjectKind::CitizenNumber, "health", "SELECT SFZH FROM T_SWDJ"),
    (
        "social-insurance",
        SubjectKind::CitizenNumber,
        "human-resources",
        "SELECT AAC002 FROM AC01 WHERE AAC002 GLOB '5*' LIMIT 1500",
    ),
    ("road-transport-permit", SubjectKind::CreditCode, "transport", "SELECT DISTINCT TYXYDM FROM DLYS_JYXKZ"),
    (
        "work-safety-licence",
        SubjectKind::CreditCode,
        "housing-construction",
        "SELECT DISTINCT CorpCode FROM SafetyCert",
    ),
    ("tax-clearance", SubjectKind::CreditCode, "tax", "SELECT NSRSBH FROM DJ_NSRXX WHERE NSRLX = '1'"),
];

/// Each record of each department through its own declaration: nothing is malformed, and every state appears.
#[tokio::test]
async fn every_state_appears() {
    let (folder, city) = city();
    let directory = directory_of(folder.path());
    let mut states = BTreeSet::new();
    for (result_type, kind, department, query) in SOURCES {
        let adapter = {
            let id = DepartmentId::parse(department).unwrap();
            let provider = directory.department(&id).unwrap();
            heyan_adapters::connect(provider.declaration.as_ref().unwrap(), folder.path(), &unheard(), &clock())
                .unwrap()
        };
        let result_type = directory.result_type(result_type).unwrap();
        for number in texts(&open(&city, department), query) {
            let subject = SubjectNumber::parse(kind, &number).unwrap();
            let lookup = lookup_of(result_type.id.clone(), subject.clone());
            let holdings = adapter.look_up(&lookup).await.unwrap_or_else(|error| panic!("{}: {error}", result_type.id));
            assert!(!holdings.records.is_empty() && !holdings.more, "{}", result_type.id);
            for record in &holdings.records {
                assert!(
                    record.holders.iter().any(|holder| holder.number.as_deref() == Some(subject.expose())),
                    "{}",
                    result_type.id
                );
                states.insert(record.state.as_str());
            }
        }
    }
    for state in ResultState::CLOSED.iter().map(ResultState::as_str).chain(["other"]) {
        assert!(states.contains(state), "{state}");
    }
}

fn lookup_of(result_type: ResultTypeId, subject: SubjectNumber) -> Lookup {
    let text = |text: &str| PersonalText::parse(text, 64).unwrap();
    Lookup {
        result_type,
        subject,
        subject_name: None,
        certificate_number: None,
        as_of: day_of(now()),
        reason: text("办理事项"),
        official: OfficialOnCall {
            id: text("1001"),
            name: text("样例经办人"),
            unit: text("综合科"),
            terminal: text("10.0.0.1"),
        },
        requester: DepartmentId::parse("service-centre").unwrap(),
        deadline: Duration::from_secs(20),
        traceparent: None,
    }
}
