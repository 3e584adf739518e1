//! Other people's clients. Failure: a probe that the client cannot do, or reads otherwise than the contract says.
//! Skipped with a stated reason where `tests/run` has not installed the client.

use std::path::{Path, PathBuf};
use std::process::Command;

use heyan::sample::cases::Case;
use heyan::sample::client_keys;
use heyan_tests::{City, Gateway};
use serde_json::{Value, json};

/// The folder of Python programs that `tests/run` made; where it did not, the reason why a test is skipped.
fn tools() -> Option<PathBuf> {
    let python = std::env::var_os("HEYAN_TEST_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped: HEYAN_TEST_PYTHON is not set; `tests/run` installs the clients and sets it");
    }
    python.and_then(|python| Some(python.parent()?.to_owned()))
}

#[test]
fn python_grpcio_reads_answers_refusals_and_errors() {
    let Some(tools) = tools() else { return };
    let city = City::new();
    let gateway = Gateway::start(&city);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let asked = Case::named("food-licence-in-force").unwrap();
    let refused = Case::named("public-order-record-refused").unwrap();
    assert_eq!(asked.system, refused.system, "one client asks both");
    let subject = |case: &Case| json!({ "kind": case.subject.kind.as_str(), "number": case.subject.number });
    let question = json!({
        "item": asked.item, "result_type": asked.result_type, "subject": subject(asked),
        "claim": { "field": asked.claims[0].field, "value": asked.claims[0].values[0] },
        "refused": { "result_type": refused.result_type, "subject": subject(refused), "item": refused.item },
    });
    let keys = client_keys(city.path(), &format!("system/{}", asked.system));
    let run = Command::new(tools.join("python"))
        .arg(root.join("interop/verify.py"))
        .arg(root.join("../proto"))
        .arg(gateway.address())
        .args([city.file("keys/client-ca.pem"), keys.certificate, keys.key])
        .arg(question.to_string())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{stdout}{}", String::from_utf8_lossy(&run.stderr));
    let probes: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let probe =
        |name: &str| probes.iter().find(|probe| probe["probe"] == name).unwrap_or_else(|| panic!("no probe {name}"));

    assert_eq!(probe("answer")["answer"], "determination");
    assert!(probe("answer")["text"].as_str().unwrap().contains("FINDING_CONFIRMED"));
    assert_eq!(probe("answer")["leaf_hash"].as_str().unwrap().len(), 64);
    assert_eq!(probe("refusal")["answer"], "refusal");
    assert!(probe("refusal")["text"].as_str().unwrap().contains("LEGAL_KIND_LAW"));
    let error = probe("error");
    assert_eq!((&error["code"], &error["reason"]), (&json!("INVALID_ARGUMENT"), &json!("FIELD_INVALID")));
    assert_eq!(error["fields"], json!(["purpose.case_number", "subject.number"]));
    assert_eq!(error["locale"], "zh-CN");
    assert!(error["message"].as_str().unwrap().contains("字段"));
    assert_eq!(probe("error-en")["locale"], "en");
    assert_eq!(probe("batch")["items"], json!(["response", "status"]));
}

/// The line that the demo prints for `buf curl`, by reflection and over mTLS.
#[test]
fn buf_curl_asks_by_reflection() {
    let Some(tools) = tools() else { return };
    let city = City::new();
    let gateway = Gateway::start(&city);
    let asked = Case::named("food-licence-in-force").unwrap();
    let keys = client_keys(city.path(), &format!("system/{}", asked.system));
    let question = json!({
        "requestId": uuid::Uuid::new_v4().to_string(),
        "purpose": { "item": asked.item, "caseNumber": "CASE-BUF-1", "reason": "material check" },
        "official": { "id": "w-001", "name": "sample", "unit": "window", "terminal": "window-1" },
        "subject": { "kind": "SUBJECT_KIND_CREDIT_CODE", "number": asked.subject.number },
        "resultType": asked.result_type,
    });
    let run = Command::new(tools.join("buf"))
        .args(["curl", "--protocol", "grpc", "--cacert"])
        .arg(city.file("keys/client-ca.pem"))
        .arg("--cert")
        .arg(&keys.certificate)
        .arg("--key")
        .arg(&keys.key)
        .args(["-d", &question.to_string()])
        .arg(format!("https://{}/heyan.v1.VerificationService/Verify", gateway.address()))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let reply: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(reply["determination"]["finding"], "FINDING_CONFIRMED", "{reply}");
}
