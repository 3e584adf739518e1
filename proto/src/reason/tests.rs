use std::collections::BTreeSet;

use super::*;
use crate::v1::ErrorReason;

/// The number of the first value of `ErrorReason` that is not there, and so one more than the number of the last.
fn end_of_contract() -> i32 {
    (0..).find(|&number| ErrorReason::try_from(number).is_err()).unwrap()
}

#[test]
fn the_table_is_the_enum_of_the_contract() {
    let contract: Vec<&str> = (1..end_of_contract())
        .map(|number| ErrorReason::try_from(number).unwrap().as_str_name().strip_prefix("ERROR_REASON_").unwrap())
        .collect();
    let table: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(table, contract);
}

/// The comment of each value in the contract begins with its code.
#[test]
fn the_contract_says_the_code_of_each_reason() {
    let contract = include_str!("../../heyan/v1/error.proto");
    for reason in Reason::ALL {
        let value = format!("  ERROR_REASON_{reason} = ");
        let before = &contract[..contract.find(&value).unwrap()];
        let comment = before.lines().next_back().unwrap().trim().strip_prefix("// ").unwrap();
        let code: String = comment.split(':').next().unwrap().split('_').map(|word| word.to_lowercase()).collect();
        assert_eq!(code, format!("{:?}", reason.code()).to_lowercase(), "{reason}");
    }
}

#[test]
fn every_text_is_there_in_both_languages_and_its_own() {
    let mut seen = BTreeSet::new();
    for reason in Reason::ALL {
        let (text, remedy) = (reason.text(), reason.remedy());
        for zh in [&text.zh, &remedy.zh] {
            assert!(zh.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c)), "{reason}: {zh}");
        }
        for en in [&text.en, &remedy.en] {
            assert!(en.is_ascii() && en.starts_with(|c: char| c.is_ascii_lowercase()) && !en.ends_with('.'), "{en}");
        }
        assert!(seen.insert(text.en.clone()) && seen.insert(text.zh.clone()), "{reason} has another's text");
    }
}

#[test]
fn no_reason_is_ok() {
    assert!(Reason::ALL.iter().all(|reason| reason.code() != Code::Ok));
}
