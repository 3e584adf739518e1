//! Whether a department's system can be asked as its declaration says; and if not, which line says it.

use std::path::Path;
use std::sync::Arc;

use heyan_adapters::{AdapterError, DepartmentDeclaration, Fit, GuardListener, Now, connect, try_examples};
use heyan_proto::document::{Problem, Problems};

use crate::clock::{Clock as _, SystemClock, day_of};

/// What a department's system said.
#[derive(Debug, Default)]
pub(super) struct Online {
    /// What is wrong, each at the line to change.
    pub(super) problems: Problems,
    /// How many examples were answered, and how many of them as they say.
    pub(super) answered: (usize, usize),
    /// The declaration does not fit the department's system, rather than that it cannot be reached.
    misfits: usize,
}

impl Online {
    pub(super) fn is_misfit(&self) -> bool {
        self.misfits > 0
    }

    fn wrong(&mut self, error: &AdapterError, of: &str, text: &str, file: &str) {
        let (line, column) = place(error, text);
        let help = match error {
            AdapterError::Misconfigured { .. } | AdapterError::Malformed { .. } => {
                self.misfits += 1;
                "compare the declaration with the department's system, and mend this line"
            }
            AdapterError::Timeout => "look at the load of its system, or raise `limits.deadline`",
            AdapterError::Closed { .. } => "try again in its hours, or change `limits.hours`",
            _ => "look at this address, the network, and the department's system",
        };
        let message = format!("{of}{error}");
        self.problems.push(Problem { file: file.into(), line, column, message, help: Some(help.into()) });
    }
}

/// Reaches the department and puts its examples to it.
pub(super) async fn check(declaration: &DepartmentDeclaration, city: &Path, text: &str, file: &str) -> Online {
    let mut online = Online::default();
    let (nobody, now): (Arc<dyn GuardListener>, Now) = (Arc::new(()), Arc::new(|| SystemClock.now()));
    let Some(adapter) = connect(declaration, city, &nobody, &now) else { return online };
    if let Err(error) = adapter.check_health().await {
        online.wrong(&error, "", text, file);
        return online;
    }
    let today = day_of(SystemClock.now());
    for tried in try_examples(&*adapter, declaration, today).await {
        match tried.outcome {
            Ok(fit) => {
                online.answered.0 += 1;
                online.answered.1 += usize::from(fit == Fit::AsExpected);
            }
            Err(error) => {
                let of = format!("{}, example `{}`: ", tried.result_type, tried.example.as_str());
                online.wrong(&error, &of, text, file);
            }
        }
    }
    online
}

/// Line and column of what an error is about: the setting that it names, or a word of it that the file has; otherwise the address.
fn place(error: &AdapterError, text: &str) -> (usize, usize) {
    let said = error.to_string();
    // What is said last is the most particular: "`licence`: the file has no column `state`".
    let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let named = quoted.iter().find_map(|word| word.split_once('.').and_then(|(table, key)| setting(text, table, key)));
    let told = || SAID.iter().filter(|(words, _)| said.contains(words)).find_map(|(_, key)| line_of(text, key));
    named
        .or_else(|| quoted.iter().rev().find_map(|word| position(text, word)))
        .or_else(told)
        .or_else(|| word_of_the_database(&said, error, text))
        .or_else(|| ADDRESSES.iter().find_map(|(table, key)| setting(text, table, key)))
        .unwrap_or((1, 1))
}

/// What kinds say in words of their own, and the keys that are meant.
const SAID: [(&str, &str); 5] = [
    ("neither success nor", "success"),
    ("refuses the credentials", "auth"),
    ("does not accept our certificate", "tls"),
    ("does not know such a question", "path"),
    ("does not know such a question", "endpoint"),
];

/// Where each kind says where the department is.
const ADDRESSES: [(&str, &str); 5] =
    [("sql", "host"), ("sql", "database"), ("http", "base_url"), ("soap", "endpoint"), ("files", "folder")];

/// Words of our messages that are no names of a department's.
const OURS: [&str; 12] =
    ["the", "declaration", "does", "not", "fit", "department", "system", "column", "such", "answer", "query", "exist"];

/// A database says in its own words which table or column it does not know: the first of them that a result type has.
fn word_of_the_database(said: &str, error: &AdapterError, text: &str) -> Option<(usize, usize)> {
    if !matches!(error, AdapterError::Misconfigured { .. }) || !text.lines().any(|line| line.trim() == "[sql]") {
        return None;
    }
    let from = text.find("[[result_type]]")?;
    let words = said.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
    words.filter(|word| word.len() > 2 && !OURS.contains(word)).find_map(|word| position_after(text, from, word))
}

/// The line of a key in a table at the top of the file, or of the table where it is written in one line.
fn setting(text: &str, table: &str, key: &str) -> Option<(usize, usize)> {
    let header = format!("[{table}]");
    let lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != header).skip(1);
    let mut of_table = lines.take_while(|(_, line)| !line.trim_start().starts_with('['));
    of_table.find(|(_, line)| has_key(line, key)).map(|(at, _)| (at + 1, 1)).or_else(|| line_of(text, table))
}

/// The first line that gives a key its value.
fn line_of(text: &str, key: &str) -> Option<(usize, usize)> {
    text.lines().position(|line| has_key(line, key)).map(|at| (at + 1, 1))
}

fn has_key(line: &str, key: &str) -> bool {
    line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
}

fn position(text: &str, word: &str) -> Option<(usize, usize)> {
    position_after(text, 0, word)
}

/// Line and column of the first time that a word stands in the text from a byte on.
fn position_after(text: &str, from: usize, word: &str) -> Option<(usize, usize)> {
    let at = from + text.get(from..)?.find(word).filter(|_| !word.is_empty())?;
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Some((before.matches('\n').count() + 1, text[line_start..at].chars().count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[sql]
dialect = \"postgres\"
host = \"db.city.example\"
user = \"reader\"
password = { file = \"keys/p\" }

[[result_type]]
id = \"licence\"

[result_type.lookup]
query = \"SELECT no, until FROM licence WHERE subject = :subject_number\"
valid_to = { from = \"until\", format = \"%Y%m%d\" }
";

    /// Failure: a line that is not the one to change.
    #[test]
    fn trouble_is_told_at_the_line_that_says_it() {
        let misconfigured = |what: &str| AdapterError::Misconfigured { what: what.into() };
        for (error, place_of_it) in [
            (misconfigured("the server refuses `sql.user` or its password"), (4, 1)),
            (misconfigured("the server's certificate does not prove that it is `sql.host`"), (3, 1)),
            (misconfigured("column \"until\" does not exist"), (11, 21)),
            (
                AdapterError::Malformed { what: "column `until` has a date that is not in its declared form".into() },
                (11, 21),
            ),
            (AdapterError::Unavailable, (3, 1)),
        ] {
            assert_eq!(place(&error, TEXT), place_of_it, "{error}");
        }
    }
}
