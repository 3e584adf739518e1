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

use std::cell::RefCell;

pub use problem::{Problem, Problems};
pub use table::{Cell, Located, Table};
use toml::de::DeTable;

/// The largest file that is read, in bytes.
pub const BYTES_MAX: usize = 4 << 20;

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
    if !errors.is_empty() {
        let place = Place { file, text, problems: &problems };
        for error in errors {
            place.report(error.span().map_or(0, |span| span.start), error.message().replace('\n', ", "), None);
        }
        return Err(problems.into_inner().sorted());
    }
    let place = Place { file, text, problems: &problems };
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
    problems: &'d RefCell<Problems>,
}

impl Place<'_> {
    fn report(&self, offset: usize, message: String, help: Option<String>) {
        let before = &self.text[..offset.min(self.text.len())];
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        self.problems.borrow_mut().push(Problem { file: self.file.into(), line, column, message, help });
    }
}
