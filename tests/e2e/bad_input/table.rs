//! The rows: what is written into a question that is otherwise good, and what comes of it.

use heyan::sample::cases::item;
use heyan_proto::reason::Reason;
use heyan_proto::v1::claim::Value;
use heyan_proto::v1::{Claim, IntegerList, Operator, SubjectKind, VerifyRequest};

pub(super) use super::retrievals::RETRIEVALS;
pub(super) use super::row::Base;
use super::row::{BIDI, ISOLATE, LINE, NUL, Row, bad, claim, item, long, number, person, row, text, texts};

macro_rules! purpose {
    ($of:ident.$field:ident = $text:expr) => {
        |$of| $of.purpose.as_mut().unwrap().$field = $text.into()
    };
}

macro_rules! official {
    ($of:ident.$field:ident = $text:expr) => {
        |$of| $of.official.as_mut().unwrap().$field = $text.into()
    };
}

macro_rules! name {
    ($text:expr) => {
        |q| q.subject.as_mut().unwrap().name = Some($text.into())
    };
}

pub(super) const VERIFICATIONS: &[Row<VerifyRequest>] = &[
    // request_id
    bad("no request_id", |q| q.request_id.clear(), &["request_id"]),
    bad("request_id: no UUID", |q| q.request_id = "case-1".into(), &["request_id"]),
    bad("request_id: nil", |q| q.request_id = "00000000-0000-0000-0000-000000000000".into(), &["request_id"]),
    bad("request_id: no hyphens", |q| q.request_id = q.request_id.replace('-', ""), &["request_id"]),
    bad("request_id: braces", |q| q.request_id = format!("{{{}}}", q.request_id), &["request_id"]),
    bad("request_id: URN", |q| q.request_id = format!("urn:uuid:{}", q.request_id), &["request_id"]),
    bad("request_id: NUL", |q| q.request_id = q.request_id.replace('-', "\0"), &["request_id"]),
    bad("request_id: bidi", |q| q.request_id = q.request_id.replace('-', "\u{202E}"), &["request_id"]),
    bad("request_id: overlong", |q| q.request_id = "a".repeat(100_000), &["request_id"]),
    // Messages that are missing
    bad("no purpose", |q| q.purpose = None, &["purpose.item", "purpose.case_number", "purpose.reason"]),
    bad("no official", |q| q.official = None, &["official.id", "official.name", "official.unit", "official.terminal"]),
    bad("no subject", |q| q.subject = None, &["subject.kind"]),
    // purpose
    bad("item: empty", |q| item(q, ""), &["purpose.item"]),
    bad("item: no code", |q| item(q, "food"), &["purpose.item"]),
    bad("item: NUL", |q| item(q, "11500000MB000006XJ20010230040\x001"), &["purpose.item"]),
    bad("item: bidi", |q| item(q, "11500000MB000006XJ\u{202E}2001023004001"), &["purpose.item"]),
    bad("item: no such level", |q| item(q, "11500000MB000006XJ9001023004001"), &["purpose.item"]),
    bad("item: overlong", |q| item(q, &"1".repeat(10_000)), &["purpose.item"]),
    bad("item: check character", |q| item(q, "11500000MB000006XA2001023004001"), &["purpose.item"]),
    row("item: unknown", |q| item(q, "11500000MB000006XJ2001023004099"), Reason::ItemUnknown, &["purpose.item"]),
    row(
        "item: cancelled, and its guide needs something else",
        |q| item(q, item::FOOD_CIRCULATION_LICENCE),
        Reason::ItemNotInForce,
        &["purpose.item", "purpose.item"],
    ),
    row(
        "item: cancelled",
        |q| {
            item(q, item::FOOD_CIRCULATION_LICENCE);
            q.result_type = "business-licence".into();
            q.claims.clear();
        },
        Reason::ItemNotInForce,
        &["purpose.item"],
    ),
    row(
        "item: suspended",
        |q| {
            item(q, item::CONSTRUCTION_PERMIT);
            q.result_type = "business-licence".into();
            q.claims.clear();
        },
        Reason::ItemNotInForce,
        &["purpose.item"],
    ),
    row(
        "item: has ended",
        |q| {
            item(q, item::ROAD_FREIGHT_LICENCE);
            q.result_type = "business-licence".into();
            q.claims.clear();
        },
        Reason::ItemNotInForce,
        &["purpose.item"],
    ),
    Row {
        base: Base::Person,
        ..row("item: has not begun", |q| item(q, item::TALENT_SETTLEMENT), Reason::ItemNotInForce, &["purpose.item"])
    },
    row(
        "item: its guide does not need the result",
        |q| item(q, item::FOOD_LICENCE_ISSUE),
        Reason::ResultNotNeededByItem,
        &["purpose.item"],
    ),
    bad("case number: empty", purpose!(q.case_number = ""), &["purpose.case_number"]),
    bad("case number: blank", purpose!(q.case_number = " \u{3000} "), &["purpose.case_number"]),
    bad("case number: nobody sees it", purpose!(q.case_number = "\u{200C}\u{200D}"), &["purpose.case_number"]),
    bad("case number: overlong", purpose!(q.case_number = long(65)), &["purpose.case_number"]),
    bad("case number: NUL", purpose!(q.case_number = NUL), &["purpose.case_number"]),
    bad("case number: bidi", purpose!(q.case_number = BIDI), &["purpose.case_number"]),
    bad("reason: empty", purpose!(q.reason = ""), &["purpose.reason"]),
    bad("reason: blank", purpose!(q.reason = "\u{3000}\t "), &["purpose.reason"]),
    bad("reason: overlong", purpose!(q.reason = long(201)), &["purpose.reason"]),
    bad("reason: NUL", purpose!(q.reason = NUL), &["purpose.reason"]),
    bad("reason: bidi", purpose!(q.reason = ISOLATE), &["purpose.reason"]),
    bad("reason: two lines", purpose!(q.reason = LINE), &["purpose.reason"]),
    // official
    bad("official.id: empty", official!(q.id = ""), &["official.id"]),
    bad("official.id: overlong", official!(q.id = long(65)), &["official.id"]),
    bad("official.id: NUL", official!(q.id = NUL), &["official.id"]),
    bad("official.id: bidi", official!(q.id = BIDI), &["official.id"]),
    bad("official.id: blank", official!(q.id = "  "), &["official.id"]),
    bad("official.name: empty", official!(q.name = ""), &["official.name"]),
    bad("official.name: overlong", official!(q.name = long(65)), &["official.name"]),
    bad("official.name: NUL", official!(q.name = NUL), &["official.name"]),
    bad("official.name: bidi", official!(q.name = ISOLATE), &["official.name"]),
    bad("official.unit: empty", official!(q.unit = ""), &["official.unit"]),
    bad("official.unit: overlong", official!(q.unit = long(129)), &["official.unit"]),
    bad("official.unit: NUL", official!(q.unit = NUL), &["official.unit"]),
    bad("official.unit: bidi", official!(q.unit = BIDI), &["official.unit"]),
    bad("official.terminal: empty", official!(q.terminal = ""), &["official.terminal"]),
    bad("official.terminal: overlong", official!(q.terminal = long(65)), &["official.terminal"]),
    bad("official.terminal: NUL", official!(q.terminal = NUL), &["official.terminal"]),
    bad("official.terminal: bidi", official!(q.terminal = BIDI), &["official.terminal"]),
    // subject
    bad("kind: not given", |q| q.subject.as_mut().unwrap().kind = 0, &["subject.kind"]),
    bad("kind: unknown", |q| q.subject.as_mut().unwrap().kind = 99, &["subject.kind"]),
    row(
        "kind: does not fit",
        |q| number(q, SubjectKind::CitizenNumber, "500103200002290021"),
        Reason::SubjectKindUnfit,
        &["subject.kind"],
    ),
    row(
        "kind: does not fit, and the number is none",
        |q| number(q, SubjectKind::MainlandTravelPermit, "X12345678"),
        Reason::SubjectKindUnfit,
        &["subject.kind", "subject.number"],
    ),
    row(
        "kind: does not fit, and the number is none of Taiwan's",
        |q| number(q, SubjectKind::TaiwanTravelPermit, "1234567"),
        Reason::SubjectKindUnfit,
        &["subject.kind", "subject.number"],
    ),
    row(
        "kind: does not fit, and the number is no passport's",
        |q| number(q, SubjectKind::Passport, "EI1234567"),
        Reason::SubjectKindUnfit,
        &["subject.kind", "subject.number"],
    ),
    bad("code: empty", |q| number(q, SubjectKind::CreditCode, ""), &["subject.number"]),
    bad("code: check character", |q| number(q, SubjectKind::CreditCode, "91500000MA0000015A"), &["subject.number"]),
    bad("code: too short", |q| number(q, SubjectKind::CreditCode, "91500000MA0000015"), &["subject.number"]),
    bad(
        "code: a letter that is never used",
        |q| number(q, SubjectKind::CreditCode, "91500000MAO000015Q"),
        &["subject.number"],
    ),
    bad("code: a space", |q| number(q, SubjectKind::CreditCode, "91500000 MA0000015Q"), &["subject.number"]),
    bad("code: NUL", |q| number(q, SubjectKind::CreditCode, "91500000MA000001\x00Q"), &["subject.number"]),
    bad("code: bidi", |q| number(q, SubjectKind::CreditCode, "91500000MA0000015\u{202E}Q"), &["subject.number"]),
    bad("code: overlong", |q| number(q, SubjectKind::CreditCode, &"9".repeat(10_000)), &["subject.number"]),
    person("citizen: check character", |q| number(q, SubjectKind::CitizenNumber, "500103200002290022")),
    person("citizen: empty", |q| number(q, SubjectKind::CitizenNumber, "")),
    person("citizen: NUL", |q| number(q, SubjectKind::CitizenNumber, "50010320000229002\x001")),
    person("citizen: bidi", |q| number(q, SubjectKind::CitizenNumber, "\u{2066}500103200002290021")),
    person("citizen: Cyrillic", |q| number(q, SubjectKind::CitizenNumber, "11010519491231002\u{425}")),
    person("citizen: overlong", |q| number(q, SubjectKind::CitizenNumber, &"5".repeat(10_000))),
    person("citizen: an organisation", |q| number(q, SubjectKind::CitizenNumber, "91500000MA0000015Q")),
    person("citizen: no such day", |q| number(q, SubjectKind::CitizenNumber, "500103200102290021")),
    person("citizen: fifteen digits", |q| number(q, SubjectKind::CitizenNumber, "500103000229002")),
    person("citizen: a letter", |q| number(q, SubjectKind::CitizenNumber, "50010320000229002Z")),
    person("citizen: a residence permit", |q| number(q, SubjectKind::CitizenNumber, "810000199408230021")),
    person("citizen: a foreigner's card", |q| number(q, SubjectKind::CitizenNumber, "950840197903120010")),
    person("residence permit: a citizen", |q| number(q, SubjectKind::ResidencePermit, "500103200002290021")),
    person("residence permit: check", |q| number(q, SubjectKind::ResidencePermit, "810000199408230022")),
    person("permanent resident: a citizen", |q| number(q, SubjectKind::PermanentResidentCard, "500103200002290021")),
    person("permanent resident: check", |q| number(q, SubjectKind::PermanentResidentCard, "950840197903120011")),
    bad("subject.name: empty", name!(""), &["subject.name"]),
    bad("subject.name: overlong", name!(long(129)), &["subject.name"]),
    bad("subject.name: NUL", name!(NUL), &["subject.name"]),
    bad("subject.name: bidi", name!(BIDI), &["subject.name"]),
    bad("subject.name: isolate", name!(ISOLATE), &["subject.name"]),
    bad("subject.name: blank", name!("\u{3000}"), &["subject.name"]),
    Row {
        base: Base::Person,
        ..bad(
            "certificate: nothing to compare it with",
            |q| q.certificate_number = Some("JY15001120000001".into()),
            &["certificate_number"],
        )
    },
    // certificate_number
    bad("certificate: empty", |q| q.certificate_number = Some(String::new()), &["certificate_number"]),
    bad("certificate: overlong", |q| q.certificate_number = Some(long(129)), &["certificate_number"]),
    bad("certificate: NUL", |q| q.certificate_number = Some(NUL.into()), &["certificate_number"]),
    bad("certificate: bidi", |q| q.certificate_number = Some(BIDI.into()), &["certificate_number"]),
    // result_type
    row("result type: empty", |q| q.result_type.clear(), Reason::ResultTypeUnknown, &["result_type"]),
    row("result type: unknown", |q| q.result_type = "no-such".into(), Reason::ResultTypeUnknown, &["result_type"]),
    row("result type: overlong", |q| q.result_type = "a".repeat(100_000), Reason::ResultTypeUnknown, &["result_type"]),
    row("result type: NUL", |q| q.result_type = "food-licence\0".into(), Reason::ResultTypeUnknown, &["result_type"]),
    row(
        "result type: bidi",
        |q| q.result_type = "food\u{202E}-licence".into(),
        Reason::ResultTypeUnknown,
        &["result_type"],
    ),
    // claims
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
    // as_of and max_age
    row("as_of: to come", |q| q.as_of = Some("2999-01-01".into()), Reason::AsOfInFuture, &["as_of"]),
    bad("as_of: empty", |q| q.as_of = Some(String::new()), &["as_of"]),
    bad("as_of: a word", |q| q.as_of = Some("today".into()), &["as_of"]),
    bad("as_of: slashes", |q| q.as_of = Some("2026/01/01".into()), &["as_of"]),
    bad("as_of: digits alone", |q| q.as_of = Some("20260101".into()), &["as_of"]),
    bad("as_of: one digit", |q| q.as_of = Some("2026-1-1".into()), &["as_of"]),
    bad("as_of: no such day", |q| q.as_of = Some("2026-02-30".into()), &["as_of"]),
    bad("as_of: a time", |q| q.as_of = Some("2026-01-01T00:00:00Z".into()), &["as_of"]),
    bad("as_of: NUL", |q| q.as_of = Some("2026-01-01\0".into()), &["as_of"]),
    bad("as_of: bidi", |q| q.as_of = Some("2026-01-01\u{202C}".into()), &["as_of"]),
    bad("as_of: full width", |q| q.as_of = Some("２０２６-０１-０１".into()), &["as_of"]),
    bad("as_of: before all dates", |q| q.as_of = Some("-010000-01-01".into()), &["as_of"]),
    bad("as_of: overlong", |q| q.as_of = Some("2".repeat(100_000)), &["as_of"]),
    bad("max_age: negative", |q| q.max_age = Some(prost_types::Duration { seconds: -1, nanos: 0 }), &["max_age"]),
    bad("max_age: nanos", |q| q.max_age = Some(prost_types::Duration { seconds: 1, nanos: -1 }), &["max_age"]),
    bad("max_age: endless", |q| q.max_age = Some(prost_types::Duration { seconds: i64::MAX, nanos: 0 }), &["max_age"]),
    // Trying a question is no way around the checks.
    row(
        "validate_only",
        |q| {
            q.validate_only = true;
            q.result_type = "no-such".into();
        },
        Reason::ResultTypeUnknown,
        &["result_type"],
    ),
];
