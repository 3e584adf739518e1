use std::collections::BTreeMap;
use std::fmt;

use heyan_proto::document::Table;
use heyan_proto::vocabulary::{PlainText, ResultState, Term};
use jiff::civil::Date;
use jiff::fmt::strtime::{self, BrokenDownTime};

use super::Ask;
use crate::http::JsonPath;
use crate::soap::XmlPath;

/// The most words of one code map.
const WORDS_MAX: usize = 2000;

/// Which column of the provider's answer says what about a record.
#[derive(Debug, Clone)]
pub(crate) struct RecordMapping {
    pub(crate) certificate_number: Option<Column>,
    pub(crate) holder_number: Option<Listed>,
    pub(crate) holder_name: Option<Listed>,
    pub(crate) state: Option<StateMap>,
    pub(crate) valid_from: Option<(Column, DateForm)>,
    pub(crate) valid_to: Option<(Column, DateForm)>,
}

/// A place in a record of the provider's answer: `from`.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    name: Box<str>,
    path: Path,
}

/// How the place is found, by the kind.
#[derive(Debug, Clone)]
pub(crate) enum Path {
    /// The column of this name.
    Name,
    /// What this path finds in a record of JSON.
    Json(JsonPath),
    /// The element or attribute at this place of a record in XML.
    Xml(XmlPath),
}

/// A column that may hold several values in one text.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) column: Column,
    /// What stands between them; none: the column holds one value.
    pub(crate) separator: Option<String>,
}

/// The provider's codes for the state of a result.
#[derive(Debug, Clone)]
pub(crate) struct StateMap {
    pub(crate) column: Column,
    pub(crate) states: BTreeMap<String, ResultState>,
    pub(crate) on_unknown: OnUnknown,
}

/// What a code means that the map does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnUnknown {
    /// The answer does not fit its declaration.
    Malformed,
    /// The code is the provider's own word for a state that none of ours covers.
    Other,
}

/// How a provider writes dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateForm {
    /// In the notation of strftime: `%Y%m%d`.
    format: String,
    /// What stands for 长期; the empty text stands for an absent value.
    long_term: Vec<String>,
}

impl Column {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn new(name: &str, path: Path) -> Self {
        Self { name: name.into(), path }
    }

    /// Reads `from`; `ask` is `None` where the look-up was reported as wrong.
    pub(super) fn read(table: &mut Table<'_>, ask: Option<&Ask>) -> Option<Self> {
        let from = table.parse("from", |text| PlainText::parse(text, 128))?;
        ask?.column(table, &from)
    }
}

impl RecordMapping {
    pub(super) fn read(table: &mut Table<'_>, ask: Option<&Ask>) -> Option<Self> {
        let certificate_number = read_column(table, "certificate_number", |table| Column::read(table, ask));
        let holder_number = read_column(table, "holder_number", |table| Listed::read(table, ask));
        let holder_name = read_column(table, "holder_name", |table| Listed::read(table, ask));
        let state = read_column(table, "state", |table| StateMap::read(table, ask));
        let mut dated = |key| {
            read_column(table, key, |table| {
                let (column, form) = (Column::read(table, ask), DateForm::read(table));
                Some((column?, form?))
            })
        };
        let (valid_from, valid_to) = (dated("valid_from"), dated("valid_to"));
        Some(Self {
            certificate_number: certificate_number?,
            holder_number: holder_number?,
            holder_name: holder_name?,
            state: state?,
            valid_from: valid_from?,
            valid_to: valid_to?,
        })
    }

    /// The columns that are read.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        let listed = [&self.holder_number, &self.holder_name].into_iter().flatten().map(|listed| &listed.column);
        let dated = [&self.valid_from, &self.valid_to].into_iter().flatten().map(|(column, _)| column);
        self.certificate_number.iter().chain(listed).chain(self.state.iter().map(|state| &state.column)).chain(dated)
    }
}

fn read_column<T>(
    table: &mut Table<'_>,
    key: &str,
    read: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Option<Option<T>> {
    match table.optional_table(key)? {
        Some(mut column) => read(&mut column).map(Some),
        None => Some(None),
    }
}

impl Listed {
    fn read(table: &mut Table<'_>, ask: Option<&Ask>) -> Option<Self> {
        let column = Column::read(table, ask);
        let separator = optional_separator(table);
        Some(Self { column: column?, separator: separator? })
    }
}

/// What stands between the values of a list.
pub(super) fn optional_separator(table: &mut Table<'_>) -> Option<Option<String>> {
    let separator = table.optional_parse("separator", |text| {
        if text.is_empty() || text.chars().count() > 8 {
            Err("must have 1 to 8 characters")
        } else {
            Ok(text.to_owned())
        }
    })?;
    Some(separator.map(|separator| separator.into_inner()))
}

impl StateMap {
    fn read(table: &mut Table<'_>, ask: Option<&Ask>) -> Option<Self> {
        let column = Column::read(table, ask);
        let words = ResultState::CLOSED.map(|state| state.as_str());
        let states = read_words(table, |map, code| {
            let known: Vec<(&str, usize)> = words.iter().enumerate().map(|(i, word)| (*word, i)).collect();
            Some(ResultState::CLOSED[*map.one_of(code, &known)?].clone())
        });
        let on_unknown =
            table.optional_one_of("on_unknown", &[("malformed", OnUnknown::Malformed), ("other", OnUnknown::Other)]);
        Some(Self {
            column: column?,
            states: states?,
            on_unknown: on_unknown?.map_or(OnUnknown::Malformed, |word| *word),
        })
    }
}

/// Reads `map`: each of the provider's codes and what it means.
pub(super) fn read_words<T>(
    table: &mut Table<'_>,
    mut read: impl FnMut(&mut Table<'_>, &str) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let mut map = table.table("map")?;
    let codes = map.keys();
    if codes.is_empty() || codes.len() > WORDS_MAX {
        map.problem(format!("the map has {} codes", codes.len()), Some(format!("write 1 to {WORDS_MAX} codes")));
        return None;
    }
    let words: Vec<_> = codes.into_iter().map(|code| Some((code.to_string(), read(&mut map, &code)?))).collect();
    words.into_iter().collect()
}

impl DateForm {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let format = table.parse("format", check_format);
        let long_term = table.list("long_term", |text| Ok::<_, fmt::Error>(text.to_owned()));
        Some(Self {
            format: format?.into_inner(),
            long_term: long_term?.into_iter().map(|word| word.into_inner()).collect(),
        })
    }

    /// What a text of the provider means; `None` where it has another form. The empty text stands for an absent value.
    pub(crate) fn parse(&self, text: &str) -> Option<Term> {
        if self.stands_for_long_term(text) {
            return Some(Term::LongTerm);
        }
        let parsed = BrokenDownTime::parse(&self.format, text).ok()?;
        // Parsing is lenient about the number of digits, so that `202615` would be a date; writing it again is not.
        (parsed.to_string(&self.format).ok()?.as_str() == text).then_some(())?;
        parsed.to_date().ok().map(Term::On)
    }

    pub(crate) fn stands_for_long_term(&self, text: &str) -> bool {
        self.long_term.iter().any(|word| word == text)
    }
}

/// Accepts a format that writes a day completely: what it writes, it reads back.
fn check_format(format: &str) -> Result<String, String> {
    const EXPECTED: &str =
        "must write year, month and day in the notation of strftime, such as `%Y%m%d` or `%Y年%-m月%-d日`";
    let sample = Date::constant(2026, 11, 23);
    let written = strtime::format(format, sample.at(9, 30, 0, 0)).map_err(|_| EXPECTED)?;
    let read = BrokenDownTime::parse(format, &written).and_then(|parsed| parsed.to_date()).map_err(|_| EXPECTED)?;
    if read == sample && format.len() <= 64 { Ok(format.to_owned()) } else { Err(EXPECTED.into()) }
}
