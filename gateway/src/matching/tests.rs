//! Matching as tables of examples, and properties that hold for all claims and holdings.

mod compare;
mod determine;
mod fold;
mod properties;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use heyan_adapters::{Holder, Holding, Holdings, ResultType, read_declaration};
use heyan_proto::identifier::{SubjectKind, SubjectNumber};
use heyan_proto::vocabulary::{
    Claim, ClaimValue, FieldName, FieldValue, Operator, PersonalText, ResultState, Term, WrittenDate,
};
use jiff::civil::{Date, date};

use super::Matching;

static RESULT_TYPES: LazyLock<Vec<Arc<ResultType>>> = LazyLock::new(|| {
    let read = read_declaration("provider.toml", include_str!("tests/provider.toml"));
    read.unwrap_or_else(|problems| panic!("{problems}")).result_types
});

const TODAY: Date = date(2026, 11, 23);

/// Records with numbers of certificates and holders, states, terms and a field of every type.
fn licence() -> &'static ResultType {
    &RESULT_TYPES[0]
}

/// Records that name their holder and nothing else.
fn honour() -> &'static ResultType {
    &RESULT_TYPES[1]
}

fn company() -> SubjectNumber {
    SubjectNumber::parse(SubjectKind::CreditCode, "91500000MA0000015Q").unwrap()
}

fn text(text: &str) -> PersonalText {
    PersonalText::parse(text, 256).unwrap()
}

fn texts(texts: &[&str]) -> Vec<PersonalText> {
    texts.iter().map(|t| text(t)).collect()
}

fn field(name: &str) -> FieldName {
    FieldName::parse(name).unwrap()
}

fn claim(name: &str, operator: Operator, value: ClaimValue) -> Claim {
    Claim { field: field(name), operator, value }
}

fn equals(name: &str, value: &str) -> Claim {
    claim(name, Operator::Equals, ClaimValue::Text(text(value)))
}

fn day(term: Date) -> WrittenDate {
    WrittenDate { term: Term::On(term), in_record_form: true }
}

/// A licence in force, with a value for every field.
fn holding(number: &str) -> Holding {
    let fields = [
        ("person", FieldValue::Text("阿依古丽·买买提".into())),
        ("shop", FieldValue::Text("样例市（山城）小面馆有限公司".into())),
        ("place", FieldValue::Text("样例市样例区解放路1号".into())),
        ("code", FieldValue::Text("A（1）".into())),
        ("kind", FieldValue::Code("catering".into())),
        ("items", FieldValue::Scope(vec!["热食类食品制售".into(), "自制饮品（含咖啡）制售".into()])),
        ("seats", FieldValue::Integer(40)),
        ("inspected", FieldValue::Date(Term::On(date(2026, 1, 5)))),
        ("renewal_pending", FieldValue::Flag(false)),
    ];
    Holding {
        certificate_number: Some(number.to_owned()),
        holders: vec![Holder {
            number: Some("91500000MA0000015Q".into()),
            name: Some("样例市（山城）小面馆有限公司".into()),
        }],
        state: ResultState::InForce,
        valid_from: Some(Term::On(date(2022, 3, 1))),
        valid_to: Some(Term::On(date(2027, 2, 28))),
        fields: fields.into_iter().map(|(name, value)| (field(name), value)).collect::<BTreeMap<_, _>>(),
    }
}

fn holdings(records: Vec<Holding>) -> Holdings {
    Holdings { records, more: false, updated_at: None }
}

/// A question about the company's licence as of today, without claims.
fn question<'a>(subject: &'a SubjectNumber, claims: &'a [Claim]) -> Matching<'a> {
    Matching {
        result_type: licence(),
        subject,
        subject_name: None,
        certificate_number: None,
        claims,
        as_of: TODAY,
        today: TODAY,
    }
}
