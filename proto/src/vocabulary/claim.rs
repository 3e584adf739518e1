//! Claims, and the values that records hold.

use std::fmt;

use jiff::civil::Date;

use super::{FieldName, PersonalText};

/// What a claim says about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The field has this value.
    Equals,
    /// The field has one of these values.
    OneOf,
    /// The field, a scope, covers every item given: 经营项目 contains 热食类.
    Contains,
    /// The field is this number or more.
    AtLeast,
    /// The field is this number or less.
    AtMost,
    /// The field is this date or earlier.
    OnOrBefore,
    /// The field is this date or later; 长期 is later than every date.
    OnOrAfter,
}

impl Operator {
    /// All operators.
    pub const ALL: [Self; 7] =
        [Self::Equals, Self::OneOf, Self::Contains, Self::AtLeast, Self::AtMost, Self::OnOrBefore, Self::OnOrAfter];

    /// The word used in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::OneOf => "one_of",
            Self::Contains => "contains",
            Self::AtLeast => "at_least",
            Self::AtMost => "at_most",
            Self::OnOrBefore => "on_or_before",
            Self::OnOrAfter => "on_or_after",
        }
    }
}

/// The type of a field, which decides the operators that fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Free text: names, addresses.
    Text,
    /// One word of a declared list.
    Code,
    /// A list of items: 经营范围, 经营项目.
    Scope,
    /// A whole number in the declared unit.
    Integer,
    /// A date, or 长期.
    Date,
    /// Yes or no.
    Flag,
}

impl FieldType {
    /// All types.
    pub const ALL: [Self; 6] = [Self::Text, Self::Code, Self::Scope, Self::Integer, Self::Date, Self::Flag];

    /// The word used in declarations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Code => "code",
            Self::Scope => "scope",
            Self::Integer => "integer",
            Self::Date => "date",
            Self::Flag => "flag",
        }
    }

    /// The operators that fit a field of this type.
    pub fn operators(self) -> &'static [Operator] {
        match self {
            Self::Text | Self::Code => &[Operator::Equals, Operator::OneOf],
            Self::Scope => &[Operator::Contains],
            Self::Integer => &[Operator::Equals, Operator::OneOf, Operator::AtLeast, Operator::AtMost],
            Self::Date => &[Operator::Equals, Operator::OnOrBefore, Operator::OnOrAfter],
            Self::Flag => &[Operator::Equals],
        }
    }
}

/// A date on a certificate, or 长期 (no end). Ordered: 长期 is later than every date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// A day in the calendar of Asia/Shanghai.
    On(Date),
    /// 长期: no end.
    LongTerm,
}

/// A date as somebody wrote it: its meaning, and whether it was written in the form that records use
/// (`yyyy-MM-dd`, or 长期).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WrittenDate {
    /// What it means.
    pub term: Term,
    /// Whether it was written as `yyyy-MM-dd` or 长期.
    pub in_record_form: bool,
}

/// The value of a claim, of a type that fits its field. `Debug` never shows it: a date may be a birthday.
#[derive(Clone, PartialEq, Eq)]
pub enum ClaimValue {
    /// For `Text` and `Code` fields with EQUALS.
    Text(PersonalText),
    /// For `ONE_OF` on `Text` and `Code` fields, and CONTAINS on `Scope` fields; never empty.
    Texts(Vec<PersonalText>),
    /// For `Integer` fields.
    Integer(i64),
    /// For `ONE_OF` on `Integer` fields; never empty.
    Integers(Vec<i64>),
    /// For `Date` fields.
    Date(WrittenDate),
    /// For `Flag` fields.
    Flag(bool),
}

impl fmt::Debug for ClaimValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimValue(…)")
    }
}

/// What is asserted about a result (核验项). Its operator and value fit the type of its field: the directory made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The field of the result type.
    pub field: FieldName,
    /// What is said of it.
    pub operator: Operator,
    /// With what.
    pub value: ClaimValue,
}

/// The value that a record holds for a field, after the declaration's code maps and date forms.
#[derive(Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// For `Text` fields, as the provider writes it.
    Text(String),
    /// For `Code` fields: the word of the declared list.
    Code(String),
    /// For `Scope` fields: the items, in the provider's order.
    Scope(Vec<String>),
    /// For `Integer` fields.
    Integer(i64),
    /// For `Date` fields.
    Date(Term),
    /// For `Flag` fields.
    Flag(bool),
}

impl FieldValue {
    /// The type of field that holds such a value.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::Text(_) => FieldType::Text,
            Self::Code(_) => FieldType::Code,
            Self::Scope(_) => FieldType::Scope,
            Self::Integer(_) => FieldType::Integer,
            Self::Date(_) => FieldType::Date,
            Self::Flag(_) => FieldType::Flag,
        }
    }
}

impl fmt::Debug for FieldValue {
    /// Shows the type alone: values are about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldValue({})", self.field_type().as_str())
    }
}
