//! Stopping without a failed call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::channel::was_not_taken;

use super::running::{Authority, Running, call, limits};

/// Callers call on while one gateway is replaced by another behind the same address. What a gateway has taken it answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_call() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let shared = || TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
    let authority = Authority::new("city");
    let first = Running::start_on(shared(), authority.clone(), limits());
    let ended = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for _ in 0..8 {
        let (desk, ended) = (first.desk().await, ended.clone());
        callers.push(tokio::spawn(async move {
            let mut answered = 0;
            while !ended.load(Ordering::Relaxed) {
                match call(&desk, "/test.Dummy/Echo").await {
                    Ok(_) => answered += 1,
                    Err(status) => assert!(was_not_taken(&status), "{status:?}"),
                }
            }
            answered
        }));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut running = first;
    for _ in 0..3 {
        let next = Running::start_on(shared(), authority.clone(), limits());
        let metrics = running.metrics.clone();
        running.stopped().await;
        let metrics = String::from_utf8(metrics.render()).unwrap();
        assert!(metrics.contains("rpc_response_status_code=\"OK\"") && !metrics.contains("CANCELLED"), "{metrics}");
        running = next;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ended.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 10);
    }
}

#[tokio::test]
async fn a_call_in_work_is_finished_and_those_who_watch_are_told_first() {
    let gateway = Running::start(limits()).await;
    let desk = gateway.desk().await;
    let mut watched = HealthClient::new(desk.clone()).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let slow = tokio::spawn(async move { call(&desk, "/test.Dummy/Slow").await });
    gateway.until_metric("heyan_calls_in_flight 2").await;
    let started = Instant::now();
    gateway.begin_to_stop();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(started.elapsed() < limits().drain);
    assert!(watched.message().await.unwrap().is_none(), "the stream ends, so that it does not hold the connection");
    slow.await.unwrap().unwrap();
    gateway.stopped().await;
    assert!(started.elapsed() < limits().grace, "nothing was waited for once the call was answered");
}
