use std::fmt;

use super::credit::check_credit_code;
use super::error::both;
use super::written::{check_digits, check_each, normalise};
use super::{CreditCode, IdentifierError};

/// The root of the tree in which electronic certificates are identified.
const ROOT: &str = "1.2.156.3005.2.";
const CHARACTERS_MAX: usize = 160;
const SERIAL_CHARACTERS_MAX: usize = 64;

/// The identifier of an electronic certificate (电子证照标识, GB/T 36904):
/// `1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>`.
///
/// A change makes a new version and the old one lapses. The serial number leads to a person, so `Debug` does not show
/// the identifier.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertificateId {
    text: Box<str>,
    // Where the issuer and the serial end; the other parts have fixed lengths.
    issuer_end: usize,
    serial_end: usize,
}

impl CertificateId {
    /// Normalises and checks an identifier.
    ///
    /// # Errors
    /// [`IdentifierError`] says which part is wrong and what is expected, without repeating it.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let text = normalise(text, CHARACTERS_MAX)?;
        let Some(rest) = text.strip_prefix(ROOT) else {
            return Err(IdentifierError::Start { expected: both("1.2.156.3005.2.", "1.2.156.3005.2.") });
        };
        let parts: Vec<&str> = rest.split('.').collect();
        let [kind, issuer, serial, version, check] = parts[..] else {
            return Err(IdentifierError::Length {
                expected: both(
                    "1.2.156.3005.2 之后五段：类型、颁发机构、流水号、版本、校验位",
                    "five parts after 1.2.156.3005.2: type, issuer, serial number, version, check character",
                ),
            });
        };
        check_type(kind.as_bytes()).map_err(|error| error.within(both("证照类型代码", "type code")))?;
        check_issuer(issuer.as_bytes()).map_err(|error| error.within(both("证照颁发机构代码", "issuer code")))?;
        check_serial(serial.as_bytes()).map_err(|error| error.within(both("流水号", "serial number")))?;
        check_version(version.as_bytes()).map_err(|error| error.within(both("版本号", "version")))?;
        let body = [kind, issuer, serial, version].into_iter().flat_map(str::bytes);
        if check.as_bytes() != [check_character(body)] {
            return Err(IdentifierError::CheckCharacter);
        }
        let issuer_end = ROOT.len() + kind.len() + 1 + issuer.len();
        let serial_end = issuer_end + 1 + serial.len();
        Ok(Self { text, issuer_end, serial_end })
    }

    /// The type of certificate: the code of the authority that defined it and three digits.
    pub fn type_code(&self) -> &str {
        &self.text[ROOT.len()..ROOT.len() + 21]
    }

    /// The authority that defined the type.
    pub fn type_authority(&self) -> CreditCode {
        CreditCode::parse(&self.type_code()[..18]).expect("the head of the type code was checked as a credit code")
    }

    /// The issuer: a unified social credit code, or in older certificates a division code.
    pub fn issuer(&self) -> &str {
        &self.text[ROOT.len() + 22..self.issuer_end]
    }

    /// The serial number, which the issuer gave. Whoever calls this keeps it out of logs, traces, errors and URLs.
    pub fn expose_serial(&self) -> &str {
        &self.text[self.issuer_end + 1..self.serial_end]
    }

    /// The version, from 0 to 999.
    pub fn version(&self) -> u16 {
        self.text[self.serial_end + 1..self.serial_end + 4].parse().expect("the version was checked as three digits")
    }

    /// The normalised identifier. Whoever calls this keeps it out of logs, traces, errors and URLs.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateId(…)")
    }
}

fn check_type(code: &[u8]) -> Result<(), IdentifierError> {
    if code.len() != 21 {
        return Err(IdentifierError::Length {
            expected: both(
                "21 位：统一社会信用代码加 3 位数字",
                "21 characters: a unified social credit code and three digits",
            ),
        });
    }
    check_credit_code(&code[..18])?;
    check_digits(&code[18..], 19)
}

fn check_issuer(code: &[u8]) -> Result<(), IdentifierError> {
    match code.len() {
        6 => check_digits(code, 1),
        18 => check_credit_code(code),
        _ => Err(IdentifierError::Length {
            expected: both("18 位代码，或 6 位行政区划代码", "18 characters, or 6 digits of a division code"),
        }),
    }
}

fn check_serial(serial: &[u8]) -> Result<(), IdentifierError> {
    if serial.is_empty() || serial.len() > SERIAL_CHARACTERS_MAX {
        return Err(IdentifierError::Length { expected: both("1 至 64 个字符", "1 to 64 characters") });
    }
    check_each(serial, 1, |b| b.is_ascii_alphanumeric(), both("数字或字母", "a digit or a letter"))
}

fn check_version(version: &[u8]) -> Result<(), IdentifierError> {
    if version.len() != 3 {
        return Err(IdentifierError::Length { expected: both("3 位数字", "3 digits") });
    }
    check_digits(version, 1)
}

/// The check character of ISO 7064 MOD 37,36 over digits and capitals.
fn check_character(body: impl Iterator<Item = u8>) -> u8 {
    const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let value = |b: u8| usize::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' + 10 });
    let product = body.fold(36, |product, b| {
        let sum = (product + value(b)) % 36;
        (if sum == 0 { 36 } else { sum }) * 2 % 37
    });
    ALPHABET[(37 - product) % 36]
}
