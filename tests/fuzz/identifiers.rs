//! Numbers of people and organisations, certificates, places, service items. What is accepted has a check character that fits
//! by the standards' own verification, written here from the standards and not from the product.

use heyan_proto::identifier::{
    CertificateId, CitizenNumber, CreditCode, DivisionCode, IdentifierError, ItemCode, SubjectKind, SubjectNumber,
};

use super::harness::{Outcome, Shape, Target, files, run};
use super::holds;

#[test]
fn numbers_of_subjects() {
    run(&Target { name: "subjects", shape: Shape::Text, bytes_max: 400, seeds: vectors, check: &subjects });
}

#[test]
fn identifiers_of_certificates() {
    run(&Target { name: "certificate-ids", shape: Shape::Text, bytes_max: 600, seeds: vectors, check: &certificate });
}

#[test]
fn codes_of_items_and_divisions() {
    run(&Target { name: "codes", shape: Shape::Text, bytes_max: 200, seeds: vectors, check: &codes });
}

/// Whatever the unit tests of identifiers hold between quotes.
fn vectors() -> Vec<Vec<u8>> {
    let texts = files(&["proto/src/identifier/tests"], "vectors.rs");
    let quoted = texts.iter().flat_map(|text| std::str::from_utf8(text).unwrap().split('"').skip(1).step_by(2));
    let numbers = quoted
        .filter(|text| text.len() >= 5 && text.chars().filter(|c| c.is_numeric()).count() * 2 >= text.chars().count());
    numbers.map(|text| text.as_bytes().to_vec()).collect()
}

/// An error says what is wrong, in one line, and repeats nothing but what the standard has in every number.
fn refused(error: &IdentifierError, text: &str) -> String {
    let said = error.to_string();
    holds::one_line(&said, 200);
    let own = ["1.2.156.3005.2.", "2013-01-01", "810000, 820000 or 830000"];
    assert!(!holds::repeats(&said, text, &own), "{said} repeats {text}");
    assert!(!holds::repeats(&format!("{error:?}"), text, &own), "{error:?} repeats {text}");
    said
}

fn subjects(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    let mut said = Vec::new();
    for kind in SubjectKind::ALL {
        match SubjectNumber::parse(kind, text) {
            Ok(number) => {
                let exposed = number.expose();
                assert_eq!(SubjectNumber::parse(kind, exposed).as_ref(), Ok(&number), "is not read again");
                assert!(fits(kind, exposed), "{} accepts {exposed}", kind.as_str());
                assert!(exposed.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
                assert!(!format!("{number:?}").contains(exposed), "Debug shows the number");
                let masked = number.masked();
                assert_eq!(masked.len(), exposed.len());
                assert!(masked.matches('*').count() * 3 >= exposed.len(), "{masked} hides less than a third");
                said.push(format!("{} {}", kind.as_str(), exposed.len()));
            }
            Err(error) => said.push(refused(&error, text)),
        }
    }
    if let Ok(number) = CitizenNumber::parse(text) {
        let birth = number.birth();
        assert!(number.expose()[6..14] == format!("{:04}{:02}{:02}", birth.year(), birth.month(), birth.day()));
        assert_eq!(number.division().as_str(), &number.expose()[..6]);
    }
    Outcome::of(said)
}

/// Whether a number is one of its kind, by the standards.
fn fits(kind: SubjectKind, number: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let place = |places: &[&str]| places.iter().any(|place| number.starts_with(place));
    let person = number.len() == 18 && digits(&number[..17]) && is_day(&number[6..14]) && checks_mod_11_2(number);
    match kind {
        SubjectKind::CitizenNumber => person && !place(&["810000", "820000", "830000", "9"]),
        SubjectKind::ResidencePermit => person && place(&["810000", "820000", "830000"]),
        SubjectKind::PermanentResidentCard => {
            let old =
                number.len() == 15 && number.bytes().take(3).all(|b| b.is_ascii_uppercase()) && digits(&number[3..]);
            old || person && place(&["9"])
        }
        SubjectKind::CreditCode => number.len() == 18 && digits(&number[2..8]) && checks_mod_31_3(number),
        SubjectKind::Passport => {
            let second = number.as_bytes().get(1).is_some_and(|b| b.is_ascii_alphanumeric() && !b"IO".contains(b));
            let letters = match number.as_bytes()[0] {
                b'E' => second,
                b'G' => digits(&number[1..2]),
                _ => place(&["DE", "SE", "PE"]),
            };
            number.len() == 9 && letters && digits(&number[2..])
        }
        SubjectKind::MainlandTravelPermit => {
            place(&["H", "M"]) && digits(&number[1..]) && matches!(number.len(), 9 | 11)
        }
        SubjectKind::TaiwanTravelPermit => match number.len() {
            8 => digits(number),
            10..=12 => digits(&number[..10]),
            _ => false,
        },
    }
}

/// ISO 7064 MOD 11-2 as the standard verifies: the weighted sum of all characters, the check included, leaves 1.
fn checks_mod_11_2(number: &str) -> bool {
    let value = |c: char| if c == 'X' { Some(10) } else { c.to_digit(10) };
    let sum = number.chars().try_fold(0, |sum, c| Some((sum * 2 + value(c)?) % 11));
    sum == Some(1)
}

/// GB 32100 as a whole: every character by its weight, the check by 1, leaves nothing.
fn checks_mod_31_3(code: &str) -> bool {
    const CHARACTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let values: Option<Vec<usize>> = code.chars().map(|c| CHARACTERS.find(c)).collect();
    let Some(values) = values else { return false };
    let (check, body) = values.split_last().unwrap();
    let mut weight = 1;
    let sum: usize = body.iter().map(|value| (value * weight, weight = weight * 3 % 31).0).sum();
    (sum + check).is_multiple_of(31)
}

/// ISO 7064 MOD 37,36 as the standard verifies: with the check character the sum leaves 1.
fn checks_mod_37_36(characters: &str) -> bool {
    let values: Option<Vec<u32>> = characters.chars().map(|c| c.to_digit(36)).collect();
    let Some(values) = values else { return false };
    let (check, body) = values.split_last().unwrap();
    let product = body.iter().fold(36, |product, value| match (product + value) % 36 {
        0 => 36 * 2 % 37,
        sum => sum * 2 % 37,
    });
    (product + check) % 36 == 1
}

/// A day of the calendar that Pope Gregory gave to all years.
fn is_day(text: &str) -> bool {
    let [year, month, day] = [&text[..4], &text[4..6], &text[6..]].map(|part| part.parse::<u32>().unwrap());
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn certificate(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    match CertificateId::parse(text) {
        Ok(id) => {
            let parts: Vec<&str> = id.expose().split('.').collect();
            let [.., kind, issuer, serial, version, check] = parts[..] else { panic!("five parts are missing") };
            assert!(id.expose().starts_with("1.2.156.3005.2."));
            assert!(checks_mod_37_36(&[kind, issuer, serial, version, check].concat()), "accepts {text}");
            assert!(checks_mod_31_3(&kind[..18]) && (issuer.len() == 6 || checks_mod_31_3(issuer)));
            assert_eq!((id.type_code(), id.issuer(), id.expose_serial()), (kind, issuer, serial));
            assert_eq!((id.type_authority().expose(), id.version()), (&kind[..18], version.parse().unwrap()));
            assert_eq!(CertificateId::parse(id.expose()).as_ref(), Ok(&id));
            assert!(!format!("{id:?}").contains(serial), "Debug shows the serial number");
            Outcome::of(("certificate", issuer.len(), serial.len()))
        }
        Err(error) => Outcome::said(&refused(&error, text)),
    }
}

fn codes(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    let item = match ItemCode::parse(text) {
        Ok(code) => {
            assert_eq!(ItemCode::parse(code.as_str()).as_ref(), Ok(&code));
            assert!(checks_mod_31_3(&code.as_str()[..18]) && matches!(code.as_str().len(), 31 | 33), "accepts {text}");
            assert_eq!(code.implementing_body().expose(), &code.as_str()[..18]);
            format!("item {}", code.as_str().len())
        }
        Err(error) => refused(&error, text),
    };
    let body = match CreditCode::parse(text) {
        Ok(code) => {
            assert!(fits(SubjectKind::CreditCode, code.expose()), "accepts {text}");
            format!("code {}", code.has_consistent_body())
        }
        Err(error) => refused(&error, text),
    };
    let division = match DivisionCode::parse(text) {
        Ok(code) => {
            assert_eq!(DivisionCode::parse(code.as_str()), Ok(code));
            assert!(code.as_str().len() == 6 && code.as_str().bytes().all(|b| b.is_ascii_digit()), "accepts {text}");
            "division".to_owned()
        }
        Err(error) => refused(&error, text),
    };
    Outcome::of((item, body, division))
}
