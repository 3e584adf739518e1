//! Dates and texts as people write them, folded.

use heyan::matching::{fold, parse_written_date};
use heyan_adapters::Fold;
use heyan_proto::vocabulary::{CaseNumber, PersonalText, Term, is_invisible};

use super::harness::{Outcome, Shape, Target, run};
use super::holds;

#[test]
fn written_dates_and_folded_texts() {
    run(&Target { name: "spelling", shape: Shape::Text, bytes_max: 8 << 10, seeds: Vec::new, check: &check });
}

fn check(input: &[u8]) -> Outcome {
    let text = std::str::from_utf8(input).unwrap();
    for rule in Fold::ALL {
        let once = fold(text, rule);
        assert_eq!(fold(&once, rule), once, "{} is not idempotent", rule.as_str());
        // The longest compatibility decomposition has eighteen characters.
        assert!(once.chars().count() <= 18 * text.chars().count(), "{} makes it long", rule.as_str());
        assert!(rule != Fold::Exact || once.chars().count() <= text.chars().count());
    }
    let accepted = PersonalText::parse(text, 64);
    match &accepted {
        Ok(said) => {
            assert_eq!(said.expose(), text);
            assert!(text.chars().count() <= 64 && !text.chars().any(char::is_control));
            assert!(!text.chars().all(|c| c.is_whitespace() || is_invisible(c)));
            assert!(text.len() < 4 || !format!("{said:?}").contains(text), "Debug shows the text");
        }
        Err(error) => {
            holds::one_line(&error.to_string(), 200);
            assert!(!holds::repeats(&error.to_string(), text, &[]));
        }
    }
    assert_eq!(CaseNumber::parse(text).is_ok(), accepted.is_ok());
    let Some(read) = parse_written_date(text) else {
        return Outcome::of(("no date", accepted.is_ok(), text.len() / 16));
    };
    let canonical = match read.term {
        Term::On(day) => day.to_string(),
        Term::LongTerm => "长期".to_owned(),
    };
    let again = parse_written_date(&canonical).unwrap();
    assert!(again.in_record_form && again.term == read.term, "{text} is {canonical}, and that is something else");
    assert_eq!(read.in_record_form, text == canonical);
    Outcome::of(("date", text.chars().count(), read.in_record_form))
}
