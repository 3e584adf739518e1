use std::time::Duration;

use heyan_proto::document::Table;
use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan as _};

use crate::mapping::SHANGHAI;

/// The most lines of hours.
const LINES_MAX: usize = 8;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const EXPECTED: &str = "must hold hours of Shanghai such as `Mon-Fri 08:30-17:30` or `Sat 09:00-12:00`";

/// When a department can be asked: times of the week. Public holidays are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours([Option<Line>; LINES_MAX]);

/// From a minute of the day to another, on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    first_day: usize,
    last_day: usize,
    from: u32,
    to: u32,
}

/// How often a department may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    count: u32,
    per: Duration,
}

impl Hours {
    /// Reads the list `key`, if it is there.
    pub(super) fn read(table: &mut Table<'_>, key: &str) -> Option<Option<Self>> {
        let lines = table.list(key, |text| Line::parse(text).ok_or(EXPECTED))?;
        if lines.len() > LINES_MAX {
            table.problem(format!("`limits.{key}` has more than {LINES_MAX} lines"), None);
            return None;
        }
        let mut hours = [None; LINES_MAX];
        for (place, line) in hours.iter_mut().zip(&lines) {
            *place = Some(**line);
        }
        Some((!lines.is_empty()).then_some(Self(hours)))
    }

    /// When the department opens next; `None` where it is open now.
    pub fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        let local = SHANGHAI.to_datetime(now);
        let (minute, lines) = (minute_of(local), self.0.iter().flatten());
        if lines.clone().any(|line| line.has(day_of(local)) && (line.from..line.to).contains(&minute)) {
            return None;
        }
        let openings = (0..=7).flat_map(|days| {
            let date = local.date().checked_add(days.days()).unwrap_or(local.date());
            lines.clone().filter(move |line| line.has(day_of(date.into()))).filter_map(move |line| {
                let opens: DateTime = date.into();
                SHANGHAI.to_timestamp(opens.checked_add(i64::from(line.from).minutes()).ok()?).ok()
            })
        });
        openings.filter(|opens| *opens > now).min()
    }
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let (days, times) = text.split_once(' ')?;
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let day = |word: &str| DAYS.iter().position(|day| *day == word);
        let (from, to) = times.split_once('-')?;
        let line = Self { first_day: day(first)?, last_day: day(last)?, from: parse_time(from)?, to: parse_time(to)? };
        (line.first_day <= line.last_day && line.from < line.to).then_some(line)
    }

    fn has(&self, day: usize) -> bool {
        (self.first_day..=self.last_day).contains(&day)
    }
}

impl RateLimit {
    const EXPECTED: &'static str = "must be a count and a time, such as `50/s`, `600/min` or `1000/h`";

    pub(super) fn read(table: &mut Table<'_>, key: &str) -> Option<Option<Self>> {
        let rate = table.optional_parse(key, |text| Self::parse(text).ok_or(Self::EXPECTED))?;
        Some(rate.map(|rate| *rate))
    }

    fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let count = count.parse().ok().filter(|count| (1..=100_000).contains(count))?;
        let seconds = match unit {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            _ => return None,
        };
        Some(Self { count, per: Duration::from_secs(seconds) })
    }

    /// The time between two look-ups.
    pub(crate) fn interval(self) -> Duration {
        self.per / self.count
    }
}

/// Minutes since midnight.
fn parse_time(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60 || (hour, minute) == (24, 0)).then_some(hour * 60 + minute)
}

fn minute_of(time: DateTime) -> u32 {
    u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs())
}

/// Counted from Monday.
fn day_of(time: DateTime) -> usize {
    usize::from(time.weekday().to_monday_zero_offset().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Failure: a department that is asked out of its hours, or an opening that is not the next.
    #[test]
    fn a_department_opens_when_its_hours_say() {
        let lines = ["Mon-Fri 08:30-12:00", "Mon-Fri 13:30-17:30", "Sat 09:00-12:00"];
        let mut hours = [None; LINES_MAX];
        for (place, line) in hours.iter_mut().zip(lines) {
            *place = Some(Line::parse(line).unwrap());
        }
        // 2026-11-23 is a Monday. Times are of Shanghai, eight hours before.
        for (now, opens) in [
            ("2026-11-23T08:29:59+08:00", Some("2026-11-23T08:30:00+08:00")),
            ("2026-11-23T08:30:00+08:00", None),
            ("2026-11-23T12:00:00+08:00", Some("2026-11-23T13:30:00+08:00")),
            ("2026-11-23T17:29:59+08:00", None),
            ("2026-11-23T20:00:00+08:00", Some("2026-11-24T08:30:00+08:00")),
            ("2026-11-27T17:30:00+08:00", Some("2026-11-28T09:00:00+08:00")),
            ("2026-11-28T12:00:00+08:00", Some("2026-11-30T08:30:00+08:00")),
        ] {
            let time = |text: &str| text.parse::<Timestamp>().unwrap();
            assert_eq!(Hours(hours).opens(time(now)), opens.map(time), "{now}");
        }
    }

    #[test]
    fn hours_and_rates_that_are_none_are_refused() {
        for text in
            ["Mon 8:30-17:30", "Fri-Mon 08:30-17:30", "Mon 17:30-08:30", "Mon-Fri", "Mo 08:30-17:30", "Mon 08:30-25:00"]
        {
            assert_eq!(Line::parse(text), None, "{text}");
        }
        for text in ["0/s", "50", "50/d", "-1/s", "1000000/s"] {
            assert_eq!(RateLimit::parse(text), None, "{text}");
        }
        assert_eq!(RateLimit::parse("600/min").unwrap().interval(), Duration::from_millis(100));
    }
}
