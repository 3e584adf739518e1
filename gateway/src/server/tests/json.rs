//! Plain JSON passes the layers that gRPC calls pass. Failure: a call that a layer does not see, or whose error has no reason.

use std::time::Duration;

use super::calls::http1;
use super::running::{Running, call, limits};

const CHECK: &str = "/grpc.health.v1.Health/Check";

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn json(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n{headers}", body.len());
    post(path, &headers, body.as_bytes())
}

/// Holds that a reply has this status, and an error of this reason unless that is empty.
fn assert_reply(reply: &str, status: u16, reason: &str) {
    assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
    assert!(reply.contains("x-decision-id: "), "{reply}");
    assert!(reason.is_empty() || reply.contains(&format!("\"reason\":\"{reason}\"")), "{reply}");
}

#[tokio::test]
async fn a_method_answers_in_the_form_in_which_it_was_asked() {
    let gateway = Running::start(limits()).await;
    let reply = http1(&gateway, &json(CHECK, "", "{\"service\": \"\"}")).await;
    assert_reply(&reply, 200, "");
    assert!(
        reply.contains("content-type: application/json\r\n") && reply.ends_with("{\"status\":\"SERVING\"}"),
        "{reply}"
    );
    let proto = "content-type: application/proto\r\ncontent-length: 2\r\n";
    let reply = http1(&gateway, &post(CHECK, proto, &[0x0A, 0])).await;
    assert_reply(&reply, 200, "");
    assert!(reply.contains("content-type: application/proto\r\n") && reply.ends_with("\r\n\u{8}\u{1}"), "{reply:?}");
    // A field whose length reaches beyond the end.
    let reply = http1(&gateway, &post(CHECK, proto, &[0x0A, 9])).await;
    assert_reply(&reply, 400, "MESSAGE_INVALID");
    gateway
        .until_metric(
            "rpc_server_call_duration_seconds_count{error_type=\"\",rpc_method=\"grpc.health.v1.Health/Check\",\
             rpc_response_status_code=\"OK\",rpc_system_name=\"grpc\"} 2",
        )
        .await;
}

#[tokio::test]
async fn a_body_that_drips_is_bound_by_the_deadline() {
    let gateway = Running::start(limits()).await;
    let headers = "content-type: application/json\r\nconnect-timeout-ms: 50\r\ncontent-length: 10\r\n";
    let reply = http1(&gateway, &post(CHECK, headers, b"{")).await;
    assert_reply(&reply, 504, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn one_call_too_many_is_refused_with_push_back() {
    let mut limits = limits();
    limits.in_flight = 1;
    let gateway = Running::start(limits).await;
    let desk = gateway.desk().await;
    let slow = tokio::spawn(async move { call(&desk, "/test.Dummy/Slow").await });
    gateway.until_metric("heyan_calls_in_flight 1").await;
    let reply = http1(&gateway, &json("/test.Dummy/Echo", "", "{}")).await;
    assert_reply(&reply, 429, "OVERLOADED");
    assert!(reply.contains("retry-after: 1\r\n") && reply.contains("\"retryDelay\":\"0.500s\""), "{reply}");
    tokio::time::timeout(Duration::from_secs(5), slow).await.unwrap().unwrap().unwrap();
}
