use jiff::civil::Date;

use super::error::both;
use super::written::{check_digits, check_each, number};
use super::{DivisionCode, IdentifierError, InBoth, SubjectKind};

number! {
    /// A citizen number (公民身份号码, GB 11643-1999).
    ///
    /// Six digits of the place of first registration, eight of the date of birth, three in order (odd for men), one
    /// check character.
    ///
    /// The place is not checked against any table: places are abolished, numbers stay for life. Nor is the date of
    /// birth compared with today. [`CitizenNumber::division`] tells whoever wants to note an unknown place.
    CitizenNumber, check_citizen
}

impl CitizenNumber {
    /// The date of birth.
    pub fn birth(&self) -> Date {
        birth(self.0.as_bytes()).expect("the date was checked when the number was parsed")
    }

    /// The place of first registration, which may be abolished or unknown.
    pub fn division(&self) -> DivisionCode {
        DivisionCode::parse(&self.0[..6]).expect("the first six characters were checked to be digits")
    }

    /// Whether the number is a man's: its order number is odd.
    pub fn is_male(&self) -> bool {
        self.0.as_bytes()[16] % 2 == 1
    }
}

number! {
    /// The number of a residence permit of a resident of Hong Kong, Macao or Taiwan (港澳台居民居住证): the form of a
    /// citizen number that starts with 810000, 820000 or 830000.
    ResidencePermit, check_residence_permit
}

number! {
    /// The number of a foreign permanent resident's identity card (外国人永久居留身份证).
    ///
    /// Since 2023: 9, two digits of the issuing province, three of the country (ISO 3166 numeric), eight of the date of
    /// birth, three in order, one check character. Before: three letters and twelve digits.
    PermanentResidentCard, check_permanent_resident_card
}

fn check_citizen(number: &[u8]) -> Result<(), IdentifierError> {
    if number.len() == 15 && number.iter().all(u8::is_ascii_digit) {
        return Err(IdentifierError::OldForm);
    }
    check_person(number, both("18 位", "18 characters"))?;
    // No place in China starts with these: the numbers are those of other documents.
    if is_residence_permit(number) {
        return Err(IdentifierError::OtherKind { kind: SubjectKind::ResidencePermit });
    }
    if number[0] == b'9' {
        return Err(IdentifierError::OtherKind { kind: SubjectKind::PermanentResidentCard });
    }
    Ok(())
}

fn check_residence_permit(number: &[u8]) -> Result<(), IdentifierError> {
    check_person(number, both("18 位", "18 characters"))?;
    if is_residence_permit(number) {
        Ok(())
    } else {
        Err(IdentifierError::Start { expected: both("810000、820000 或 830000", "810000, 820000 or 830000") })
    }
}

fn is_residence_permit(number: &[u8]) -> bool {
    [b"810000", b"820000", b"830000"].iter().any(|place| number.starts_with(*place))
}

fn check_permanent_resident_card(number: &[u8]) -> Result<(), IdentifierError> {
    if number.len() == 15 {
        check_each(&number[..3], 1, |b| b.is_ascii_uppercase(), both("字母", "a letter"))?;
        return check_digits(&number[3..], 4);
    }
    check_person(
        number,
        both(
            "18 位（2023 版），或 3 个字母加 12 位数字（旧版）",
            "18 characters (since 2023), or three letters and twelve digits (before)",
        ),
    )?;
    if number[0] == b'9' { Ok(()) } else { Err(IdentifierError::Start { expected: both("9", "9") }) }
}

/// Checks the form that all three kinds share: 17 digits with a date of birth, and a check character by ISO 7064
/// MOD 11-2.
fn check_person(number: &[u8], forms: InBoth) -> Result<(), IdentifierError> {
    if number.len() != 18 {
        return Err(IdentifierError::Length { expected: forms });
    }
    check_digits(&number[..17], 1)?;
    check_each(&number[17..], 18, |b| b.is_ascii_digit() || b == b'X', both("数字或 X", "a digit or X"))?;
    if birth(number).is_none() {
        return Err(IdentifierError::Date { from: 7, to: 14 });
    }
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = number.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = b"10X98765432"[(sum % 11) as usize];
    if number[17] == check { Ok(()) } else { Err(IdentifierError::CheckCharacter) }
}

fn birth(number: &[u8]) -> Option<Date> {
    let value = |digits: &[u8]| digits.iter().fold(0_i16, |value, digit| value * 10 + i16::from(digit - b'0'));
    let (year, month, day) = (value(&number[6..10]), value(&number[10..12]), value(&number[12..14]));
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}
