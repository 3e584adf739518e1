use std::fmt;
use std::sync::LazyLock;

use jiff::civil::Date;

use super::IdentifierError;
use super::error::both;
use super::written::{NUMBER_CHARACTERS_MAX, check_digits, normalise};
use crate::document::{self, Problem, Problems, Table};
use crate::vocabulary::PlainText;

/// A code of an administrative division (行政区划代码, GB/T 2260): six digits.
///
/// Codes outlive their divisions inside other identifiers, so every code of six digits is well formed; what it names
/// depends on the day, see [`DivisionCode::standing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DivisionCode([u8; 6]);

impl DivisionCode {
    /// Normalises and checks a code.
    ///
    /// # Errors
    /// [`IdentifierError`] says what is wrong and what is expected.
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        let code = normalise(text, NUMBER_CHARACTERS_MAX)?;
        let digits = code
            .as_bytes()
            .try_into()
            .map_err(|_| IdentifierError::Length { expected: both("6 位数字", "6 digits") })?;
        check_digits(code.as_bytes(), 1)?;
        Ok(Self(digits))
    }

    /// The six digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a code is six ASCII digits")
    }

    /// What the code names on a day, by the table of the product.
    pub fn standing(self, on: Date) -> DivisionStanding<'static> {
        DivisionTable::known().standing(self, on)
    }

    /// The name of the division on a day on which it exists, by the table of the product.
    pub fn name_on(self, on: Date) -> Option<&'static str> {
        match self.standing(on) {
            DivisionStanding::InUse(division) => Some(&division.name),
            _ => None,
        }
    }
}

impl fmt::Display for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A division while it had one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Its code.
    pub code: DivisionCode,
    /// Its name.
    pub name: String,
    /// The first day on which the code named it; `None` where it is earlier than the table.
    pub from: Option<Date>,
    /// The first day on which the code no longer named it; `None` while it does.
    pub until: Option<Date>,
    /// Who took over its territory; may be several, and need not be all of a successor.
    pub successors: Vec<Successor>,
}

/// A division that took over territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// Its name.
    pub name: String,
    /// Its code; `None` where it has not been published or is not known.
    pub code: Option<DivisionCode>,
    /// Which territory, where it is not all of it.
    pub part: Option<String>,
}

/// What a code names on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DivisionStanding<'t> {
    /// This division exists.
    InUse(&'t Division),
    /// This division does not exist yet.
    NotYet(&'t Division),
    /// This division has been abolished; it names its successors.
    Abolished(&'t Division),
    /// The table has no such code. That is worth a note and never a refusal: tables are partial and codes stay for life.
    Unknown,
}

/// What codes name, over time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DivisionTable {
    /// In the order of code, then time.
    divisions: Vec<Division>,
}

static KNOWN: LazyLock<DivisionTable> = LazyLock::new(|| {
    let read = DivisionTable::default().extended("divisions.toml", include_str!("divisions.toml"));
    read.expect("a test reads the table that is built in")
});

impl DivisionTable {
    /// The table of the product: Chongqing and its districts and counties.
    pub fn known() -> &'static Self {
        &KNOWN
    }

    /// This table with the rows of a document. Its rows replace all rows with the same code, so that a successor's code
    /// can be filled in when it is published.
    ///
    /// ```toml
    /// schema = 1
    ///
    /// [[division]]
    /// code = "500112"
    /// name = "渝北区"
    /// from = 1994-12-17                # optional
    /// until = 2025-11-06               # optional: the first day without it
    /// successors = [{ name = "两江新区", code = "500157", part = "…" }]    # optional, as are code and part
    /// ```
    ///
    /// # Errors
    /// [`Problems`] holds everything that is wrong with the document.
    pub fn extended(&self, file: &str, text: &str) -> Result<Self, Problems> {
        let added = document::read(file, text, |table| {
            let (schema, rows) = (table.integer("schema", 1..=1), table.tables("division"));
            let rows: Vec<_> = rows?.into_iter().map(read_division).collect();
            schema?;
            rows.into_iter().collect::<Option<Vec<Division>>>()
        })?;
        let replaced = |division: &&Division| !added.iter().any(|new| new.code == division.code);
        let mut divisions: Vec<_> = self.divisions.iter().filter(replaced).cloned().collect();
        divisions.extend(added);
        divisions.sort_by_key(|division| (division.code, division.from));
        for pair in divisions.windows(2) {
            if pair[0].code == pair[1].code && !ends_before(&pair[0], &pair[1]) {
                return Err(Problems::one(Problem {
                    file: file.into(),
                    line: 1,
                    column: 1,
                    message: format!("code {} names two divisions at the same time", pair[0].code),
                    help: Some("give the earlier one an `until` that is not after the `from` of the later one".into()),
                }));
            }
        }
        Ok(Self { divisions })
    }

    /// What a code names on a day.
    pub fn standing(&self, code: DivisionCode, on: Date) -> DivisionStanding<'_> {
        let start = self.divisions.partition_point(|division| division.code < code);
        let end = start + self.divisions[start..].partition_point(|division| division.code == code);
        let rows = &self.divisions[start..end];
        let begun = rows.iter().rev().find(|division| division.from.is_none_or(|from| from <= on));
        match (begun, rows.first()) {
            (Some(division), _) if division.until.is_some_and(|until| until <= on) => {
                DivisionStanding::Abolished(division)
            }
            (Some(division), _) => DivisionStanding::InUse(division),
            (None, Some(division)) => DivisionStanding::NotYet(division),
            (None, None) => DivisionStanding::Unknown,
        }
    }
}

/// Whether one division ends before, or as, another begins.
fn ends_before(earlier: &Division, later: &Division) -> bool {
    matches!((earlier.until, later.from), (Some(until), Some(from)) if until <= from)
}

fn read_division(mut table: Table<'_>) -> Option<Division> {
    let code = table.parse("code", DivisionCode::parse);
    let name = table.parse("name", |text| PlainText::parse(text, 64));
    let (from, until) = (table.optional_date("from"), table.optional_date("until"));
    let successors = table.tables("successors").map(|rows| rows.into_iter().map(read_successor).collect::<Vec<_>>());
    let division = Division {
        code: code?.into_inner(),
        name: name?.as_str().to_owned(),
        from: from?.map(document::Located::into_inner),
        until: until?.map(document::Located::into_inner),
        successors: successors?.into_iter().collect::<Option<_>>()?,
    };
    if matches!((division.from, division.until), (Some(from), Some(until)) if until <= from) {
        table.problem("`until` must be after `from`", None);
        return None;
    }
    if !division.successors.is_empty() && division.until.is_none() {
        table.problem("`successors` needs the day of succession", Some("add `until = 2025-11-06`".into()));
        return None;
    }
    Some(division)
}

fn read_successor(mut table: Table<'_>) -> Option<Successor> {
    let name = table.parse("name", |text| PlainText::parse(text, 64));
    let code = table.optional_parse("code", DivisionCode::parse);
    let part = table.optional_parse("part", |text| PlainText::parse(text, 200));
    Some(Successor {
        name: name?.as_str().to_owned(),
        code: code?.map(document::Located::into_inner),
        part: part?.map(|part| part.as_str().to_owned()),
    })
}
