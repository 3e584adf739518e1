use std::path::Path;

use reqwest::StatusCode;

use super::super::path::JsonPath;
use super::*;
use crate::declaration::Ask;

/// What a declaration with these edits makes of a reply.
fn read(edits: &[(&str, &str)], status: u16, reply: &str) -> Result<Holdings, AdapterError> {
    let declaration = declaration(edits);
    let result_type = &declaration.result_types[0];
    let Ask::Http(ask) = &result_type.ask else { panic!("it is asked over HTTP") };
    let answer = ask.reply.answer(StatusCode::from_u16(status).unwrap(), reply)?;
    crate::mapping::read_holdings(result_type, &answer.records, answer.more, answer.updated_at)
}

/// A reply whose data are these.
fn data(data: &str) -> String {
    format!(r#"{{"code": 0, "data": {data}}}"#)
}

/// A reply with one licence, whose months are these.
fn months(value: &str) -> String {
    LICENCE.replace("36", value)
}

#[test]
fn success_and_no_record_are_what_is_declared() {
    assert_eq!(read(&[], 200, LICENCE).unwrap().records.len(), 1);
    for none in
        [&data(r#"{"updated": null, "list": []}"#), r#"{"code": 40401}"#, r#"{"code": 40401, "data": {"list": []}}"#]
    {
        let holdings = read(&[], 200, none).unwrap();
        assert!(holdings.records.is_empty() && !holdings.more, "{none}");
    }
    let neither = "column `$.code` has what is declared neither as success nor as no record";
    for (reply, problem) in [
        (r#"{"code": 300, "data": {"updated": null, "list": []}}"#, neither),
        (r#"{"code": "0", "data": {"updated": null, "list": []}}"#, neither),
        (r#"{"code": 0.0, "data": {"updated": null, "list": []}}"#, neither),
        (r#"{"code": [0], "data": {"updated": null, "list": []}}"#, neither),
        (r#"{"code": null, "data": {"updated": null, "list": []}}"#, neither),
        (r#"{"data": {"updated": null, "list": []}}"#, neither),
        ("[]", neither),
        ("0", neither),
        (r#"{"code": 40401, "data": {"list": [{}]}}"#, "the reply says that there is no record and has records"),
        (r#"{"code": 0}"#, "column `$.data.updated` is missing"),
        (
            &data(r#"{"updated": "yesterday", "list": []}"#),
            "column `$.data.updated` is not a time such as `2026-11-23 09:30:00`",
        ),
        (
            &data(r#"{"updated": 1763856000, "list": []}"#),
            "column `$.data.updated` is not a time such as `2026-11-23 09:30:00`",
        ),
        (&data(r#"{"updated": null}"#), "column `$.data.list[*]` is missing"),
        (&data(r#"{"updated": null, "list": null}"#), "column `$.data.list[*]` is not in a list"),
        (&data(r#"{"updated": null, "list": {}}"#), "column `$.data.list[*]` is not in a list"),
        (&data(r#"{"updated": null, "list": "none"}"#), "column `$.data.list[*]` is not in a list"),
        (&data(r#"{"updated": null, "list": [null]}"#), "column `$.data.list[*]` is not an object"),
        (&data(r#"{"updated": null, "list": [[]]}"#), "column `$.data.list[*]` is not an object"),
        ("", "the reply is JSON that ends too early"),
        (r#"{"code": 40401"#, "the reply is JSON that ends too early"),
        (r#"{"code": 40401} {"code": 0}"#, "the reply is not JSON"),
        ("<html>404</html>", "the reply is not JSON"),
        (r#"{"code": 0, "code": 40401}"#, "the reply is JSON that is nested too deeply or has a member twice"),
        (&"[".repeat(100), "the reply is JSON that is nested too deeply or has a member twice"),
        (
            &format!(r#"{{"code": 40401, "x": {}{}}}"#, "[".repeat(33), "]".repeat(33)),
            "the reply is JSON that is nested too deeply or has a member twice",
        ),
    ] {
        assert_eq!(read(&[], 200, reply), malformed(problem), "{reply}");
    }
}

#[test]
fn statuses_are_never_no_record_unless_declared() {
    let none = r#"{"code": 40401}"#;
    for (status, expected) in [
        (302, "Misconfigured"),
        (400, "Misconfigured"),
        (401, "Misconfigured"),
        (403, "Misconfigured"),
        (404, "Misconfigured"),
        (405, "Misconfigured"),
        (408, "Unavailable"),
        (429, "Busy"),
        (500, "Unavailable"),
        (502, "Unavailable"),
        (503, "Unavailable"),
        (504, "Timeout"),
        (599, "Unavailable"),
        (600, "Malformed"),
    ] {
        for reply in [none, LICENCE, "", "<html></html>"] {
            let shown = format!("{:?}", read(&[], status, reply).unwrap_err());
            assert!(shown.starts_with(expected), "{status}: {shown}");
        }
    }
    let by_status = ("no_record = { path = \"$.code\", equals = [40401] }", "no_record_status = [404]");
    for (reply, is_none) in
        [("", true), ("{}", true), (r#"{"error": "x"}"#, true), ("<html>404</html>", false), ("{", false)]
    {
        assert_eq!(read(&[by_status], 404, reply).is_ok_and(|read| read.records.is_empty()), is_none, "{reply}");
    }
    let by_both = ("records = \"$.data", "no_record_status = [404]\nrecords = \"$.data");
    for (reply, is_none) in [(none, true), ("", false), ("{}", false), (LICENCE, false)] {
        assert_eq!(read(&[by_both], 404, reply).is_ok_and(|read| read.records.is_empty()), is_none, "{reply}");
    }
}

#[test]
fn values_are_texts_whole_numbers_and_flags() {
    let whole = "column `$.months` is not a whole number of at most 64 bits; write it as text";
    let scalar = "column `$.months` is a list or an object; one value is expected";
    for (value, problem) in [
        ("36.5", whole),
        ("36.0", whole),
        ("3e1", whole),
        ("18446744073709551616", whole),
        ("9223372036854775808", whole),
        ("\"36个月\"", "column `$.months` is not a whole number"),
        ("true", "column `$.months` is not a whole number"),
        ("{}", scalar),
        ("[[36]]", scalar),
        ("[36, 37]", "column `$.months` has several values where one is expected"),
        ("null, \"month\": 1}, {\"x\": 1", "column `$.months` is missing"),
    ] {
        assert_eq!(read(&[], 200, &months(value)), malformed(problem), "{value}");
    }
    let long = format!("\"{}\"", "3".repeat(70_000));
    assert_eq!(read(&[], 200, &months(&long)), malformed("column `$.months` is too long"));
    for (value, fields) in [("36", 1), ("\"36\"", 1), ("[36]", 1), ("null", 0), ("\" \"", 0)] {
        assert_eq!(read(&[], 200, &months(value)).unwrap().records[0].fields.len(), fields, "{value}");
    }
}

/// A renamed column must not look like one that holds nothing, unless the department is declared to leave such out.
#[test]
fn what_is_missing_is_not_null() {
    let renamed = LICENCE.replace("months", "duration");
    assert_eq!(read(&[], 200, &renamed), malformed("column `$.months` is missing"));
    let absent = ("records = \"$.data", "absent_is_null = true\nrecords = \"$.data");
    assert_eq!(read(&[absent], 200, &renamed).unwrap().records[0].fields.len(), 0);
    let null = ("records = \"$.data", "null_is_no_record = true\nrecords = \"$.data");
    let (list_is_null, list_is_missing) = (data(r#"{"updated": null, "list": null}"#), data(r#"{"updated": null}"#));
    assert!(read(&[null], 200, &list_is_null).unwrap().records.is_empty());
    assert_eq!(read(&[null], 200, &list_is_missing), malformed("column `$.data.list[*]` is missing"));
}

#[test]
fn holders_stay_side_by_side() {
    let numbers = ("holder_name =", "holder_number = { from = \"$.holders[*].number\" }\nholder_name =");
    let example = ("[{\"name\": \"样例甲有限公司\"}]", "[]");
    let holders = |holders: &str| {
        let reply = LICENCE.replace("\"holders\": []", &format!("\"holders\": {holders}"));
        let read = read(&[numbers, example], 200, &reply)?;
        let holders = read.records[0].holders.iter();
        Ok::<_, AdapterError>(holders.map(|holder| (holder.number.clone(), holder.name.clone())).collect::<Vec<_>>())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(holders("[]").unwrap(), []);
    assert_eq!(holders("null").unwrap(), []);
    assert_eq!(
        holders(r#"[{"number": "A"}, {"name": "乙"}, {"number": "C", "name": "丙"}]"#).unwrap(),
        [(some("A"), None), (None, some("乙")), (some("C"), some("丙"))]
    );
    assert_eq!(holders("{}"), malformed("column `$.holders[*].number` is not in a list"));
    assert!(holders(&format!("[{}{{}}]", "{},".repeat(200))).is_err(), "too many");
}

#[test]
fn a_scope_is_a_list_or_a_text() {
    let scope = (
        "type = \"integer\"\nfrom = \"$.months\"\nunit = \"月\"",
        "type = \"scope\"\nfrom = \"$.months\"\nseparator = \"；\"",
    );
    let example = (", fields = { months = 36 }", "");
    for value in ["\"甲；乙\"", "[\"甲\", null, \"乙\"]", "[\"甲；乙\"]"] {
        let read = read(&[scope, example], 200, &months(value)).unwrap();
        let items = ["甲", "乙"].map(str::to_owned).to_vec();
        assert_eq!(read.records[0].fields["months"], heyan_proto::vocabulary::FieldValue::Scope(items), "{value}");
    }
}

#[test]
fn more_than_is_shown_is_more() {
    let total = ("records = \"$.data", "total = \"$.data.total\"\nrecords = \"$.data");
    let example = ("\"updated\": \"2026-11-22 23:00:00\"", "\"updated\": \"2026-11-22 23:00:00\", \"total\": 1");
    let of = |total_said: &str| {
        let reply = LICENCE.replace("\"updated\"", &format!("\"total\": {total_said}, \"updated\""));
        read(&[total, example], 200, &reply).map(|read| (read.records.len(), read.more))
    };
    assert_eq!(of("1"), Ok((1, false)));
    assert_eq!(of("\"7\""), Ok((1, true)));
    assert_eq!(of("0"), malformed("column `$.data.list[*]` has more records than `total` says"));
    for said in ["null", "-1", "1.0", "\"many\""] {
        assert_eq!(of(said), malformed("column `$.data.total` is not a whole number"), "{said}");
    }
}

#[test]
fn paths_lead_to_one_value_or_along_one_list() {
    for path in [
        "$",
        "$.a",
        "$.a.b",
        "$['a.*?:,b']",
        "$[\"月数\"]",
        "$.月数",
        "$[0]",
        "$.a[*]",
        "$[*].b",
        "$['[*]'][*]['\\'[*]']",
    ] {
        assert!(JsonPath::parse(path).is_ok(), "{path}");
    }
    for path in [
        "",
        "a",
        "$.",
        "$a",
        "$..a",
        "$.*",
        "$.a[*][*]",
        "$[0,1]",
        "$[0:2]",
        "$[?@.a]",
        "$['a",
        "$.a[*",
        "@.a",
        &format!("$.{}", "a".repeat(600)),
    ] {
        assert!(JsonPath::parse(path).is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_reply_is_read_in_its_declared_encoding_alone() {
    let gb18030 = "encoding = \"gb18030\"";
    let reply = |content_type: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let text = LICENCE.replace("JY1", "渝样例〇㐀");
    let (encoded, _, _) = encoding_rs::GB18030.encode(&text);
    let utf_8 = text.as_bytes();
    let unfit = |problem: &str, encoding: &str| Some(format!("the reply {problem} in `{encoding}`"));
    for (lines, content_type, body, problem) in [
        ("", "application/json", utf_8, None),
        ("", "text/html; Charset=\"UTF-8\"", utf_8, None),
        ("", "application/json;charset=GBK", utf_8, unfit("says that it is not written", "utf-8")),
        ("", "application/json", &*encoded, unfit("is not wholly written", "utf-8")),
        (gb18030, "application/json;charset=GBK", &*encoded, None),
        (gb18030, "application/json", &*encoded, None),
        (gb18030, "application/json;charset=UTF-8", &*encoded, unfit("says that it is not written", "gb18030")),
        (gb18030, "application/json", b"{\"code\": \"\xFF\"}", unfit("is not wholly written", "gb18030")),
    ] {
        let whole = reply(content_type, body);
        let service = Canned::new(move |_| whole.clone()).await;
        let read = ask(&adapter(&service, lines, &[], Path::new(""))).await;
        match problem {
            None => assert_eq!(read.unwrap().records[0].certificate_number.as_deref(), Some("渝样例〇㐀")),
            Some(problem) => assert_eq!(read, malformed(&problem), "{content_type}"),
        }
    }
}

#[tokio::test]
async fn errors_show_nothing_of_a_reply() {
    for reply in ["canary", r#"{"code": "canary"}"#, r#"{"canary": 1, "canary": 2}"#, &months("\"canary\"")] {
        let body = ok(reply);
        let service = Canned::new(move |_| body.clone()).await;
        let adapter = adapter(&service, "", &[], Path::new(""));
        let error = ask(&adapter).await.unwrap_err();
        assert!(!format!("{error} {error:?} {adapter:?}").contains("canary"), "{error}");
    }
}
