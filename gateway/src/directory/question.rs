//! The words of a caller turned into a question: every identifier parsed, every name found, all that is wrong at once.

mod claims;
mod expected;
mod rejection;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;
use std::time::Duration;

use heyan_adapters::{Input, OfficialOnCall, ResultType};
use heyan_policies::Action;
use heyan_proto::identifier::{ItemCode, SubjectKind, SubjectNumber};
use heyan_proto::reason::Reason;
use heyan_proto::vocabulary::{CaseNumber, Claim, FieldName, PersonalText};
use jiff::civil::Date;
use uuid::Uuid;

pub use claims::{AskedWords, ClaimWords, ValueWords};
use expected::{both, identifier_expected};
use rejection::Violations;
pub use rejection::{Rejection, Violation};
pub use words::{OfficialWords, PurposeWords, SubjectWords, Words};

use super::{Directory, ServiceItem};

/// The longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 200;
/// The longest id, name or terminal of an official, in characters.
const OFFICIAL_CHARACTERS_MAX: usize = 64;
/// The longest unit of an official, in characters.
const UNIT_CHARACTERS_MAX: usize = 128;
/// The longest name of a subject, in characters.
const NAME_CHARACTERS_MAX: usize = 128;
/// The longest certificate number, in characters.
const CERTIFICATE_CHARACTERS_MAX: usize = 128;
/// The longest `google.protobuf.Duration`, in seconds: about 10,000 years.
const AGE_SECONDS_MAX: u64 = 315_576_000_000;

/// A question that can be asked: whatever it names exists, and whatever it says is well formed.
///
/// Only [`Directory::resolve`] makes one. Whether the requester may ask it, policy says.
#[derive(Debug, Clone)]
pub struct Question {
    /// The caller's id for this question; never nil.
    pub request_id: Uuid,
    /// Why it is asked.
    pub purpose: Purpose,
    /// Who asks, behind the calling system and as asserted by it.
    pub official: OfficialOnCall,
    /// Whose result.
    pub subject: SubjectNumber,
    /// Their name, to be compared with the record.
    pub subject_name: Option<PersonalText>,
    /// What kind of result.
    pub result_type: Arc<ResultType>,
    /// Which of several results of the subject.
    pub certificate_number: Option<PersonalText>,
    /// What is asked of it.
    pub asked: Asked,
    /// The day on which the answer shall hold; today or earlier.
    pub as_of: Date,
    /// The oldest copy of the provider's records that will do.
    pub max_age: Option<Duration>,
    /// Whether only the decision is wanted.
    pub validate_only: bool,
}

/// Why a question is asked (使用依据).
#[derive(Debug, Clone)]
pub struct Purpose {
    /// The service item; in force, and its guide needs the result.
    pub item: Arc<ServiceItem>,
    /// The case.
    pub case_number: CaseNumber,
    /// In a sentence, for the auditor.
    pub reason: PersonalText,
}

/// What is asked of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Whether these claims hold; none asks whether it was issued and is in force.
    Claims(Vec<Claim>),
    /// The values of these fields, distinct and in the caller's order.
    Fields(Vec<FieldName>),
}

impl Asked {
    /// What policy decides about.
    pub fn action(&self) -> Action {
        match self {
            Self::Claims(_) => Action::Verify,
            Self::Fields(_) => Action::Retrieve,
        }
    }

    /// The fields that are spoken of, sorted and distinct, as policy wants them.
    pub fn fields(&self) -> Vec<FieldName> {
        let mut fields: Vec<FieldName> = match self {
            Self::Claims(claims) => claims.iter().map(|claim| claim.field.clone()).collect(),
            Self::Fields(fields) => fields.clone(),
        };
        fields.sort();
        fields.dedup();
        fields
    }
}

impl Directory {
    /// Turns words into a question.
    ///
    /// # Errors
    /// [`Rejection`] holds everything that is wrong with the words.
    pub fn resolve(&self, words: &Words<'_>, today: Date) -> Result<Question, Rejection> {
        let mut violations = Violations::default();
        let question = self.read(words, today, &mut violations);
        match (question, violations.into_rejection()) {
            (Some(question), None) => Ok(question),
            (_, Some(rejection)) => Err(rejection),
            (None, None) => unreachable!("whatever returns `None` below has reported why"),
        }
    }

    /// Every part is read before the first `?`, so that all violations are found.
    fn read(&self, words: &Words<'_>, today: Date, violations: &mut Violations) -> Option<Question> {
        let request_id = read_request_id(words.request_id, violations);
        let item = self.read_item(words.purpose.item, today, violations);
        let case_number = violations.take("purpose.case_number", CaseNumber::parse(words.purpose.case_number));
        let reason = violations.text("purpose.reason", words.purpose.reason, REASON_CHARACTERS_MAX);
        let official = read_official(&words.official, violations);
        let result_type = self.read_result_type(words.result_type, violations);
        let subject = read_subject(&words.subject, result_type.map(Arc::as_ref), violations);
        let name = words.subject.name.map(|name| violations.text("subject.name", name, NAME_CHARACTERS_MAX));
        let certificate = words.certificate_number;
        let certificate =
            certificate.map(|number| violations.text("certificate_number", number, CERTIFICATE_CHARACTERS_MAX));
        if let Some(result_type) = result_type {
            check_inputs(result_type, name.is_some(), certificate.is_some(), violations);
        }
        if let (Some(item), Some(result_type)) = (&item, result_type)
            && !item.needs(&result_type.id)
        {
            violations.add("purpose.item", Reason::ResultNotNeededByItem, expected::needed(item, result_type));
        }
        let asked = words.asked.read(result_type.map(Arc::as_ref), violations);
        let as_of = read_as_of(words.as_of, today, violations);
        let max_age = read_max_age(words.max_age, violations);
        Some(Question {
            request_id: request_id?,
            purpose: Purpose { item: Arc::clone(item?), case_number: case_number?, reason: reason? },
            official: official?,
            subject: subject?,
            subject_name: or_absent(name)?,
            result_type: Arc::clone(result_type?),
            certificate_number: or_absent(certificate)?,
            asked: asked?,
            as_of: as_of?,
            max_age: max_age?,
            validate_only: words.validate_only,
        })
    }

    fn read_result_type(&self, id: &str, violations: &mut Violations) -> Option<&Arc<ResultType>> {
        let found = self.result_type(id);
        if found.is_none() {
            let broken = self.departments().filter(|entry| entry.declaration.is_none());
            let broken: Vec<&str> = broken.map(|entry| entry.id.as_str()).collect();
            violations.add("result_type", Reason::ResultTypeUnknown, expected::result_type(&broken));
        }
        found
    }

    fn read_item(&self, code: &str, today: Date, violations: &mut Violations) -> Option<&Arc<ServiceItem>> {
        let code = match ItemCode::parse(code) {
            Ok(code) => code,
            Err(error) => {
                violations.add("purpose.item", Reason::FieldInvalid, identifier_expected(&error));
                return None;
            }
        };
        let Some(item) = self.item(&code) else {
            violations.add("purpose.item", Reason::ItemUnknown, expected::item());
            return None;
        };
        if !item.is_in_force(today) {
            violations.add("purpose.item", Reason::ItemNotInForce, expected::item_in_force(item));
        }
        Some(item)
    }
}

fn read_request_id(text: &str, violations: &mut Violations) -> Option<Uuid> {
    // The other notations of a UUID would let one id be written in several ways.
    let id = Uuid::try_parse(text).ok().filter(|id| text.len() == 36 && !id.is_nil());
    if id.is_none() {
        violations.invalid("request_id", expected::request_id());
    }
    id
}

fn read_official(words: &OfficialWords<'_>, violations: &mut Violations) -> Option<OfficialOnCall> {
    let id = violations.text("official.id", words.id, OFFICIAL_CHARACTERS_MAX);
    let name = violations.text("official.name", words.name, OFFICIAL_CHARACTERS_MAX);
    let unit = violations.text("official.unit", words.unit, UNIT_CHARACTERS_MAX);
    let terminal = violations.text("official.terminal", words.terminal, OFFICIAL_CHARACTERS_MAX);
    Some(OfficialOnCall { id: id?, name: name?, unit: unit?, terminal: terminal? })
}

fn read_subject(
    words: &SubjectWords<'_>,
    result_type: Option<&ResultType>,
    violations: &mut Violations,
) -> Option<SubjectNumber> {
    let takes = result_type.map_or(&SubjectKind::ALL[..], |result_type| &result_type.subject_kinds);
    let Some(kind) = words.kind else {
        violations.invalid("subject.kind", expected::subject_kinds(takes));
        return None;
    };
    if !takes.contains(&kind) {
        violations.add("subject.kind", Reason::SubjectKindUnfit, expected::subject_kinds(takes));
    }
    match SubjectNumber::parse(kind, words.number) {
        Ok(number) => Some(number),
        Err(error) => {
            violations.invalid("subject.number", identifier_expected(&error));
            None
        }
    }
}

/// Some providers compare a name or a certificate number themselves; without it they would find nothing, which is no "no".
/// What the provider cannot do without must be given, and what nobody can compare must not: it would read as a "no".
fn check_inputs(result_type: &ResultType, has_name: bool, has_certificate: bool, violations: &mut Violations) {
    for (input, field, is_given, is_compared) in [
        (Input::SubjectName, "subject.name", has_name, result_type.compares_names()),
        (Input::CertificateNumber, "certificate_number", has_certificate, result_type.compares_certificate_numbers()),
    ] {
        if result_type.requires.contains(&input) && !is_given {
            violations.invalid(
                field,
                both("该结果类型的提供部门要求提供此项", "must be given: the provider of this result type asks for it"),
            );
        }
        if is_given && !is_compared && !violations.concern(field) {
            violations.invalid(
                field,
                both(
                    "该结果类型的记录中没有此项，不得填写",
                    "must be left out: the records of this result type have nothing to compare it with",
                ),
            );
        }
    }
}

fn read_as_of(text: Option<&str>, today: Date, violations: &mut Violations) -> Option<Date> {
    let Some(text) = text else { return Some(today) };
    // The parser takes other notations of ISO 8601 too; only one may be written.
    match text.parse::<Date>().ok().filter(|date| date.to_string() == text) {
        None => {
            violations.invalid(
                "as_of",
                both("须为 yyyy-MM-dd 格式的日期，例如 2026-11-23", "must be a date such as 2026-11-23"),
            );
            None
        }
        Some(date) if date > today => {
            violations.add("as_of", Reason::AsOfInFuture, expected::not_after(today));
            None
        }
        Some(date) => Some(date),
    }
}

fn read_max_age(age: Option<(i64, i32)>, violations: &mut Violations) -> Option<Option<Duration>> {
    let Some((seconds, nanos)) = age else { return Some(None) };
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= AGE_SECONDS_MAX);
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    match seconds.zip(nanos) {
        Some((seconds, nanos)) => Some(Some(Duration::new(seconds, nanos))),
        None => {
            violations.invalid("max_age", both("须为不小于零的时长", "must be a length of time of zero or more"));
            None
        }
    }
}

/// What may be left out, and was: `Some(None)`. What is wrong: `None`.
fn or_absent<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}
