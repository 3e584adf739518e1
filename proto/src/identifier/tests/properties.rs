use proptest::prelude::*;

use crate::identifier::{CertificateId, DivisionCode, ItemCode, SubjectKind, SubjectNumber};

/// The character that makes `body` valid, found by trying: generators share no code with the checks.
fn complete(body: &str, accepts: impl Fn(&str) -> bool) -> Option<String> {
    ('0'..='9').chain('A'..='Z').map(|check| format!("{body}{check}")).find(|number| accepts(number))
}

fn subject(kind: SubjectKind) -> impl Fn(&str) -> bool {
    move |number| SubjectNumber::parse(kind, number).is_ok()
}

fn person(place: &'static str) -> impl Strategy<Value = String> {
    (place, 1900_u32..2100, 1_u32..=12, 1_u32..=28, 0_u32..1000)
        .prop_map(|(place, year, month, day, order)| format!("{place}{year:04}{month:02}{day:02}{order:03}"))
}

fn credit_body() -> impl Strategy<Value = String> {
    "[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}"
}

/// A valid number of a kind whose check character sees every change of one character.
fn checked_number() -> impl Strategy<Value = (SubjectKind, String)> {
    let person_of = |kind, place| person(place).prop_map(move |body| (kind, body));
    prop_oneof![
        person_of(SubjectKind::CitizenNumber, "[1-7][0-9]{5}"),
        person_of(SubjectKind::ResidencePermit, "8[1-3]0000"),
        person_of(SubjectKind::PermanentResidentCard, "9[0-9]{5}"),
        credit_body().prop_map(|body| (SubjectKind::CreditCode, body)),
    ]
    .prop_map(|(kind, body)| {
        let number = complete(&body, subject(kind)).expect("one check character makes every body valid");
        (kind, number)
    })
}

fn certificate() -> impl Strategy<Value = String> {
    let issuer = prop_oneof![
        "[0-9]{6}",
        credit_body().prop_map(|body| complete(&body, subject(SubjectKind::CreditCode)).unwrap()),
    ];
    (credit_body(), "[0-9]{3}", issuer, "[0-9A-Z]{1,32}", "[0-9]{3}").prop_map(
        |(head, kind, issuer, serial, version)| {
            let head = complete(&head, subject(SubjectKind::CreditCode)).unwrap();
            let body = format!("1.2.156.3005.2.{head}{kind}.{issuer}.{serial}.{version}.");
            complete(&body, |id| CertificateId::parse(id).is_ok()).expect("one check character makes every body valid")
        },
    )
}

/// `text` with the character at `at` replaced by another digit or capital.
fn changed(text: &str, at: usize, by: u8) -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut bytes = text.as_bytes().to_vec();
    let mut new = ALPHABET[usize::from(by) % ALPHABET.len()];
    if new == bytes[at] {
        new = ALPHABET[usize::from(by + 1) % ALPHABET.len()];
    }
    bytes[at] = new;
    String::from_utf8(bytes).unwrap()
}

/// The same text as somebody might write it: full-width or lower case here and there.
fn rewritten(text: &str, choices: &[u8]) -> String {
    let rewrite = |(c, choice): (char, &u8)| match choice % 3 {
        0 => c,
        1 => c.to_ascii_lowercase(),
        _ => char::from_u32(u32::from(c) + 0xFEE0).unwrap(),
    };
    text.chars().zip(choices.iter().cycle()).map(rewrite).collect()
}

proptest! {
    #[test]
    fn one_changed_character_is_always_seen((kind, number) in checked_number(), at in 0_usize..18, by in 0_u8..36) {
        let wrong = changed(&number, at, by);
        prop_assert!(SubjectNumber::parse(kind, &wrong).is_err(), "{number} and {wrong} are both accepted");
    }

    #[test]
    fn one_changed_character_of_a_certificate_is_always_seen(id in certificate(), at in 0_usize..100, by in 0_u8..36) {
        let at = 15 + at % (id.len() - 15);
        if id.as_bytes()[at] != b'.' {
            let wrong = changed(&id, at, by);
            prop_assert!(CertificateId::parse(&wrong).is_err(), "{id} and {wrong} are both accepted");
        }
    }

    #[test]
    fn every_way_of_writing_is_one_number(
        (kind, number) in checked_number(),
        choices in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let written = SubjectNumber::parse(kind, &rewritten(&number, &choices)).unwrap();
        prop_assert_eq!(written.expose(), &number);
        prop_assert_eq!(&written, &SubjectNumber::parse(kind, &number).unwrap());
    }

    #[test]
    fn what_was_accepted_is_accepted_again(text in "[0-9A-Za-z０-９]{8,18}") {
        for kind in SubjectKind::ALL {
            if let Ok(number) = SubjectNumber::parse(kind, &text) {
                prop_assert_eq!(&SubjectNumber::parse(kind, number.expose()).unwrap(), &number);
            }
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        for kind in SubjectKind::ALL {
            if let Ok(number) = SubjectNumber::parse(kind, &text) {
                prop_assert!(number.masked().contains('*'));
            }
        }
        for ok in [
            CertificateId::parse(&text).is_ok(),
            CertificateId::parse(&format!("1.2.156.3005.2.{text}")).is_ok(),
            ItemCode::parse(&text).is_ok(),
        ] {
            prop_assert!(!ok || text.len() >= 31);
        }
        prop_assert!(DivisionCode::parse(&text).is_err() || text.chars().count() == 6);
    }
}
