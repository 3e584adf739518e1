use std::fmt;

use crate::vocabulary::is_forbidden;

/// The longest message and the longest advice that is told, in characters; the advice may list what is known.
const MESSAGE_CHARACTERS_MAX: usize = 400;
const HELP_CHARACTERS_MAX: usize = 2_000;

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the city folder.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted in characters from 1.
    pub column: usize,
    /// What is wrong: lowercase, one line. [`Problems`] keeps it so, whatever a file held that it quotes.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n    help: {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong, in the order of file, line and column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// A single problem.
    pub fn one(problem: Problem) -> Self {
        let mut problems = Self::default();
        problems.push(problem);
        problems
    }

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        let Problem { message, help, .. } = &problem;
        let message = one_line(message, MESSAGE_CHARACTERS_MAX);
        let help = help.as_ref().map(|help| one_line(help, HELP_CHARACTERS_MAX));
        self.0.push(Problem { message, help, ..problem });
    }

    /// Adds the problems of another file.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    pub(super) fn sorted(mut self) -> Self {
        self.0.sort();
        self.0.dedup();
        self
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Messages quote names that a file made up: what would start another line or turn text around becomes `?`, and what is
/// beyond `max` characters `…`.
fn one_line(text: &str, max: usize) -> String {
    let mut line: String = text.chars().take(max).map(|c| if is_forbidden(c) { '?' } else { c }).collect();
    if line.len() < text.len() && text.chars().nth(max).is_some() {
        line.push('…');
    }
    line
}
