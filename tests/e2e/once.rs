//! A question is one question. Failure: a repeated question that has another answer, another receipt, a second entry, or asks
//! a department again; one id that serves two questions; two callers that get in each other's way.

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, Told, classes_from, entries, questions, until};
use rusqlite::{Connection, OpenFlags};
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;
use v1::verify_response::Answer;

/// Each kind of answer, and the entries that its question makes.
const KINDS: &[(&str, &[&str])] = &[
    ("food-licence-in-force", &["intent", "answered"]),
    ("food-licence-deregistered", &["intent", "answered"]),
    ("two-licences-ambiguous", &["intent", "answered"]),
    ("marriage-before-coverage", &["answered"]),
    ("public-order-record-refused", &["denied"]),
    ("suspended-grant", &["denied"]),
    ("degree-undetermined", &["intent", "undetermined"]),
];

type Client = VerificationServiceClient<Channel>;

async fn client(gateway: &Gateway, system: &str) -> Client {
    VerificationServiceClient::new(gateway.connect(system).await)
}

async fn ask(client: &mut Client, question: &v1::VerifyRequest) -> v1::VerifyResponse {
    client.verify(question.clone()).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_repeated_question_has_the_recorded_answer_also_after_a_restart() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut asked = Vec::new();
    for (id, classes) in KINDS {
        let (case, question) = questions::named(id);
        let mut client = client(&gateway, case.system).await;
        let before = entries(&city).len() as u64;
        let first = ask(&mut client, &question).await;
        assert_eq!(classes_from(&city, before), *classes, "{id}");
        let receipt = first.receipt.as_ref().unwrap();
        assert_eq!(receipt.index, before + classes.len() as u64 - 1, "{id}: the receipt is that of the answer's entry");
        assert_eq!(ask(&mut client, &question).await, first, "{id}");
        // Another connection is the same caller.
        let mut other = VerificationServiceClient::new(gateway.connect(case.system).await);
        assert_eq!(ask(&mut other, &question).await, first, "{id}");
        assert_eq!(classes_from(&city, before), *classes, "{id}: a repetition makes no entry");
        asked.push((case, question, first));
    }
    gateway.signal("TERM");
    let (ended_well, logs) = gateway.wait();
    assert!(ended_well, "{logs}");
    let before = entries(&city).len();
    let gateway = Gateway::start(&city);
    for (case, question, first) in asked {
        let again = ask(&mut client(&gateway, case.system).await, &question).await;
        assert_eq!(again, first, "{}", case.id);
    }
    assert_eq!(entries(&city).len(), before, "repetitions make no entry");
}

/// So long ago that it is found through the file alone, in which entries are filed thousands at a time.
#[tokio::test]
async fn a_question_that_was_answered_long_ago_is_asked_of_nobody_again() {
    let city = City::new();
    let gateway = Gateway::start_with(&city, "warn");
    let mut asked = Vec::new();
    for (id, _) in KINDS {
        let (case, question) = questions::named(id);
        let first = ask(&mut client(&gateway, case.system).await, &question).await;
        asked.push((case, question, first));
    }
    let last = entries(&city).len() as u64;
    make_entries(&mut client(&gateway, asked[0].0.system).await, 9_500).await;
    let log = Connection::open_with_flags(city.file("state/audit.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let filed = log.query_row("SELECT filed FROM file", [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(filed.cast_unsigned() >= last, "only {filed} entries are filed: nothing is shown");
    let before = entries(&city).len() as u64;
    for (case, question, first) in &asked {
        let mut client = client(&gateway, case.system).await;
        assert_eq!(ask(&mut client, question).await, *first, "{}", case.id);
        let mut other = question.clone();
        other.purpose.as_mut().unwrap().reason.push('二');
        let told = Told::by(&client.verify(other).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"), "{}", case.id);
    }
    assert_eq!(classes_from(&city, before), [] as [&str; 0], "repetitions make no entry");
}

/// Entries of questions that are none, a hundred at a time.
async fn make_entries(client: &mut Client, count: usize) {
    let requests = vec![v1::VerifyRequest::default(); 100];
    for _ in 0..count.div_ceil(requests.len()) {
        client.batch_verify(v1::BatchVerifyRequest { requests: requests.clone() }).await.unwrap();
    }
}

#[tokio::test]
async fn a_try_is_a_question_of_its_own() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, mut question) = questions::named("food-licence-in-force");
    let mut client = client(&gateway, case.system).await;
    question.validate_only = true;
    let first = ask(&mut client, &question).await;
    assert!(first.answer.is_none() && first.validation.is_some(), "{first:?}");
    assert_eq!(ask(&mut client, &question).await, first);
    question.validate_only = false;
    let told = Told::by(&client.verify(question).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
}

type Change = fn(&mut v1::VerifyRequest);

/// Every part of a question counts as its content.
const OTHER_CONTENT: &[(&str, Change)] = &[
    ("subject", |q| q.subject.as_mut().unwrap().number = "91500000MA0000023K".into()),
    ("name", |q| q.subject.as_mut().unwrap().name = Some("样例江边餐饮有限公司".into())),
    ("case", |q| q.purpose.as_mut().unwrap().case_number.push('1')),
    ("reason", |q| q.purpose.as_mut().unwrap().reason.push('。')),
    ("official", |q| q.official.as_mut().unwrap().id.push('1')),
    ("claims", |q| q.claims.clear()),
    ("as_of", |q| q.as_of = Some("2026-01-01".into())),
    ("certificate", |q| q.certificate_number = Some("JY25001030000011".into())),
    ("result type", |q| {
        q.result_type = "business-licence".into();
        q.claims.clear();
    }),
    ("max_age", |q| q.max_age = Some(prost_types::Duration { seconds: 60, nanos: 0 })),
];

#[tokio::test]
async fn an_id_serves_one_question() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for id in ["food-licence-in-force", "public-order-record-refused"] {
        let (case, question) = questions::named(id);
        let mut client = client(&gateway, case.system).await;
        let index = ask(&mut client, &question).await.receipt.unwrap().index;
        let after = entries(&city).len();
        let others = OTHER_CONTENT.iter().filter(|(what, _)| id == "food-licence-in-force" || *what == "case");
        for (what, change) in others {
            let mut other = question.clone();
            change(&mut other);
            let told = Told::by(&client.verify(other).await.unwrap_err());
            assert_eq!((told.code, told.reason.as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"), "{id} {what}");
            assert_eq!(told.metadata.get("index"), Some(&index.to_string()), "{id} {what}");
        }
        let (purpose, official, subject) = (question.purpose, question.official, question.subject);
        let retrieval = v1::RetrieveResultRequest {
            request_id: question.request_id,
            result_type: question.result_type,
            fields: vec!["business_items".into()],
            purpose,
            official,
            subject,
            ..Default::default()
        };
        if id == "food-licence-in-force" {
            let told = Told::by(&client.retrieve_result(retrieval).await.unwrap_err());
            assert_eq!(told.reason, "REQUEST_ID_REUSED", "values are not what was asked for");
        }
        assert_eq!(entries(&city).len(), after, "nothing was asked, and nothing answered");
    }
}

#[tokio::test]
async fn duplicates_at_once_are_one_question() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for (id, classes) in KINDS {
        let (case, question) = questions::named(id);
        let before = entries(&city).len() as u64;
        let channels = [gateway.connect(case.system).await, gateway.connect(case.system).await];
        let mut askers = JoinSet::new();
        for at in 0..16 {
            let (channel, question) = (channels[at % 2].clone(), question.clone());
            askers.spawn(async move { VerificationServiceClient::new(channel).verify(question).await });
        }
        let mut answers = Vec::new();
        while let Some(answered) = askers.join_next().await {
            answers.push(answered.unwrap().unwrap().into_inner());
        }
        assert_eq!(answers.len(), 16);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{id}: {answers:?}");
        assert_eq!(classes_from(&city, before), *classes, "{id}");
    }
}

#[tokio::test]
async fn an_id_of_another_system_is_another_question() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let mut health = client(&gateway, case.system).await;
    let mut window = client(&gateway, "service-window").await;
    let first = ask(&mut health, &question).await;
    // The window may ask for the same item, and gets an answer of its own.
    let second = ask(&mut window, &question).await;
    assert!(matches!(
        (&first.answer, &second.answer),
        (Some(Answer::Determination(_)), Some(Answer::Determination(_)))
    ));
    assert_ne!(first.decision_id, second.decision_id);
    assert_ne!(first.receipt.as_ref().unwrap().index, second.receipt.as_ref().unwrap().index);
    // Nor does it learn that others have used the id for something else.
    let (case, mut other) = questions::named("degree-undetermined");
    other.request_id = question.request_id;
    let third = ask(&mut client(&gateway, case.system).await, &other).await;
    assert!(matches!(third.answer, Some(Answer::Undetermined(_))), "{third:?}");
}

#[tokio::test]
async fn an_answer_stays_when_the_directory_has_changed_since() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let mut client = client(&gateway, case.system).await;
    let first = ask(&mut client, &question).await;
    city.edit("items/nursery-filing.toml", |text| text.replace("status = \"in_force\"", "status = \"cancelled\""));
    gateway.signal("HUP");
    until("the item is cancelled", async || client.clone().verify(questions::of_case(case)).await.is_err()).await;
    let before = entries(&city).len();
    assert_eq!(ask(&mut client, &question).await, first);
    assert_eq!(entries(&city).len(), before, "a repetition makes no entry");
}
