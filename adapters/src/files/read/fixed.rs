use std::io::Read;

use encoding_rs::{Encoding, UTF_8};

use super::text::Text;
use super::{Each, Fault, Value, Wanted};
use crate::files::declaration::FixedColumn;

/// Columns are counted in bytes of the file's own encoding, as the programs count that write such files. All lines are of one
/// length, and no column cuts a character.
pub(super) fn read<R: Read>(
    mut text: Text<R>,
    encoding: &'static Encoding,
    columns: &[FixedColumn],
    wanted: &Wanted,
    each: Each<'_>,
) -> Result<(), Fault> {
    let named = |name: &str| columns.iter().find(|column| *column.name == *name);
    let places: Vec<&FixedColumn> = wanted
        .columns
        .iter()
        .map(|name| named(name).ok_or_else(|| Fault::Broken(format!("`columns` has no column `{name}`"))))
        .collect::<Result<_, _>>()?;
    let mut cuts: Vec<usize> = columns.iter().flat_map(|column| [column.from, column.to]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut line = Vec::new();
    let mut length = None;
    let mut row = vec![Value::Blank; places.len()];
    while let Some(number) = text.read_line(&mut line)? {
        let bytes = match line.strip_prefix(b"\xEF\xBB\xBF") {
            Some(bytes) if number == 1 && encoding == UTF_8 => bytes,
            _ => &line[..],
        };
        if bytes.is_empty() {
            continue;
        }
        let length = *length.get_or_insert(bytes.len());
        if bytes.len() != length || cuts.last().is_some_and(|last| *last > length) {
            let problem = format!("has {} bytes, which is not the length of a line", bytes.len());
            return Err(Fault::in_line(number, &problem));
        }
        check_cuts(bytes, &cuts, encoding).map_err(|problem| Fault::in_line(number, problem))?;
        for (value, column) in row.iter_mut().zip(&places) {
            let cell = encoding.decode_without_bom_handling_and_without_replacement(&bytes[column.from..column.to]);
            *value = Value::text(&cell.expect("it lies between cuts that were checked"));
        }
        each(&row)?;
    }
    if length.is_none() { Err(Fault::Broken("the file has no line".into())) } else { Ok(()) }
}

/// Each piece is whole characters; then every cut stands between two, since the first piece begins with one.
fn check_cuts(line: &[u8], cuts: &[usize], encoding: &'static Encoding) -> Result<(), &'static str> {
    if line.is_ascii() {
        return Ok(());
    }
    let mut from = 0;
    for to in cuts.iter().copied().chain([line.len()]) {
        let piece = encoding.decode_without_bom_handling_and_without_replacement(&line[from..to]);
        piece.ok_or("is not of its encoding, or a column cuts a character")?;
        from = to;
    }
    Ok(())
}
