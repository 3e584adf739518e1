use encoding_rs::Encoding;

use crate::AdapterError;
use crate::declaration::Column;
use crate::mapping::{CELL_BYTES_MAX, Cell, Row};

/// One row, with the names of its columns. A value that no column should have is kept as what is wrong with it, which matters only
/// where the column is read.
pub(super) struct Cells(pub(super) Vec<(String, Value)>);

/// What stands in a column.
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    /// Why it cannot be read.
    Unreadable(&'static str),
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
        let (name, value) = self.0.first().ok_or_else(|| AdapterError::malformed("1", "is missing"))?;
        value.cell(name)
    }
}

/// A row whose columns are found by name.
pub(super) struct NamedRow<'c>(pub(super) &'c Cells);

impl Row for NamedRow<'_> {
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError> {
        let found = self.0.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(column.name()));
        let Some((_, value)) = found else {
            return Err(AdapterError::Misconfigured { what: format!("the query gives no column `{}`", column.name()) });
        };
        value.cell(column.name())
    }
}
