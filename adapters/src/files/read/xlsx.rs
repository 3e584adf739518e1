use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use calamine::{DataRef, Reader, Xlsx, XlsxError};
use zip::ZipArchive;

use super::text::UNREADABLE;
use super::{COLUMNS_MAX, Each, Fault, ROW_BYTES_MAX, Value, Wanted};

/// The largest workbook as it stands on disk, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// The largest sheet once unpacked, in bytes; it is read piece by piece.
const SHEET_BYTES_MAX: u64 = 2 << 30;
/// All other parts of a workbook once unpacked, in bytes: they are in memory together.
const PARTS_BYTES_MAX: u64 = 256 << 20;

/// Numbers in workbooks keep 15 digits; what has more may have lost some.
const EXACT_BELOW: f64 = 1e15;

/// The first row that has a cell is the header.
pub(super) fn read(file: File, sheet: &str, wanted: &Wanted, each: Each<'_>) -> Result<(), Fault> {
    let mut reader = BufReader::new(file);
    measure(&mut reader)?;
    let mut book = Xlsx::new(reader).map_err(|_| not_whole())?;
    let mut cells = book.worksheet_cells_reader(sheet).map_err(|error| match error {
        XlsxError::WorksheetNotFound(_) => Fault::Broken(format!("the workbook has no sheet `{sheet}`")),
        _ => not_whole(),
    })?;
    let mut rows = Rows { wanted, header: None, row: Vec::new(), number: 0, bytes: 0 };
    while let Some(cell) = cells.next_cell().map_err(|_| not_whole())? {
        let (row, column) = cell.get_position();
        rows.add(u64::from(row) + 1, column as usize, read_value(cell.get_value()), each)?;
    }
    rows.end_row(each)?;
    rows.header.map(drop).ok_or_else(|| Fault::Broken("the sheet is empty".into()))
}

fn not_whole() -> Fault {
    Fault::Broken("the file is not a whole workbook that can be read without a password".into())
}

/// Unpacks every part once and keeps nothing: a small file may unpack to any size, and is cut off or damaged as easily.
fn measure(reader: &mut (impl Read + Seek)) -> Result<(), Fault> {
    let too_large = || Fault::Broken("the workbook is too large: drop a CSV file".into());
    let bytes = reader.seek(io::SeekFrom::End(0)).map_err(|_| UNREADABLE)?;
    if bytes > FILE_BYTES_MAX {
        return Err(too_large());
    }
    let mut archive = ZipArchive::new(&mut *reader).map_err(|_| not_whole())?;
    let mut left = PARTS_BYTES_MAX;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| not_whole())?;
        let is_sheet = part.name().is_ok_and(|name| name.contains("worksheets/"));
        let most = if is_sheet { SHEET_BYTES_MAX } else { left };
        let unpacked = io::copy(&mut part.take(most + 1), &mut io::sink()).map_err(|_| not_whole())?;
        if unpacked > most {
            return Err(too_large());
        }
        if !is_sheet {
            left -= unpacked;
        }
    }
    drop(archive);
    reader.rewind().map_err(|_| UNREADABLE)
}

fn read_value(cell: &DataRef<'_>) -> Value {
    match cell {
        DataRef::Empty => Value::Blank,
        DataRef::String(text) | DataRef::DateTimeIso(text) => Value::text(text),
        DataRef::SharedString(text) => Value::text(text),
        DataRef::Bool(flag) => Value::Text(flag.to_string()),
        DataRef::Int(number) if number.unsigned_abs() < EXACT_BELOW as u64 => Value::Integer(*number),
        DataRef::Int(number) => Value::Real(*number as f64),
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < EXACT_BELOW => Value::Integer(*number as i64),
        DataRef::Float(number) => Value::Real(*number),
        DataRef::DateTime(time) if time.is_datetime() => Value::Text(match time.to_ymd_hms_milli() {
            (year, month, day, 0, 0, 0, _) => format!("{year:04}-{month:02}-{day:02}"),
            (year, month, day, hour, minute, second, _) => {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }),
        DataRef::DateTime(_) | DataRef::DurationIso(_) | DataRef::Error(_) => Value::Other,
    }
}

/// Puts cells together to rows.
struct Rows<'w> {
    wanted: &'w Wanted,
    header: Option<Header>,
    /// The cells of the row up to now; those that are left out are blank.
    row: Vec<Value>,
    number: u64,
    bytes: usize,
}

struct Header {
    width: usize,
    places: Vec<usize>,
}

impl Rows<'_> {
    fn add(&mut self, row: u64, column: usize, value: Value, each: Each<'_>) -> Result<(), Fault> {
        if row != self.number {
            self.end_row(each)?;
            if row < self.number {
                return Err(in_row(row, "stands after a later one"));
            }
            self.number = row;
        }
        if value.is_blank() {
            return Ok(());
        }
        let width = self.header.as_ref().map_or(COLUMNS_MAX, |header| header.width);
        if column >= width {
            return Err(in_row(row, &format!("has a cell after the {width} columns that there may be")));
        }
        if column < self.row.len() {
            return Err(in_row(row, "has its cells in disorder"));
        }
        if let Value::Text(text) = &value {
            self.bytes += text.len();
        }
        if self.bytes > ROW_BYTES_MAX {
            return Err(in_row(row, "is longer than 512 KiB"));
        }
        self.row.resize(column, Value::Blank);
        self.row.push(value);
        Ok(())
    }

    fn end_row(&mut self, each: Each<'_>) -> Result<(), Fault> {
        let mut cells = std::mem::take(&mut self.row);
        self.bytes = 0;
        if cells.is_empty() {
            return Ok(());
        }
        let Some(Header { width, places }) = &self.header else {
            let name = |cell: &Value| match cell {
                Value::Text(name) => name.clone(),
                _ => String::new(),
            };
            let names: Vec<String> = cells.iter().map(name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.header = Some(Header { width: names.len(), places: self.wanted.places(&names)? });
            return Ok(());
        };
        cells.resize(*width, Value::Blank);
        let mut row: Vec<Value> = places.iter().map(|place| cells[*place].clone()).collect();
        let number = self.number;
        // Of cells that were merged, the first alone has the value: the other rows would never be found.
        if row[0].is_blank() && row.iter().any(|value| !value.is_blank()) {
            return Err(in_row(
                self.number,
                &format!("column `{}` is blank; are cells merged?", self.wanted.columns[0]),
            ));
        }
        self.wanted.make_comparable(&mut row, || format!("row {number}"))?;
        each(&row)
    }
}

fn in_row(row: u64, problem: &str) -> Fault {
    Fault::Broken(format!("row {row}: {problem}"))
}
