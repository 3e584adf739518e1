//! What an operator finds of a call. Failure: a decision id that is not in one of its five places; a refusal that counts as an
//! error; a span without its caller's trace; a department's state that health or metrics do not tell, or that flips the
//! gateway's own; a probe that says no after the gateway has said that it serves.

use std::fs;

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, entries, questions, until};
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use v1::verify_response::Answer;

use crate::collector::{Collector, attribute, with_collector};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const METHOD: &str = "heyan.v1.VerificationService/Verify";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_decision_id_is_found_in_answer_header_entry_log_and_span() {
    let city = City::new();
    let collector = Collector::start().await;
    city.edit("heyan.toml", |text| with_collector(&text, &collector.address()));
    let gateway = Gateway::start_with(&city, "info,heyan=debug");
    let (case, question) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let mut request = Request::new(question);
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{PARENT}-01").parse().unwrap());
    let response = client.verify(request).await.unwrap();
    let id = response.metadata().get("x-decision-id").unwrap().to_str().unwrap().to_owned();
    assert_eq!(response.into_inner().decision_id, id, "answer and header");

    gateway.signal("TERM");
    let (ended, logs) = gateway.wait();
    assert!(ended, "{logs}");
    let recorded = entries(&city);
    let classes: Vec<&str> =
        recorded.iter().filter(|entry| entry.text("id") == id).map(|entry| entry.text("class")).collect();
    assert_eq!(classes, ["intent", "answered"]);

    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["span"]["decision_id"] == id.as_str() && line["message"] == "answered");
    let span = &line.unwrap_or_else(|| panic!("no log line: {logs}"))["span"];
    assert_eq!((span["rpc.method"].as_str(), span["caller"].as_str()), (Some(METHOD), Some(case.system)));

    let spans = collector.spans();
    let of_call = spans.iter().find(|span| attribute(&span.attributes, "decision_id") == Some(&id));
    let of_call = of_call.unwrap_or_else(|| panic!("no span: {spans:?}"));
    assert_eq!((of_call.name.as_str(), of_call.kind), (METHOD, 2), "a server's span by its method");
    assert_eq!((hex(&of_call.trace_id).as_str(), hex(&of_call.parent_span_id).as_str()), (TRACE, PARENT));
    for (key, value) in [("rpc.system.name", "grpc"), ("rpc.method", METHOD), ("rpc.response.status_code", "OK")] {
        assert_eq!(attribute(&of_call.attributes, key), Some(value), "{key}");
    }
    let asked = spans.iter().find(|span| span.name == "department").unwrap_or_else(|| panic!("no span: {spans:?}"));
    assert_eq!(asked.parent_span_id, of_call.span_id);
    assert_eq!(attribute(&asked.attributes, "department"), Some("market-regulation"));
    assert_eq!(attribute(&asked.attributes, "result"), Some("answered"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_and_a_bad_argument_are_no_errors_and_an_unknown_method_is_one() {
    let city = City::new();
    let collector = Collector::start().await;
    city.edit("heyan.toml", |text| with_collector(&text, &collector.address()));
    let gateway = Gateway::start(&city);
    let (refused, question) = questions::named("public-order-record-refused");
    let channel = gateway.connect(refused.system).await;
    let mut client = VerificationServiceClient::new(channel.clone());
    let answer = client.verify(question).await.unwrap().into_inner().answer.unwrap();
    assert!(matches!(answer, Answer::Refusal(_)), "{answer:?}");
    let bad = client.verify(v1::VerifyRequest::default()).await.unwrap_err();
    assert_eq!(bad.code(), Code::InvalidArgument);
    let unknown = unknown_method(channel).await;
    assert_eq!(unknown, Code::Unimplemented);

    let scraped = gateway.admin("/metrics").1;
    let counts = |error: &str, method: &str, code: &str| {
        let line = format!(
            "rpc_server_call_duration_seconds_count{{error_type=\"{error}\",rpc_method=\"{method}\",\
             rpc_response_status_code=\"{code}\",rpc_system_name=\"grpc\"}} 1"
        );
        assert!(scraped.lines().any(|found| found == line), "no `{line}` in {scraped}");
    };
    counts("", METHOD, "OK");
    counts("", METHOD, "INVALID_ARGUMENT");
    counts("UNIMPLEMENTED", "_OTHER", "UNIMPLEMENTED");
    let result_type = refused.result_type;
    let line =
        format!("heyan_decisions_total{{decision=\"refusal\",reason=\"exception\",result_type=\"{result_type}\"}} 1");
    assert!(scraped.contains(&line), "no `{line}` in {scraped}");

    gateway.signal("TERM");
    assert!(gateway.wait().0);
    let told: Vec<_> = (collector.spans().iter())
        .filter_map(|span| {
            let code = attribute(&span.attributes, "rpc.response.status_code")?.to_owned();
            let error = attribute(&span.attributes, "error.type").map(str::to_owned);
            Some((span.name.clone(), code, error, span.status.as_ref().map_or(0, |status| status.code)))
        })
        .collect();
    let expected = |name: &str, code: &str, error: Option<&str>, status: i32| {
        let expected = (name.to_owned(), code.to_owned(), error.map(str::to_owned), status);
        assert!(told.contains(&expected), "no {expected:?} in {told:?}");
    };
    expected(METHOD, "OK", None, 0);
    expected(METHOD, "INVALID_ARGUMENT", None, 0);
    expected("grpc", "UNIMPLEMENTED", Some("UNIMPLEMENTED"), 2);
    let sent = collector.metrics();
    for name in ["\"rpc.server.call.duration\"", "\"rpc.response.status_code\"", "\"heyan_audit_log_entries\""] {
        assert!(sent.contains(name), "{name} was not sent: {sent}");
    }
}

async fn unknown_method(channel: Channel) -> Code {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = "/heyan.v1.VerificationService/Nothing".parse().unwrap();
    let codec = tonic_prost::ProstCodec::<v1::VerifyRequest, v1::VerifyResponse>::default();
    grpc.unary(Request::new(v1::VerifyRequest::default()), path, codec).await.unwrap_err().code()
}

async fn health(client: &mut HealthClient<Channel>, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.into() };
    client.check(request).await.unwrap().into_inner().status()
}

/// The gateway is ready by the time that it says so: its very first probe and its very first health check say yes.
#[tokio::test]
async fn the_first_probe_after_serving_says_ready() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    assert_eq!(gateway.admin("/readyz"), (200, "ready\n".into()));
    let mut client = HealthClient::new(gateway.connect("health-intake").await);
    for service in ["", "heyan.v1.VerificationService"] {
        assert_eq!(health(&mut client, service).await, ServingStatus::Serving, "{service}");
    }
    health(&mut client, "department/transport").await;
}

#[tokio::test]
async fn a_department_that_goes_away_is_told_by_name_and_flips_nothing_else() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut client = HealthClient::new(gateway.connect("health-intake").await);
    let market = "department/market-regulation";
    until("it is found that the department can be asked", async || {
        health(&mut client.clone(), market).await == ServingStatus::Serving
    })
    .await;
    let (here, away) = (city.file("state/departments/market-regulation.db"), city.file("state/away.db"));
    fs::rename(&here, &away).unwrap();
    // One look-up that fails is enough for the check to look at once.
    let (case, question) = questions::named("food-licence-in-force");
    let mut desk = VerificationServiceClient::new(gateway.connect(case.system).await);
    let answer = desk.verify(questions::live(question)).await.unwrap().into_inner().answer.unwrap();
    assert!(matches!(answer, Answer::Undetermined(_)), "{answer:?}");
    until("its outage is told", async || health(&mut client.clone(), market).await == ServingStatus::NotServing).await;
    assert!(gateway.admin("/metrics").1.contains("heyan_department_up{department=\"market-regulation\"} 0"));
    assert_eq!(health(&mut client, "department/transport").await, ServingStatus::Serving);
    assert_eq!(health(&mut client, "").await, ServingStatus::Serving);
    assert_eq!(gateway.admin("/readyz").0, 200);
    fs::rename(&away, &here).unwrap();
    let (_, again) = questions::named("food-licence-in-force");
    desk.verify(questions::live(again)).await.unwrap();
    until("its return is told", async || health(&mut client.clone(), market).await == ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_gateway_that_cannot_record_says_why_it_is_not_ready() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let store = rusqlite::Connection::open(city.file("state/audit.db")).unwrap();
    store.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (case, question) = questions::named("food-licence-in-force");
    let mut desk = VerificationServiceClient::new(gateway.connect(case.system).await);
    assert_eq!(desk.verify(question).await.unwrap_err().code(), Code::Unavailable);
    until("the probe says why", async || {
        let (code, text) = gateway.admin("/readyz");
        code == 503 && text.starts_with("not ready: the audit log takes no entry: ")
    })
    .await;
    let metrics = gateway.admin("/metrics").1;
    assert!(metrics.contains("heyan_audit_up 0\n") && metrics.contains("heyan_ready 0\n"), "{metrics}");
    store.execute_batch("ROLLBACK").unwrap();
    until("it comes back", async || gateway.admin("/readyz").0 == 200).await;
    assert!(!gateway.admin("/metrics").1.contains("heyan_audit_append_failures_total 0\n"));
}
