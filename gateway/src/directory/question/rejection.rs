//! What is wrong with the words of a caller: all of it at once.

use std::fmt::Display;

use heyan_proto::reason::Reason;
use heyan_proto::vocabulary::{Localized, PersonalText, TextError};
use tonic::Code;

use super::expected::text_expected;

/// Words that are not a question. Nothing in it repeats what the caller wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {}", .violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Rejection {
    /// The reason of the whole: that of the first violation, where malformed words go before unfit ones.
    pub reason: Reason,
    /// Everything that is wrong; never empty.
    pub violations: Vec<Violation>,
}

/// One thing that is wrong with the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field of the request: `claims[0].operator`.
    pub field: String,
    /// Why.
    pub reason: Reason,
    /// What is expected there.
    pub expected: Localized,
}

impl Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.expected.en)
    }
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<Violation>);

impl Violations {
    pub(super) fn add(&mut self, field: impl Into<String>, reason: Reason, expected: Localized) {
        self.0.push(Violation { field: field.into(), reason, expected });
    }

    pub(super) fn invalid(&mut self, field: impl Into<String>, expected: Localized) {
        self.add(field, Reason::FieldInvalid, expected);
    }

    /// Whether something is wrong with the field already.
    pub(super) fn concern(&self, field: &str) -> bool {
        self.0.iter().any(|violation| violation.field == field)
    }

    pub(super) fn take<T>(&mut self, field: &str, read: Result<T, TextError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.invalid(field, text_expected(&error));
                None
            }
        }
    }

    pub(super) fn text(&mut self, field: &str, text: &str, max: usize) -> Option<PersonalText> {
        self.take(field, PersonalText::parse(text, max))
    }

    pub(super) fn into_rejection(self) -> Option<Rejection> {
        let malformed = self.0.iter().find(|violation| violation.reason.code() == Code::InvalidArgument);
        let reason = malformed.or(self.0.first())?.reason;
        Some(Rejection { reason, violations: self.0 })
    }
}
