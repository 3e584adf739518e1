//! A gateway that is asked to end while it is asked questions.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heyan::channel::was_not_taken;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, entries, questions};
use tokio::task::JoinSet;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Connections that ask one question after the other.
const CONNECTIONS: usize = 8;
/// No connection asks more.
const QUESTIONS_MAX: usize = 5_000;

/// A caller who looks after health goes elsewhere in time: none of its calls fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_of_callers_who_look_after_health() {
    let city = City::new();
    city.edit("heyan.toml", |text| text.replace("drain = \"200ms\"", "drain = \"1s\""));
    let gateway = Gateway::start(&city);
    let ended = Arc::new(AtomicBool::new(false));
    let mut health = HealthClient::new(gateway.connect("health-intake").await);
    let mut watched = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let watching = tokio::spawn({
        let ended = Arc::clone(&ended);
        async move {
            let mut was_serving = false;
            while let Ok(Some(said)) = watched.message().await {
                was_serving |= said.status() == ServingStatus::Serving;
                if was_serving && said.status() == ServingStatus::NotServing {
                    break;
                }
            }
            ended.store(true, Ordering::Relaxed);
            was_serving
        }
    });
    let receipts = load_until_stopped(&gateway, &ended, |status| panic!("a call failed: {status:?}")).await;
    assert!(watching.await.unwrap());
    check(gateway, &city, &receipts);
}

/// A caller who does not is answered for as long as its connection lives. The only call that is not answered is one that was
/// not taken, which every gRPC client makes again by itself, elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_that_was_taken_fails() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let never = Arc::new(AtomicBool::new(false));
    let receipts = load_until_stopped(&gateway, &never, |status| {
        assert!(was_not_taken(status) || is_closed(status), "a call failed: {status:?}");
    })
    .await;
    check(gateway, &city, &receipts);
}

/// Asks over every connection, ends the gateway meanwhile, and collects what callers hold. A connection stops when `ended` is
/// set, or at its first error.
async fn load_until_stopped(gateway: &Gateway, ended: &Arc<AtomicBool>, judge: fn(&Status)) -> Vec<v1::Receipt> {
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (case, question) = questions::named("food-licence-in-force");
        let mut question = questions::live(question);
        let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
        let ended = Arc::clone(ended);
        callers.spawn(async move {
            let mut receipts = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                assert!(receipts.len() < QUESTIONS_MAX, "the gateway does not end");
                question.request_id = uuid::Uuid::new_v4().to_string();
                match client.verify(question.clone()).await {
                    Ok(response) => receipts.push((Instant::now(), response.into_inner().receipt.unwrap())),
                    Err(status) => {
                        judge(&status);
                        break;
                    }
                }
            }
            receipts
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let signalled = Instant::now();
    gateway.signal("TERM");
    let mut receipts = Vec::new();
    while let Some(caller) = callers.join_next().await {
        let of_one = caller.unwrap();
        assert!(!of_one.is_empty(), "every connection has asked");
        receipts.extend(of_one);
    }
    assert!(receipts.iter().any(|(at, _)| *at > signalled), "it answers while it drains");
    receipts.into_iter().map(|(_, receipt)| receipt).collect()
}

/// Nobody listens any more: the question was not even sent.
fn is_closed(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The gateway has ended well, what callers hold is in the log, and every intent has its answer.
fn check(gateway: Gateway, city: &City, receipts: &[v1::Receipt]) {
    let (ended_well, logs) = gateway.wait();
    assert!(ended_well, "{logs}");
    let log = entries(city);
    for receipt in receipts {
        let entry = &log[usize::try_from(receipt.index).unwrap()];
        assert_eq!((entry.text("class"), entry.text("id")), ("answered", receipt.decision_id.as_str()));
    }
    let of = |class| log.iter().filter(|entry| entry.text("class") == class).count();
    assert_eq!((of("intent"), of("abandoned")), (of("answered"), 0));
}
