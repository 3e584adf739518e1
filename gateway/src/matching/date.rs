use heyan_adapters::Fold;
use heyan_proto::vocabulary::{Term, WrittenDate};
use jiff::civil::{Date, date};

use super::fold::fold;

/// The longest notation of a date, with room for spaces: `2026 年 11 月 23 日`.
const CHARACTERS_MAX: usize = 24;

/// Reads a date in any notation that certificates and people use.
///
/// `20261123`, `2026-11-23`, `2026/11/23`, `2026.11.23`, `2026年11月23日`, with or without leading zeros and in any width;
/// 长期, 长期有效 or the last day of the year 9999 for no end. `None` where it is none of these, or a day that the calendar
/// does not have.
pub fn parse_written_date(text: &str) -> Option<WrittenDate> {
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        return None;
    }
    let folded = fold(text, Fold::Address);
    if matches!(folded.as_str(), "长期" | "长期有效") {
        return Some(WrittenDate { term: Term::LongTerm, in_record_form: text == "长期" });
    }
    let day = parse_day(&folded)?;
    if day == date(9999, 12, 31) {
        return Some(WrittenDate { term: Term::LongTerm, in_record_form: false });
    }
    Some(WrittenDate { term: Term::On(day), in_record_form: text == day.to_string() })
}

fn parse_day(text: &str) -> Option<Date> {
    let (year, month, day) = if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        (&text[..4], &text[4..6], &text[6..])
    } else if let Some((year, rest)) = text.split_once('年') {
        let (month, day) = rest.strip_suffix('日')?.split_once('月')?;
        (year, month, day)
    } else {
        let separator = ['-', '/', '.'].into_iter().find(|&c| text.contains(c))?;
        let (year, rest) = text.split_once(separator)?;
        let (month, day) = rest.split_once(separator)?;
        (year, month, day)
    };
    let year = if year.len() == 4 { parse_digits(year)? } else { return None };
    let month = parse_digits(month).filter(|_| month.len() <= 2)?;
    let day = parse_digits(day).filter(|_| day.len() <= 2)?;
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// A number of ASCII digits alone: no sign.
fn parse_digits(text: &str) -> Option<i16> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}
