use std::fmt;
use std::sync::Arc;

use heyan_proto::document::{BYTES_MAX, Problem, Problems};

/// How deeply the brackets of a policy may nest. Cedar reads them by recursion without a limit of its own: what a file can
/// hold would overflow the stack, and end the process.
const NESTED_MAX: usize = 16;
/// The most operators of a policy that hang on the one before them, for the same reason.
const OPERATORS_MAX: usize = 64;

/// Where something stands in a file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    file: Arc<File>,
    /// In bytes from the start.
    offset: usize,
}

#[derive(Debug)]
struct File {
    name: Box<str>,
    text: Box<str>,
    /// The byte at which each line starts, so that a place is found without reading the file again.
    lines: Vec<usize>,
}

impl Place {
    pub(crate) fn problem(&self, message: impl Into<String>, help: Option<String>) -> Problem {
        let (line, column) = self.position();
        Problem { file: self.file.name.to_string(), line, column, message: message.into(), help }
    }

    /// The place so many bytes later.
    pub(super) fn later(&self, bytes: usize) -> Self {
        Self { file: Arc::clone(&self.file), offset: self.offset.saturating_add(bytes) }
    }

    /// Line and column, counted from 1; the column in characters.
    fn position(&self) -> (usize, usize) {
        let line = self.file.lines.partition_point(|&start| start <= self.offset);
        let start = self.file.lines[line - 1];
        let before = self.file.text.get(start..self.offset).unwrap_or(&self.file.text[start..]);
        (line, before.chars().count() + 1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        write!(f, "{}:{line}:{column}", self.file.name)
    }
}

/// A file of policies. It is split before it is parsed, so that a bad policy hides no problem of the next one.
pub(super) struct Source(Arc<File>);

/// The text of one policy, with its annotations and its `;`.
pub(super) struct Statement<'t> {
    pub(super) text: &'t str,
    pub(super) place: Place,
    /// Where each `@` stands, in bytes from the start.
    annotations: Vec<usize>,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self(Arc::new(File { name: name.into(), text: text.into(), lines: [0].into_iter().chain(starts).collect() }))
    }

    /// Hands every policy of the file to `each`.
    pub(super) fn read(&self, problems: &mut Problems, mut each: impl FnMut(&Statement<'_>, &mut Problems)) {
        let place = |offset| Place { file: Arc::clone(&self.0), offset };
        let text = &self.0.text;
        if text.len() > BYTES_MAX {
            let message = format!("file has {} bytes; at most {BYTES_MAX} are read", text.len());
            problems.push(place(0).problem(message, None));
            return;
        }
        for Part { start, end, annotations, nested, operators } in split(text) {
            let place = place(start);
            if nested > NESTED_MAX || operators > OPERATORS_MAX {
                let message = format!(
                    "the policy is nested too deeply; at most {NESTED_MAX} brackets may be open at once, and {OPERATORS_MAX} \
                     operators (`&&`, `||`, `.`, `else`, arithmetic) be joined"
                );
                problems.push(place.problem(message, Some("write it as several policies".into())));
                continue;
            }
            each(&Statement { text: &text[start..end], place, annotations }, problems);
        }
    }
}

impl Statement<'_> {
    /// Where the annotation stands, or else the policy.
    pub(super) fn place_of(&self, annotation: &str) -> Place {
        let named = |&&at: &&usize| {
            let rest = self.text[at + 1..].trim_start().strip_prefix(annotation);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        };
        self.annotations.iter().find(named).map_or_else(|| self.place.clone(), |&at| self.place.later(at))
    }
}

/// A statement, as far as it can be told without parsing it.
#[derive(Default)]
struct Part {
    start: usize,
    end: usize,
    annotations: Vec<usize>,
    /// The most brackets that are open at once.
    nested: usize,
    operators: usize,
}

/// Every statement. It ends with the `;` that stands outside of strings and comments; a wrong split could only make a policy
/// that does not parse, which refuses the file.
fn split(text: &str) -> Vec<Part> {
    let bytes = text.as_bytes();
    let mut statements = Vec::new();
    let mut start = None;
    let mut part = Part::default();
    let mut open = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |line| at + line);
                continue;
            }
            byte if byte.is_ascii_whitespace() => {}
            byte => {
                let start_here = *start.get_or_insert(at);
                match byte {
                    b'"' => at = string_end(bytes, at),
                    b'@' => part.annotations.push(at - start_here),
                    b'(' | b'[' | b'{' => {
                        open += 1;
                        part.nested = part.nested.max(open);
                    }
                    b')' | b']' | b'}' => open = open.saturating_sub(1),
                    b'&' | b'|' if bytes.get(at + 1) == Some(&byte) => part.operators += 1,
                    b'+' | b'-' | b'*' | b'.' => part.operators += 1,
                    b'e' if bytes[at..].starts_with(b"else") => part.operators += 1,
                    b';' => {
                        statements.push(Part { start: start_here, end: at + 1, ..std::mem::take(&mut part) });
                        (start, open) = (None, 0);
                    }
                    _ => {}
                }
            }
        }
        at += 1;
    }
    if let Some(start) = start {
        statements.push(Part { start, end: text.len(), ..part });
    }
    statements
}

/// The closing quote of the string that opens at `open`, or the last byte where none closes it.
fn string_end(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    bytes.len() - 1
}
