//! What one caller or one address may have at once, and how long a connection may stay.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use super::running::{DESK, OTHER, Running, assert_error, call, limits};

#[tokio::test]
async fn one_caller_does_not_take_every_place() {
    let mut limits = limits();
    limits.in_flight_per_caller = 1;
    let gateway = Running::start(limits).await;
    // Two connections of one caller count together.
    let (desk, again) = (gateway.desk().await, gateway.desk().await);
    let other = gateway.connect(&gateway.authority.name(&[OTHER])).await.unwrap();
    let slow = tokio::spawn(async move { call(&desk, "/test.Dummy/Slow").await });
    gateway.until_metric("heyan_calls_in_flight 1").await;
    let status = call(&again, "/test.Dummy/Echo").await.unwrap_err();
    assert_error(&status, Code::ResourceExhausted, "TOO_MANY_CALLS");
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "500");
    call(&other, "/test.Dummy/Echo").await.unwrap();
    slow.await.unwrap().unwrap();
    call(&again, "/test.Dummy/Echo").await.unwrap();
    gateway.until_metric("heyan_calls_shed_of_caller_total 1").await;
    gateway.until_metric("heyan_calls_shed_total 1").await;
}

#[tokio::test]
async fn one_caller_does_not_take_every_connection() {
    let mut limits = limits();
    limits.connections_per_caller = 2;
    let gateway = Running::start(limits).await;
    let held = [gateway.desk().await, gateway.desk().await];
    for channel in &held {
        call(channel, "/test.Dummy/Echo").await.unwrap();
    }
    // Another certificate of the same name is the same caller.
    if let Ok(channel) = gateway.connect(&gateway.authority.name(&[DESK])).await {
        call(&channel, "/test.Dummy/Echo").await.unwrap_err();
    }
    let metrics = || String::from_utf8(gateway.metrics.render()).unwrap();
    assert!(metrics().contains("heyan_handshake_failures_total{reason=\"too_many_of_caller\"}"), "{}", metrics());
    let other = gateway.connect(&gateway.authority.name(&[OTHER])).await.unwrap();
    call(&other, "/test.Dummy/Echo").await.unwrap();
    drop(held);
    gateway.until_metric("heyan_connections 1").await;
    call(&gateway.desk().await, "/test.Dummy/Echo").await.unwrap();
}

#[tokio::test]
async fn one_address_does_not_take_every_handshake() {
    let mut limits = limits();
    limits.handshakes_per_address = 2;
    let gateway = Running::start(limits).await;
    let desk = gateway.desk().await;
    let silent =
        [TcpStream::connect(gateway.address).await.unwrap(), TcpStream::connect(gateway.address).await.unwrap()];
    gateway.until_metric("heyan_connections 3").await;
    let mut third = TcpStream::connect(gateway.address).await.unwrap();
    assert_eq!(third.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    gateway.until_metric("heyan_handshake_failures_total{reason=\"too_many_of_address\"} 1").await;
    // A connection whose handshake is finished does not count.
    call(&desk, "/test.Dummy/Echo").await.unwrap();
    drop(silent);
    gateway.until_metric("heyan_connections 1").await;
    call(&gateway.desk().await, "/test.Dummy/Echo").await.unwrap();
}

#[tokio::test]
async fn a_connection_that_does_nothing_is_closed() {
    let mut limits = limits();
    (limits.first_request, limits.idle) = (Duration::from_millis(100), Duration::from_millis(200));
    let gateway = Running::start(limits).await;
    let (silent, busy) = (gateway.desk().await, gateway.desk().await);
    // A call in work keeps a connection open for longer than either.
    call(&busy, "/test.Dummy/Slow").await.unwrap();
    gateway.until_metric("heyan_connections_ended_total{reason=\"no_request\"} 1").await;
    gateway.until_metric("heyan_connections_ended_total{reason=\"idle\"} 1").await;
    gateway.until_metric("heyan_connections 0").await;
    // A client connects anew by itself.
    call(&silent, "/test.Dummy/Echo").await.unwrap();
}

/// The first request may have longer than any rest after it.
#[tokio::test]
async fn a_connection_that_rests_is_closed_in_its_own_time() {
    let mut limits = limits();
    limits.idle = Duration::from_millis(200);
    let gateway = Running::start(limits).await;
    let desk = gateway.desk().await;
    call(&desk, "/test.Dummy/Echo").await.unwrap();
    gateway.until_metric("heyan_connections_ended_total{reason=\"idle\"} 1").await;
}

#[tokio::test]
async fn an_old_connection_is_closed_and_no_call_fails_of_it() {
    let mut limits = limits();
    limits.age = Duration::from_millis(300);
    let gateway = Running::start(limits).await;
    let desk = gateway.desk().await;
    call(&desk, "/test.Dummy/Slow").await.unwrap();
    gateway.until_metric("heyan_connections_ended_total{reason=\"age\"} 1").await;
    call(&desk, "/test.Dummy/Echo").await.unwrap();
}

/// Over HTTP/1.1 as over HTTP/2: the reply says why, and the call's place is given back.
#[tokio::test]
async fn a_request_that_drips_is_told_so() {
    let mut limits = limits();
    (limits.body, limits.in_flight) = (Duration::from_millis(200), 1);
    let gateway = Running::start(limits).await;
    let mut stream = gateway.tls(&gateway.authority.name(&[DESK]), b"http/1.1").await;
    let head = "POST /test.Dummy/Echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web+proto\r\n\
                accept: application/grpc-web+proto\r\ncontent-length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[0, 0]).await.unwrap();
    let mut reply = [0; 4096];
    let length = stream.read(&mut reply).await.unwrap();
    let reply = String::from_utf8_lossy(&reply[..length]);
    assert!(reply.contains("grpc-status: 4\r\n"), "{reply}");
    call(&gateway.desk().await, "/test.Dummy/Echo").await.unwrap();
}
