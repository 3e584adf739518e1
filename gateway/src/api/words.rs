//! Plain values on the wire.

use std::time::Duration;

use heyan_proto::v1;
use heyan_proto::vocabulary::{Localized, Term};
use jiff::Timestamp;
use jiff::civil::Date;

/// How 长期 is written.
const LONG_TERM: &str = "长期";

/// `yyyy-MM-dd`.
pub(super) fn date(date: Date) -> String {
    date.to_string()
}

/// `yyyy-MM-dd`, or 长期.
pub(super) fn term(term: Term) -> String {
    match term {
        Term::On(day) => date(day),
        Term::LongTerm => LONG_TERM.into(),
    }
}

pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

pub(super) fn duration(length: Duration) -> prost_types::Duration {
    // Durations here come from declarations, which bound them far below what the wire holds.
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    prost_types::Duration { seconds, nanos: length.subsec_nanos().cast_signed() }
}

pub(super) fn localized(text: &Localized) -> v1::LocalizedText {
    text.into()
}
