use std::collections::HashSet;

use heyan_adapters::{Field, ResultType};
use heyan_proto::reason::Reason;
use heyan_proto::vocabulary::{
    Claim, ClaimValue, Disclosure, FieldName, FieldType, Localized, Operator, PersonalText, WrittenDate,
};

use super::expected::{self, both, text_expected};
use super::{Asked, Violations};
use crate::matching::parse_written_date;

/// The most claims of a question, or fields that it wants.
const CLAIMS_MAX: usize = 32;
/// The most values in a list.
const LIST_MAX: usize = 64;
/// The longest text of a claim, in characters.
const TEXT_CHARACTERS_MAX: usize = 500;

/// What is asked of a result, as the caller wrote it.
#[derive(Clone)]
pub enum AskedWords<'a> {
    /// `claims`.
    Claims(Vec<ClaimWords<'a>>),
    /// `fields`.
    Fields(Vec<&'a str>),
}

/// What is asserted about a result, as the caller wrote it.
#[derive(Clone)]
pub struct ClaimWords<'a> {
    /// The field.
    pub field: &'a str,
    /// The operator; `None` where none, or none that is known, was given.
    pub operator: Option<Operator>,
    /// The value; `None` where none was given.
    pub value: Option<ValueWords<'a>>,
}

/// The value of a claim, as the caller wrote it.
#[derive(Clone)]
pub enum ValueWords<'a> {
    /// A text, or a date.
    Text(&'a str),
    /// A list of texts.
    Texts(Vec<&'a str>),
    /// A whole number.
    Integer(i64),
    /// A list of whole numbers.
    Integers(Vec<i64>),
    /// Yes or no.
    Flag(bool),
}

impl Default for AskedWords<'_> {
    fn default() -> Self {
        Self::Claims(Vec::new())
    }
}

impl AskedWords<'_> {
    /// Without a result type, which was reported, only what does not depend on one is checked.
    pub(super) fn read(&self, result_type: Option<&ResultType>, violations: &mut Violations) -> Option<Asked> {
        let (name, count) = match self {
            Self::Claims(claims) => ("claims", claims.len()),
            Self::Fields(fields) => ("fields", fields.len()),
        };
        if count > CLAIMS_MAX {
            violations.add(name, Reason::TooManyClaims, expected::at_most(CLAIMS_MAX));
            return None;
        }
        let result_type = result_type?;
        match self {
            Self::Claims(claims) => {
                let claims = claims.iter().enumerate();
                // Every claim is read before the first bad one ends the reading.
                let claims: Vec<_> = claims.map(|(at, claim)| claim.read(at, result_type, violations)).collect();
                claims.into_iter().collect::<Option<_>>().map(Asked::Claims)
            }
            Self::Fields(fields) => read_fields(fields, result_type, violations).map(Asked::Fields),
        }
    }
}

fn read_fields(names: &[&str], result_type: &ResultType, violations: &mut Violations) -> Option<Vec<FieldName>> {
    if names.is_empty() {
        violations.invalid("fields", expected::at_least_one_field(result_type));
        return None;
    }
    let mut seen = HashSet::new();
    let mut fields = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let path = format!("fields[{at}]");
        let Some(field) = result_type.field(name) else {
            violations.add(path, Reason::FieldUnknown, expected::fields(result_type));
            continue;
        };
        if !seen.insert(&field.name) {
            violations.invalid(path, both("同一数据项只能请求一次", "must name each field once"));
        } else if !field.disclosed && result_type.disclosure == Disclosure::Fields {
            violations.add(path, Reason::DisclosureNotAllowed, expected::disclosed_fields(result_type));
        }
        fields.push(field.name.clone());
    }
    Some(fields)
}

impl ClaimWords<'_> {
    fn read(&self, at: usize, result_type: &ResultType, violations: &mut Violations) -> Option<Claim> {
        let Some(field) = result_type.field(self.field) else {
            violations.add(format!("claims[{at}].field"), Reason::FieldUnknown, expected::fields(result_type));
            return None;
        };
        let operators = field.field_type().operators();
        let Some(operator) = self.operator.filter(|operator| operators.contains(operator)) else {
            let reason = if self.operator.is_some() { Reason::OperatorUnfit } else { Reason::FieldInvalid };
            violations.add(format!("claims[{at}].operator"), reason, expected::operators(field.field_type()));
            return None;
        };
        match self.read_value(field, operator) {
            Ok(value) => Some(Claim { field: field.name.clone(), operator, value }),
            Err(wrong) => {
                violations.add(format!("claims[{at}].value{}", wrong.inside), wrong.reason, wrong.expected);
                None
            }
        }
    }

    fn read_value(&self, field: &Field, operator: Operator) -> Result<ClaimValue, Wrong> {
        use ValueWords as Given;
        let is_list = matches!(operator, Operator::OneOf | Operator::Contains);
        match (field.field_type(), &self.value) {
            (FieldType::Text | FieldType::Code, Some(Given::Text(text))) if !is_list => {
                read_text(field, text).map(ClaimValue::Text)
            }
            (FieldType::Text | FieldType::Code | FieldType::Scope, Some(Given::Texts(texts))) if is_list => {
                check_length(texts.len())?;
                let texts = texts.iter().enumerate();
                let texts = texts.map(|(i, text)| read_text(field, text).map_err(|wrong| wrong.at(i)));
                texts.collect::<Result<_, _>>().map(ClaimValue::Texts)
            }
            (FieldType::Integer, Some(Given::Integer(number))) if !is_list => Ok(ClaimValue::Integer(*number)),
            (FieldType::Integer, Some(Given::Integers(numbers))) if is_list => {
                check_length(numbers.len())?;
                Ok(ClaimValue::Integers(numbers.clone()))
            }
            (FieldType::Date, Some(Given::Text(text))) => read_date(text).map(ClaimValue::Date),
            (FieldType::Flag, Some(Given::Flag(flag))) => Ok(ClaimValue::Flag(*flag)),
            (field_type, _) => Err(Wrong::unfit(expected::value(field_type, is_list))),
        }
    }
}

/// What is wrong with a value.
struct Wrong {
    /// Which value of a list: `[2]`.
    inside: String,
    reason: Reason,
    expected: Localized,
}

impl Wrong {
    fn invalid(expected: Localized) -> Self {
        Self { inside: String::new(), reason: Reason::FieldInvalid, expected }
    }

    fn unfit(expected: Localized) -> Self {
        Self { reason: Reason::ClaimValueUnfit, ..Self::invalid(expected) }
    }

    fn at(self, index: usize) -> Self {
        Self { inside: format!("[{index}]"), ..self }
    }
}

fn check_length(count: usize) -> Result<(), Wrong> {
    if (1..=LIST_MAX).contains(&count) { Ok(()) } else { Err(Wrong::invalid(expected::list_length(LIST_MAX))) }
}

fn read_text(field: &Field, text: &str) -> Result<PersonalText, Wrong> {
    let text = PersonalText::parse(text, TEXT_CHARACTERS_MAX).map_err(|error| Wrong::invalid(text_expected(&error)))?;
    // A word outside of the list can never match: answering DIFFERS would blame the subject for the caller's slip.
    let words = field.code_list();
    if field.field_type() == FieldType::Code && !words.contains(&text.expose()) {
        return Err(Wrong::unfit(expected::words(&words)));
    }
    Ok(text)
}

fn read_date(text: &str) -> Result<WrittenDate, Wrong> {
    PersonalText::parse(text, TEXT_CHARACTERS_MAX).map_err(|error| Wrong::invalid(text_expected(&error)))?;
    parse_written_date(text).ok_or_else(|| Wrong::unfit(expected::value(FieldType::Date, false)))
}
