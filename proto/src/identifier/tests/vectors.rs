use jiff::civil::date;

use crate::identifier::{
    CertificateId, CitizenNumber, CreditCode, IdentifierError, ItemCode, SubjectKind, SubjectNumber,
};

/// What is expected of an input: its normalised form, or a part of the message.
type Vector = (SubjectKind, &'static str, Result<&'static str, &'static str>);

use SubjectKind::{
    CitizenNumber as Citizen, CreditCode as Credit, MainlandTravelPermit as Mainland, Passport as Pass,
    PermanentResidentCard as Card, ResidencePermit as Permit, TaiwanTravelPermit as Taiwan,
};

#[rustfmt::skip]
const PEOPLE: &[Vector] = &[
    (Citizen, "11010519491231002X", Ok("11010519491231002X")),
    (Citizen, "440524188001010014", Ok("440524188001010014")),      // born 1880: implausible, well formed
    (Citizen, "500101194912310019", Ok("500101194912310019")),
    (Citizen, "500103200002290021", Ok("500103200002290021")),      // 29 February of a leap year
    (Citizen, "500112198501010019", Ok("500112198501010019")),      // a district that was abolished
    (Citizen, "500240201006300049", Ok("500240201006300049")),
    (Citizen, "000000199001010018", Ok("000000199001010018")),      // an unknown place is a note
    (Citizen, "11010519491231002x", Ok("11010519491231002X")),
    (Citizen, "１１０１０５１９４９１２３１００２ｘ", Ok("11010519491231002X")),
    (Citizen, "110105194912310021", Err("check character")),
    (Citizen, "500101194912310018", Err("check character")),
    (Citizen, "500101200113010018", Err("a date that exists")),     // month 13
    (Citizen, "500101200100010019", Err("a date that exists")),     // month 0
    (Citizen, "500101200101000015", Err("a date that exists")),     // day 0
    (Citizen, "500101200104310019", Err("a date that exists")),     // 31 April
    (Citizen, "500101200102290018", Err("a date that exists")),     // 29 February of a common year
    (Citizen, "500103190002290025", Err("a date that exists")),     // 1900 was no leap year
    (Citizen, "110105491231002", Err("15-digit form of first-generation cards")),
    (Citizen, "1101054912310O2", Err("18 characters")),
    (Citizen, "1101051949123100X2", Err("a digit at character 17")),
    (Citizen, "11010519491231002Y", Err("a digit or X at character 18")),
    (Citizen, " 11010519491231002X", Err("spaces (found one at character 1)")),
    (Citizen, "110105 19491231 002X", Err("spaces (found one at character 7)")),
    (Citizen, "11010519491231002\u{425}", Err("digits and Latin letters (character 18")),   // Cyrillic Х
    (Citizen, "11010519491231００2\0", Err("digits and Latin letters (character 18")),
    (Citizen, "", Err("must not be empty")),
    (Citizen, "1101051949123100211", Err("18 characters")),
    (Citizen, "11111111111111111111111111111111111111111", Err("at most 40 characters")),
    (Citizen, "810000199408230021", Err("declare the kind residence_permit")),
    (Citizen, "932682198501010017", Err("declare the kind permanent_resident_card")),
    (Permit, "810000199408230021", Ok("810000199408230021")),
    (Permit, "820000199001010029", Ok("820000199001010029")),
    (Permit, "830000199201300022", Ok("830000199201300022")),
    (Permit, "830000199201300023", Err("check character")),
    (Permit, "500101194912310019", Err("810000, 820000 or 830000")),
    (Card, "932682198501010017", Ok("932682198501010017")),
    (Card, "911124198108030024", Ok("911124198108030024")),
    (Card, "911124198108030025", Err("check character")),
    (Card, "500101194912310019", Err("must start with 9")),
    (Card, "CAN110075092301", Ok("CAN110075092301")),
    (Card, "can110075092301", Ok("CAN110075092301")),
    (Card, "CA1110075092301", Err("a letter at character 3")),
    (Card, "CAN11007509230A", Err("a digit at character 15")),
    (Card, "91112419810803002", Err("18 characters (since 2023)")),
    (Pass, "E12345678", Ok("E12345678")),
    (Pass, "ea1234567", Ok("EA1234567")),
    (Pass, "G12345678", Ok("G12345678")),
    (Pass, "DE1234567", Ok("DE1234567")),
    (Pass, "SE1234567", Ok("SE1234567")),
    (Pass, "PE1234567", Ok("PE1234567")),
    (Pass, "EI1234567", Err("other than I and O at character 2")),
    (Pass, "EO1234567", Err("other than I and O at character 2")),
    (Pass, "GA1234567", Err("a digit at character 2")),
    (Pass, "DA1234567", Err("E at character 2")),
    (Pass, "X12345678", Err("must start with E, G, DE, SE or PE")),
    (Pass, "E1234567", Err("9 characters")),
    (Mainland, "H12345678", Ok("H12345678")),
    (Mainland, "m12345678", Ok("M12345678")),
    (Mainland, "H1234567801", Ok("H1234567801")),
    (Mainland, "H123456780", Err("9 characters, or 11")),
    (Mainland, "C12345678", Err("must start with H or M")),
    (Mainland, "H1234567A", Err("a digit at character 9")),
    (Taiwan, "12345678", Ok("12345678")),
    (Taiwan, "1234567890", Ok("1234567890")),
    (Taiwan, "1234567890b", Ok("1234567890B")),
    (Taiwan, "123456789001", Ok("123456789001")),
    (Taiwan, "123456789", Err("8 digits, or 10 to 12")),
    (Taiwan, "1234567A", Err("a digit at character 8")),
];

#[rustfmt::skip]
const ORGANISATIONS: &[Vector] = &[
    (Credit, "91350100M000100Y43", Ok("91350100M000100Y43")),       // the standard's worked example
    (Credit, "91440300708461136T", Ok("91440300708461136T")),
    (Credit, "91110108551385082Q", Ok("91110108551385082Q")),
    (Credit, "91110000802100433B", Ok("91110000802100433B")),
    (Credit, "11100000MB0143028R", Ok("11100000MB0143028R")),
    (Credit, "11100000000019713D", Ok("11100000000019713D")),
    (Credit, "11100000000013338W", Ok("11100000000013338W")),
    (Credit, "91500000MA0000015Q", Ok("91500000MA0000015Q")),
    (Credit, "91500101MA00000A92", Ok("91500101MA00000A92")),
    (Credit, "92500103MA0000031U", Ok("92500103MA0000031U")),
    (Credit, "11500000MB0000027A", Ok("11500000MB0000027A")),
    (Credit, "11500000mb0000027a", Ok("11500000MB0000027A")),
    (Credit, "１１５００００0MB0000027Ａ", Ok("11500000MB0000027A")),
    (Credit, "91500000MA00000270", Ok("91500000MA00000270")),       // remainder 0: the check is 0, not 31
    (Credit, "91350100M000100Y4Z", Err("other than I, O, S, V, Z at character 18")),
    (Credit, "91350100M000100Y4J", Err("check character")),         // letters valued from A = 10 without gaps
    (Credit, "91350100M000100Y4W", Err("check character")),         // the remainder itself
    (Credit, "91500000MA00000154", Err("check character")),         // without gaps
    (Credit, "91500000MA00000157", Err("check character")),         // the remainder itself
    (Credit, "11500000MB0000027M", Err("check character")),
    (Credit, "915O0000MA0000015Q", Err("other than I, O, S, V, Z at character 4")),
    (Credit, "915A0000MA0000015Q", Err("a digit at character 4")),
    (Credit, "91500000MA0000015", Err("18 characters")),
    (Credit, "500101194912310019", Err("check character")),         // a citizen number is no company
];

#[test]
fn numbers_of_subjects() {
    for (kind, text, expected) in PEOPLE.iter().chain(ORGANISATIONS) {
        match (SubjectNumber::parse(*kind, text), expected) {
            (Ok(number), Ok(normalised)) => {
                assert_eq!(number.expose(), *normalised);
                assert_eq!(number.kind(), *kind);
            }
            (Err(error), Err(part)) => {
                let message = error.to_string();
                assert!(message.contains(part), "{text}: expected `{part}` in `{message}`");
            }
            (parsed, _) => panic!("{} {text}: {parsed:?}, expected {expected:?}", kind.as_str()),
        }
    }
}

#[test]
fn the_kind_is_never_guessed() {
    // The same characters are a person's card and, with another check character, could be a company: only the declared
    // kind decides, and equal characters of two kinds are two subjects.
    let card = SubjectNumber::parse(Card, "911124198108030024").unwrap();
    assert!(SubjectNumber::parse(Credit, "911124198108030024").is_err());
    assert!(SubjectNumber::parse(Citizen, "911124198108030024").is_err());
    let passport = SubjectNumber::parse(Taiwan, "12345678").unwrap();
    assert_ne!(card, passport);
    assert_ne!(
        SubjectNumber::parse(Taiwan, "123456789012").unwrap(),
        SubjectNumber::parse(Taiwan, "1234567890").unwrap()
    );
}

#[test]
fn facts_in_a_citizen_number() {
    let number = CitizenNumber::parse("11010519491231002x").unwrap();
    assert_eq!(number.birth(), date(1949, 12, 31));
    assert_eq!(number.division().as_str(), "110105");
    assert!(!number.is_male());
    assert!(CitizenNumber::parse("500101194912310019").unwrap().is_male());
    assert_eq!(CitizenNumber::parse("440524188001010014").unwrap().birth(), date(1880, 1, 1));
}

#[test]
fn the_body_of_a_credit_code_is_a_warning_only() {
    for code in ["91350100M000100Y43", "91440300708461136T", "11100000MB0143028R", "91500000MA0000015Q"] {
        assert!(CreditCode::parse(code).unwrap().has_consistent_body(), "{code}");
    }
    // A valid code whose characters 9 to 17 do not check by GB 11714.
    let old = CreditCode::parse("91500000MA00000008").expect("the check character of the code itself fits");
    assert!(!old.has_consistent_body());
}

/// An identifier, and its issuer and version, or a part of the message.
type CertificateVector = (&'static str, Result<(&'static str, u16), &'static str>);

#[rustfmt::skip]
const CERTIFICATES: &[CertificateVector] = &[
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U", Ok(("11430000006122244L", 1))),
    ("1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9", Ok(("340100", 1))),
    ("1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0", Ok(("11330105002500287C", 2))),
    ("1.2.156.3005.2.11100000MB0143028R001.11500000MB0000027A.2026000000000001.001.2", Ok(("11500000MB0000027A", 1))),
    ("1.2.156.3005.2.11100000000019713D008.11500000MB0000027A.2026000000000002.002.7", Ok(("11500000MB0000027A", 2))),
    ("1.2.156.3005.2.11100000000013338w011.11430000006122244l.20230000403.001.u", Ok(("11430000006122244L", 1))),
    ("1．2．156．3005．2．11100000000013338W011．11430000006122244L．20230000403．001．Ｕ", Ok(("11430000006122244L", 1))),
    // Published with M; the standard gives D.
    ("1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M", Err("check character")),
    ("1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.D", Ok(("113700000045046442", 1))),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.002.U", Err("check character")),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001", Err("five parts")),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U.1", Err("five parts")),
    ("1.2.156.3005.3.11100000000013338W011.11430000006122244L.20230000403.001.U", Err("must start with 1.2.156.3005.2.")),
    ("1.2.156.3005.2.11100000000013338X011.11430000006122244L.20230000403.001.U", Err("type code has a check character")),
    ("1.2.156.3005.2.11100000000013338W01.11430000006122244L.20230000403.001.U", Err("type code must have 21 characters")),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244M.20230000403.001.U", Err("issuer code has a check character")),
    ("1.2.156.3005.2.11100000000013338W011.34010.20230000403.001.U", Err("issuer code must have 18 characters, or 6 digits")),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L..001.U", Err("serial number must have 1 to 64")),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.1.U", Err("version must have 3 digits")),
    ("1.2.156.3005.2.11100000000013338W011.11430000006122244L.2023-0000403.001.U", Err("digits and Latin letters")),
];

#[test]
fn identifiers_of_certificates() {
    for (text, expected) in CERTIFICATES {
        match (CertificateId::parse(text), expected) {
            (Ok(id), Ok((issuer, version))) => {
                assert_eq!((id.issuer(), id.version()), (*issuer, *version));
                assert_eq!(CertificateId::parse(id.expose()).unwrap(), id);
            }
            (Err(error), Err(part)) => {
                let message = error.to_string();
                assert!(message.contains(part), "{text}: expected `{part}` in `{message}`");
            }
            (parsed, _) => panic!("{text}: {parsed:?}, expected {expected:?}"),
        }
    }
    let id = CertificateId::parse(CERTIFICATES[0].0).unwrap();
    assert_eq!(id.type_code(), "11100000000013338W011");
    assert_eq!(id.type_authority().expose(), "11100000000013338W");
    assert_eq!(id.expose_serial(), "20230000403");
}

#[rustfmt::skip]
const ITEMS: &[(&str, Result<&str, &str>)] = &[
    ("11370800MB285591843370117002011", Ok("370117002011")),
    ("12441500196720244T3442199806003", Ok("442199806003")),
    ("12441500196720244T344219980600301", Ok("442199806003")),
    ("12441500196720244t3442199806003", Ok("442199806003")),
    ("12441500196720244T34421998060030", Err("31 characters, or 33")),
    ("12441500196720244U3442199806003", Err("implementing body has a check character")),
    ("12441500196720244T0442199806003", Err("a level from 1 (state) to 6 (village) at character 19")),
    ("12441500196720244T7442199806003", Err("a level from 1 (state) to 6 (village) at character 19")),
    ("12441500196720244T34421998.6003", Err("a digit or a letter at character 27")),
];

#[test]
fn codes_of_service_items() {
    for (text, expected) in ITEMS {
        match (ItemCode::parse(text), expected) {
            (Ok(code), Ok(base)) => assert_eq!(code.base_code(), *base),
            (Err(error), Err(part)) => {
                let message = error.to_string();
                assert!(message.contains(part), "{text}: expected `{part}` in `{message}`");
            }
            (parsed, _) => panic!("{text}: {parsed:?}, expected {expected:?}"),
        }
    }
    let code = ItemCode::parse(ITEMS[0].0).unwrap();
    assert_eq!(code.to_string(), ITEMS[0].0);
    assert_eq!(code.implementing_body().expose(), "11370800MB28559184");
}

#[test]
fn masks_keep_little() {
    for (kind, text, masked) in [
        (Citizen, "11010519491231002X", "110105********002X"),
        (Card, "CAN110075092301", "CAN110*****2301"),
        (Pass, "E12345678", "E1*****78"),
        (Taiwan, "12345678", "12****78"),
    ] {
        assert_eq!(SubjectNumber::parse(kind, text).unwrap().masked(), masked);
    }
}

#[test]
fn debug_and_errors_never_show_a_number() {
    for (kind, text, _) in PEOPLE.iter().chain(ORGANISATIONS) {
        if text.is_empty() {
            continue;
        }
        match SubjectNumber::parse(*kind, text) {
            Ok(number) => assert!(!format!("{number:?}").contains(number.expose())),
            Err(error) => {
                assert!(!error.to_string().contains(text) && !format!("{error:?}").contains(text));
            }
        }
    }
    assert_eq!(format!("{:?}", CitizenNumber::parse("11010519491231002X").unwrap()), "CitizenNumber(…)");
    assert_eq!(format!("{:?}", CertificateId::parse(CERTIFICATES[0].0).unwrap()), "CertificateId(…)");
}

#[test]
fn errors_say_where() {
    let error = CitizenNumber::parse("110105194912310a2X").unwrap_err();
    assert!(matches!(error, IdentifierError::Character { at: 16, expected } if expected.zh == "数字"));
    assert_eq!(error.to_string(), "must have a digit at character 16");
}
