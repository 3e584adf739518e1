use super::IdentifierError;
use super::error::both;
use super::written::{check_digits, check_each, number};

number! {
    /// The number of a passport of China.
    ///
    /// E and eight digits, or E, a letter other than I and O, and seven digits (ordinary); G and eight digits (ordinary,
    /// older); DE, SE or PE and seven digits (diplomatic, service, for public affairs). It has no check character.
    ///
    /// Passports of other countries have no common form and no kind of their own here.
    Passport, check_passport
}

number! {
    /// The number of a mainland travel permit of a resident of Hong Kong or Macao (港澳居民来往内地通行证).
    ///
    /// H or M and eight digits, in the older form followed by two digits that count the cards issued. It has no check
    /// character.
    MainlandTravelPermit, check_mainland_travel_permit
}

number! {
    /// The number of a mainland travel permit of a resident of Taiwan (台湾居民来往大陆通行证).
    ///
    /// Eight digits; in the older form ten digits, optionally followed by one or two characters that count the cards
    /// issued. It has no check character.
    TaiwanTravelPermit, check_taiwan_travel_permit
}

fn check_passport(number: &[u8]) -> Result<(), IdentifierError> {
    if number.len() != 9 {
        return Err(IdentifierError::Length { expected: both("9 位", "9 characters") });
    }
    match number[0] {
        b'G' => check_digits(&number[1..], 2),
        b'E' => {
            let fits = |b: u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'O'));
            check_each(
                &number[1..2],
                2,
                fits,
                both("数字或除 I、O 以外的字母", "a digit or a letter other than I and O"),
            )?;
            check_digits(&number[2..], 3)
        }
        b'D' | b'S' | b'P' => {
            check_each(&number[1..2], 2, |b| b == b'E', both("E", "E"))?;
            check_digits(&number[2..], 3)
        }
        _ => Err(IdentifierError::Start { expected: both("E、G、DE、SE 或 PE", "E, G, DE, SE or PE") }),
    }
}

fn check_mainland_travel_permit(number: &[u8]) -> Result<(), IdentifierError> {
    if !matches!(number.len(), 9 | 11) {
        return Err(IdentifierError::Length {
            expected: both("9 位，旧式为 11 位", "9 characters, or 11 in the older form"),
        });
    }
    if !matches!(number[0], b'H' | b'M') {
        return Err(IdentifierError::Start { expected: both("H 或 M", "H or M") });
    }
    check_digits(&number[1..], 2)
}

fn check_taiwan_travel_permit(number: &[u8]) -> Result<(), IdentifierError> {
    match number.len() {
        8 => check_digits(number, 1),
        10..=12 => {
            check_digits(&number[..10], 1)?;
            check_each(&number[10..], 11, |b| b.is_ascii_alphanumeric(), both("数字或字母", "a digit or a letter"))
        }
        _ => Err(IdentifierError::Length {
            expected: both("8 位数字，旧式为 10 至 12 位", "8 digits, or 10 to 12 characters in the older form"),
        }),
    }
}
