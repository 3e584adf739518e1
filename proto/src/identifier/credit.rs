use super::IdentifierError;
use super::error::both;
use super::written::{check_digits, check_each, number};

number! {
    /// A unified social credit code (统一社会信用代码, GB 32100-2015): registering authority, kind of body, six digits of
    /// the place of first registration, nine characters of the body, one check character.
    ///
    /// It names an organisation, so a place that knows it to be a department's or a company's may show it.
    CreditCode, check_credit_code
}

/// The characters of a code in the order of their values: no I, O, S, V, Z.
const CHARSET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

impl CreditCode {
    /// Whether characters 9 to 17, the former organisation code, check by GB 11714. Old records deviate, so this is
    /// worth a warning and never a refusal.
    pub fn has_consistent_body(&self) -> bool {
        const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
        let body = &self.0.as_bytes()[8..17];
        // GB 11714 counts letters from A = 10 without gaps, unlike GB 32100.
        let value = |b: u8| u32::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' + 10 });
        let sum: u32 = body.iter().zip(WEIGHTS).map(|(&b, weight)| value(b) * weight).sum();
        let check = match 11 - sum % 11 {
            11 => b'0',
            10 => b'X',
            digit => b'0' + digit as u8,
        };
        body[8] == check
    }
}

/// Checks the characters and the check character of a code; other identifiers contain one.
pub(super) fn check_credit_code(code: &[u8]) -> Result<(), IdentifierError> {
    if code.len() != 18 {
        return Err(IdentifierError::Length { expected: both("18 位", "18 characters") });
    }
    let expected = both("数字或除 I、O、S、V、Z 以外的字母", "a digit or a letter other than I, O, S, V, Z");
    check_each(code, 1, |b| value(b).is_some(), expected)?;
    check_digits(&code[2..8], 3)?;
    // The weights are the powers of 3 modulo 31.
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let sum: usize = code.iter().zip(WEIGHTS).filter_map(|(&b, weight)| Some(value(b)? * weight)).sum();
    // The outer remainder brings 31 back to 0.
    let check = CHARSET[(31 - sum % 31) % 31];
    if code[17] == check { Ok(()) } else { Err(IdentifierError::CheckCharacter) }
}

fn value(b: u8) -> Option<usize> {
    CHARSET.iter().position(|&c| c == b)
}
