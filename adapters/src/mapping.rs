//! From a department's row to a [`Holding`]. Whatever does not fit the declaration is malformed, naming the column and
//! never the value. Every adapter kind, and the examples of declarations, come through here.

mod value;

#[cfg(test)]
mod tests;

pub(crate) use value::{SHANGHAI, read_update_time};

use crate::declaration::{Column, Listed, OnUnknown, RecordMapping, ResultType, StateMap};
use crate::{AdapterError, Holder, Holding, Holdings};
use heyan_proto::vocabulary::ResultState;
use jiff::Timestamp;

/// The longest text in one cell, in bytes.
pub(crate) const CELL_BYTES_MAX: usize = 64 << 10;

/// The most holders that one record names.
const HOLDERS_MAX: usize = 200;

/// One row of a department's answer: columns and what stands in them.
pub(crate) trait Row {
    /// What stands in the column.
    ///
    /// # Errors
    /// [`AdapterError`] where the answer has no such column, or a value that is neither text nor a whole number, or one
    /// that is too large.
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError>;

    /// What stands in the column where it may hold several values: one cell for each, [`Cell::Null`] for one that is missing.
    ///
    /// # Errors
    /// As [`Row::cell`] has them, for each value.
    fn cells(&self, column: &Column) -> Result<Vec<Cell<'_>>, AdapterError> {
        Ok(vec![self.cell(column)?])
    }
}

/// What stands in a column.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'r> {
    /// Text, as sent.
    Text(&'r str),
    /// A whole number. Where text is expected, its decimal digits: codes are often kept as numbers.
    Integer(i64),
    /// Nothing.
    Null,
}

/// Maps the rows of an answer, of which at most `max_rows` are shown; `more` says that the department holds more than these.
pub(crate) fn read_holdings<R: Row>(
    result_type: &ResultType,
    rows: &[R],
    more: bool,
    updated_at: Option<Timestamp>,
) -> Result<Holdings, AdapterError> {
    let more = more || rows.len() > result_type.max_rows;
    let shown = rows.iter().take(result_type.max_rows);
    let records = shown.map(|row| read_holding(result_type, row)).collect::<Result<_, _>>()?;
    Ok(Holdings { records, more, updated_at })
}

/// Maps one row.
pub(crate) fn read_holding(result_type: &ResultType, row: &dyn Row) -> Result<Holding, AdapterError> {
    let RecordMapping { certificate_number, holder_number, holder_name, state, valid_from, valid_to } =
        &result_type.record;
    let mut fields = std::collections::BTreeMap::new();
    for field in &result_type.fields {
        if let Some(value) = value::read_field(field, row)? {
            fields.insert(field.name.clone(), value);
        }
    }
    let text = |column: &Column| value::read_text(column, row);
    Ok(Holding {
        certificate_number: certificate_number.as_ref().map(text).transpose()?.flatten(),
        holders: read_holders(holder_number.as_ref(), holder_name.as_ref(), row)?,
        state: state.as_ref().map_or(Ok(ResultState::InForce), |state| read_state(state, row))?,
        valid_from: valid_from
            .as_ref()
            .map(|(column, form)| value::read_date(column, form, row))
            .transpose()?
            .flatten(),
        valid_to: valid_to.as_ref().map(|(column, form)| value::read_date(column, form, row)).transpose()?.flatten(),
        fields,
    })
}

fn read_state(map: &StateMap, row: &dyn Row) -> Result<ResultState, AdapterError> {
    // A state that is absent is as unknown as one that no map has: a record without a state is not in force.
    let code = value::read_text(&map.column, row)?.unwrap_or_default();
    match (map.states.get(&code), map.on_unknown) {
        (Some(state), _) => Ok(state.clone()),
        (None, OnUnknown::Other) if !code.is_empty() => Ok(ResultState::Other(code)),
        (None, _) => Err(AdapterError::malformed(map.column.name(), "has a code that its map does not know")),
    }
}

/// Numbers and names stand in two columns, in the same order.
fn read_holders(numbers: Option<&Listed>, names: Option<&Listed>, row: &dyn Row) -> Result<Vec<Holder>, AdapterError> {
    let numbers_read = numbers.map(|listed| read_list(listed, row)).transpose()?;
    let names_read = names.map(|listed| read_list(listed, row)).transpose()?;
    let holders: Vec<Holder> = match (numbers_read, names_read) {
        (None, None) => return Ok(Vec::new()),
        (Some(numbers), None) => numbers.into_iter().map(|number| Holder { number, name: None }).collect(),
        (None, Some(names)) => names.into_iter().map(|name| Holder { number: None, name }).collect(),
        (Some(numbers), Some(names)) if numbers.is_empty() || names.is_empty() || numbers.len() == names.len() => {
            let count = numbers.len().max(names.len());
            let padded = |list: Vec<Option<String>>| list.into_iter().chain(std::iter::repeat(None)).take(count);
            padded(numbers).zip(padded(names)).map(|(number, name)| Holder { number, name }).collect()
        }
        (Some(_), Some(_)) => {
            let column = names.map_or("", |listed| listed.column.name());
            return Err(AdapterError::malformed(
                column,
                "names another number of holders than the column of their numbers",
            ));
        }
    };
    Ok(holders.into_iter().filter(|holder| holder.number.is_some() || holder.name.is_some()).collect())
}

/// The values of a list; a blank one is `None`, so that two lists stay side by side. Empty where the column is blank.
fn read_list(listed: &Listed, row: &dyn Row) -> Result<Vec<Option<String>>, AdapterError> {
    let too_many = || AdapterError::malformed(listed.column.name(), "names too many holders");
    let Some(separator) = &listed.separator else {
        let cells = row.cells(&listed.column)?;
        if cells.len() > HOLDERS_MAX {
            return Err(too_many());
        }
        let list: Vec<_> =
            cells.into_iter().map(|cell| value::text_of(&listed.column, cell)).collect::<Result<_, _>>()?;
        return Ok(if list.iter().all(Option::is_none) { Vec::new() } else { list });
    };
    let Some(text) = value::read_text(&listed.column, row)? else { return Ok(Vec::new()) };
    let parts = text.split(separator.as_str()).map(str::trim);
    let list: Vec<Option<String>> =
        parts.map(|part| (!part.is_empty()).then(|| part.to_owned())).take(HOLDERS_MAX + 1).collect();
    if list.len() > HOLDERS_MAX { Err(too_many()) } else { Ok(list) }
}
