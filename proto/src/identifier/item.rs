use std::fmt;

use super::credit::check_credit_code;
use super::error::both;
use super::written::{NUMBER_CHARACTERS_MAX, check_each, normalise};
use super::{CreditCode, IdentifierError};

/// The code of a service item (实施编码, GB/T 39554.1-2020). It is public, so it is shown.
///
/// 18 characters of the implementing body, one digit of its level, 12 characters of the base code; two more for a
/// variant (业务办理项).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemCode(Box<str>);

impl ItemCode {
    /// Normalises and checks a code of 31 or 33 characters.
    ///
    /// # Errors
    /// [`IdentifierError`] says what is wrong and what is expected.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let code = normalise(text, NUMBER_CHARACTERS_MAX)?;
        let bytes = code.as_bytes();
        if !matches!(bytes.len(), 31 | 33) {
            return Err(IdentifierError::Length {
                expected: both("31 位，带业务办理项为 33 位", "31 characters, or 33 with the variant"),
            });
        }
        check_credit_code(&bytes[..18])
            .map_err(|error| error.within(both("实施主体代码", "code of the implementing body")))?;
        check_each(
            &bytes[18..19],
            19,
            |b| matches!(b, b'1'..=b'6'),
            both("行使层级 1（国家）至 6（村、社区）", "a level from 1 (state) to 6 (village)"),
        )?;
        check_each(&bytes[19..], 20, |b| b.is_ascii_alphanumeric(), both("数字或字母", "a digit or a letter"))?;
        Ok(Self(code))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The body that implements the item.
    pub fn implementing_body(&self) -> CreditCode {
        CreditCode::parse(&self.0[..18]).expect("the head of the code was checked as a credit code")
    }

    /// The base code (基本编码), the same for all bodies that implement the item.
    pub fn base_code(&self) -> &str {
        &self.0[19..31]
    }
}

impl fmt::Display for ItemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
