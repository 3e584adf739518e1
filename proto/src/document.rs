//! A strict TOML document: every problem at once, each with file, line and column, and with what to write instead.
//!
//! serde stops at the first error and loses positions inside tagged enums, so files are read through [`Table`], which
//! remembers the keys it was asked for: a key that nobody asked for is unknown, and the nearest known one is suggested.
//!
//! ```
//! use heyan_proto::document;
//!
//! let read = document::read("limits.toml", "deadline = \"800ms\"\nconcurency = 8\n", |table| {
//!     // Ask for every key before the first `?`, or a key that was not reached counts as unknown.
//!     let deadline = table.duration("deadline");
//!     let concurrency = table.integer("concurrency", 1..=1024);
//!     Some((deadline?, concurrency?))
//! });
//! let problems = read.unwrap_err().to_string();
//! assert!(problems.contains("limits.toml:2:1: unknown key `concurency`"));
//! assert!(problems.contains("did you mean `concurrency`?"));
//! assert!(problems.contains("limits.toml:1:1: missing key `concurrency`"));
//! ```

mod problem;
mod table;
mod value;

use std::cell::RefCell;

pub use problem::{Problem, Problems};
pub use table::{Cell, Located, Table};
use toml::de::DeTable;
pub use value::Value;

/// The largest file that is read, in bytes.
pub const BYTES_MAX: usize = 4 << 20;

/// The most problems that are told of one file: in a large file that is no document, almost everything is one.
const PROBLEMS_MAX: usize = 1_000;

/// Reads a document: `build` takes what it needs from the root table and returns `None` where it could not.
///
/// # Errors
/// [`Problems`] holds every syntax error, or, where the syntax is right, every problem that `build` met and every
/// unknown key.
///
/// # Panics
/// Where `build` returns `None` without having reported a problem, which is a mistake in `build`.
pub fn read<T>(file: &str, text: &str, build: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Result<T, Problems> {
    if text.len() > BYTES_MAX {
        let message = format!("file has {} bytes; at most {BYTES_MAX} are read", text.len());
        return Err(Problems::one(Problem { file: file.into(), line: 1, column: 1, message, help: None }));
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    let problems = RefCell::new(Problems::default());
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    let lines: Vec<usize> = [0].into_iter().chain(ends).collect();
    let place = Place { file, text, lines: &lines, problems: &problems };
    if !errors.is_empty() {
        for error in errors {
            place.report(error.span().map_or(0, |span| span.start), error.message().replace('\n', ", "), None);
        }
        return Err(problems.into_inner().sorted());
    }
    let built = build(&mut Table::new(place, &root, String::new()));
    let problems = problems.into_inner().sorted();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(built.expect("a builder that returns `None` has reported why"))
}

/// Where problems of one document go.
#[derive(Debug, Clone, Copy)]
struct Place<'d> {
    file: &'d str,
    text: &'d str,
    /// The byte at which each line starts, so that a place is found without reading the file again.
    lines: &'d [usize],
    problems: &'d RefCell<Problems>,
}

impl Place<'_> {
    fn report(&self, offset: usize, message: String, help: Option<String>) {
        let mut problems = self.problems.borrow_mut();
        let (message, help) = match problems.len() {
            ..PROBLEMS_MAX => (message, help),
            PROBLEMS_MAX => (format!("more is wrong than the {PROBLEMS_MAX} problems that are told"), None),
            _ => return,
        };
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|&start| start <= offset);
        let column = self.text[self.lines[line - 1]..offset].chars().count() + 1;
        problems.push(Problem { file: self.file.into(), line, column, message, help });
    }
}
