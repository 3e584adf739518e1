//! What JSON is read, and what is said of the rest.

use heyan::sample::cases::Case;
use heyan_tests::{Ask, City, Gateway, Told, curl, plain, questions};
use serde_json::{Value, json};

use super::{SYSTEM, VERIFY, ask, question, told};

/// A value that must never be repeated.
const CANARY: &str = "11010519491231002X";

/// A body that cannot be read: what is said of it, and where.
struct Bad {
    body: Vec<u8>,
    reason: &'static str,
    /// Its path, unless it is the document itself.
    field: &'static str,
    line: u32,
    /// Words of the message in English.
    says: &'static str,
}

fn bad(body: impl Into<Vec<u8>>, reason: &'static str, field: &'static str, line: u32, says: &'static str) -> Bad {
    Bad { body: body.into(), reason, field, line, says }
}

fn no_json() -> Vec<Bad> {
    const R: &str = "JSON_INVALID";
    vec![
        bad("", R, "", 1, "the body is empty"),
        bad(" \n ", R, "", 2, "the body is empty"),
        bad("null", R, "", 1, "must be an object"),
        bad("[]", R, "", 1, "must be an object"),
        bad(format!("\"{CANARY}\""), R, "", 1, "must be an object"),
        bad("7", R, "", 1, "must be an object"),
        bad("{", R, "", 1, "EOF"),
        bad("{\n\"requestId\": \"a\",\n}", R, "", 3, "trailing comma"),
        bad("{\"requestId\": 'a'}", R, "request_id", 1, "expected value"),
        bad("{requestId: 1}", R, "", 1, "key must be a string"),
        bad(format!("{{}} {CANARY}"), R, "", 1, "trailing characters"),
        bad("{}{}", R, "", 1, "trailing characters"),
        bad("\u{FEFF}{}", R, "", 1, "expected value"),
        bad("<VerifyRequest/>", R, "", 1, "expected value"),
        bad("requestId=1&resultType=2", R, "", 1, "expected value"),
        bad(b"{\"requestId\": \"\xFF\xFE\"}", R, "request_id", 1, "UTF-8"),
        bad(b"{\"requestId\": \"\xC1\xF9\xC0\xFD\"}", R, "request_id", 1, "UTF-8"),
        bad("{\"requestId\": \"\\uD800\"}", R, "request_id", 1, "hex escape"),
        bad("{\"requestId\": \"a\0b\"}", R, "request_id", 1, "control character"),
        bad("{\"maxAge\": 1e999}", R, "max_age", 1, "number out of range"),
        bad("{\"validateOnly\": NaN}", R, "validate_only", 1, "expected"),
        bad("[".repeat(200), R, "", 1, "must be an object"),
    ]
}

fn no_message() -> Vec<Bad> {
    const R: &str = "JSON_INVALID";
    let nested = format!("{}1{}", "{\"subject\":".repeat(200), "}".repeat(200));
    vec![
        bad(nested, R, "subject.subject", 1, "is not a field here; those here are kind, number, name"),
        bad(format!("{{\"x\": {}", "[".repeat(100_000)), R, "x", 1, "is not a field here"),
        bad(format!("{{\"subject\": {{\"nunber\": \"{CANARY}\"}}}}"), R, "subject.nunber", 1, "kind, number, name"),
        bad("{\"claims\": [{}, {\"feild\": 1}]}", R, "claims[1].feild", 1, "field, operator, text"),
        bad("{\n \"purpose\": {\n  \"caseNr\": 1}}", R, "purpose.caseNr", 3, "item, caseNumber, reason"),
        bad(format!("{{\"{CANARY} \": 1}}"), R, "?", 1, "is not a field here"),
        bad(format!("{{\"{}\": 1}}", "a".repeat(1000)), R, "?", 1, "is not a field here"),
        bad("{\"requestId\": \"a\", \"requestId\": \"b\"}", R, "request_id", 1, "is there twice"),
        bad("{\"requestId\": \"a\", \"request_id\": \"a\"}", R, "request_id", 1, "is there twice"),
        bad("{\"requestId\": null, \"requestId\": \"a\"}", R, "request_id", 1, "is there twice"),
        bad("{\"claims\": [{\"text\": \"a\", \"flag\": true}]}", R, "claims[0].flag", 1, "text, texts, integer"),
    ]
}

fn no_value() -> Vec<Bad> {
    const R: &str = "FIELD_INVALID";
    let claim = |value: &str| format!("{{\"claims\": [{{\"integer\": {value}}}]}}");
    let subject = |value: &str| format!("{{\"subject\": {{\"kind\": {value}}}}}");
    let integer = "a whole number of 64 bits";
    vec![
        bad("{\"requestId\": 11010519491231002}", R, "request_id", 1, "must be a string"),
        bad("{\"requestId\": true}", R, "request_id", 1, "must be a string"),
        bad("{\"requestId\": {}}", R, "request_id", 1, "must be a string"),
        bad("{\"requestId\": [\"a\"]}", R, "request_id", 1, "must be a string"),
        bad("{\"validateOnly\": \"true\"}", R, "validate_only", 1, "must be true or false"),
        bad("{\"validateOnly\": 1}", R, "validate_only", 1, "must be true or false"),
        bad(format!("{{\"subject\": \"{CANARY}\"}}"), R, "subject", 1, "must be an object"),
        bad(format!("{{\"subject\": [\"{CANARY}\"]}}"), R, "subject", 1, "must be an object"),
        bad("{\"claims\": {}}", R, "claims", 1, "must be an array"),
        bad("{\"claims\": \"a\"}", R, "claims", 1, "must be an array"),
        bad("{\"claims\": [null]}", R, "claims[0]", 1, "must be an object"),
        bad(
            "{\"claims\": [{\"texts\": {\"items\": [\"a\", 2]}}]}",
            R,
            "claims[0].texts.items[1]",
            1,
            "must be a string",
        ),
        bad(subject("\"CREDIT_CODE\""), R, "subject.kind", 1, "SUBJECT_KIND_CREDIT_CODE"),
        bad(subject(&format!("\"{CANARY}\"")), R, "subject.kind", 1, "must be one of"),
        bad(subject("4.5"), R, "subject.kind", 1, "must be one of"),
        bad(subject("99999999999"), R, "subject.kind", 1, "must be one of"),
        bad(claim("24.5"), R, "claims[0].integer", 1, integer),
        bad(claim("\"24.0\""), R, "claims[0].integer", 1, integer),
        bad(claim("\" 24\""), R, "claims[0].integer", 1, integer),
        bad(claim("\"+24\""), R, "claims[0].integer", 1, integer),
        bad(claim("\"\""), R, "claims[0].integer", 1, integer),
        bad(claim("\"a\""), R, "claims[0].integer", 1, integer),
        bad(claim("9223372036854775808"), R, "claims[0].integer", 1, integer),
        bad(claim("\"9223372036854775808\""), R, "claims[0].integer", 1, integer),
        bad(claim("9007199254740993.0"), R, "claims[0].integer", 1, integer),
        bad("{\"maxAge\": 3600}", R, "max_age", 1, "\"3600s\""),
        bad("{\"maxAge\": \"1h\"}", R, "max_age", 1, "\"3600s\""),
        bad("{\"maxAge\": {\"seconds\": 1}}", R, "max_age", 1, "\"3600s\""),
        bad("{\"maxAge\": \"315576000001s\"}", R, "max_age", 1, "\"3600s\""),
    ]
}

#[test]
fn what_cannot_be_read_is_told_where_and_what_to_write() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let all: Vec<Bad> = no_json().into_iter().chain(no_message()).chain(no_value()).collect();
    let asks: Vec<Ask> =
        all.iter().map(|bad| Ask::json(VERIFY, bad.body.clone()).header("accept-language: en")).collect();
    let mut wrong = Vec::new();
    for (bad, reply) in all.iter().zip(curl(&city, &gateway, SYSTEM, &asks)) {
        let told = told(&reply, 400);
        let shown = String::from_utf8_lossy(&bad.body[..bad.body.len().min(80)]).into_owned();
        if let Some(fault) = bad.fault(&told) {
            wrong.push(format!("{shown}: {fault}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let logs = gateway.logs().text();
    assert!(!logs.contains(CANARY) && !logs.contains("nunber"), "a request is in the log: {logs}");
}

impl Bad {
    fn fault(&self, told: &Told) -> Option<&'static str> {
        let field = told.metadata.get("field").map_or("", String::as_str);
        let fields = if self.field.is_empty() { Vec::new() } else { vec![self.field] };
        let (text, localized) = (&told.message, &told.localized.1);
        match () {
            () if told.reason != self.reason => Some("another reason"),
            () if field != self.field || told.fields() != fields => Some("another field"),
            () if told.metadata["line"] != self.line.to_string() => Some("another line"),
            () if told.metadata["column"].parse::<u32>().is_err() => Some("no column"),
            () if !text.contains(self.says) || !localized.contains(self.says) => Some("it does not say what to write"),
            () if told.texts().contains(CANARY) || told.texts().len() > 4096 => Some("what was written is repeated"),
            () => None,
        }
    }
}

/// All of these say the same in the JSON form of protobuf.
#[test]
fn what_protobuf_allows_is_read() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, months) = questions::named("insured-two-years");
    let months = plain::to_json("VerifyRequest", &months).unwrap();
    assert_eq!(months["claims"][0]["integer"], "24", "the sample claims an integer");
    let member = format!("system/{}", case.system);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut question = months.clone();
        question["requestId"] = uuid::Uuid::new_v4().to_string().into();
        change(&mut question);
        ask(&question)
    };
    let asks = [
        with(&|_| {}),
        with(&|q| q["claims"][0]["integer"] = json!(24)),
        with(&|q| q["claims"][0]["integer"] = json!(24.0)),
        with(&|q| q["claims"][0]["integer"] = json!(2.4e1)),
        with(&|q| q["claims"][0]["operator"] = json!(4)),
        with(&|q| q["claims"][0]["text"] = Value::Null),
        with(&|q| q["maxAge"] = json!("0.500s")),
        with(&|q| q["maxAge"] = Value::Null),
        with(&|q| q["asOf"] = Value::Null),
        // The names of the `.proto` files.
        with(&|q| {
            let kind = q.as_object_mut().unwrap().remove("resultType").unwrap();
            q["result_type"] = kind;
        }),
    ];
    for (ask, reply) in asks.iter().zip(curl(&city, &gateway, &member, &asks)) {
        assert_eq!(reply.status, 200, "{ask:?}: {}", String::from_utf8_lossy(&reply.body));
        assert_eq!(reply.json()["determination"]["finding"], "FINDING_CONFIRMED", "{ask:?}");
    }
}

/// The same question however it is written: the same `request_id` gets the recorded answer, and is not one of other content.
#[test]
fn a_question_is_its_message_and_not_its_spelling() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (case, months) = questions::named("insured-two-years");
    let months = plain::to_json("VerifyRequest", &months).unwrap();
    assert!(Case::named(case.id).is_some() && question() != months);
    let mut respelt = months.clone();
    respelt["claims"][0]["integer"] = json!(24);
    respelt["validateOnly"] = json!(false);
    let pretty = serde_json::to_string_pretty(&respelt).unwrap();
    let mut other = months.clone();
    other["claims"][0]["integer"] = json!(25);
    let asks = [ask(&months), Ask::json(VERIFY, pretty), ask(&other)];
    let replies = curl(&city, &gateway, &format!("system/{}", case.system), &asks);
    assert_eq!(replies[0].json(), replies[1].json());
    assert_eq!(told(&replies[2], 409).reason, "REQUEST_ID_REUSED");
}
