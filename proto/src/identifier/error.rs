use std::fmt;

use super::SubjectKind;

/// A few words in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InBoth {
    /// Simplified Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

pub(super) const fn both(zh: &'static str, en: &'static str) -> InBoth {
    InBoth { zh, en }
}

impl fmt::Display for InBoth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.en)
    }
}

/// Why a text is not an identifier of the declared kind, and what is expected. The text itself is never repeated.
///
/// Messages complete a sentence that starts with the name of the place: "`subject.number` must have 18 characters".
/// Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Nothing was written.
    #[error("must not be empty")]
    Empty,
    /// More characters than any identifier has.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The largest number of characters.
        max: usize,
    },
    /// A space, also inside.
    #[error("must not contain spaces (found one at character {at})")]
    Space {
        /// Where.
        at: usize,
    },
    /// A character that no identifier has.
    #[error("must have only digits and Latin letters (character {at} is neither)")]
    Foreign {
        /// Where.
        at: usize,
    },
    /// Too few or too many characters for this kind.
    #[error("must have {expected}")]
    Length {
        /// The forms that exist.
        expected: InBoth,
    },
    /// A character that does not fit its place.
    #[error("must have {expected} at character {at}")]
    Character {
        /// Where.
        at: usize,
        /// What fits there.
        expected: InBoth,
    },
    /// The wrong beginning for this kind.
    #[error("must start with {expected}")]
    Start {
        /// The beginnings that exist.
        expected: InBoth,
    },
    /// A date of birth that is not in the calendar.
    #[error("must have a date that exists, as yyyyMMdd, at characters {from} to {to}")]
    Date {
        /// Its first character.
        from: usize,
        /// Its last character.
        to: usize,
    },
    /// The last character does not fit the others, so one of them is wrong.
    #[error("has a check character that does not fit the others; copy all of them again from the document")]
    CheckCharacter,
    /// The number of a first-generation identity card.
    #[error("has the 15-digit form of first-generation cards, void since 2013-01-01; write the 18-digit number")]
    OldForm,
    /// A number that is reserved for another kind of document.
    #[error("is the number of another kind of document; declare the kind {}", .kind.as_str())]
    OtherKind {
        /// The kind to declare.
        kind: SubjectKind,
    },
    /// A part of a composed identifier is wrong.
    #[error("{part} {error}")]
    Part {
        /// Which part.
        part: InBoth,
        /// What is wrong with it; positions count from the start of the part.
        error: Box<Self>,
    },
}

impl IdentifierError {
    /// Says in which part of a composed identifier the error is.
    pub(super) fn within(self, part: InBoth) -> Self {
        Self::Part { part, error: Box::new(self) }
    }
}
