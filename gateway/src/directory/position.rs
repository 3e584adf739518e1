//! Finds the place of a value in a file that was read into types that no longer know it.

use heyan_proto::document::{Problem, Problems};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reports what is wrong with a file after it was read.
#[derive(Debug)]
pub(super) struct Places<'d> {
    file: &'d str,
    text: &'d str,
    root: Spanned<DeTable<'d>>,
    problems: Problems,
}

impl<'d> Places<'d> {
    /// Of a file that was read without a problem.
    pub(super) fn new(file: &'d str, text: &'d str) -> Self {
        Self { file, text, root: DeTable::parse_recoverable(text).0, problems: Problems::default() }
    }

    /// Reports a problem at the value that `path` leads to, or as far as it leads. A step is the key of a table, the
    /// index of an array's element, or the text of one.
    pub(super) fn problem(&mut self, path: &[&str], message: String, help: String) {
        let before = &self.text[..self.offset(path)];
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        self.problems.push(Problem { file: self.file.into(), line, column, message, help: Some(help) });
    }

    /// `Ok` where nothing was reported.
    pub(super) fn into_result(self) -> Result<(), Problems> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }

    fn offset(&self, path: &[&str]) -> usize {
        let Some((first, rest)) = path.split_first() else { return 0 };
        let Some(mut value) = self.root.get_ref().get(*first) else { return 0 };
        for step in rest {
            let next = match value.get_ref() {
                DeValue::Table(table) => table.get(*step),
                DeValue::Array(array) => match step.parse::<usize>() {
                    Ok(index) => array.get(index),
                    Err(_) => array.iter().find(|element| element.get_ref().as_str() == Some(step)),
                },
                _ => None,
            };
            let Some(next) = next else { break };
            value = next;
        }
        value.span().start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_path_as_far_as_it_leads() {
        let text = "a = 1\n[[grant]]\nid = \"x\"\n[[grant]]\nid = \"y\"\nitems = [\"p\", \"q\"]\n";
        let cases: [(&[&str], &str); 6] = [
            (&["a"], "f:1:5: "),
            (&["grant", "0", "id"], "f:3:6: "),
            (&["grant", "1", "items", "q"], "f:6:15: "),
            (&["grant", "1", "items", "r"], "f:6:9: "),
            (&["grant", "1", "missing"], "f:4:1: "),
            (&["missing", "x"], "f:1:1: "),
        ];
        for (path, expected) in cases {
            let mut places = Places::new("f", text);
            places.problem(path, String::new(), String::new());
            let said = places.into_result().unwrap_err().to_string();
            assert!(said.starts_with(expected), "{path:?}: {said}");
        }
        assert!(Places::new("f", text).into_result().is_ok());
    }
}
