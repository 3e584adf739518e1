use std::cell::Cell as Counter;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, ErrorCode, Rows};

use super::Bound;
use crate::declaration::{Column, Input, ResultType, SqlQuery};
use crate::mapping::{self, CELL_BYTES_MAX, Cell, Row};
use crate::{AdapterError, Holdings};

/// The largest answer to one look-up, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Asks for the records of one subject.
pub(super) fn ask(connection: &Connection, result_type: &ResultType, bound: &Bound) -> Result<Holdings, AdapterError> {
    let Some(query) = &result_type.freshness.updated else { return ask_records(connection, result_type, bound, None) };
    // One transaction: the update time is that of the very records that are read, and the file is locked once.
    let reading = connection.unchecked_transaction().map_err(|error| trouble(&error))?;
    let updated_at = ask_update_time(&reading, query)?;
    let holdings = ask_records(&reading, result_type, bound, updated_at)?;
    reading.finish().map_err(|error| trouble(&error))?;
    Ok(holdings)
}

fn ask_records(
    connection: &Connection,
    result_type: &ResultType,
    bound: &Bound,
    updated_at: Option<Timestamp>,
) -> Result<Holdings, AdapterError> {
    let mut statement = prepare(connection, query_of(result_type)?)?;
    bind(&mut statement, bound)?;
    let place = |row: &rusqlite::Row<'_>, name: &str| row.as_ref().column_index(name).ok();
    read_rows(statement.raw_query(), result_type, &place, updated_at)
}

/// Maps the rows of a query; `place` says in which of its columns what `from` names stands.
pub(crate) fn read_rows(
    mut rows: Rows<'_>,
    result_type: &ResultType,
    place: Place<'_>,
    updated_at: Option<Timestamp>,
) -> Result<Holdings, AdapterError> {
    let bytes_read = Counter::new(0);
    let mut holdings = Holdings { records: Vec::new(), more: false, updated_at };
    while let Some(row) = rows.next().map_err(|error| trouble(&error))? {
        if holdings.records.len() == result_type.max_rows {
            holdings.more = true;
            break;
        }
        let row = SqlRow { row, place, bytes_read: &bytes_read };
        holdings.records.push(mapping::read_holding(result_type, &row)?);
    }
    Ok(holdings)
}

/// Whether every query fits the database; asks about nobody.
pub(super) fn check(connection: &Connection, result_types: &[Arc<ResultType>]) -> Result<(), AdapterError> {
    for result_type in result_types {
        prepare(connection, query_of(result_type)?)?;
        if let Some(query) = &result_type.freshness.updated {
            ask_update_time(connection, query)?;
        }
    }
    // Preparing may be served from memory; this reads the file.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(|error| trouble(&error))
}

pub(super) fn query_of(result_type: &ResultType) -> Result<&SqlQuery, AdapterError> {
    let other = || AdapterError::Misconfigured { what: format!("`{}` has no query", result_type.id) };
    result_type.ask.sql().ok_or_else(other)
}

fn prepare<'c>(connection: &'c Connection, query: &SqlQuery) -> Result<CachedStatement<'c>, AdapterError> {
    let statement = connection.prepare_cached(query.text()).map_err(|error| trouble(&error))?;
    if statement.readonly() {
        Ok(statement)
    } else {
        Err(AdapterError::Misconfigured { what: "a query would write".into() })
    }
}

fn bind(statement: &mut CachedStatement<'_>, bound: &Bound) -> Result<(), AdapterError> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).and_then(|name| name.strip_prefix(':'));
        let input = name.and_then(Input::parse);
        let Some((_, value)) = bound.iter().find(|(known, _)| Some(*known) == input) else {
            return Err(AdapterError::Misconfigured { what: "a query has an unknown placeholder".into() });
        };
        statement.raw_bind_parameter(index, value).map_err(|error| trouble(&error))?;
    }
    Ok(())
}

fn ask_update_time(connection: &Connection, query: &SqlQuery) -> Result<Option<Timestamp>, AdapterError> {
    let malformed = |problem: &str| AdapterError::Malformed { what: format!("the data set's update time {problem}") };
    let mut statement = prepare(connection, query)?;
    let mut rows = statement.raw_query();
    let Some(row) = rows.next().map_err(|error| trouble(&error))? else { return Ok(None) };
    let time = match row.get_ref(0).map_err(|error| trouble(&error))? {
        ValueRef::Null => None,
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|_| malformed("is not UTF-8"))?;
            Some(
                mapping::read_update_time(text)
                    .ok_or_else(|| malformed("is not a time such as `2026-11-23 09:30:00`"))?,
            )
        }
        _ => return Err(malformed("is not a text")),
    };
    match rows.next().map_err(|error| trouble(&error))? {
        None => Ok(time),
        Some(_) => Err(malformed("is stated more than once")),
    }
}

type Place<'p> = &'p dyn Fn(&rusqlite::Row<'_>, &str) -> Option<usize>;

struct SqlRow<'r, 's> {
    row: &'r rusqlite::Row<'s>,
    place: Place<'r>,
    bytes_read: &'r Counter<usize>,
}

impl Row for SqlRow<'_, '_> {
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError> {
        let malformed = |problem: &str| Err(AdapterError::malformed(column.name(), problem));
        let place = (self.place)(self.row, column.name());
        let Some(value) = place.and_then(|place| self.row.get_ref(place).ok()) else {
            let what = format!("the query gives no column `{}`", column.name());
            return Err(AdapterError::Misconfigured { what });
        };
        match value {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Integer(number) => Ok(Cell::Integer(number)),
            ValueRef::Text(text) => {
                self.bytes_read.set(self.bytes_read.get() + text.len());
                if text.len() > CELL_BYTES_MAX {
                    return malformed("is too long");
                }
                if self.bytes_read.get() > ANSWER_BYTES_MAX {
                    return malformed("makes the answer too large");
                }
                std::str::from_utf8(text).map(Cell::Text).or_else(|_| malformed("is not UTF-8"))
            }
            ValueRef::Real(_) => malformed("is a floating-point number; only text and whole numbers are read"),
            ValueRef::Blob(_) => malformed("is binary; only text and whole numbers are read"),
        }
    }
}

/// What an error of SQLite means. Only what it says about the query itself is repeated: the rest may hold values.
pub(crate) fn trouble(error: &rusqlite::Error) -> AdapterError {
    if let rusqlite::Error::SqlInputError { msg, .. } = error {
        let what = msg.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        return AdapterError::Misconfigured { what };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => AdapterError::Timeout,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            AdapterError::Malformed { what: "the file is not a whole SQLite database".into() }
        }
        Some(ErrorCode::TooBig) => AdapterError::Malformed { what: "a value is too large".into() },
        Some(ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied) => {
            AdapterError::Misconfigured { what: "a query would do more than read".into() }
        }
        _ => AdapterError::Unavailable,
    }
}
