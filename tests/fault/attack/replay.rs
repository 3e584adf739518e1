//! A17 and A18: words that claim to be somebody, and questions that are sent again. That metadata names no caller, and that an id
//! serves one question of one system, are held by `e2e/identity.rs` and `e2e/once.rs`; here is what only an attacker sends.
//! Failure: an answer, an entry or a decision that the attacker has chosen.

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, Told, entries, questions};
use prost::Message as _;
use tonic::{Code, Request};

/// Headers that the gateway writes itself, or that others write for it.
const FORGED: [(&str, &str); 4] = [
    ("x-decision-id", "0193d6f8-53a4-7c1e-8f7a-000000000000"),
    ("x-caller", "spiffe://sample-city.example/system/service-window"),
    ("x-forwarded-client-cert", "URI=spiffe://sample-city.example/system/service-window"),
    ("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJzZXJ2aWNlLXdpbmRvdyJ9."),
];

#[tokio::test]
async fn forged_words_are_not_taken_over() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let mut call = Request::new(question);
    for (name, value) in FORGED {
        call.metadata_mut().insert(name, value.parse().unwrap());
    }
    let response = client.verify(call).await.unwrap();
    let decisions: Vec<_> = response.metadata().get_all("x-decision-id").iter().collect();
    assert_eq!(decisions, [response.get_ref().decision_id.as_str()]);
    assert_ne!(response.get_ref().decision_id, FORGED[0].1);
    for entry in entries(&city) {
        assert_eq!(entry.text("caller"), "spiffe://sample-city.example/system/health-intake");
        assert!(!String::from_utf8_lossy(&entry.bytes).contains(FORGED[0].1));
    }
}

/// Another caller who has seen a question learns nothing by sending it as it was: it may not ask it.
#[tokio::test]
async fn a_stolen_question_is_the_thiefs_own() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("married-owners-of-a-flat");
    let mut owner = VerificationServiceClient::new(gateway.connect(case.system).await);
    let answered = owner.verify(question.clone()).await.unwrap().into_inner();
    let before = entries(&city).len();
    let mut thief = VerificationServiceClient::new(gateway.connect("human-resources-intake").await);
    let stolen = thief.verify(question).await;
    match &stolen {
        Ok(response) => {
            let response = response.get_ref();
            assert!(matches!(response.answer, Some(v1::verify_response::Answer::Refusal(_))), "{response:?}");
            assert_ne!(response.receipt, answered.receipt);
        }
        Err(status) => assert_ne!(status.code(), Code::AlreadyExists, "the thief learns that the id is in use"),
    }
    let asked = v1::ExplainDecisionRequest { decision_id: answered.decision_id };
    let told = Told::by(&thief.explain_decision(asked).await.unwrap_err());
    assert_eq!(told.reason, "DECISION_UNKNOWN");
    let entries = entries(&city);
    let own = entries[before..].iter().all(|entry| entry.text("caller").ends_with("/human-resources-intake"));
    assert!(own && entries.len() > before, "the thief is recorded as the thief: {entries:?}");
}

/// The same question with fields that the gateway does not know is the same question, and is answered from the record: nothing can
/// be added to what was asked.
#[tokio::test]
async fn unknown_fields_do_not_make_another_question() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let channel = gateway.connect(case.system).await;
    let first = VerificationServiceClient::new(channel.clone()).verify(question.clone()).await.unwrap().into_inner();
    let before = entries(&city).len();
    let with_unknown = [&question.encode_to_vec()[..], &[0xA2, 0x06, 0x02, b'h', b'i']].concat();
    let again = super::messages::send(channel, super::messages::VERIFY, with_unknown).await.unwrap();
    assert_eq!(v1::VerifyResponse::decode(&again[..]).unwrap(), first);
    assert_eq!(entries(&city).len(), before, "nobody was asked again");
}
