use heyan_proto::vocabulary::{FieldValue, PersonalText, Term, TextError};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::{CELL_BYTES_MAX, Cell, Row};
use crate::AdapterError;
use crate::declaration::{Column, DateForm, Field, FieldForm};

/// The value of a field; `None` where the record holds none.
pub(super) fn read_field(field: &Field, row: &dyn Row) -> Result<Option<FieldValue>, AdapterError> {
    let column = &field.column;
    let unknown = || AdapterError::malformed(column.name(), "has a code that its map does not know");
    // A blank cell is a code where the map has one for it, and otherwise an absent value.
    let code = || Ok::<_, AdapterError>(read_text(column, row)?.unwrap_or_default());
    Ok(match &field.form {
        FieldForm::Text { .. } => read_text(column, row)?.map(FieldValue::Text),
        FieldForm::Code { words } => match code()? {
            code if code.is_empty() && !words.contains_key("") => None,
            code => Some(FieldValue::Code(words.get(&code).ok_or_else(unknown)?.clone())),
        },
        FieldForm::Scope { separator } => read_items(column, separator, row)?,
        FieldForm::Integer { .. } => read_integer(column, row)?.map(FieldValue::Integer),
        FieldForm::Date(form) => read_date(column, form, row)?.map(FieldValue::Date),
        FieldForm::Flag { words } => match code()? {
            code if code.is_empty() && !words.contains_key("") => None,
            code => Some(FieldValue::Flag(*words.get(&code).ok_or_else(unknown)?)),
        },
    })
}

/// A text without the blanks around it; `None` where nothing is left.
pub(super) fn read_text(column: &Column, row: &dyn Row) -> Result<Option<String>, AdapterError> {
    text_of(column, row.cell(column)?)
}

/// The text of a cell, as [`read_text`] gives it.
pub(super) fn text_of(column: &Column, cell: Cell<'_>) -> Result<Option<String>, AdapterError> {
    let text = match cell {
        Cell::Null => return Ok(None),
        Cell::Integer(number) => return Ok(Some(number.to_string())),
        Cell::Text(text) => text.trim(),
    };
    if text.len() > CELL_BYTES_MAX {
        return Err(AdapterError::malformed(column.name(), "is too long"));
    }
    // Lists and addresses are often written over several lines; other control characters hide what a text says.
    for line in text.split(['\n', '\r', '\t']) {
        match PersonalText::parse(line, CELL_BYTES_MAX) {
            Ok(_) | Err(TextError::Empty) => {}
            Err(error) => return Err(AdapterError::malformed(column.name(), &error.to_string())),
        }
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A date in the declared form, or 长期; `None` where the cell is blank and blank does not stand for 长期.
pub(super) fn read_date(column: &Column, form: &DateForm, row: &dyn Row) -> Result<Option<Term>, AdapterError> {
    match read_text(column, row)? {
        Some(text) => match form.parse(&text) {
            Some(term) => Ok(Some(term)),
            None => Err(AdapterError::malformed(column.name(), "has a date that is not in its declared form")),
        },
        None => Ok(form.stands_for_long_term("").then_some(Term::LongTerm)),
    }
}

fn read_integer(column: &Column, row: &dyn Row) -> Result<Option<i64>, AdapterError> {
    if let Cell::Integer(number) = row.cell(column)? {
        return Ok(Some(number));
    }
    let Some(text) = read_text(column, row)? else { return Ok(None) };
    let number = text.parse().map_err(|_| AdapterError::malformed(column.name(), "is not a whole number"))?;
    Ok(Some(number))
}

fn read_items(column: &Column, separator: &str, row: &dyn Row) -> Result<Option<FieldValue>, AdapterError> {
    let mut items = Vec::new();
    for cell in row.cells(column)? {
        let text = text_of(column, cell)?.unwrap_or_default();
        items.extend(text.split(separator).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned));
    }
    Ok((!items.is_empty()).then_some(FieldValue::Scope(items)))
}

/// The offset of Asia/Shanghai, where a time without an offset is meant; there has been no daylight time since 1991.
pub(crate) const SHANGHAI: Offset = Offset::constant(8);

/// The update time of a data set: RFC 3339, or a date and time of Shanghai, or the beginning of a day there.
pub(crate) fn read_update_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    SHANGHAI.to_timestamp(text.parse::<DateTime>().ok()?).ok()
}
