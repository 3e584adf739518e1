use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tracing::field::Empty;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A collector that keeps what it is sent, and its address.
async fn collector() -> (String, UnboundedReceiver<(String, Bytes)>) {
    let (keep, kept) = mpsc::unbounded_channel();
    let router = axum::Router::new().fallback(async move |request: Request| {
        let path = request.uri().path().to_owned();
        keep.send((path, to_bytes(request.into_body(), 1 << 20).await.unwrap())).unwrap();
        let trailers = async { Some(Ok(HeaderMap::from_iter([("grpc-status".parse().unwrap(), 0.into())]))) };
        let mut response = Response::new(Body::new(Full::new(Bytes::from_static(&[0; 5])).with_trailers(trailers)));
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        response
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, kept)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_reach_the_collector_within_the_callers_trace() {
    let (address, mut kept) = collector().await;
    let traces = exporter(&address).unwrap();
    let subscriber =
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(traces.tracer("heyan")));
    let handed_on = tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("rpc");
        adopt(&span, &Traceparent::parse(SENT).unwrap());
        span.in_scope(current_traceparent).unwrap()
    });
    // A department sees the caller's trace, below the gateway's own span.
    assert_eq!(handed_on.as_str()[..36], SENT[..36]);
    assert_ne!(handed_on.as_str()[36..52], SENT[36..52]);
    Telemetry { collector: None, traces: Some(traces), metrics: None }.finish().await;
    let (path, body) = kept.recv().await.unwrap();
    assert_eq!(path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    assert!(contains(&body, b"rpc") && contains(&body, &0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes()));
    assert!(contains(&body, &0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()), "the caller's span is the parent");
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_has_what_was_recorded_of_its_span_so_far() {
    let page = Page::default();
    let writer = page.clone();
    let subscriber = tracing_subscriber::registry().with(lines(move || writer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let bare = tracing::info_span!("bare", caller = Empty);
        bare.record("caller", "a \"quoted\" one");
        bare.in_scope(|| tracing::info!("first"));
        let span = tracing::info_span!("rpc", decision_id = 7, caller = Empty, status = Empty);
        span.in_scope(|| tracing::info!("second"));
        span.record("caller", "somebody");
        span.record("status", "OK");
        span.in_scope(|| tracing::info!("third"));
    });
    let written = page.0.lock().unwrap().clone();
    let spans: Vec<serde_json::Value> = (written.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()))
        .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()["span"].take())
        .collect();
    assert_eq!(
        spans,
        [
            json!({ "name": "bare", "caller": "a \"quoted\" one" }),
            json!({ "name": "rpc", "decision_id": 7 }),
            json!({ "name": "rpc", "decision_id": 7, "caller": "somebody", "status": "OK" }),
        ]
    );
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    assert!(matches!(filter("info,heyan=loud"), Err(TelemetryError::Filter)));
    assert!(matches!(exporter("https://127.0.0.1:4317"), Err(TelemetryError::Collector)));
}
