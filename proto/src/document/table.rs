use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::{Deref, RangeInclusive};
use std::time::Duration;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Place, Value};
use crate::vocabulary::Localized;

/// A value and where it stands, so that a later check can still point at it.
#[derive(Debug, Clone)]
pub struct Located<T> {
    value: T,
    offset: usize,
}

impl<T> Located<T> {
    pub(super) fn new(value: T, offset: usize) -> Self {
        Self { value, offset }
    }

    /// The value without its place.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Located<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// What stands in a row of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
}

/// A table of a document.
///
/// Methods named after a type read a required key; their `optional_` twins, one that may be absent. All report what is
/// wrong and then return `None`; keys that were never asked for are reported at the end.
///
/// For optional keys, `Some(None)` means "absent" and `None` means "present and wrong": `?` then stops at the wrong
/// one only.
#[derive(Debug)]
pub struct Table<'d> {
    place: Place<'d>,
    table: &'d DeTable<'d>,
    offset: usize,
    path: String,
    asked: BTreeSet<String>,
}

impl<'d> Table<'d> {
    pub(super) fn new(place: Place<'d>, table: &'d Spanned<DeTable<'d>>, path: String) -> Self {
        Self::at(place, table.get_ref(), table.span().start, path)
    }

    fn at(place: Place<'d>, table: &'d DeTable<'d>, offset: usize, path: String) -> Self {
        Self { place, table, offset, path, asked: BTreeSet::new() }
    }

    /// Reports a problem with the whole table.
    pub fn problem(&self, message: impl Into<String>, help: Option<String>) {
        self.place.report(self.offset, message.into(), help);
    }

    /// Reports a problem with a value that was read from this document.
    pub fn problem_at<T>(&self, at: &Located<T>, message: impl Into<String>, help: Option<String>) {
        self.place.report(at.offset, message.into(), help);
    }

    /// Whether the key is present; counts as asking for it.
    pub fn has(&mut self, key: &str) -> bool {
        self.asked.insert(key.into());
        self.table.contains_key(key)
    }

    /// Leaves the table unread without calling its keys unknown: what they depend on is wrong and was reported.
    pub fn skip(&mut self) {
        self.asked.extend(self.table.iter().map(|(key, _)| key.get_ref().to_string()));
    }

    /// The table's keys, in the order of the file. Does not count as asking for them.
    pub fn keys(&self) -> Vec<Located<String>> {
        let mut keys: Vec<_> = (self.table.iter())
            .map(|(key, _)| Located { value: key.get_ref().to_string(), offset: key.span().start })
            .collect();
        keys.sort_by_key(|key| key.offset);
        keys
    }

    /// A text.
    pub fn text(&mut self, key: &str) -> Option<Located<String>> {
        self.required(key, Self::optional_text)
    }

    /// A text that may be absent.
    pub fn optional_text(&mut self, key: &str) -> Option<Option<Located<String>>> {
        self.typed(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A text that `parse` accepts; its error becomes the message.
    pub fn parse<T, E: Display>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<Located<T>> {
        self.required(key, |table, key| table.optional_parse(key, parse))
    }

    /// A text that `parse` accepts, or nothing.
    pub fn optional_parse<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<Located<T>>> {
        let Some(text) = self.optional_text(key)? else { return Some(None) };
        match parse(&text) {
            Ok(value) => Some(Some(Located { value, offset: text.offset })),
            Err(error) => {
                self.problem_at(&text, format!("`{}` {error}", self.full(key)), None);
                None
            }
        }
    }

    /// One word of a closed list.
    pub fn one_of<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<Located<T>> {
        self.required(key, |table, key| table.optional_one_of(key, words))
    }

    /// One word of a closed list, or nothing.
    pub fn optional_one_of<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<Option<Located<T>>> {
        let Some(text) = self.optional_text(key)? else { return Some(None) };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.as_str()) {
            return Some(Some(Located { value: *value, offset: text.offset }));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{}` has the unknown word `{}`", self.full(key), shortened(&text));
        self.problem_at(&text, message, Some(suggest(&text, &known)));
        None
    }

    /// A whole number within a range.
    pub fn integer(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<Located<i64>> {
        self.required(key, |table, key| table.optional_integer(key, range))
    }

    /// A whole number within a range, or nothing.
    pub fn optional_integer(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<Option<Located<i64>>> {
        let Some(number) = self.typed(key, "a whole number", whole_number)? else { return Some(None) };
        if range.contains(&number) {
            return Some(Some(number));
        }
        let help = format!("write a number from {} to {}", range.start(), range.end());
        self.problem_at(&number, format!("`{}` is out of range", self.full(key)), Some(help));
        None
    }

    /// A cell of a row of data: a text or a whole number, as databases keep them.
    pub fn cell(&mut self, key: &str) -> Option<Located<Cell>> {
        self.required(key, |table, key| {
            table.typed(key, "a string or a whole number", |value| match value {
                DeValue::String(text) => Some(Cell::Text(text.to_string())),
                _ => whole_number(value).map(Cell::Integer),
            })
        })
    }

    /// Two whole numbers: `[1, 18]`.
    pub fn integer_pair(&mut self, key: &str) -> Option<Located<[i64; 2]>> {
        self.required(key, |table, key| {
            table.typed(key, "two whole numbers such as [1, 18]", |value| {
                let numbers = value.as_array()?.iter().map(|element| whole_number(element.get_ref()));
                numbers.collect::<Option<Vec<i64>>>()?.try_into().ok()
            })
        })
    }

    /// A value of any form, or nothing.
    pub fn optional_value(&mut self, key: &str) -> Option<Option<Value>> {
        self.asked.insert(key.into());
        let Some(value) = self.table.get(key) else { return Some(None) };
        Value::read(self.place, value, &self.full(key)).map(Some)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &str) -> Option<Located<bool>> {
        self.required(key, Self::optional_flag)
    }

    /// `true` or `false`, or nothing.
    pub fn optional_flag(&mut self, key: &str) -> Option<Option<Located<bool>>> {
        self.typed(key, "`true` or `false`", DeValue::as_bool)
    }

    /// A date, written as `2026-11-23` with or without quotes.
    pub fn date(&mut self, key: &str) -> Option<Located<Date>> {
        self.required(key, Self::optional_date)
    }

    /// A date, or nothing.
    pub fn optional_date(&mut self, key: &str) -> Option<Option<Located<Date>>> {
        self.typed(key, "a date such as 2026-11-23", |value| match value {
            DeValue::String(text) => text.parse().ok(),
            DeValue::Datetime(date) if date.time.is_none() && date.offset.is_none() => date.to_string().parse().ok(),
            _ => None,
        })
    }

    /// A length of time with its unit: `800ms`, `5s`, `15m`, `24h`, `30d`.
    pub fn duration(&mut self, key: &str) -> Option<Located<Duration>> {
        self.required(key, Self::optional_duration)
    }

    /// A length of time, or nothing.
    pub fn optional_duration(&mut self, key: &str) -> Option<Option<Located<Duration>>> {
        self.typed(
            key,
            "a length of time with its unit such as \"800ms\", \"5s\", \"15m\", \"24h\" or \"30d\"",
            |value| parse_duration(value.as_str()?),
        )
    }

    /// A text in both languages: `{ zh-CN = "…", en = "…" }`.
    pub fn localized(&mut self, key: &str) -> Option<Localized> {
        let mut table = self.table(key)?;
        let (zh, en) = (table.text("zh-CN"), table.text("en"));
        Some(Localized { zh: zh?.into_inner(), en: en?.into_inner() })
    }

    /// A list of texts that `parse` accepts; an absent key is an empty list.
    pub fn list<T, E: Display>(
        &mut self,
        key: &str,
        mut parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Option<Vec<Located<T>>> {
        let Some(array) = self.typed(key, "a list of strings", |value| value.as_array())? else {
            return Some(Vec::new());
        };
        let mut values = Vec::new();
        let mut whole = true;
        for element in array.iter() {
            let offset = element.span().start;
            match element.get_ref().as_str().map(&mut parse) {
                Some(Ok(value)) => values.push(Located { value, offset }),
                Some(Err(error)) => {
                    self.place.report(offset, format!("`{}` {error}", self.full(key)), None);
                    whole = false;
                }
                None => {
                    self.place.report(offset, format!("`{}` must be a list of strings", self.full(key)), None);
                    whole = false;
                }
            }
        }
        whole.then_some(values)
    }

    /// A table.
    pub fn table(&mut self, key: &str) -> Option<Self> {
        self.required(key, |table, key| {
            Some(table.optional_table(key)?.map(|value| Located { offset: value.offset, value }))
        })
        .map(Located::into_inner)
    }

    /// A table, or nothing.
    pub fn optional_table(&mut self, key: &str) -> Option<Option<Self>> {
        let path = self.full(key);
        let found = self.typed(key, "a table", |value| value.as_table())?;
        Some(found.map(|found| Self::at(self.place, found.value, found.offset, path)))
    }

    /// A list of tables, `[[key]]`; an absent key is an empty list.
    pub fn tables(&mut self, key: &str) -> Option<Vec<Self>> {
        let path = self.full(key);
        let Some(array) = self.typed(key, "a list of tables", |value| value.as_array())? else {
            return Some(Vec::new());
        };
        let mut tables = Vec::new();
        for element in array.iter() {
            let Some(table) = element.get_ref().as_table() else {
                self.place.report(element.span().start, format!("`{path}` must be a list of tables"), None);
                return None;
            };
            tables.push(Self::at(self.place, table, element.span().start, path.clone()));
        }
        Some(tables)
    }

    fn typed<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'d DeValue<'d>) -> Option<T>,
    ) -> Option<Option<Located<T>>> {
        self.asked.insert(key.into());
        let Some(value) = self.table.get(key) else { return Some(None) };
        let offset = value.span().start;
        match read(value.get_ref()) {
            Some(value) => Some(Some(Located { value, offset })),
            None => {
                self.place.report(offset, format!("`{}` must be {expected}", self.full(key)), None);
                None
            }
        }
    }

    fn required<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self, &str) -> Option<Option<Located<T>>>,
    ) -> Option<Located<T>> {
        let found = read(self, key)?;
        if found.is_none() {
            self.problem(format!("missing key `{key}`{}", self.inside()), None);
        }
        found
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }

    fn inside(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) }
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        let known: Vec<&str> = self.asked.iter().map(String::as_str).collect();
        for key in self.keys().iter().filter(|key| !self.asked.contains(key.as_str())) {
            let message = format!("unknown key `{}`{}", shortened(key), self.inside());
            self.problem_at(key, message, Some(suggest(key, &known)));
        }
    }
}

/// What was probably meant, or else everything that may stand here.
fn suggest(written: &str, known: &[&str]) -> String {
    let nearest =
        known.iter().map(|word| (strsim::jaro_winkler(written, word), *word)).max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((likeness, word)) if likeness > 0.8 => format!("did you mean `{word}`?"),
        Some(_) => format!("known here: `{}`", known.join("`, `")),
        None => "nothing may stand here".into(),
    }
}

/// Hostile files may hold keys of any length; messages stay one line.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).take(64).collect();
    if text.chars().count() > 64 {
        short.push('…');
    }
    short
}

fn whole_number(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}
