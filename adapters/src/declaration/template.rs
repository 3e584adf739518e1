use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Input;

/// The longest template, in bytes.
const BYTES_MAX: usize = 16 << 10;

/// A text with places for inputs: `/licences/{{subject_number}}`. There is no raw form: whoever renders it says how a value is encoded
/// where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Input(Input),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A line that says what is wrong with it, and what to write instead.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("is longer than {BYTES_MAX} bytes"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((word, after)) = after.split_once("}}") else {
                return Err("has a `{{` without its `}}`".into());
            };
            let Some(input) = Input::parse(word.trim()) else {
                let known = Input::ALL.map(|input| format!("`{{{{{}}}}}`", input.as_str())).join(", ");
                let word: String = word.trim().chars().take(64).collect();
                return Err(format!("has the unknown place `{{{{{word}}}}}`; known here: {known}"));
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Input(input));
            rest = after;
        }
        if rest.contains("}}") {
            return Err("has a `}}` without its `{{`".into());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The inputs that it has places for.
    pub(crate) fn inputs(&self) -> BTreeSet<Input> {
        let input = |part: &Part| match part {
            Part::Input(input) => Some(*input),
            Part::Text(_) => None,
        };
        self.0.iter().filter_map(input).collect()
    }

    /// Whether it is one place and nothing around it.
    pub(crate) fn is_one_place(&self) -> bool {
        matches!(self.0[..], [Part::Input(_)])
    }

    /// The text between the places, as it stands.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Input(_) => None,
        })
    }

    /// The text with every value in its place, each written by `encode`; `None` where a question does not give one of them.
    pub(crate) fn render<'v>(
        &self,
        value: impl Fn(Input) -> Option<Cow<'v, str>>,
        encode: impl Fn(&str, &mut String),
    ) -> Option<String> {
        let mut rendered = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => rendered.push_str(text),
                Part::Input(input) => encode(&value(*input)?, &mut rendered),
            }
        }
        Some(rendered)
    }
}
