//! The same rows sent as plain JSON. Failure: another code, reason or field than over gRPC; a text that repeats what was written.

use heyan_proto::v1;
use heyan_tests::{Ask, Gateway, Told, curl, plain};
use serde_json::Value;

use super::table::{RETRIEVALS, VERIFICATIONS};
use super::{base, city, personal, retrieval};

/// A question as JSON, with a span of time that has no JSON form written as one would.
fn verification(mut question: v1::VerifyRequest) -> Value {
    let age = question.max_age;
    if let Ok(json) = plain::to_json("VerifyRequest", &question) {
        return json;
    }
    question.max_age = None;
    let mut json = plain::to_json("VerifyRequest", &question).unwrap();
    let age = age.unwrap();
    json["maxAge"] = format!("{}.{:09}s", age.seconds, age.nanos).into();
    json
}

#[test]
fn every_bad_question_is_told_the_same_in_json() {
    let city = city();
    let gateway = Gateway::start(&city);
    let verifications = VERIFICATIONS.iter().map(|row| {
        let mut question = base(row.base);
        (row.change)(&mut question);
        let json = verification(question.clone()).to_string();
        (row.name, row.reason, row.fields, personal(&question), Ask::json("VerificationService/Verify", json))
    });
    let retrievals = RETRIEVALS.iter().map(|row| {
        let mut question = retrieval();
        (row.change)(&mut question);
        let json = plain::to_json("RetrieveResultRequest", &question).unwrap().to_string();
        (row.name, row.reason, row.fields, Vec::new(), Ask::json("VerificationService/RetrieveResult", json))
    });
    let rows: Vec<_> = verifications.chain(retrievals).collect();
    let asks: Vec<Ask> = rows.iter().map(|(.., ask)| ask.clone()).collect();
    let mut wrong = Vec::new();
    for ((name, reason, fields, personal, _), reply) in
        rows.iter().zip(curl(&city, &gateway, "system/health-intake", &asks))
    {
        let told = Told::of_json(&reply.json());
        let texts = told.texts();
        if (told.code, told.reason.as_str(), told.fields()) != (reason.code(), reason.as_str(), fields.to_vec())
            || told.metadata["decision_id"] != reply.header("x-decision-id")
            || told.localized.0 != "zh-CN"
            || personal.iter().any(|written| texts.contains(written))
        {
            wrong.push(format!("{name}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
