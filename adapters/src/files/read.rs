//! From a file to rows of the columns that are wanted, one row after the other: a file of any size takes the memory of a row.

mod csv;
mod fixed;
mod json_lines;
mod text;
mod xlsx;

use std::fs::File;

use super::declaration::{FilesAsk, Format};
use crate::declaration::ResultType;

/// The most columns of a file.
pub(super) const COLUMNS_MAX: usize = 1024;

/// The longest row, in bytes: half of the most that a look-up's connection reads in one piece.
const ROW_BYTES_MAX: usize = 512 << 10;

/// What of a file is kept.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The names of the columns: the key, then those of `where`, then the others.
    pub(super) columns: Vec<Box<str>>,
    /// How many of them are compared with something of a question.
    pub(super) compared: usize,
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Blank,
    /// Without the blanks around it.
    Text(String),
    Integer(i64),
    /// A number that is not whole, or too large for the file to have kept every digit.
    Real(f64),
    /// Neither a text nor a number.
    Other,
}

/// Why a file was not loaded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not fit its declaration: where, and the name of the column, never a value. It will not, until it is another.
    Broken(String),
    /// Something else hinders; worth another try later.
    Hindered(&'static str),
    /// It was changed while it was read, or another gateway is reading it: the next look at the folder tells.
    Changed,
    /// Nobody needs it any more.
    Stopped,
}

/// Takes one row, whose values are in the order of the wanted columns.
pub(super) type Each<'e> = &'e mut dyn FnMut(&[Value]) -> Result<(), Fault>;

impl Wanted {
    pub(super) fn new(result_type: &ResultType, ask: &FilesAsk) -> Self {
        let mut columns: Vec<Box<str>> = Vec::new();
        let add = |columns: &mut Vec<Box<str>>, name: &str| {
            if !columns.iter().any(|known| **known == *name) {
                columns.push(name.into());
            }
        };
        add(&mut columns, &ask.key);
        ask.conditions.iter().for_each(|(column, _)| add(&mut columns, column));
        let compared = columns.len();
        result_type.columns().into_iter().for_each(|column| add(&mut columns, column));
        Self { columns, compared }
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| **column == *name)
    }

    /// Where a header has the wanted columns.
    fn places(&self, header: &[&str]) -> Result<Vec<usize>, Fault> {
        let place = |column: &str| {
            let mut found = (0..header.len()).filter(|place| header[*place].trim() == column);
            match (found.next(), found.next()) {
                (Some(place), None) => Ok(place),
                (None, _) => Err(format!("the header has no column `{column}`")),
                (Some(_), Some(_)) => Err(format!("the header has the column `{column}` more than once")),
            }
        };
        self.columns.iter().map(|column| place(column).map_err(Fault::Broken)).collect()
    }

    /// Compared columns are text, so that a number that was written as one is found by its digits.
    fn make_comparable(&self, row: &mut [Value], place: impl Fn() -> String) -> Result<(), Fault> {
        for (value, column) in row.iter_mut().zip(&self.columns).take(self.compared) {
            match value {
                Value::Blank | Value::Text(_) => {}
                Value::Integer(number) => *value = Value::Text(number.to_string()),
                Value::Real(_) | Value::Other => {
                    let problem = "has neither a text nor a whole number of which every digit was kept";
                    return Err(Fault::Broken(format!("{}: column `{column}` {problem}", place())));
                }
            }
        }
        Ok(())
    }
}

impl Value {
    fn text(text: &str) -> Self {
        Self::Text(text.trim().to_owned())
    }

    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Blank => true,
            Self::Text(text) => text.is_empty(),
            Self::Integer(_) | Self::Real(_) | Self::Other => false,
        }
    }
}

impl Fault {
    fn in_line(line: u64, problem: &str) -> Self {
        Self::Broken(format!("line {line}: {problem}"))
    }
}

/// Reads a whole file.
pub(super) fn read(format: &Format, file: File, wanted: &Wanted, each: Each<'_>) -> Result<(), Fault> {
    match file.metadata().map(|file| file.len()) {
        // An export that failed often leaves one: it is not a department that holds nothing.
        Ok(0) => return Err(Fault::Broken("the file is empty".into())),
        Ok(_) => {}
        Err(_) => return Err(text::UNREADABLE),
    }
    match format {
        Format::Csv { encoding, separator } => csv::read(text::Text::decoded(file, encoding), *separator, wanted, each),
        Format::JsonLines { encoding } => json_lines::read(text::Text::decoded(file, encoding), wanted, each),
        Format::Fixed { encoding, columns } => fixed::read(text::Text::raw(file), encoding, columns, wanted, each),
        Format::Xlsx { sheet } => xlsx::read(file, sheet, wanted, each),
    }
}
