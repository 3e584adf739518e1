use super::*;
use crate::directory::fixture::{City, ITEM};
use heyan_proto::vocabulary::{ClaimValue, Operator};

const TODAY: Date = jiff::civil::date(2026, 11, 23);
const COMPANY: &str = "91500000MA0000015Q";

fn words() -> Words<'static> {
    Words {
        request_id: "7c0b5f2e-3a5d-4d0e-9f5e-0a1b2c3d4e5f",
        purpose: PurposeWords { item: ITEM, case_number: "CQ-2026-1", reason: "核验经营资格" },
        official: OfficialWords { id: "0417", name: "李经办", unit: "综合窗口", terminal: "3号窗口" },
        subject: SubjectWords { kind: Some(SubjectKind::CreditCode), number: COMPANY, name: None },
        result_type: "food-licence",
        ..Words::default()
    }
}

fn claim<'a>(field: &'a str, operator: Operator, value: ValueWords<'a>) -> AskedWords<'a> {
    AskedWords::Claims(vec![ClaimWords { field, operator: Some(operator), value: Some(value) }])
}

/// `field REASON` of every violation.
fn said(directory: &Directory, words: &Words<'_>) -> Vec<String> {
    match directory.resolve(words, TODAY) {
        Ok(_) => Vec::new(),
        Err(rejection) => rejection.violations.iter().map(|it| format!("{} {}", it.field, it.reason)).collect(),
    }
}

#[test]
fn good_words_become_a_question() {
    let directory = City::new().load().directory;
    let question = directory.resolve(&words(), TODAY).unwrap();
    assert_eq!(question.result_type.id.as_str(), "food-licence");
    assert_eq!(question.purpose.item.code.as_str(), ITEM);
    assert_eq!(question.subject.expose(), COMPANY);
    assert_eq!((question.as_of, question.max_age, question.validate_only), (TODAY, None, false));
    assert_eq!(question.asked, Asked::Claims(Vec::new()));
    assert_eq!(question.asked.action(), Action::Verify);

    let words = Words {
        as_of: Some("2020-02-29"),
        max_age: Some((60, 500_000_000)),
        certificate_number: Some("JY1500001"),
        asked: AskedWords::Fields(vec!["since", "name"]),
        validate_only: true,
        ..words()
    };
    let question = directory.resolve(&words, TODAY).unwrap();
    assert_eq!(question.as_of, jiff::civil::date(2020, 2, 29));
    assert_eq!(question.max_age, Some(Duration::from_millis(60_500)));
    assert_eq!(question.asked.action(), Action::Retrieve);
    let sorted: Vec<_> = question.asked.fields().iter().map(ToString::to_string).collect();
    assert_eq!(sorted, ["name", "since"]);
}

#[test]
fn every_operator_and_value_that_fits_is_taken() {
    use Operator as Op;
    use ValueWords as V;
    let directory = City::new().load().directory;
    let text = |text: &str| PersonalText::parse(text, 256).unwrap();
    let fits = [
        ("name", Op::Equals, V::Text("样例甲有限公司"), ClaimValue::Text(text("样例甲有限公司"))),
        ("name", Op::OneOf, V::Texts(vec!["甲", "乙"]), ClaimValue::Texts(vec![text("甲"), text("乙")])),
        ("kind", Op::Equals, V::Text("餐饮服务经营者"), ClaimValue::Text(text("餐饮服务经营者"))),
        ("items", Op::Contains, V::Texts(vec!["热食类食品制售"]), ClaimValue::Texts(vec![text("热食类食品制售")])),
        ("months", Op::Equals, V::Integer(36), ClaimValue::Integer(36)),
        ("months", Op::OneOf, V::Integers(vec![1, 2]), ClaimValue::Integers(vec![1, 2])),
        ("months", Op::AtLeast, V::Integer(-1), ClaimValue::Integer(-1)),
        ("chain", Op::Equals, V::Flag(false), ClaimValue::Flag(false)),
    ];
    for (field, operator, value, expected) in fits {
        let question = directory.resolve(&Words { asked: claim(field, operator, value), ..words() }, TODAY).unwrap();
        let Asked::Claims(claims) = question.asked else { panic!("claims were asked") };
        assert!(claims[0].value == expected, "{field}");
    }
    for (text, in_record_form) in [("2026-11-23", true), ("20261123", false), ("长期", true)] {
        let asked = claim("since", Op::OnOrBefore, V::Text(text));
        let Asked::Claims(claims) = directory.resolve(&Words { asked, ..words() }, TODAY).unwrap().asked else {
            panic!("claims were asked")
        };
        assert!(matches!(claims[0].value, ClaimValue::Date(date) if date.in_record_form == in_record_form), "{text}");
    }
}

#[test]
fn claims_that_do_not_fit_are_refused() {
    use Operator as Op;
    use ValueWords as V;
    let directory = City::new().load().directory;
    let long = "长".repeat(501);
    let cases = [
        ("nme", Op::Equals, V::Text("x"), "claims[0].field FIELD_UNKNOWN"),
        ("name", Op::AtLeast, V::Text("x"), "claims[0].operator OPERATOR_UNFIT"),
        ("items", Op::Equals, V::Text("x"), "claims[0].operator OPERATOR_UNFIT"),
        ("since", Op::OneOf, V::Texts(vec!["2026-01-01"]), "claims[0].operator OPERATOR_UNFIT"),
        ("name", Op::Equals, V::Texts(vec!["x"]), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("name", Op::OneOf, V::Text("x"), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("months", Op::AtMost, V::Text("36"), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("months", Op::OneOf, V::Integer(36), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("chain", Op::Equals, V::Integer(1), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("since", Op::Equals, V::Text("去年"), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("since", Op::Equals, V::Text("2026-02-30"), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("kind", Op::Equals, V::Text("1"), "claims[0].value CLAIM_VALUE_UNFIT"),
        ("kind", Op::OneOf, V::Texts(vec!["食品销售经营者", "x"]), "claims[0].value[1] CLAIM_VALUE_UNFIT"),
        ("items", Op::Contains, V::Texts(vec![]), "claims[0].value FIELD_INVALID"),
        ("items", Op::Contains, V::Texts(vec!["x"; 65]), "claims[0].value FIELD_INVALID"),
        ("months", Op::OneOf, V::Integers(vec![]), "claims[0].value FIELD_INVALID"),
        ("items", Op::Contains, V::Texts(vec!["x", ""]), "claims[0].value[1] FIELD_INVALID"),
        ("name", Op::Equals, V::Text("甲\0"), "claims[0].value FIELD_INVALID"),
        ("name", Op::Equals, V::Text("甲\u{202E}"), "claims[0].value FIELD_INVALID"),
        ("name", Op::Equals, V::Text(&long), "claims[0].value FIELD_INVALID"),
        ("since", Op::Equals, V::Text(&long), "claims[0].value FIELD_INVALID"),
    ];
    for (field, operator, value, expected) in cases {
        let words = Words { asked: claim(field, operator, value), ..words() };
        assert_eq!(said(&directory, &words), [expected], "{field} {operator:?}");
    }
    let nothing = ClaimWords { field: "name", operator: None, value: None };
    let no_value = ClaimWords { operator: Some(Op::Equals), ..nothing.clone() };
    let words = Words { asked: AskedWords::Claims(vec![nothing, no_value]), ..words() };
    assert_eq!(said(&directory, &words), ["claims[0].operator FIELD_INVALID", "claims[1].value CLAIM_VALUE_UNFIT"]);
}

#[test]
fn counts_are_bounded() {
    let directory = City::new().load().directory;
    let one = ClaimWords { field: "months", operator: Some(Operator::AtLeast), value: Some(ValueWords::Integer(1)) };
    for (asked, expected) in [
        (AskedWords::Claims(vec![one.clone(); 32]), vec![]),
        (AskedWords::Claims(vec![one; 33]), vec!["claims TOO_MANY_CLAIMS"]),
        (AskedWords::Fields(vec!["name"; 33]), vec!["fields TOO_MANY_CLAIMS"]),
        (AskedWords::Fields(vec![]), vec!["fields FIELD_INVALID"]),
        (AskedWords::Fields(vec!["name", "since", "name"]), vec!["fields[2] FIELD_INVALID"]),
        (
            AskedWords::Fields(vec!["nme", "months"]),
            vec!["fields[0] FIELD_UNKNOWN", "fields[1] DISCLOSURE_NOT_ALLOWED"],
        ),
    ] {
        assert_eq!(said(&directory, &Words { asked, ..words() }), expected);
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let directory = City::new().load().directory;
    let expected = [
        "request_id FIELD_INVALID",
        "purpose.item FIELD_INVALID",
        "purpose.case_number FIELD_INVALID",
        "purpose.reason FIELD_INVALID",
        "official.id FIELD_INVALID",
        "official.name FIELD_INVALID",
        "official.unit FIELD_INVALID",
        "official.terminal FIELD_INVALID",
        "result_type RESULT_TYPE_UNKNOWN",
        "subject.kind FIELD_INVALID",
    ];
    assert_eq!(said(&directory, &Words::default()), expected);
}

#[test]
fn one_wrong_word_is_one_violation() {
    let directory = City::new().load().directory;
    let long = "长".repeat(201);
    let (purpose, official, subject) = (words().purpose, words().official, words().subject);
    let other_item = "11500000MB0000027A2000131009002";
    let cases = [
        (Words { request_id: "00000000-0000-0000-0000-000000000000", ..words() }, "request_id FIELD_INVALID"),
        (Words { request_id: "7c0b5f2e3a5d4d0e9f5e0a1b2c3d4e5f", ..words() }, "request_id FIELD_INVALID"),
        (Words { request_id: "urn:uuid:7c0b5f2e-3a5d-4d0e-9f5e-0a1b2c3d4e5f", ..words() }, "request_id FIELD_INVALID"),
        (Words { purpose: PurposeWords { item: other_item, ..purpose }, ..words() }, "purpose.item ITEM_UNKNOWN"),
        (Words { purpose: PurposeWords { item: "1", ..purpose }, ..words() }, "purpose.item FIELD_INVALID"),
        (
            Words { purpose: PurposeWords { case_number: " ", ..purpose }, ..words() },
            "purpose.case_number FIELD_INVALID",
        ),
        (Words { purpose: PurposeWords { reason: &long, ..purpose }, ..words() }, "purpose.reason FIELD_INVALID"),
        (Words { official: OfficialWords { id: "a\nb", ..official }, ..words() }, "official.id FIELD_INVALID"),
        (Words { official: OfficialWords { unit: &long, ..official }, ..words() }, "official.unit FIELD_INVALID"),
        (Words { result_type: "Food Licence", ..words() }, "result_type RESULT_TYPE_UNKNOWN"),
        (
            Words { subject: SubjectWords { number: "91500000MA0000015R", ..subject }, ..words() },
            "subject.number FIELD_INVALID",
        ),
        (Words { subject: SubjectWords { name: Some(""), ..subject }, ..words() }, "subject.name FIELD_INVALID"),
        (Words { certificate_number: Some("\u{200F}"), ..words() }, "certificate_number FIELD_INVALID"),
        (Words { as_of: Some("2026-11-24"), ..words() }, "as_of AS_OF_IN_FUTURE"),
        (Words { as_of: Some(""), ..words() }, "as_of FIELD_INVALID"),
        (Words { as_of: Some("20261101"), ..words() }, "as_of FIELD_INVALID"),
        (Words { as_of: Some("2026-11-01T00:00:00"), ..words() }, "as_of FIELD_INVALID"),
        (Words { max_age: Some((-1, 0)), ..words() }, "max_age FIELD_INVALID"),
        (Words { max_age: Some((0, 1_000_000_000)), ..words() }, "max_age FIELD_INVALID"),
        (Words { max_age: Some((i64::MAX, 0)), ..words() }, "max_age FIELD_INVALID"),
        // The provider compares the name itself, so that without one it would find nothing.
        (Words { result_type: "tax-credit", ..words() }, "subject.name FIELD_INVALID"),
    ];
    for (words, expected) in cases {
        assert_eq!(said(&directory, &words), [expected]);
    }
    let person = SubjectWords { kind: Some(SubjectKind::CitizenNumber), number: "11010519491231002X", name: None };
    assert_eq!(said(&directory, &Words { subject: person, ..words() }), ["subject.kind SUBJECT_KIND_UNFIT"]);
}

#[test]
fn the_item_must_be_in_force_and_need_the_result() {
    let city = City::new();
    city.edit("items/food.toml", "status = \"in_force\"", "status = \"suspended\"");
    assert_eq!(said(&city.load().directory, &words()), ["purpose.item ITEM_NOT_IN_FORCE"]);

    let city = City::new();
    city.edit("items/food.toml", "result_type = \"food-licence\"", "no_result_type_because = \"无\"");
    let directory = city.load().directory;
    let rejection = directory.resolve(&words(), TODAY).unwrap_err();
    assert_eq!(rejection.reason, Reason::ResultNotNeededByItem);
    assert!(rejection.violations[0].expected.en.contains("the guide of this one needs tax-credit"), "{rejection}");
    // What is malformed goes before what is unfit.
    let rejection = directory.resolve(&Words { as_of: Some("now"), ..words() }, TODAY).unwrap_err();
    assert_eq!(rejection.reason, Reason::FieldInvalid);
}

#[test]
fn while_a_declaration_is_broken_an_unknown_result_type_says_so() {
    let city = City::new();
    city.edit("departments/tax.toml", "schema = 1", "schema = 2");
    let rejection = city.load().directory.resolve(&Words { result_type: "tax-credit", ..words() }, TODAY).unwrap_err();
    assert!(rejection.violations[0].expected.en.ends_with("cannot be read at present: tax"), "{rejection}");
}

#[test]
fn nothing_repeats_what_the_caller_wrote() {
    let directory = City::new().load().directory;
    let secret = "渝A秘密\u{202E}";
    let claims =
        vec![ClaimWords { field: secret, operator: Some(Operator::Equals), value: Some(ValueWords::Text(secret)) }];
    let words = Words {
        request_id: secret,
        purpose: PurposeWords { item: secret, case_number: secret, reason: secret },
        official: OfficialWords { id: secret, name: secret, unit: secret, terminal: secret },
        subject: SubjectWords { kind: Some(SubjectKind::CreditCode), number: secret, name: Some(secret) },
        certificate_number: Some(secret),
        asked: AskedWords::Claims(claims),
        as_of: Some(secret),
        ..words()
    };
    let rejection = directory.resolve(&words, TODAY).unwrap_err();
    assert_eq!(rejection.violations.len(), 13, "{rejection}");
    let shown = format!("{rejection} {rejection:?} {words:?}");
    assert!(!shown.contains("秘密"), "{shown}");
}
