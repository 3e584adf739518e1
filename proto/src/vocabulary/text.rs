//! Text that people write: bounded, free of control and direction characters, and, where it is about a person, never shown.

use std::fmt;

/// Why a text is not accepted. The text itself is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing was written.
    #[error("must not be empty")]
    Empty,
    /// More characters than the place allows.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The largest number of characters.
        max: usize,
    },
    /// NUL, another control character, or a mark that reorders text on screen.
    #[error("must not contain control or text-direction characters (found U+{code:04X} at character {at})")]
    Forbidden {
        /// The code point found.
        code: u32,
        /// Its position, counted in characters from 1.
        at: usize,
    },
}

/// Control characters and the marks that reorder text on screen (Unicode `Bidi_Control`), which hide what a log line says.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{2028}' | '\u{2029}')
}

fn check(text: &str, max: usize) -> Result<(), TextError> {
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    for (i, c) in text.chars().enumerate() {
        if i >= max {
            return Err(TextError::TooLong { max });
        }
        if is_forbidden(c) {
            return Err(TextError::Forbidden { code: c.into(), at: i + 1 });
        }
    }
    Ok(())
}

/// Text that is not about a person and may be shown: titles, notes, legal citations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlainText(Box<str>);

impl PlainText {
    /// Accepts 1 to `max` characters without control or direction characters.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong, without repeating the text.
    pub fn parse(text: &str, max: usize) -> Result<Self, TextError> {
        check(text, max)?;
        Ok(Self(text.into()))
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlainText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that may be about a person: names, claimed values, reasons. `Debug` never shows it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonalText(Box<str>);

impl PersonalText {
    /// Accepts 1 to `max` characters without control or direction characters.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong, without repeating the text.
    pub fn parse(text: &str, max: usize) -> Result<Self, TextError> {
        check(text, max)?;
        Ok(Self(text.into()))
    }

    /// The text as written. Whoever calls this keeps it out of logs, traces, errors and URLs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalText(…)")
    }
}

/// The number of a case (办件编号): opaque, 1 to 64 characters. It leads to a person, so it is treated as personal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CaseNumber(PersonalText);

impl CaseNumber {
    /// The longest case number in use is 43 characters; 64 leaves room.
    pub const CHARACTERS_MAX: usize = 64;

    /// Accepts 1 to 64 characters.
    ///
    /// # Errors
    /// [`TextError`] says what is wrong, without repeating the number.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        PersonalText::parse(text, Self::CHARACTERS_MAX).map(Self)
    }

    /// The number as written. Whoever calls this keeps it out of logs, traces, errors and URLs.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A text for users in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Localized {
    /// Simplified Chinese, in the regulation's own terms.
    pub zh: String,
    /// English.
    pub en: String,
}
