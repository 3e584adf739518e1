//! From what a department holds, or why it could not be asked, to the answer that may leave.

use std::sync::Arc;
use std::time::Duration;

use heyan_adapters::{AdapterError, Holding};
use heyan_policies::{DenialCause, Permit};
use heyan_proto::vocabulary::{Disclosure, FieldName, Freshness, Localized, UndeterminedCause};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::answer::{Answer, Determination, Refusal, Retrieval, Retry, Undetermined};
use crate::clock::day_of;
use crate::departments::{Reading, cause_of};
use crate::directory::{Asked, Directory, Question};
use crate::matching::{self, Matching, Outcome};

/// When a department that is in trouble is worth another question.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// When one that is merely busy is.
const RETRY_AFTER_BUSY: Duration = Duration::from_secs(2);
/// When one that is left alone is, at the soonest.
const RETRY_AFTER_REST: Duration = Duration::from_secs(1);

/// The answer that follows from the declaration, so that nobody need be asked.
pub(super) fn known_without_asking(permit: &Permit, question: &Question, today: Date) -> Option<Answer> {
    let result_type = &question.result_type;
    if !matching::is_outside_coverage(result_type, question.as_of, today) {
        return None;
    }
    let mut determination = determination(permit, question, &Outcome::OutsideCoverage, Freshness::Declared);
    if !result_type.states_earlier_days() {
        determination.coverage_note = Some(states_today_alone());
    }
    Some(of_action(question, determination, None))
}

fn states_today_alone() -> Localized {
    Localized {
        zh: "该结果类型的记录只反映查询当日的情况，不能答复以往日期。".into(),
        en: "these records state the day of the question alone, and say nothing of earlier days".into(),
    }
}

/// Judges what the department holds. Records that do not fit the question say nothing about the subject.
pub(super) fn of_reading(
    permit: &Permit,
    question: &Question,
    reading: &Reading,
    freshness: Freshness,
    directory: &Directory,
) -> Answer {
    let claims = match &question.asked {
        Asked::Claims(claims) => claims.as_slice(),
        Asked::Fields(_) => &[],
    };
    let matching = Matching {
        result_type: &question.result_type,
        subject: &question.subject,
        subject_name: question.subject_name.as_ref(),
        certificate_number: question.certificate_number.as_ref(),
        claims,
        as_of: question.as_of,
        today: day_of(reading.read_at()),
    };
    let outcome = match matching::determine(&matching, reading.holdings()) {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::warn!(department = %permit.provider(), %error, "the answer of a department was not used");
            let cause = UndeterminedCause::AnswerMalformed;
            return unanswered(question, directory, cause, retry_after_of(cause).map(Retry::After));
        }
    };
    let mut determination = determination(permit, question, &outcome, freshness);
    determination.data_updated_at = reading.holdings().updated_at.map(whole_second);
    determination.retrieved_at = Some(whole_second(reading.read_at()));
    let record = retrievable(permit, question, &outcome);
    of_action(question, determination, record)
}

/// Policy refuses. A department that takes part has a name, unless its file was never good; then its id has to do.
pub(super) fn refusal(cause: DenialCause, question: &Question, directory: &Directory) -> Refusal {
    let provider = &question.result_type.provider;
    let declaration = directory.department(provider).and_then(|entry| entry.declaration.as_ref());
    let id = || Localized { zh: provider.to_string(), en: provider.to_string() };
    Refusal {
        cause,
        result_type: Arc::clone(&question.result_type),
        provider_name: declaration.map_or_else(id, |declaration| declaration.department.name.clone()),
    }
}

/// The department could not be asked.
pub(super) fn undetermined(question: &Question, directory: &Directory, error: &AdapterError) -> Answer {
    let (department, result_type) = (&question.result_type.provider, &question.result_type.id);
    let cause = cause_of(error);
    let retry = match error {
        // Said once when it began to rest: every question meanwhile would only say it again.
        AdapterError::Resting { retry_after } => Retry::After((*retry_after).max(RETRY_AFTER_REST)),
        AdapterError::Closed { opens } => Retry::At(*opens),
        _ => {
            tracing::warn!(%department, %result_type, %error, "a department gave no answer");
            return unanswered(question, directory, cause, retry_after_of(cause).map(Retry::After));
        }
    };
    tracing::debug!(%department, %result_type, %error, "a department was not asked");
    unanswered(question, directory, cause, Some(retry))
}

fn retry_after_of(cause: UndeterminedCause) -> Option<Duration> {
    match cause {
        UndeterminedCause::DepartmentDown | UndeterminedCause::DepartmentTimeout => Some(RETRY_AFTER),
        UndeterminedCause::DepartmentBusy => Some(RETRY_AFTER_BUSY),
        // A person must act first.
        UndeterminedCause::DepartmentClosed
        | UndeterminedCause::AnswerMalformed
        | UndeterminedCause::DeclarationBroken => None,
    }
}

fn unanswered(question: &Question, directory: &Directory, cause: UndeterminedCause, retry: Option<Retry>) -> Answer {
    let provider = &question.result_type.provider;
    let contact = directory.department(provider).and_then(|entry| entry.declaration.as_ref());
    Answer::Undetermined(Undetermined {
        cause,
        provider: provider.clone(),
        contact: contact.map(|declaration| declaration.department.contact.clone()),
        retry,
    })
}

fn determination(permit: &Permit, question: &Question, outcome: &Outcome<'_>, freshness: Freshness) -> Determination {
    let visible = outcome.visible(permit.disclosure());
    Determination {
        finding: visible.finding,
        disclosure: permit.disclosure(),
        as_of: question.as_of,
        provider: permit.provider().clone(),
        data_updated_at: None,
        freshness,
        retrieved_at: None,
        // It follows from the declaration alone, so it tells no answer from another.
        coverage_note: question.result_type.coverage.as_ref().map(|coverage| coverage.note.clone()),
        detail: visible.detail,
    }
}

fn of_action(question: &Question, determination: Determination, record: Option<(Holding, Vec<FieldName>)>) -> Answer {
    match &question.asked {
        Asked::Claims(_) => Answer::Determination(determination),
        Asked::Fields(_) => Answer::Retrieval(Retrieval { determination, record }),
    }
}

/// The one record whose values may leave: exactly one fits, the name holds, and the permit is to read these fields.
fn retrievable(permit: &Permit, question: &Question, outcome: &Outcome<'_>) -> Option<(Holding, Vec<FieldName>)> {
    let Asked::Fields(wanted) = &question.asked else { return None };
    if permit.disclosure() < Disclosure::Fields {
        return None;
    }
    let judged = outcome.judged().filter(|judged| judged.name.is_none_or(matching::holds))?;
    let allowed = |field: &&FieldName| {
        permit.fields().contains(field)
            && question.result_type.field(field.as_str()).is_some_and(|field| field.disclosed)
    };
    Some((judged.holding.clone(), wanted.iter().filter(allowed).cloned().collect()))
}

/// Whole seconds are written in as many bytes whatever the answer is.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
