//! Compares what is claimed with what the provider holds: a pure function, without clock, network or state.
//!
//! [`determine`] first finds the one record that is meant, then judges it. It never answers about another subject, never
//! takes the first of several records, and never calls a difference of form a difference.

mod compare;
mod date;
mod fold;
mod outcome;
mod rare;
mod standing;

#[cfg(test)]
mod tests;

use heyan_adapters::{Fold, Holder, Holding, Holdings, Input, ResultType};
use heyan_proto::identifier::SubjectNumber;
use heyan_proto::vocabulary::{Claim, ClaimOutcome, PersonalText};
use jiff::civil::Date;

pub use compare::holds;
pub use date::parse_written_date;
pub use fold::fold;
pub use outcome::{Detail, Judged, Outcome, Visible};
pub use standing::Standing;

/// What is asked, as far as records can answer it.
#[derive(Debug, Clone, Copy)]
pub struct Matching<'a> {
    /// Whose declarations say how fields are compared and how a state follows from a record.
    pub result_type: &'a ResultType,
    /// Whose result.
    pub subject: &'a SubjectNumber,
    /// The subject's name as claimed.
    pub subject_name: Option<&'a PersonalText>,
    /// Which of the subject's certificates.
    pub certificate_number: Option<&'a PersonalText>,
    /// What is claimed; every claim is about a field of the result type and fits its type.
    pub claims: &'a [Claim],
    /// The day on which it should hold; after `today` only where an earlier answer is used again.
    pub as_of: Date,
    /// The day on which the provider stated what it holds.
    pub today: Date,
}

/// The provider's answer does not fit the question: it is malformed, and nothing is known about the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MatchingError {
    /// A record does not name the subject among its holders.
    #[error("the provider's answer has a record of another subject")]
    WrongSubject,
}

/// Whether the declaration says that the records do not reach a question as of this day: they begin later, or they state
/// today alone. Known without asking.
pub fn is_outside_coverage(result_type: &ResultType, as_of: Date, today: Date) -> bool {
    let begins = result_type.coverage.as_ref().and_then(|coverage| coverage.issued_from);
    begins.is_some_and(|from| as_of < from) || (as_of < today && !result_type.states_earlier_days())
}

/// Judges what the provider holds.
///
/// Records are narrowed to the one that is meant: by the certificate number, if one is given; while several remain, to
/// those in force, then to those of which everything claimed holds. A step that would leave none is skipped, except the
/// first: another certificate is not the one that was asked about.
///
/// # Errors
/// [`MatchingError`] where a record is not the subject's.
pub fn determine<'a>(question: &Matching<'a>, holdings: &'a Holdings) -> Result<Outcome<'a>, MatchingError> {
    if !holdings.records.iter().all(|record| is_of_subject(question, record)) {
        return Err(MatchingError::WrongSubject);
    }
    // Among records that were not sent there may be another that fits.
    if holdings.more {
        return Ok(Outcome::SeveralFit);
    }
    let Some(records) = with_certificate_number(question, &holdings.records) else {
        return Ok(Outcome::SeveralFit);
    };
    let mut judged: Vec<Judged<'a>> = records.into_iter().map(|record| judge(question, record)).collect();
    judged = narrowed(judged, |record| record.standing.is_alive());
    judged = narrowed(judged, Judged::holds);
    let first = judged.pop();
    Ok(match (first, judged.is_empty()) {
        (None, _) => Outcome::NoRecord,
        (Some(record), true) => Outcome::of(record),
        (Some(_), false) => Outcome::SeveralFit,
    })
}

/// Whether the record names the subject, where records name their holders by number.
fn is_of_subject(question: &Matching<'_>, record: &Holding) -> bool {
    !question.result_type.numbers_holders() || record.holders.iter().any(|holder| is_subject(question, holder))
}

fn is_subject(question: &Matching<'_>, holder: &Holder) -> bool {
    let subject = question.subject.expose();
    holder.number.as_deref().is_some_and(|number| number == subject || fold::fold_number(number) == subject)
}

/// The records of the certificate that is asked about; `None` where that cannot be told, because the provider neither
/// looked it up by that number nor says which number a record has.
fn with_certificate_number<'a>(question: &Matching<'_>, records: &'a [Holding]) -> Option<Vec<&'a Holding>> {
    let Some(number) = question.certificate_number else { return Some(records.iter().collect()) };
    if !question.result_type.numbers_certificates() {
        let looked_up = question.result_type.inputs().any(|input| input == Input::CertificateNumber);
        return (looked_up || records.is_empty()).then(|| records.iter().collect());
    }
    let number = fold::fold_number(number.expose());
    let is_meant = |held: &str| fold::fold_number(held) == number;
    let meant: Vec<_> =
        records.iter().filter(|record| record.certificate_number.as_deref().is_some_and(is_meant)).collect();
    let unnumbered = records.iter().any(|record| record.certificate_number.is_none());
    if meant.is_empty() && unnumbered { None } else { Some(meant) }
}

/// Those of several records that fit; all where none does, and one alone is not narrowed.
fn narrowed<'a>(records: Vec<Judged<'a>>, fits: impl Fn(&Judged<'a>) -> bool) -> Vec<Judged<'a>> {
    if records.len() > 1 && records.iter().any(&fits) { records.into_iter().filter(fits).collect() } else { records }
}

fn judge<'a>(question: &Matching<'a>, holding: &'a Holding) -> Judged<'a> {
    let compare = |claim: &'a Claim| {
        let outcome = match question.result_type.field(claim.field.as_str()) {
            Some(field) => compare::compare(claim, field, holding.fields.get(&claim.field)),
            None => ClaimOutcome::NotHeld,
        };
        (claim, outcome)
    };
    Judged {
        holding,
        standing: Standing::on(question.as_of, question.today, holding, &question.result_type.validity),
        name: question.subject_name.map(|name| compare_name(question, name, holding)),
        claims: question.claims.iter().map(compare).collect(),
    }
}

/// Compares the claimed name with that of the holder who is the subject; where records do not number their holders, with
/// every holder's.
fn compare_name(question: &Matching<'_>, claimed: &PersonalText, holding: &Holding) -> ClaimOutcome {
    let rule = if question.subject.kind().is_person() { Fold::Name } else { Fold::Organisation };
    let holders =
        holding.holders.iter().filter(|holder| !question.result_type.numbers_holders() || is_subject(question, holder));
    let names = holders.filter_map(|holder| holder.name.as_deref());
    compare::best(names.map(|name| compare::compare_text(claimed, name, rule)))
}
