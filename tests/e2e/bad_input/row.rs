//! What a row is made of.

use heyan_proto::reason::Reason;
use heyan_proto::v1::claim::Value;
use heyan_proto::v1::{Claim, Operator, SubjectKind, TextList, VerifyRequest};

/// What the question was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// Whether a company has a food licence.
    Organisation,
    /// Whether a citizen has an identity card.
    Person,
}

/// One bad question.
pub(super) struct Row<T: 'static> {
    pub(super) name: &'static str,
    pub(super) base: Base,
    pub(super) change: fn(&mut T),
    pub(super) reason: Reason,
    pub(super) fields: &'static [&'static str],
}

pub(super) const fn row(
    name: &'static str,
    change: fn(&mut VerifyRequest),
    reason: Reason,
    fields: &'static [&'static str],
) -> Row<VerifyRequest> {
    Row { name, base: Base::Organisation, change, reason, fields }
}

/// A field that is missing, too long or not in its form.
pub(super) const fn bad(
    name: &'static str,
    change: fn(&mut VerifyRequest),
    fields: &'static [&'static str],
) -> Row<VerifyRequest> {
    row(name, change, Reason::FieldInvalid, fields)
}

/// A number that is not one of its kind.
pub(super) const fn person(name: &'static str, change: fn(&mut VerifyRequest)) -> Row<VerifyRequest> {
    let row = bad(name, change, &["subject.number"]);
    Row { base: Base::Person, ..row }
}

pub(super) fn number(of: &mut VerifyRequest, kind: SubjectKind, number: &str) {
    let subject = of.subject.as_mut().unwrap();
    subject.kind = kind.into();
    subject.number = number.into();
}

pub(super) fn item(of: &mut VerifyRequest, code: &str) {
    of.purpose.as_mut().unwrap().item = code.into();
}

pub(super) fn long(characters: usize) -> String {
    "样".repeat(characters)
}

pub(super) const NUL: &str = "样\0例";
pub(super) const BIDI: &str = "样\u{202E}例";
pub(super) const ISOLATE: &str = "样\u{2066}例\u{2069}";
pub(super) const LINE: &str = "样\n例";

pub(super) fn claim(of: &mut VerifyRequest, field: &str, operator: Operator, value: Value) {
    of.claims = vec![Claim { field: field.into(), operator: operator.into(), value: Some(value) }];
}

pub(super) fn texts(items: &[&str]) -> Value {
    Value::Texts(TextList { items: items.iter().map(|&item| item.into()).collect() })
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.into())
}
