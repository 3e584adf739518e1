//! The rows of claims.

use heyan_proto::reason::Reason;
use heyan_proto::v1::claim::Value;
use heyan_proto::v1::{Claim, IntegerList, Operator, TextList, VerifyRequest};

use super::table::{BIDI, NUL, Row, bad, long, row};

fn claim(of: &mut VerifyRequest, field: &str, operator: Operator, value: Value) {
    of.claims = vec![Claim { field: field.into(), operator: operator.into(), value: Some(value) }];
}

fn texts(items: &[&str]) -> Value {
    Value::Texts(TextList { items: items.iter().map(|&item| item.into()).collect() })
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub(super) const CLAIMS: &[Row<VerifyRequest>] = &[
    row(
        "claim: no such field",
        |q| claim(q, "no_such_field", Operator::Equals, text("甲")),
        Reason::FieldUnknown,
        &["claims[0].field"],
    ),
    row(
        "claim: a field with NUL",
        |q| claim(q, "business_items\0", Operator::Equals, text("甲")),
        Reason::FieldUnknown,
        &["claims[0].field"],
    ),
    row(
        "claim: an overlong field",
        |q| claim(q, &"a".repeat(100_000), Operator::Equals, text("甲")),
        Reason::FieldUnknown,
        &["claims[0].field"],
    ),
    row(
        "claim: a field with bidi",
        |q| claim(q, "business\u{202E}_items", Operator::Equals, text("甲")),
        Reason::FieldUnknown,
        &["claims[0].field"],
    ),
    row("claim: no field", |q| claim(q, "", Operator::Equals, text("甲")), Reason::FieldUnknown, &["claims[0].field"]),
    row(
        "claim: a field of another result type",
        |q| claim(q, "registered_capital", Operator::AtLeast, Value::Integer(1)),
        Reason::FieldUnknown,
        &["claims[0].field"],
    ),
    row(
        "claim: the second one has no such field",
        |q| {
            q.claims.push(Claim { field: "colour".into(), operator: Operator::Equals.into(), value: Some(text("甲")) })
        },
        Reason::FieldUnknown,
        &["claims[1].field"],
    ),
    row(
        "operator: no number",
        |q| claim(q, "business_items", Operator::AtLeast, Value::Integer(3)),
        Reason::OperatorUnfit,
        &["claims[0].operator"],
    ),
    row(
        "operator: no date",
        |q| claim(q, "operator_name", Operator::OnOrAfter, text("2026-01-01")),
        Reason::OperatorUnfit,
        &["claims[0].operator"],
    ),
    row(
        "operator: no scope",
        |q| claim(q, "valid_to", Operator::Contains, texts(&["2026-01-01"])),
        Reason::OperatorUnfit,
        &["claims[0].operator"],
    ),
    row(
        "operator: none but EQUALS is for a flag",
        |q| claim(q, "renewal_pending", Operator::AtLeast, Value::Integer(1)),
        Reason::OperatorUnfit,
        &["claims[0].operator"],
    ),
    row(
        "operator: none of a list for a date",
        |q| claim(q, "valid_to", Operator::OneOf, texts(&["2026-01-01"])),
        Reason::OperatorUnfit,
        &["claims[0].operator"],
    ),
    row(
        "operator: no limit for a scope",
        |q| claim(q, "business_items", Operator::Equals, text("热食类食品制售")),
        Reason::OperatorUnfit,
        &["claims[0].operator"],
    ),
    bad("operator: not given", |q| q.claims[0].operator = 0, &["claims[0].operator"]),
    bad("operator: unknown", |q| q.claims[0].operator = 99, &["claims[0].operator"]),
    row("value: none", |q| q.claims[0].value = None, Reason::ClaimValueUnfit, &["claims[0].value"]),
    row(
        "value: a text for a scope",
        |q| q.claims[0].value = Some(text("热食类食品制售")),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: a number for a text",
        |q| claim(q, "operator_name", Operator::Equals, Value::Integer(1_234_567)),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: a list for EQUALS",
        |q| claim(q, "operator_name", Operator::Equals, texts(&["样例甲店铺"])),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: no date",
        |q| claim(q, "valid_to", Operator::OnOrAfter, text("明年的某一天")),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: no such day",
        |q| claim(q, "valid_to", Operator::OnOrAfter, text("2026-02-30")),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: a text for a flag",
        |q| claim(q, "renewal_pending", Operator::Equals, text("已申请延续")),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: a text for a number",
        |q| {
            q.result_type = "business-licence".into();
            claim(q, "registered_capital", Operator::AtLeast, text("500万元"));
        },
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: no word of the list",
        |q| {
            q.result_type = "business-licence".into();
            claim(q, "kind", Operator::Equals, text("样例无限公司"));
        },
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: one that is no word of the list",
        |q| {
            q.result_type = "business-licence".into();
            claim(q, "kind", Operator::OneOf, texts(&["股份有限公司", "样例无限公司"]));
        },
        Reason::ClaimValueUnfit,
        &["claims[0].value[1]"],
    ),
    bad("value: an empty list", |q| q.claims[0].value = Some(texts(&[])), &["claims[0].value"]),
    bad("value: a long list", |q| q.claims[0].value = Some(texts(&["热食类"; 65])), &["claims[0].value"]),
    bad(
        "value: an empty text in a list",
        |q| q.claims[0].value = Some(texts(&["热食类", ""])),
        &["claims[0].value[1]"],
    ),
    bad("value: NUL in a list", |q| q.claims[0].value = Some(texts(&[NUL])), &["claims[0].value[0]"]),
    bad("value: bidi in a list", |q| q.claims[0].value = Some(texts(&["热食类", BIDI])), &["claims[0].value[1]"]),
    bad("value: empty", |q| claim(q, "operator_name", Operator::Equals, text("")), &["claims[0].value"]),
    bad("value: NUL", |q| claim(q, "operator_name", Operator::Equals, text(NUL)), &["claims[0].value"]),
    bad("value: bidi", |q| claim(q, "operator_name", Operator::Equals, text(BIDI)), &["claims[0].value"]),
    bad(
        "value: bidi in a date",
        |q| claim(q, "valid_to", Operator::Equals, text("2026\u{200F}-01-01")),
        &["claims[0].value"],
    ),
    row(
        "value: a number for a date",
        |q| claim(q, "valid_to", Operator::OnOrAfter, Value::Integer(20_260_101)),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: a number for a flag",
        |q| claim(q, "renewal_pending", Operator::Equals, Value::Integer(1)),
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    row(
        "value: texts for numbers",
        |q| {
            q.result_type = "business-licence".into();
            claim(q, "registered_capital", Operator::OneOf, texts(&["500万元"]));
        },
        Reason::ClaimValueUnfit,
        &["claims[0].value"],
    ),
    bad(
        "value: too many numbers",
        |q| {
            q.result_type = "business-licence".into();
            claim(q, "registered_capital", Operator::OneOf, Value::Integers(IntegerList { items: vec![7; 65] }));
        },
        &["claims[0].value"],
    ),
    bad(
        "value: an overlong text in a list",
        |q| q.claims[0].value = Some(texts(&["热食类", &long(501)])),
        &["claims[0].value[1]"],
    ),
    bad("value: overlong", |q| claim(q, "operator_name", Operator::Equals, text(&long(501))), &["claims[0].value"]),
    row("33 claims", |q| q.claims = vec![q.claims[0].clone(); 33], Reason::TooManyClaims, &["claims"]),
];
