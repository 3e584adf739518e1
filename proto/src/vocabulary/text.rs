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
pub(crate) fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{2028}' | '\u{2029}')
}

/// Characters that nobody sees although they are no white space: joiners, fillers, variation selectors.
///
/// Unicode's `Default_Ignorable_Code_Point`, and the blank of braille. Names may hold them; a text of nothing else says nothing.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
}

fn check(text: &str, max: usize) -> Result<(), TextError> {
    if text.chars().all(|c| c.is_whitespace() || (is_invisible(c) && !is_forbidden(c))) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_nobody_sees_is_empty() {
        for text in ["", " ", "\u{3000}", "\u{200B}", "\u{2060} \u{AD}", "\u{3164}", "\u{2800}\u{FE0F}", "\u{E0020}"] {
            assert_eq!(CaseNumber::parse(text), Err(TextError::Empty), "{text:?}");
        }
        // What reorders text keeps its own error, and a name keeps its joiner.
        assert!(matches!(CaseNumber::parse("\u{202E}"), Err(TextError::Forbidden { code: 0x202E, at: 1 })));
        assert!(PersonalText::parse("می\u{200C}خواهم", 16).is_ok());
    }
}
