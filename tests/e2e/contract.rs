//! What the contract promises beside the answers. Failure: an item of a batch out of order, a value that was not asked for or
//! not disclosed, an explanation of somebody else's decision, a try that asks, a page that skips, a directory that does not say
//! what a caller needs, an id that differs between header, answer and log, a call that fails because a gateway stops.

mod directory;
mod retrieval;
mod stopping;

use heyan_proto::v1;
use heyan_proto::v1::batch_verify_item::Result as Item;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, Told, classes_from, entries, entries_from, questions};
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;
use v1::verify_response::Answer;

type Client = VerificationServiceClient<Channel>;

async fn client(gateway: &Gateway, system: &str) -> Client {
    VerificationServiceClient::new(gateway.connect(system).await)
}

async fn ask(client: &mut Client, question: &v1::VerifyRequest) -> v1::VerifyResponse {
    client.verify(question.clone()).await.unwrap().into_inner()
}

/// The questions of one system's batch and what becomes of each, in order.
const BATCH: &[(&str, &str)] = &[
    ("food-licence-in-force", "CONFIRMED"),
    ("food-licence-in-force", "RESULT_TYPE_UNKNOWN"),
    ("public-order-record-refused", "EXCEPTION"),
    ("food-licence-deregistered", "NOT_CONFIRMED"),
    ("two-licences-ambiguous", "AMBIGUOUS"),
    ("suspended-grant", "GRANT_REQUIRED"),
    ("no-food-licence", "NOT_CONFIRMED"),
    ("food-licence-in-force", "ITEM_UNKNOWN"),
    ("two-licences-told-apart", "CONFIRMED"),
];

fn became(item: &v1::BatchVerifyItem) -> String {
    match item.result.as_ref().unwrap() {
        Item::Status(status) => {
            let status = tonic::Status::with_details(
                Code::from_i32(status.code),
                status.message.clone(),
                prost::Message::encode_to_vec(status).into(),
            );
            status.get_details_error_info().unwrap().reason
        }
        Item::Response(response) => match response.answer.as_ref().unwrap() {
            Answer::Determination(of) => of.finding().as_str_name().trim_start_matches("FINDING_").into(),
            Answer::Refusal(of) => of.cause().as_str_name().trim_start_matches("REFUSAL_CAUSE_").into(),
            Answer::Undetermined(of) => of.cause().as_str_name().trim_start_matches("UNDETERMINED_CAUSE_").into(),
        },
    }
}

#[tokio::test]
async fn a_batch_has_its_answers_and_errors_in_its_order() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut client = client(&gateway, "health-intake").await;
    let mut requests = Vec::new();
    for (id, outcome) in BATCH.iter().cycle().take(100) {
        let mut question = questions::named(id).1;
        match *outcome {
            "RESULT_TYPE_UNKNOWN" => question.result_type = "no-such".into(),
            "ITEM_UNKNOWN" => question.purpose.as_mut().unwrap().item = "11500000MB000006XJ2001023004099".into(),
            _ => {}
        }
        requests.push(question);
    }
    let batch = v1::BatchVerifyRequest { requests: requests.clone() };
    let response = client.batch_verify(batch.clone()).await.unwrap();
    let items = &response.get_ref().items;
    let outcomes: Vec<String> = items.iter().map(became).collect();
    let expected: Vec<&str> = BATCH.iter().cycle().take(100).map(|(_, outcome)| *outcome).collect();
    assert_eq!(outcomes, expected);
    // Each question is a decision of its own, recorded under its own id.
    let log = entries(&city);
    let mut decisions = std::collections::HashSet::new();
    for (item, question) in items.iter().zip(&requests) {
        let Some(Item::Response(of)) = &item.result else { continue };
        assert!(decisions.insert(of.decision_id.clone()), "{question:?}");
        let receipt = of.receipt.as_ref().unwrap();
        assert_eq!(log[usize::try_from(receipt.index).unwrap()].text("id"), of.decision_id);
        assert_eq!(ask(&mut client, question).await, *of, "the same question asked alone has the same answer");
    }
    let rejected = log.iter().filter(|entry| entry.text("class") == "rejected").count();
    let faults = expected.iter().filter(|outcome| outcome.ends_with("UNKNOWN")).count();
    assert_eq!(rejected, faults);
    // The whole batch again: the recorded answers, and nothing asked.
    let again = client.batch_verify(batch).await.unwrap().into_inner();
    let answers = |items: &[v1::BatchVerifyItem]| -> Vec<_> {
        items.iter().filter(|item| matches!(item.result, Some(Item::Response(_)))).cloned().collect()
    };
    assert_eq!(answers(&again.items), answers(items));
    let after = entries_from(&city, log.len() as u64);
    assert!(after.iter().all(|entry| entry.text("class") == "rejected"), "{after:?}");
}

#[tokio::test]
async fn one_id_stands_in_the_header_the_answer_the_receipt_and_the_log() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for id in ["food-licence-in-force", "public-order-record-refused", "degree-undetermined"] {
        let (case, question) = questions::named(id);
        let response = client(&gateway, case.system).await.verify(question).await.unwrap();
        let header = response.metadata().get("x-decision-id").unwrap().to_str().unwrap().to_owned();
        let of = response.into_inner();
        let receipt = of.receipt.unwrap();
        let entry = entries(&city).into_iter().find(|entry| entry.index == receipt.index).unwrap();
        assert_eq!([&header, &receipt.decision_id], [&of.decision_id, &of.decision_id], "{id}");
        assert_eq!(entry.text("id"), of.decision_id, "{id}");
        let intent = entry.intent().map(|index| entries(&city)[usize::try_from(index).unwrap()].clone());
        assert!(
            intent.is_none_or(|intent| intent.text("id") == of.decision_id),
            "{id}: an intent is of the same decision"
        );
    }
}

#[tokio::test]
async fn own_decisions_are_explained_and_others_do_not_exist() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut health = client(&gateway, "health-intake").await;
    let mut housing = client(&gateway, "housing-intake").await;
    let explain = |decision: &str| v1::ExplainDecisionRequest { decision_id: decision.into() };

    let permitted = ask(&mut health, &questions::named("food-licence-in-force").1).await;
    let of = health.explain_decision(explain(&permitted.decision_id)).await.unwrap().into_inner();
    assert!(of.permitted);
    assert_eq!((of.decision_id.as_str(), of.index), (permitted.decision_id.as_str(), permitted.receipt.unwrap().index));
    assert_eq!((of.result_type.as_str(), of.provider.as_str()), ("food-licence", "market-regulation"));
    assert_eq!(of.action(), v1::DecisionAction::Verify);
    assert_eq!(of.item, heyan::sample::cases::item::NURSERY_FILING);
    assert_eq!(of.policy_bundle.len(), 64);
    assert!(of.conditions.len() >= 5 && of.conditions.iter().all(|check| check.met), "{of:?}");
    assert!(of.policies.iter().any(|policy| policy.effect() == v1::Effect::Permit && policy.applied), "{of:?}");

    let refused = ask(&mut health, &questions::named("public-order-record-refused").1).await;
    let of = health.explain_decision(explain(&refused.decision_id)).await.unwrap().into_inner();
    let forbids = of.policies.iter().find(|policy| policy.policy == "sealed-public-order-records");
    let forbids = forbids.unwrap_or_else(|| panic!("{of:?}"));
    assert!(!of.permitted && forbids.applied && forbids.effect() == v1::Effect::Forbid, "{of:?}");
    assert!(forbids.legal_basis.as_ref().unwrap().citation.starts_with('《'), "{of:?}");

    let granted = ask(&mut housing, &questions::named("married-owners-of-a-flat").1).await;
    let of = housing.explain_decision(explain(&granted.decision_id)).await.unwrap().into_inner();
    assert_eq!(of.grant, "housing-rental-2026");

    let mut transport = client(&gateway, "transport-intake").await;
    let unmet = ask(&mut transport, &questions::named("food-licence-in-force").1).await;
    let of = transport.explain_decision(explain(&unmet.decision_id)).await.unwrap().into_inner();
    let failed: Vec<_> = of.conditions.iter().filter(|check| !check.met).collect();
    let [failed] = failed[..] else { panic!("{of:?}") };
    assert_eq!((of.permitted, failed.condition()), (false, v1::Condition::ItemAcceptedByRequester));
    assert!(failed.text.as_ref().is_some_and(|text| !text.zh_cn.is_empty() && !text.en.is_empty()), "{of:?}");

    let unknown = uuid::Uuid::now_v7().to_string();
    for decision in [&granted.decision_id, &unknown, &"no id".to_owned(), &String::new()] {
        let told = Told::by(&health.explain_decision(explain(decision)).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::NotFound, "DECISION_UNKNOWN"), "{decision}");
    }
}

#[tokio::test]
async fn a_try_decides_and_asks_nobody() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for (id, class) in [
        ("food-licence-in-force", "answered"),
        ("degree-undetermined", "answered"),
        ("public-order-record-refused", "denied"),
        ("suspended-grant", "denied"),
    ] {
        let (case, question) = questions::named(id);
        let question = v1::VerifyRequest { validate_only: true, ..question };
        let before = entries(&city).len() as u64;
        let response = ask(&mut client(&gateway, case.system).await, &question).await;
        assert_eq!(classes_from(&city, before), [class], "{id}: one entry, no intent");
        assert_eq!(entries_from(&city, before)[0].text("ev"), "validate_only");
        match (class, response.answer, response.validation) {
            ("answered", None, Some(validation)) => {
                let claimed: Vec<&str> = case.claims.iter().map(|claim| claim.field).collect();
                assert_eq!(validation.fields, claimed, "{id}");
            }
            ("denied", Some(Answer::Refusal(_)), None) => {}
            other => panic!("{id}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn requests_and_replies_may_be_compressed() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let plain = ask(&mut client(&gateway, case.system).await, &question).await;
    let compressed = client(&gateway, case.system).await.send_compressed(CompressionEncoding::Gzip);
    let mut compressed = compressed.accept_compressed(CompressionEncoding::Gzip);
    let response = compressed.verify(question).await.unwrap();
    assert_eq!(response.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(response.into_inner(), plain);
}

#[tokio::test]
async fn health_is_served_for_the_gateway_and_each_service() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut health = HealthClient::new(gateway.connect("health-intake").await);
    let mut said = async |service: &str| {
        let asked = health.check(HealthCheckRequest { service: service.into() }).await;
        asked.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
    };
    for service in ["", "heyan.v1.VerificationService", "heyan.v1.DirectoryService", "heyan.v1.AuditService"] {
        // Who connects in the moment in which the port opens may hear that it does not serve yet.
        let started = std::time::Instant::now();
        while said(service).await != Ok(ServingStatus::Serving) {
            assert!(started.elapsed() < std::time::Duration::from_secs(5), "{service}");
        }
    }
    assert_eq!(said("heyan.v1.None").await, Err(Code::NotFound));
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_told_as_one_and_loses_no_answer() {
    let city = City::new();
    // tonic's client would end the call by itself, so the deadline is the gateway's own.
    city.edit("heyan.toml", |text| text.replace("deadline_default = \"5s\"", "deadline_default = \"5ms\""));
    let gateway = Gateway::start(&city);
    let mut client = client(&gateway, "health-intake").await;
    let requests: Vec<_> = (0..100).map(|_| questions::live(questions::named("food-licence-in-force").1)).collect();
    let status = client.batch_verify(v1::BatchVerifyRequest { requests: requests.clone() }).await.unwrap_err();
    let told = Told::by(&status);
    assert_eq!((told.code, told.reason.as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    assert!(status.metadata().contains_key("x-decision-id") && told.metadata.contains_key("decision_id"));
    // Those that were taken are answered and recorded, be it that the department was too slow for the deadline; the first of
    // them, asked again, is not asked twice.
    let mut call = Request::new(requests[0].clone());
    call.set_timeout(std::time::Duration::from_secs(10));
    let answered = client.verify(call).await.unwrap().into_inner();
    let log = entries(&city);
    let of_first: Vec<_> = log.iter().filter(|entry| entry.text("id") == answered.decision_id).collect();
    let [intent, answer] = of_first[..] else { panic!("{of_first:?}") };
    assert_eq!((intent.text("class"), answer.intent()), ("intent", Some(intent.index)));
    assert_eq!(answer.index, answered.receipt.unwrap().index);
}
