//! Comma-separated values as RFC 4180 has them, with any one ASCII separator.
//!
//! The crate `csv` reads on where a quote is not closed, or text stands after a closing one: all rows up to the next quote are
//! then one cell, and whoever stands in them would be "no record". Here both are errors. A quote inside a cell that does not
//! begin with one is text, as everywhere.

#[cfg(test)]
mod tests;

use std::io::Read;

use super::text::Text;
use super::{COLUMNS_MAX, Each, Fault, ROW_BYTES_MAX, Value, Wanted};

/// Cells of one row, in one text.
#[derive(Default)]
struct Record {
    text: Vec<u8>,
    /// Where each cell ends.
    ends: Vec<usize>,
    quoted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// A cell begins.
    Begin,
    Plain,
    Quoted,
    /// After a quote inside of a quoted cell: its end, or the first of two.
    Quote,
    /// After a carriage return.
    Return,
    /// After the line's end.
    End,
}

pub(super) fn read<R: Read>(mut text: Text<R>, separator: u8, wanted: &Wanted, each: Each<'_>) -> Result<(), Fault> {
    let mut record = Record::default();
    if next(&mut text, separator, &mut record)?.is_none() {
        return Err(Fault::Broken("the file has no header".into()));
    }
    let header: Vec<&str> = (0..record.ends.len()).map(|cell| record.cell(cell)).collect();
    let (width, places) = (header.len(), wanted.places(&header)?);
    let mut row = vec![Value::Blank; places.len()];
    while let Some(line) = next(&mut text, separator, &mut record)? {
        if record.ends.len() != width {
            let problem = format!("has {} cells, and the header has {width}", record.ends.len());
            return Err(Fault::in_line(line, &problem));
        }
        for (value, place) in row.iter_mut().zip(&places) {
            *value = Value::text(record.cell(*place));
        }
        each(&row)?;
    }
    Ok(())
}

/// The next row that is not blank, and the line on which it begins.
fn next<R: Read>(text: &mut Text<R>, separator: u8, record: &mut Record) -> Result<Option<u64>, Fault> {
    loop {
        let line = text.line;
        record.clear();
        if !next_line(text, separator, record)? {
            return Ok(None);
        }
        if record.ends.len() > 1 || !record.text.is_empty() || record.quoted {
            return Ok(Some(line));
        }
    }
}

fn next_line<R: Read>(text: &mut Text<R>, separator: u8, record: &mut Record) -> Result<bool, Fault> {
    let mut state = State::Begin;
    while state != State::End {
        let line = text.line;
        let buffer = text.fill()?;
        if buffer.is_empty() {
            return match state {
                State::Quoted => Err(Fault::in_line(line, "a quote is not closed")),
                State::Begin if record.ends.is_empty() => Ok(false),
                State::Return => Ok(true),
                _ => record.end_cell().map(|()| true).map_err(|problem| Fault::in_line(line, problem)),
            };
        }
        let (mut used, mut lines) = (0, 0);
        for byte in buffer {
            used += 1;
            lines += u64::from(*byte == b'\n');
            state = record.step(state, *byte, separator).map_err(|problem| Fault::in_line(line + lines, problem))?;
            if state == State::End {
                break;
            }
        }
        text.line += lines;
        text.consume(used);
    }
    Ok(true)
}

impl Record {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.quoted = false;
    }

    fn step(&mut self, state: State, byte: u8, separator: u8) -> Result<State, &'static str> {
        Ok(match (state, byte) {
            (State::Begin, b'"') => {
                self.quoted = true;
                State::Quoted
            }
            (State::Quoted, b'"') => State::Quote,
            (State::Quoted, _) | (State::Quote, b'"') => self.push(byte, State::Quoted)?,
            (State::Return, b'\n') => State::End,
            (State::Return, _) => return Err("a carriage return stands alone"),
            (_, b'\n') => self.end_cell().map(|()| State::End)?,
            (_, b'\r') => self.end_cell().map(|()| State::Return)?,
            (_, byte) if byte == separator => self.end_cell().map(|()| State::Begin)?,
            (State::Quote, _) => return Err("text stands after a closing quote"),
            (_, _) => self.push(byte, State::Plain)?,
        })
    }

    fn push(&mut self, byte: u8, state: State) -> Result<State, &'static str> {
        if self.text.len() == ROW_BYTES_MAX {
            return Err("a row is longer than 512 KiB; perhaps a quote is not closed");
        }
        self.text.push(byte);
        Ok(state)
    }

    fn end_cell(&mut self) -> Result<(), &'static str> {
        if self.ends.len() == COLUMNS_MAX {
            return Err("has more than 1024 cells");
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    fn cell(&self, index: usize) -> &str {
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        str::from_utf8(&self.text[begin..self.ends[index]]).expect("it was decoded, and is cut at ASCII characters")
    }
}
