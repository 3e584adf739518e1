//! A13: thousands of calls on one connection that end before they are answered. Failure, beside what `attack.rs` says: a later
//! call of the same channel that fails, but for one that was not taken and is made again.

use std::time::Duration;

use heyan::channel::was_not_taken;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, questions};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::raw::{CALL, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Raw, block, frame};
use super::slow::question;
use super::watch::Watch;

/// Calls on the one connection.
const CALLS: usize = 3_000;

/// The caller's own timer ends them, which resets their streams: some before they are begun, some in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_whose_deadline_expires() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let channel = gateway.connect("health-intake").await;
    let (mut calls, mut expired) = (JoinSet::new(), 0);
    for number in 0..CALLS {
        let channel = channel.clone();
        // Below what the work takes.
        let allowed = Duration::from_micros(1 + u64::try_from(number).unwrap() % 1_000);
        calls.spawn(async move { ask(&channel, Some(allowed)).await });
        if calls.len() == 64 {
            expired += usize::from(calls.join_next().await.unwrap().unwrap().is_err());
        }
    }
    expired += calls.join_all().await.into_iter().filter(Result::is_err).count();
    assert!(expired > CALLS / 2, "only {expired} calls expired");
    for _ in 0..10 {
        again_if_not_taken(&channel).await;
    }
    watch.end("expired calls").await;
}

/// The gateway ends them, before their bodies have come; what comes later is for streams that it has forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_expire_before_they_are_read() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let watch = Watch::over(&gateway).await;
    let mut raw = Raw::open(&city, &gateway).await;
    let mut answered = 0;
    while answered < CALLS {
        let streams: Vec<u32> = (0..100).map(|number| u32::try_from(2 * (answered + number) + 1).unwrap()).collect();
        raw.send(&streams.iter().flat_map(|&stream| expired(stream)).collect::<Vec<_>>()).await;
        for _ in &streams {
            let reply = raw.next_of(&[HEADERS, GOAWAY]).await;
            assert!(matches!(&reply, Some(reply) if reply.kind == HEADERS), "after {answered} calls: {reply:?}");
            answered += 1;
        }
        raw.send(&streams.iter().flat_map(|&stream| frame(DATA, END_STREAM, stream, &question())).collect::<Vec<_>>())
            .await;
    }
    assert!(raw.is_alive().await.0, "the connection has ended after {answered} calls");
    watch.end("expired before they are read").await;
}

/// HEADERS of a call whose deadline has passed before its body comes.
fn expired(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(&[&CALL[..], &[("grpc-timeout", "1n")]].concat()))
}

async fn again_if_not_taken(channel: &Channel) {
    let error = match ask(channel, None).await {
        Ok(()) => return,
        Err(status) if was_not_taken(&status) => ask(channel, None).await.err(),
        Err(status) => Some(status),
    };
    assert!(error.is_none(), "a later call fails: {error:?}");
}

async fn ask(channel: &Channel, allowed: Option<Duration>) -> Result<(), Status> {
    let mut request = tonic::Request::new(questions::named("food-licence-in-force").1);
    if let Some(allowed) = allowed {
        request.set_timeout(allowed);
    }
    let answered = VerificationServiceClient::new(channel.clone()).verify(request).await;
    match answered {
        Ok(_) => Ok(()),
        // Told to come back: the work of calls that have expired goes on until it is recorded, in the caller's places.
        Err(status) if allowed.is_none() && status.code() == Code::ResourceExhausted => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Box::pin(ask(channel, None)).await
        }
        Err(status) => Err(status),
    }
}
