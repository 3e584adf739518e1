use std::path::Path;

use heyan_proto::vocabulary::PersonalText;
use serde_json::{Value, json};

use super::*;

/// Text that would be something else wherever it is not encoded.
const HOSTILE: [&str; 14] = [
    "' OR 1=1 --",
    "a b+c%20d%",
    "a&no=b;c=d",
    "a/../../b?c#d",
    "..",
    "\"}, {\"no\": \"x",
    "\\\" \\u0000",
    "{{subject_number}}",
    "$.code",
    "</a><b>",
    "x: y",
    "%0D%0Ax: y",
    "样例·甲（个体）",
    "𠮷",
];

fn text(text: &str) -> PersonalText {
    PersonalText::parse(text, 200).unwrap()
}

/// A look-up that has this text in every input that may be any text.
fn everywhere(hostile: &str) -> Lookup {
    let mut lookup = licence();
    lookup.subject_name = Some(text(hostile));
    lookup.certificate_number = Some(text(hostile));
    lookup.reason = text(hostile);
    let official = &mut lookup.official;
    for place in [&mut official.id, &mut official.name, &mut official.unit, &mut official.terminal] {
        *place = text(hostile);
    }
    lookup
}

const PLACES: (&str, &str) = (
    "path = \"/licences/{{subject_number}}/query\"\nheaders = { X-Official = \"{{official_name}}\" }\njson = { no = \"{{certificate_number}}\", filter = { name = \"{{subject_name}}\" }, reason = \"{{reason}}\", fields = [\"no\", \"months\"] }",
    "path = \"/licences/{{subject_number}}/by-{{reason}}\"\nheaders = { X-Official = \"{{official_name}}\", X-No = \"no:{{certificate_number}}\" }\nquery = { a = \"{{subject_name}}\", 'b&' = \"x y\", c = \"{{official_terminal}}\" }\n",
);

fn with_body(body: &str) -> (&'static str, String) {
    (PLACES.0, format!("{}{body}", PLACES.1))
}

#[tokio::test]
async fn hostile_text_is_a_value_in_every_place() {
    let service = Canned::new(|_| ok(LICENCE)).await;
    let (old, json_body) = with_body("json = { a = [\"{{reason}}\", 1, true], b = { c = \"{{official_id}}\" } }");
    let (_, form_body) = with_body("form = { a = \"{{reason}}\", n = \"number-{{subject_number}}\" }");
    let by_json = adapter(&service, "", &[(old, &json_body)], Path::new(""));
    let by_form = adapter(&service, "", &[(old, &form_body)], Path::new(""));
    for hostile in HOSTILE {
        let mut encoded = String::new();
        super::super::words::percent(hostile.as_bytes(), &mut encoded);
        for adapter in [&by_json, &by_form] {
            assert_eq!(adapter.look_up(&everywhere(hostile)).await.unwrap().records.len(), 1);
        }
        let [by_json, by_form]: [String; 2] = service.heard().try_into().unwrap();
        for message in [&by_json, &by_form] {
            let (head, _) = message.split_once("\r\n\r\n").unwrap();
            let mut lines = head.split("\r\n");
            let number = SUBJECTS[0];
            let path = format!("/api/licences/{number}/by-{encoded}?a={encoded}&b%26=x%20y&c={encoded}");
            assert_eq!(lines.next(), Some(&format!("POST {path} HTTP/1.1")[..]), "{hostile}");
            let headers: Vec<&str> = lines.collect();
            assert!(headers.contains(&&format!("x-official: {encoded}")[..]), "{hostile}: {headers:?}");
            assert!(headers.contains(&&format!("x-no: no:{encoded}")[..]), "{hostile}: {headers:?}");
            let mut names: Vec<&str> = headers.iter().map(|header| header.split_once(": ").unwrap().0).collect();
            names.sort_unstable();
            assert_eq!(names, ["accept", "content-length", "content-type", "host", "user-agent", "x-no", "x-official"]);
        }
        let body = |message: &str| message.split_once("\r\n\r\n").unwrap().1.to_owned();
        let sent: Value = serde_json::from_str(&body(&by_json)).unwrap();
        assert_eq!(sent, json!({ "a": [hostile, 1, true], "b": { "c": hostile } }));
        assert_eq!(body(&by_form), format!("a={encoded}&n=number-{}", SUBJECTS[0]));
    }
}

#[tokio::test]
async fn a_value_that_is_no_segment_is_not_sent() {
    let service = Canned::new(|_| ok(LICENCE)).await;
    let path = ("/licences/{{subject_number}}/query", "/licences/{{certificate_number}}/{{subject_number}}");
    let adapter = adapter(&service, "", &[path], Path::new(""));
    for value in ["..", "."] {
        let error = adapter.look_up(&everywhere(value)).await;
        assert_eq!(error, misconfigured("a value of the question cannot stand in the path"), "{value}");
    }
    assert_eq!(ask(&adapter).await, misconfigured("its path needs an input that the look-up lacks"));
    assert_eq!(service.heard().len(), 0);
}

#[tokio::test]
async fn what_a_question_does_not_give_is_left_out_or_null() {
    let service = Canned::new(|_| ok(LICENCE)).await;
    let query = (
        "path = \"/licences/{{subject_number}}/query\"",
        "path = \"/licences\"\nquery = { n = \"{{subject_number}}\", no = \"{{certificate_number}}\" }",
    );
    let adapter = adapter(&service, "", &[query], Path::new(""));
    ask(&adapter).await.unwrap();
    let [message]: [String; 1] = service.heard().try_into().unwrap();
    assert!(message.starts_with("POST /api/licences?n=91500000MA0000015Q HTTP/1.1\r\n"), "{message}");
    let body: Value = serde_json::from_str(message.split_once("\r\n\r\n").unwrap().1).unwrap();
    let expected =
        json!({ "no": null, "filter": { "name": null }, "reason": "办理样例事项", "fields": ["no", "months"] });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn what_a_declaration_requires_is_not_left_out() {
    let service = Canned::new(|_| ok(LICENCE)).await;
    let requires = ("max_rows = 3", "max_rows = 3\nrequires = [\"subject_name\"]");
    let adapter = adapter(&service, "", &[requires], Path::new(""));
    assert_eq!(ask(&adapter).await, misconfigured("it requires `subject_name`, which the look-up lacks"));
    assert_eq!(service.heard().len(), 0);
}

#[tokio::test]
async fn gb18030_is_written_as_it_is_read() {
    let service = Canned::new(|_| ok("{\"code\": 40401}")).await;
    let query = (
        "path = \"/licences/{{subject_number}}/query\"",
        "path = \"/{{subject_number}}\"\nquery = { name = \"{{subject_name}}\" }",
    );
    let adapter = adapter(&service, "encoding = \"gb18030\"", &[query], Path::new(""));
    adapter.look_up(&everywhere("样例")).await.unwrap();
    let (encoded, _, _) = encoding_rs::GB18030.encode("\"reason\":\"样例\"");
    let body = service.body();
    assert!(body.windows(encoded.len()).any(|part| part == &*encoded));
    adapter.look_up(&everywhere("样例")).await.unwrap();
    let [message]: [String; 1] = service.heard().try_into().unwrap();
    assert!(message.starts_with("POST /api/91500000MA0000015Q?name=%D1%F9%C0%FD HTTP/1.1\r\n"), "{message}");
    assert!(message.contains("content-type: application/json; charset=gb18030\r\n"));
    // The one private character that has no form there.
    let unknown = "the question has a character that its encoding has no form for";
    assert_eq!(adapter.look_up(&everywhere("\u{E5E5}")).await, misconfigured(unknown));
}

#[tokio::test]
async fn headers_are_sent_and_the_trace_only_where_it_is_one() {
    let service = Canned::new(|_| ok(LICENCE)).await;
    let headers = "headers = { X-System = \"heyan\", Accept = \"*/*\" }";
    let adapter = adapter(&service, headers, &[], Path::new(""));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for traceparent in [trace, "x\r\ny: z"] {
        adapter.look_up(&Lookup { traceparent: Some(traceparent.into()), ..licence() }).await.unwrap();
    }
    let [traced, untraced]: [String; 2] = service.heard().try_into().unwrap();
    assert!(traced.contains(&format!("\r\ntraceparent: {trace}\r\n")) && traced.contains("\r\nx-system: heyan\r\n"));
    assert!(traced.contains("\r\naccept: */*\r\n") && !traced.contains("application/json\r\naccept"));
    assert!(!untraced.contains("traceparent"), "{untraced}");
}

#[tokio::test]
async fn health_asks_about_nobody() {
    let service = Canned::new(|message| match message.split_whitespace().nth(1).unwrap() {
        "/api" => canned::reply("404 Not Found", ""),
        "/api/health" => ok("up"),
        "/api/ill" => canned::reply("503 Service Unavailable", ""),
        _ => canned::reply("404 Not Found", ""),
    })
    .await;
    for (lines, expected) in [
        ("", Ok(())),
        ("health = \"/health\"", Ok(())),
        ("health = \"/ill\"", Err(AdapterError::Unavailable)),
        ("health = \"/moved\"", misconfigured("it does not know such a question (HTTP 404 Not Found)")),
    ] {
        assert_eq!(adapter(&service, lines, &[], Path::new("")).check_health().await, expected, "{lines}");
    }
    assert!(service.heard().iter().all(|message| !message.contains(SUBJECTS[0])));
}
