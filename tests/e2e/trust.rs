//! What a hostile caller, operator or department tries. Failure: more work than the limits allow, or personal words in a log
//! that was asked for more than it should say.

use std::time::{Duration, Instant};

use heyan::sample::cases::{CASES, FURTHER_CASES};
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, Told, classes_from, entries, questions, until};
use tonic::Code;
use uuid::Uuid;
use v1::verify_response::Answer;

/// Makes every look-up of a food licence take some seconds of work at its department.
fn slow_down(city: &City) {
    city.edit("departments/market-regulation.toml", |text| {
        let slow = "FROM SPJY_XKZ
 WHERE TYSHXYDM = :subject_number AND 0 < \
                    (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900000000) SELECT max(i) FROM n)";
        text.replace("FROM SPJY_XKZ\n WHERE TYSHXYDM = :subject_number", slow)
    });
}

/// Whoever calls and hangs up does not get around `limits.in_flight`: the question goes on until its answer is recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_hangs_up_makes_no_room_for_another_call() {
    let city = City::new();
    slow_down(&city);
    city.edit("heyan.toml", |text| text.replace("in_flight = 1024", "in_flight = 1"));
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let hung_up = tokio::time::timeout(Duration::from_millis(300), client.verify(question.clone())).await;
    assert!(hung_up.is_err(), "the department is not slow: {hung_up:?}");
    assert_eq!(classes_from(&city, 0), ["intent"], "the question is not with the department");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut other = question.clone();
    other.request_id = Uuid::new_v4().to_string();
    let started = Instant::now();
    let told = Told::by(&client.verify(other).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(started.elapsed() < Duration::from_secs(1));
    // The question that nobody waits for is answered in the log, and then there is room again.
    until("the answer is recorded", || async { classes_from(&city, 0) == ["intent", "undetermined"] }).await;
    client.verify(question).await.unwrap();
}

/// A batch may name one id twice; whoever comes second waits for the first, and neither waits forever.
#[tokio::test]
async fn one_id_all_through_a_batch_is_one_question() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let batch = v1::BatchVerifyRequest { requests: vec![question; 100] };
    let answered = tokio::time::timeout(Duration::from_secs(4), client.batch_verify(batch)).await.unwrap();
    let items = answered.unwrap().into_inner().items;
    assert_eq!(items.len(), 100);
    assert!(items.iter().all(|item| *item == items[0]), "{items:?}");
    assert_eq!(classes_from(&city, 0), ["intent", "answered"]);
}

/// A library's talk can be asked for by name, and is still not written: it shows headers, frames and values.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_filter_makes_a_library_talk() {
    let city = City::new();
    let filter = "trace,h2::codec=trace,h2::hpack=trace,hyper::proto=trace,tonic::codec=trace,rustls::server=trace,\
                  [rpc]=trace,[{caller}]=trace";
    let gateway = Gateway::start_with(&city, filter);
    let (case, question) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    client.verify(question).await.unwrap();
    drop(client);
    gateway.signal("TERM");
    let (_, logs) = gateway.wait();
    assert!(logs.contains("\"level\":\"DEBUG\"") && logs.contains("heyan::departments"), "{logs}");
    for line in logs.lines().filter(|line| !line.contains("\"target\":\"heyan")) {
        assert!(!line.contains("\"TRACE\"") && !line.contains("\"DEBUG\""), "{line}");
    }
}

/// Records that state what is are not taken for what was: nobody born in 2000 is confirmed to have owed nothing in 1990.
#[tokio::test]
async fn records_of_today_confirm_nothing_about_earlier_days() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for id in ["nothing-owed", "food-licence-in-force"] {
        let case = CASES.iter().chain(FURTHER_CASES).find(|case| case.id == id).unwrap();
        let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
        let before = classes_from(&city, 0).len() as u64;
        let question = v1::VerifyRequest { as_of: Some("1990-01-01".into()), ..questions::of_case(case) };
        let Some(Answer::Determination(found)) = client.verify(question).await.unwrap().into_inner().answer else {
            panic!("{id} has no determination");
        };
        if id == "nothing-owed" {
            assert_eq!(found.finding(), v1::Finding::OutsideCoverage);
            assert!(found.coverage_note.unwrap().en.contains("say nothing of earlier days"));
            assert_eq!(classes_from(&city, before), ["answered"], "nobody was asked");
        } else {
            // These have a first valid day, so that the department can be asked.
            assert_eq!(found.finding(), v1::Finding::NotConfirmed);
            assert_eq!(found.detail.unwrap().state(), v1::ResultState::NotYetInForce);
        }
    }
}

/// Clients in other languages take 8 KiB of trailers (grpc-java, grpcio) and lose a longer error.
#[tokio::test]
async fn an_error_about_everything_fits_into_trailers() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let wrong = v1::Claim {
        field: "no_such_field".into(),
        operator: v1::Operator::Equals.into(),
        value: Some(v1::claim::Value::Text("x".into())),
    };
    let status = client.verify(v1::VerifyRequest { claims: vec![wrong; 32], ..question }).await.unwrap_err();
    let told = Told::by(&status);
    assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "FIELD_UNKNOWN"));
    let (said, left_out) = (told.fields(), told.metadata["violations_left_out"].parse::<usize>().unwrap());
    assert_eq!((said[0], said.len() + left_out), ("claims[0].field", 32));
    // Trailers hold the message percent-encoded and the details in base64.
    let encoded: usize = status.message().bytes().map(|byte| if byte.is_ascii_graphic() { 1 } else { 3 }).sum();
    let size = encoded + status.details().len().div_ceil(3) * 4;
    assert!(size < 7 * 1024, "the error has {size} bytes");
}

/// Whoever asks for a decision that cannot be has tried something, and the log says so.
#[tokio::test]
async fn an_explanation_of_nothing_leaves_an_entry_too() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut client = VerificationServiceClient::new(gateway.connect("health-intake").await);
    for decision_id in ["", "' OR 1=1", &Uuid::now_v7().to_string()] {
        let before = classes_from(&city, 0).len() as u64;
        let asked = v1::ExplainDecisionRequest { decision_id: decision_id.into() };
        let told = Told::by(&client.explain_decision(asked).await.unwrap_err());
        assert_eq!((told.code, told.reason.as_str()), (Code::NotFound, "DECISION_UNKNOWN"), "{decision_id}");
        assert_eq!(classes_from(&city, before).len(), 1, "{decision_id}");
    }
}

/// A policy that fails shares nothing, asks nobody, and is recorded; what was answered before it failed stays answered. Failure:
/// any answer of its own, an intent, another department's questions failing too.
#[tokio::test]
async fn a_policy_that_fails_is_no_permit() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, question) = questions::named("nothing-owed");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let first = client.verify(question.clone()).await.unwrap().into_inner();
    assert!(matches!(first.answer, Some(Answer::Determination(_))), "{first:?}");
    // Valid, and too large for a number once it is evaluated.
    let fails = "context.today * 9223372036854775807 > 0";
    city.edit("policies/tax.cedar", |text| text.replace("context.fields.contains(\"credit_grade\")", fails));
    gateway.signal("HUP");
    until("the policy is in force", async || client.clone().verify(questions::of_case(case)).await.is_err()).await;
    let before = entries(&city).len() as u64;
    let told = Told::by(&client.verify(questions::live(questions::of_case(case))).await.unwrap_err());
    assert_eq!((told.code, told.reason.as_str()), (Code::Internal, "POLICY_ERROR"));
    assert_eq!(classes_from(&city, before), ["failed"]);
    assert_eq!(client.verify(question).await.unwrap().into_inner(), first, "what was answered stays answered");
    assert_eq!(classes_from(&city, before), ["failed"], "a repetition makes no entry");
    let (other, question) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(other.system).await);
    let answer = client.verify(question).await.unwrap().into_inner().answer;
    assert!(matches!(answer, Some(Answer::Determination(_))), "{answer:?}");
}
