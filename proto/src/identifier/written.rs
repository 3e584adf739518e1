//! How people write identifiers, and the one form in which they are kept.

use super::error::both;
use super::{IdentifierError, InBoth};

/// The longest number that is read; the longest that exists has 18 characters.
pub(super) const NUMBER_CHARACTERS_MAX: usize = 40;

/// Brings digits, Latin letters and full stops to ASCII capitals and refuses every other character.
pub(super) fn normalise(text: &str, max: usize) -> Result<Box<str>, IdentifierError> {
    let mut normalised = String::with_capacity(text.len().min(max));
    for (i, c) in text.chars().enumerate() {
        if i >= max {
            return Err(IdentifierError::TooLong { max });
        }
        let narrow = match c {
            // Full-width forms stand in the order of ASCII, U+FEE0 higher.
            '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '．' => {
                char::from_u32(u32::from(c) - 0xFEE0).expect("the full-width forms map into ASCII")
            }
            other => other,
        };
        match narrow {
            '0'..='9' | 'A'..='Z' | 'a'..='z' | '.' => normalised.push(narrow.to_ascii_uppercase()),
            space if space.is_whitespace() => return Err(IdentifierError::Space { at: i + 1 }),
            _ => return Err(IdentifierError::Foreign { at: i + 1 }),
        }
    }
    if normalised.is_empty() { Err(IdentifierError::Empty) } else { Ok(normalised.into()) }
}

/// Checks that every character of `text` fits; `first` is the position of the first one, counted from 1.
pub(super) fn check_each(
    text: &[u8],
    first: usize,
    fits: impl Fn(u8) -> bool,
    expected: InBoth,
) -> Result<(), IdentifierError> {
    match text.iter().position(|&b| !fits(b)) {
        Some(i) => Err(IdentifierError::Character { at: first + i, expected }),
        None => Ok(()),
    }
}

/// Checks that every character of `text` is a digit.
pub(super) fn check_digits(text: &[u8], first: usize) -> Result<(), IdentifierError> {
    check_each(text, first, |b| b.is_ascii_digit(), both("数字", "a digit"))
}

/// Declares the type of a number: normalised text that a check accepted, and that `Debug` does not show.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Normalises and checks a number.
            ///
            /// # Errors
            /// [`IdentifierError`](crate::identifier::IdentifierError) says what is wrong and what is expected, without
            /// repeating the number.
            pub fn parse(text: &str) -> Result<Self, crate::identifier::IdentifierError> {
                let number =
                    crate::identifier::written::normalise(text, crate::identifier::written::NUMBER_CHARACTERS_MAX)?;
                $check(number.as_bytes())?;
                Ok(Self(number))
            }

            /// The normalised number. Whoever calls this keeps it out of logs, traces, errors and URLs.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

pub(super) use number;
