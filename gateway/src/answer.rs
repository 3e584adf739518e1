//! The three answers, which cannot be confused (architecture §3).

use std::sync::Arc;
use std::time::Duration;

use heyan_adapters::{Holding, ResultType};
use heyan_policies::{DenialCause, Permit};
use heyan_proto::vocabulary::{
    DepartmentId, Disclosure, FieldName, Finding, Freshness, Localized, PlainText, UndeterminedCause,
};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::matching::Detail;

/// What leaves for a question. A response can only be made from one of these and a
/// [`Receipt`](crate::audit::Receipt).
#[derive(Debug)]
pub enum Answer {
    /// What the provider's records say about the claims.
    Determination(Determination),
    /// What the provider's records say, with field values.
    Retrieval(Retrieval),
    /// Not shared.
    Refusal(Refusal),
    /// The provider could not be asked.
    Undetermined(Undetermined),
    /// The question would be permitted; it was asked with `validate_only`.
    Validation(Validation),
}

impl Answer {
    /// The word for metrics and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Determination(_) | Self::Retrieval(_) => "determination",
            Self::Refusal(_) => "refusal",
            Self::Undetermined(_) => "undetermined",
            Self::Validation(_) => "validation",
        }
    }

    /// The word for metrics and logs that says why; never what was found, which is about a person.
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Determination(_) | Self::Retrieval(_) | Self::Validation(_) => "",
            Self::Refusal(refusal) => match refusal.cause {
                DenialCause::Exception(_) => "exception",
                DenialCause::GrantRequired(_) => "grant_required",
                DenialCause::NotPermitted(_) => "not_permitted",
            },
            Self::Undetermined(undetermined) => match undetermined.cause {
                UndeterminedCause::DepartmentDown => "department_down",
                UndeterminedCause::DepartmentTimeout => "department_timeout",
                UndeterminedCause::DepartmentBusy => "department_busy",
                UndeterminedCause::DepartmentClosed => "department_closed",
                UndeterminedCause::AnswerMalformed => "answer_malformed",
                UndeterminedCause::DeclarationBroken => "declaration_broken",
            },
        }
    }
}

/// An answer from the provider's records, or from its declaration of what those records reach.
#[derive(Debug)]
pub struct Determination {
    /// What was found; at VERDICT, CONFIRMED, `NOT_CONFIRMED` or `OUTSIDE_COVERAGE` alone.
    pub finding: Finding,
    /// How much this answer shows.
    pub disclosure: Disclosure,
    /// The day on which the finding holds.
    pub as_of: Date,
    /// Whose records were consulted.
    pub provider: DepartmentId,
    /// When the provider's data set was last brought up to date.
    pub data_updated_at: Option<Timestamp>,
    /// Whether the department was asked.
    pub freshness: Freshness,
    /// When the records were read; none where the finding follows from the declaration.
    pub retrieved_at: Option<Timestamp>,
    /// What the records do not reach, where they do not reach everything: no record there is no "no".
    pub coverage_note: Option<Localized>,
    /// What stands behind the finding, from CLAIMS on.
    pub detail: Option<Detail>,
}

/// Field values of one result, with what was determined of it.
#[derive(Debug)]
pub struct Retrieval {
    /// As for a verification without claims.
    pub determination: Determination,
    /// The one record that fits, and the fields that may be shown of it.
    pub record: Option<(Holding, Vec<FieldName>)>,
}

/// Not shared: why, and what to do.
#[derive(Debug)]
pub struct Refusal {
    /// Why not.
    pub cause: DenialCause,
    /// What was asked about: says whom to apply to, and for what.
    pub result_type: Arc<ResultType>,
    /// The name of the department that issues it.
    pub provider_name: Localized,
}

/// The provider could not be asked. Nothing is known about the subject.
#[derive(Debug)]
pub struct Undetermined {
    /// Why.
    pub cause: UndeterminedCause,
    /// Who could not be asked.
    pub provider: DepartmentId,
    /// Whom to ask at that department; none where its declaration is not known.
    pub contact: Option<PlainText>,
    /// When asking again makes sense by itself; none where a person must act first.
    pub retry: Option<Retry>,
}

/// When asking again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After this time.
    After(Duration),
    /// At this time: the department opens then.
    At(Timestamp),
}

/// What a permitted question would show.
#[derive(Debug)]
pub struct Validation {
    /// How much.
    pub disclosure: Disclosure,
    /// Of which fields.
    pub fields: Vec<FieldName>,
}

impl From<&Permit> for Validation {
    fn from(permit: &Permit) -> Self {
        Self { disclosure: permit.disclosure(), fields: permit.fields().to_vec() }
    }
}
