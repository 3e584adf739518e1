//! What happens to a call on its way to its service and back.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use super::running::{DESK, Running, assert_error, call, limits};

#[tokio::test]
async fn an_expired_deadline_is_deadline_exceeded() {
    let mut limits = limits();
    limits.deadline_default = Duration::from_millis(50);
    let gateway = Running::start(limits).await;
    let status = call(&gateway.desk().await, "/test.Dummy/Slow").await.unwrap_err();
    assert_error(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

/// Forty in a row, as a client's own timer sometimes hides what the server answers.
#[tokio::test]
async fn the_deadline_that_a_caller_asks_for_is_kept() {
    let gateway = Running::start(limits()).await;
    for _ in 0..40 {
        let reply = web(&gateway, "/test.Dummy/Slow", "grpc-timeout: 10m\r\n", &[0; 5]).await;
        assert!(reply.contains("grpc-status:4\r\n") || reply.contains("grpc-status: 4\r\n"), "{reply}");
    }
    for bad in ["10x", "5", "123456789S"] {
        let reply = web(&gateway, "/test.Dummy/Echo", &format!("grpc-timeout: {bad}\r\n"), &[0; 5]).await;
        assert!(reply.contains("grpc-status: 3\r\n"), "{reply}");
    }
}

#[tokio::test]
async fn one_call_too_many_is_refused_at_once_with_push_back() {
    let mut limits = limits();
    limits.in_flight = 1;
    let gateway = Running::start(limits).await;
    let desk = gateway.desk().await;
    let slow = tokio::spawn({
        let desk = desk.clone();
        async move { call(&desk, "/test.Dummy/Slow").await }
    });
    gateway.until_metric("heyan_calls_in_flight 1").await;
    let started = Instant::now();
    let status = call(&desk, "/test.Dummy/Echo").await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_error(&status, Code::ResourceExhausted, "OVERLOADED");
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "500");
    HealthClient::new(desk).check(HealthCheckRequest::default()).await.unwrap();
    slow.await.unwrap().unwrap();
    gateway.until_metric("heyan_calls_shed_total 1").await;
}

#[tokio::test]
async fn a_panic_ends_its_own_call_alone() {
    let gateway = Running::start(limits()).await;
    let desk = gateway.desk().await;
    let status = call(&desk, "/test.Dummy/Panic").await.unwrap_err();
    assert_error(&status, Code::Internal, "INTERNAL_ERROR");
    call(&desk, "/test.Dummy/Echo").await.unwrap();
    gateway.until_metric("heyan_panics_total 1").await;
}

#[tokio::test]
async fn errors_of_grpcs_machinery_have_a_reason_too() {
    let gateway = Running::start(limits()).await;
    let desk = gateway.desk().await;
    for method in ["/test.Dummy/Nothing", "/grpc.health.v1.Health/Nothing"] {
        assert_error(&call(&desk, method).await.unwrap_err(), Code::Unimplemented, "METHOD_UNKNOWN");
    }
    let large = HealthCheckRequest { service: "x".repeat(1024 * 1024) };
    let status = HealthClient::new(desk.clone()).check(large).await.unwrap_err();
    assert_error(&status, Code::InvalidArgument, "MESSAGE_TOO_LARGE");
    let bomb = HealthCheckRequest { service: "x".repeat(3 * 1024 * 1024) };
    let status =
        HealthClient::new(desk.clone()).send_compressed(CompressionEncoding::Gzip).check(bomb).await.unwrap_err();
    assert_error(&status, Code::InvalidArgument, "MESSAGE_TOO_LARGE");
    gateway
        .until_metric(
            "rpc_server_call_duration_seconds_count{error_type=\"UNIMPLEMENTED\",rpc_method=\"_OTHER\",\
             rpc_response_status_code=\"UNIMPLEMENTED\",rpc_system_name=\"grpc\"} 2",
        )
        .await;
}

/// Each way in which a body can be no message, so that `fault` knows the words of tonic and prost.
#[tokio::test]
async fn a_request_that_is_no_message_is_the_callers_fault() {
    let gateway = Running::start(limits()).await;
    let bodies: [&[u8]; 4] = [
        // A field whose length reaches beyond the end; a string that is not UTF-8; an unknown compression flag; nothing.
        &[0, 0, 0, 0, 2, 0x0A, 9],
        &[0, 0, 0, 0, 3, 0x0A, 1, 0xFF],
        &[9, 0, 0, 0, 0],
        &[],
    ];
    for body in bodies {
        let reply = web(&gateway, "/grpc.health.v1.Health/Check", "", body).await;
        assert!(reply.contains("grpc-status: 3\r\n"), "{body:?}: {reply}");
    }
}

#[tokio::test]
async fn gzip_is_accepted() {
    let gateway = Running::start(limits()).await;
    let mut client = HealthClient::new(gateway.desk().await)
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    client.check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn both_reflections_answer() {
    let gateway = Running::start(limits()).await;
    let desk = gateway.desk().await;
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(desk.clone());
    let mut replies = client.server_reflection_info(futures::stream::iter([request])).await.unwrap().into_inner();
    let reply = format!("{:?}", replies.message().await.unwrap().unwrap());
    assert!(reply.contains("grpc.health.v1.Health"), "{reply}");
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(desk);
    let mut replies = client.server_reflection_info(futures::stream::iter([request])).await.unwrap().into_inner();
    let reply = format!("{:?}", replies.message().await.unwrap().unwrap());
    assert!(reply.contains("grpc.health.v1.Health"), "{reply}");
}

#[tokio::test]
async fn grpc_web_is_spoken_over_http_1() {
    let gateway = Running::start(limits()).await;
    let reply = web(&gateway, "/test.Dummy/Echo", "", &[0; 5]).await;
    assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("application/grpc-web+proto"), "{reply}");
    assert!(reply.contains("x-decision-id: ") && reply.contains("grpc-status:0\r\n"), "{reply}");
}

/// HTTP/1.1 has only the connection to close when a request is answered before it was read.
#[tokio::test]
async fn a_request_that_nobody_reads_costs_no_connection() {
    let gateway = Running::start(limits()).await;
    for (path, bytes, status) in [("/test.Dummy/None", 512 * 1024, 12), ("/test.Dummy/Echo", 4 * 1024 * 1024, 3)] {
        let head = |path: &str, bytes: usize| {
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: {bytes}\r\n"
            )
        };
        let mut requests = format!("{}\r\n", head(path, bytes)).into_bytes();
        requests.resize(requests.len() + bytes, 0);
        requests.extend(format!("{}connection: close\r\n\r\n", head("/test.Dummy/Echo", 5)).bytes());
        requests.extend([0; 5]);
        let replies = http1(&gateway, &requests).await;
        assert!(replies.contains(&format!("grpc-status: {status}\r\n")), "{path}: {replies}");
        assert!(replies.contains("grpc-status:0\r\n"), "{path}: the next call is lost: {replies}");
    }
}

#[tokio::test]
async fn a_browser_is_told_what_this_port_speaks() {
    let gateway = Running::start(limits()).await;
    let reply = http1(&gateway, b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(
        reply.starts_with("HTTP/1.1 200") && reply.contains("This port serves gRPC, gRPC-Web and plain JSON"),
        "{reply}"
    );
    let reply = http1(&gateway, b"GET /nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 404") && reply.contains("GET / says"), "{reply}");
}

/// One gRPC-Web call over HTTP/1.1: its whole reply.
async fn web(gateway: &Running, path: &str, headers: &str, body: &[u8]) -> String {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/grpc-web+proto\r\n\
         accept: application/grpc-web+proto\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    http1(gateway, &request).await
}

/// Whatever comes back for these bytes, until the gateway closes the connection.
pub(super) async fn http1(gateway: &Running, request: &[u8]) -> String {
    let mut stream = gateway.tls(&gateway.authority.name(&[DESK]), b"http/1.1").await;
    stream.write_all(request).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}
