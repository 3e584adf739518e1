use heyan_adapters::Fold;
use heyan_proto::vocabulary::Term;
use jiff::civil::date;

use crate::matching::{fold, parse_written_date};

/// Texts of one row are the same but for their form.
const SAME: &[(Fold, &[&str])] = &[
    // Middle dots of names.
    (
        Fold::Name,
        &[
            "阿依古丽·买买提",
            "阿依古丽•买买提",
            "阿依古丽．买买提",
            "阿依古丽.买买提",
            "阿依古丽‧买买提",
            "阿依古丽・买买提",
            "阿依古丽･买买提",
            "阿依古丽 · 买买提",
        ],
    ),
    // Spaces between ideographs, invisible characters.
    (Fold::Name, &["王五", "王 五", "王\u{3000}五", "王\u{200B}五", " 王五 ", "王\u{FE00}五"]),
    // Names in Latin letters: passports print capitals; one space stays between words.
    (Fold::Name, &["SMITH JOHN", "Smith John", "ＳＭＩＴＨ  JOHN", "Smith\u{A0}John"]),
    // Compatibility ideographs, radicals, and places of the private use area that have a place in Unicode since.
    (Fold::Name, &["金樂", "\u{F90A}\u{F914}"]),
    (Fold::Name, &["金大", "\u{2FA6}\u{2F24}"]),
    (Fold::Name, &["刘\u{4DAE}", "刘\u{E863}"]),
    (Fold::Name, &["\u{20087}", "\u{E816}"]),
    (Fold::Name, &["\u{9FBB}", "\u{E864}"]),
    // Brackets, width and spaces in names of organisations.
    (
        Fold::Organisation,
        &[
            "样例市(山城)ABC有限公司",
            "样例市（山城）ABC有限公司",
            "样例市【山城】ＡＢＣ有限公司",
            "样例市〔山城〕ABC 有限公司",
            "样例市 [山城] ABC 有限公司",
        ],
    ),
    (Fold::Address, &["解放路1号2-3(甲)", "解放路１号２－３（甲）", "解放路 1 号 2-3 （甲）"]),
];

/// Texts of one row are not the same.
const DIFFERENT: &[(Fold, &str, &str)] = &[
    (Fold::Name, "王五", "王六"),
    (Fold::Name, "ANN ALI", "ANNA LI"),
    (Fold::Name, "阿依古丽·买买提", "阿依古丽买买提"),
    (Fold::Name, "\u{E863}", "\u{E862}"),
    (Fold::Organisation, "样例1.5公司", "样例15公司"),
    (Fold::Organisation, "ABC有限公司", "abc有限公司"),
    (Fold::Organisation, "样例(山城)公司", "样例山城公司"),
    (Fold::Address, "解放路1号", "解放路11号"),
    (Fold::Exact, "A（1）", "A(1)"),
    (Fold::Exact, "A 1", "A1"),
];

#[test]
fn differences_of_form_are_folded_and_others_are_not() {
    for (rule, forms) in SAME {
        for form in *forms {
            assert_eq!(fold(form, *rule), fold(forms[0], *rule), "{form:?} and {:?} by {}", forms[0], rule.as_str());
        }
    }
    for (rule, one, other) in DIFFERENT {
        assert_ne!(fold(one, *rule), fold(other, *rule), "{one:?} and {other:?} by {}", rule.as_str());
    }
}

#[test]
fn a_space_that_goes_lets_a_mark_compose() {
    // NFKC makes of U+00B4 a space and a combining mark; without the space, the mark belongs to the letter before.
    let once = fold("e\u{B4}", Fold::Organisation);
    assert_eq!(fold(&once, Fold::Organisation), once);
}

#[rustfmt::skip]
const DATES: &[(&str, Option<(Term, bool)>)] = &[
    ("2026-01-05", Some((Term::On(date(2026, 1, 5)), true))),
    ("20260105", Some((Term::On(date(2026, 1, 5)), false))),
    ("2026/1/5", Some((Term::On(date(2026, 1, 5)), false))),
    ("2026/01/05", Some((Term::On(date(2026, 1, 5)), false))),
    ("2026.1.5", Some((Term::On(date(2026, 1, 5)), false))),
    ("2026-1-5", Some((Term::On(date(2026, 1, 5)), false))),
    ("2026年1月5日", Some((Term::On(date(2026, 1, 5)), false))),
    ("2026 年 01 月 05 日", Some((Term::On(date(2026, 1, 5)), false))),
    ("２０２６－０１－０５", Some((Term::On(date(2026, 1, 5)), false))),
    ("２０２６．１．５", Some((Term::On(date(2026, 1, 5)), false))),
    (" 2026-01-05", Some((Term::On(date(2026, 1, 5)), false))),
    ("2024-02-29", Some((Term::On(date(2024, 2, 29)), true))),
    ("长期", Some((Term::LongTerm, true))),
    ("长期有效", Some((Term::LongTerm, false))),
    (" 长 期 ", Some((Term::LongTerm, false))),
    ("9999-12-31", Some((Term::LongTerm, false))),
    ("99991231", Some((Term::LongTerm, false))),
    ("9999年12月31日", Some((Term::LongTerm, false))),
    ("2026-02-29", None),
    ("2026-13-01", None),
    ("2026-00-10", None),
    ("26-01-05", None),
    ("2026-01", None),
    ("2026-01-05-01", None),
    ("2026-01/05", None),
    ("2026-+1-05", None),
    ("2026--5", None),
    ("2026年1月5", None),
    ("5/1/2026", None),
    ("2026 01 05", None),
    ("2026-001-05", None),
    ("2026-01-05T00:00:00", None),
    ("永远", None),
    ("", None),
    ("2026-01-05                                          ", None),
];

#[test]
fn dates_are_read_in_every_notation() {
    for (text, expected) in DATES {
        let read = parse_written_date(text).map(|written| (written.term, written.in_record_form));
        assert_eq!(read, *expected, "{text:?}");
    }
}
