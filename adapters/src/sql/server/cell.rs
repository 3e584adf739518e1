use std::sync::Arc;

use encoding_rs::Encoding;

use crate::AdapterError;
use crate::declaration::Column;
use crate::mapping::{CELL_BYTES_MAX, Cell, Row};

/// The most columns of one answer, and the longest name of one in bytes: no database has longer ones.
const COLUMNS_MAX: usize = 1_000;
const NAME_BYTES_MAX: usize = 256;

/// The names of the columns of an answer, shared by its rows.
#[derive(Clone)]
pub(super) struct Names(Arc<[Box<str>]>);

/// One row. A value that no column should have is kept as what is wrong with it, which matters only where the column is read.
pub(super) struct Cells {
    names: Names,
    values: Vec<Value>,
}

/// What stands in a column.
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    /// Why it cannot be read.
    Unreadable(&'static str),
}

impl Names {
    /// The names of an answer; it must have columns, or it is none.
    pub(super) fn read<'n>(names: impl Iterator<Item = std::borrow::Cow<'n, str>>) -> Result<Self, AdapterError> {
        let malformed = |what: &str| AdapterError::Malformed { what: what.into() };
        let mut read = Vec::new();
        for name in names {
            if read.len() == COLUMNS_MAX || name.len() > NAME_BYTES_MAX {
                return Err(malformed("the answer has too many columns, or too long names of them"));
            }
            read.push(Box::from(&*name));
        }
        if read.is_empty() {
            return Err(malformed("the answer is no table"));
        }
        Ok(Self(read.into()))
    }

    pub(super) fn row(&self, values: Vec<Value>) -> Cells {
        Cells { names: self.clone(), values }
    }
}

impl Value {
    /// A text, unless it is too long.
    pub(super) fn text(text: &str) -> Self {
        if text.len() > CELL_BYTES_MAX { Self::Unreadable("is too long") } else { Self::Text(text.to_owned()) }
    }

    /// Bytes in the declared encoding, in which nothing may be out of order.
    pub(super) fn bytes(bytes: &[u8], encoding: Option<&'static Encoding>) -> Self {
        if bytes.len() > CELL_BYTES_MAX {
            return Self::Unreadable("is too long");
        }
        let Some(encoding) = encoding else {
            return Self::Unreadable("is binary; declare its `encoding`, or select it as text");
        };
        match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
            Some(text) => Self::Text(text.into_owned()),
            None => Self::Unreadable("is not in the declared encoding"),
        }
    }

    pub(super) fn utf8(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Unreadable("is not UTF-8"), Self::text)
    }

    fn cell(&self, column: &str) -> Result<Cell<'_>, AdapterError> {
        match self {
            Self::Null => Ok(Cell::Null),
            Self::Integer(number) => Ok(Cell::Integer(*number)),
            Self::Text(text) => Ok(Cell::Text(text)),
            Self::Unreadable(problem) => Err(AdapterError::malformed(column, problem)),
        }
    }
}

impl Cells {
    /// The first column, whatever it is called.
    pub(super) fn first(&self) -> Result<Cell<'_>, AdapterError> {
        let first = self.names.0.first().zip(self.values.first());
        let (name, value) = first.ok_or_else(|| AdapterError::malformed("1", "is missing"))?;
        value.cell(name)
    }
}

impl Row for Cells {
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError> {
        let mut columns = self.names.0.iter().zip(&self.values);
        let Some((_, value)) = columns.find(|(name, _)| name.eq_ignore_ascii_case(column.name())) else {
            return Err(AdapterError::Misconfigured { what: format!("the query gives no column `{}`", column.name()) });
        };
        value.cell(column.name())
    }
}
