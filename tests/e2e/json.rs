//! Plain JSON by POST on the service port, asked with `curl` as a program without gRPC does. Failure: an answer that gRPC would not
//! give, an error that does not say where and what to write instead, one that repeats a value, or a reply without its decision id.

mod published;
mod strict;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use heyan::sample::cases::{CASES, Case, FURTHER_CASES};
use heyan::sample::client_keys;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{Ask, City, Gateway, Reply, Told, curl, plain, questions};
use serde_json::{Value, json};
use tonic::Code;

const VERIFY: &str = "VerificationService/Verify";
const SYSTEM: &str = "system/health-intake";

fn question() -> Value {
    plain::to_json("VerifyRequest", &questions::named("food-licence-in-force").1).unwrap()
}

fn ask(body: &Value) -> Ask {
    Ask::json(VERIFY, body.to_string())
}

fn told(reply: &Reply, status: u16) -> Told {
    assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.header("content-type"), "application/json");
    let told = Told::of_json(&reply.json());
    assert_eq!(told.metadata["decision_id"], reply.header("x-decision-id"));
    told
}

/// Each question is asked as JSON, and then over gRPC with the same `request_id`: the recorded answer comes back, so the two must be
/// the same message, and the second must not be taken for another question.
#[tokio::test]
async fn every_answer_is_that_of_grpc() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut of_system: BTreeMap<&str, Vec<v1::VerifyRequest>> = BTreeMap::new();
    for case in CASES.iter().chain(FURTHER_CASES) {
        of_system.entry(case.system).or_default().push(questions::of_case(case));
    }
    for (system, questions) in of_system {
        let asks: Vec<Ask> =
            questions.iter().map(|question| ask(&plain::to_json("VerifyRequest", question).unwrap())).collect();
        let replies = curl(&city, &gateway, &format!("system/{system}"), &asks);
        let mut client = VerificationServiceClient::new(gateway.connect(system).await);
        for (question, reply) in questions.into_iter().zip(replies) {
            assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
            let json = reply.json();
            assert_eq!(json["decisionId"], reply.header("x-decision-id"), "{json}");
            assert!(json["receipt"]["index"].is_string(), "64-bit integers are strings: {json}");
            let answered: v1::VerifyResponse = plain::of_json("VerifyResponse", json);
            assert!(answered.answer.is_some() && answered.receipt.is_some(), "{answered:?}");
            assert_eq!(client.verify(question).await.unwrap().into_inner(), answered);
        }
    }
}

#[test]
fn both_versions_of_http_are_served() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    for (option, version) in [("http1.1", "HTTP/1.1"), ("http2", "HTTP/2")] {
        let refused = Case::named("public-order-record-refused").unwrap();
        let refused = plain::to_json("VerifyRequest", &questions::of_case(refused)).unwrap();
        let utf8 = "content-type: application/json; charset=UTF-8";
        let asks = [
            ask(&question()).option(option),
            ask(&refused).header(utf8).header("connect-protocol-version: 1").option(option),
            ask(&json!({})).option(option),
        ];
        let replies = curl(&city, &gateway, SYSTEM, &asks);
        assert!(replies.iter().all(|reply| reply.version == version), "{replies:?}");
        assert_eq!(replies[0].json()["determination"]["finding"], "FINDING_CONFIRMED");
        let refusal = &replies[1].json()["refusal"];
        assert_eq!(refusal["exception"]["legalBasis"]["kind"], "LEGAL_KIND_LAW", "{refusal}");
        assert!(refusal["exception"]["legalBasis"]["citation"].as_str().unwrap().contains("法"), "{refusal}");
        assert_eq!(told(&replies[2], 400).fields().len(), 10, "an empty request names every field that must be there");
    }
}

#[test]
fn errors_are_in_the_language_that_is_asked_for() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let mut wrong = question();
    wrong["purpose"]["caseNumber"] = "".into();
    wrong["official"]["nam"] = "CANARY".into();
    let mut at_the_service = wrong.clone();
    at_the_service["official"].as_object_mut().unwrap().remove("nam");
    for (header, language, service, json) in [
        ("accept-language: zh-CN", "zh-CN", "请求中有字段", "第 1 行第"),
        ("accept-language: en-GB", "en", "a field of the request", "line 1, column"),
    ] {
        let asks = [ask(&at_the_service).header(header), ask(&wrong).header(header)];
        let replies = curl(&city, &gateway, SYSTEM, &asks);
        let at_the_service = told(&replies[0], 400);
        assert_eq!(
            (at_the_service.reason.as_str(), at_the_service.fields()),
            ("FIELD_INVALID", vec!["purpose.case_number"])
        );
        assert_eq!(at_the_service.localized.0, language);
        assert!(at_the_service.localized.1.contains(service), "{at_the_service:?}");
        let at_the_door = told(&replies[1], 400);
        assert_eq!((at_the_door.reason.as_str(), at_the_door.fields()), ("JSON_INVALID", vec!["official.nam"]));
        assert_eq!(at_the_door.localized.0, language);
        assert!(
            at_the_door.localized.1.contains(json) && at_the_door.localized.1.contains("terminal"),
            "{at_the_door:?}"
        );
        assert!(!at_the_door.texts().contains("CANARY"), "{at_the_door:?}");
    }
}

#[test]
fn every_method_is_served_and_a_batch_says_what_became_of_each() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let first = question();
    let mut unknown = question();
    unknown["resultType"] = "no-such-type".into();
    let replies = curl(
        &city,
        &gateway,
        SYSTEM,
        &[
            Ask::json("VerificationService/BatchVerify", json!({ "requests": [first, unknown] }).to_string()),
            Ask::json("DirectoryService/ListDepartments", "{}"),
            Ask::json("DirectoryService/ListResultTypes", r#"{"pageSize": "3", "page_token": null}"#),
            Ask::json("DirectoryService/GetResultType", r#"{"resultType": "food-licence"}"#),
        ],
    );
    let batch = replies[0].json();
    assert_eq!(batch["items"][0]["response"]["determination"]["finding"], "FINDING_CONFIRMED", "{batch}");
    let status = &batch["items"][1]["status"];
    assert_eq!(
        (&status["code"], &status["details"][0]["reason"]),
        (&json!(3), &json!("RESULT_TYPE_UNKNOWN")),
        "{status}"
    );
    assert_eq!(replies[1].json()["departments"].as_array().unwrap().len(), 12);
    assert_eq!(replies[2].json()["resultTypes"].as_array().unwrap().len(), 3);
    assert_eq!(replies[3].json()["resultType"]["name"]["zhCn"], "食品经营许可证");
    let decision = batch["items"][0]["response"]["decisionId"].as_str().unwrap();
    let mut values = question();
    let values = values.as_object_mut().unwrap();
    values.remove("claims");
    values.insert("fields".into(), json!(["business_items"]));
    let replies = curl(
        &city,
        &gateway,
        SYSTEM,
        &[
            Ask::json("VerificationService/ExplainDecision", json!({ "decisionId": decision }).to_string()),
            Ask::json("VerificationService/RetrieveResult", Value::from(values.clone()).to_string()),
        ],
    );
    assert_eq!(replies[0].json()["permitted"], true, "{:?}", replies[0].json());
    let fields = &replies[1].json()["retrieval"]["result"]["fields"];
    assert_eq!(fields[0]["field"], "business_items", "{:?}", replies[1].json());
}

#[test]
fn deadlines_and_callers_are_held_as_over_grpc() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let with = |header: &str| ask(&question()).header(header);
    let asks = [
        with("connect-timeout-ms: 0"),
        with("connect-timeout-ms: 9999999999"),
        with("connect-timeout-ms: 5S"),
        with("connect-timeout-ms: 12345678901"),
        with("connect-protocol-version: 2"),
        // What speaks of gRPC says nothing here.
        with("grpc-timeout: 0n").header("grpc-encoding: br"),
    ];
    let replies = curl(&city, &gateway, SYSTEM, &asks);
    let late = told(&replies[0], 504);
    assert_eq!((late.code, late.reason.as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    assert_eq!((replies[1].status, replies[5].status), (200, 200));
    for malformed in &replies[2..5] {
        assert_eq!(told(malformed, 400).reason, "MESSAGE_INVALID");
    }
    // A broken body is not looked at before its caller is known.
    let replies = curl(&city, &gateway, "system/housing-legacy", &[ask(&question()), Ask::json(VERIFY, "{")]);
    for reply in &replies {
        assert_eq!(told(reply, 401).reason, "CERTIFICATE_REVOKED");
    }
    let replies = curl(&city, &gateway, "person/auditor", &[ask(&question())]);
    assert_eq!(told(&replies[0], 403).reason, "ROLE_REQUIRED");
}

#[test]
fn other_ways_to_call_are_told_the_right_one() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let with = |header: &str| ask(&question()).header(header);
    let at = |path: &str| Ask::json("", "{}").header("accept-language: en").moved_to(path);
    let asks = [
        (with("content-type: text/plain"), 415, "CONTENT_TYPE_UNKNOWN"),
        (with("content-type: application/json; charset=gbk"), 415, "CONTENT_TYPE_UNKNOWN"),
        (with("content-type: application/connect+json"), 415, "CONTENT_TYPE_UNKNOWN"),
        (with("content-type: application/x-www-form-urlencoded"), 415, "CONTENT_TYPE_UNKNOWN"),
        (Ask::page("/heyan.v1.VerificationService/Verify"), 405, "METHOD_NEEDS_POST"),
        (Ask::page("/heyan.v1.VerificationService/Verify?encoding=json&message=%7B%7D"), 405, "METHOD_NEEDS_POST"),
        (at("/heyan.v1.VerificationService/Verfy"), 404, "METHOD_UNKNOWN"),
        (at("/heyan.v2.VerificationService/Verify"), 404, "METHOD_UNKNOWN"),
        (at("/nothing"), 404, "METHOD_UNKNOWN"),
        (at("/grpc.health.v1.Health/Check"), 501, "METHOD_NEEDS_GRPC"),
        (at("/grpc.health.v1.Health/Watch"), 501, "METHOD_NEEDS_GRPC"),
        (at("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"), 501, "METHOD_NEEDS_GRPC"),
        (with("content-encoding: br"), 501, "ENCODING_UNKNOWN"),
    ];
    let (asks, expected): (Vec<Ask>, Vec<_>) =
        asks.into_iter().map(|(ask, status, reason)| (ask, (status, reason))).unzip();
    let replies = curl(&city, &gateway, SYSTEM, &asks);
    for ((ask, (status, reason)), reply) in asks.iter().zip(expected).zip(&replies) {
        assert_eq!(told(reply, status).reason, reason, "{ask:?}");
    }
    assert!(replies[0].header("accept-post").contains("application/json"));
    assert_eq!(replies[4].header("allow"), "POST");
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_body_is_bounded_however_it_comes() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let large = format!("{{\"requestId\": \"{}\"}}", "1".repeat(2 * 1024 * 1024));
    let spaces = " ".repeat(3 * 1024 * 1024);
    let packed = |body: &[u8]| Ask::json(VERIFY, gzip(body)).header("content-encoding: gzip");
    for option in ["http1.1", "http2"] {
        let asks = [
            packed(question().to_string().as_bytes()),
            packed(spaces.as_bytes()),
            Ask::json(VERIFY, "{}").header("content-encoding: gzip"),
            Ask::json(VERIFY, large.clone()),
            // The connection has outlived it, or another one is opened.
            ask(&question()),
        ];
        let asks = asks.map(|ask| ask.option(option));
        let replies = curl(&city, &gateway, SYSTEM, &asks);
        assert_eq!((replies[0].status, replies[4].status), (200, 200), "{option}");
        assert_eq!(told(&replies[1], 400).reason, "MESSAGE_TOO_LARGE", "{option}");
        assert_eq!(told(&replies[2], 400).reason, "MESSAGE_INVALID", "{option}");
        assert_eq!(told(&replies[3], 400).reason, "MESSAGE_TOO_LARGE", "{option}");
    }
}

/// A client of the Connect protocol that other people wrote; it sends messages in their binary form.
#[test]
fn buf_curl_speaks_the_connect_protocol() {
    let Some(python) = std::env::var_os("HEYAN_TEST_PYTHON").map(PathBuf::from) else {
        eprintln!("skipped: HEYAN_TEST_PYTHON is not set; `tests/run` installs the clients and sets it");
        return;
    };
    let city = City::new();
    let gateway = Gateway::start(&city);
    let keys = client_keys(city.path(), SYSTEM);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let buf = |question: &Value| {
        let run = Command::new(python.parent().unwrap().join("buf"))
            .args(["curl", "--protocol", "connect", "--cacert"])
            .arg(city.file("keys/client-ca.pem"))
            .arg("--cert")
            .arg(&keys.certificate)
            .arg("--key")
            .arg(&keys.key)
            .arg("--schema")
            .arg(root.join("../proto"))
            .args(["-d", &question.to_string()])
            .arg(format!("https://{}/heyan.v1.VerificationService/Verify", gateway.address()))
            .output()
            .unwrap();
        (run.status.success(), run.stdout, String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let (answered, stdout, stderr) = buf(&question());
    assert!(answered, "{stderr}");
    let reply: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(reply["determination"]["finding"], "FINDING_CONFIRMED", "{reply}");
    let (answered, _, stderr) = buf(&json!({}));
    assert!(!answered && stderr.contains("invalid_argument") && stderr.contains("FIELD_INVALID"), "{stderr}");
}
