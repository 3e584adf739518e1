use std::borrow::Cow;

use toml::Spanned;
use toml::de::DeValue;

use super::Place;
use super::table::Located;

/// How deeply a value may nest.
const DEPTH_MAX: usize = 16;

/// A value of any form, for what a file says in the words of somebody else.
#[derive(Debug, Clone)]
pub enum Value {
    /// A text.
    Text(Located<String>),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Self>),
    /// A table: its keys, each once, and what stands under them.
    Table(Vec<(String, Self)>),
}

impl Value {
    /// Reads a value; reports what is none of these, under the name `path`.
    pub(super) fn read(place: Place<'_>, value: &Spanned<DeValue<'_>>, path: &str) -> Option<Self> {
        Self::read_at(place, value, path, 0)
    }

    fn read_at(place: Place<'_>, value: &Spanned<DeValue<'_>>, path: &str, depth: usize) -> Option<Self> {
        let offset = value.span().start;
        let report = |problem: &str| place.report(offset, format!("`{path}` {problem}"), None);
        if depth > DEPTH_MAX {
            report("is nested too deeply");
            return None;
        }
        let inner = |value| Self::read_at(place, value, path, depth + 1);
        // All are read before the first that is wrong ends it, so that all problems are found at once.
        match value.get_ref() {
            DeValue::String(text) => Some(Self::Text(Located::new(Cow::into_owned(text.clone()), offset))),
            DeValue::Boolean(flag) => Some(Self::Flag(*flag)),
            DeValue::Array(list) => {
                list.iter().map(inner).collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(Self::List)
            }
            DeValue::Table(table) => {
                let member = |(key, value): (&Spanned<_>, _)| (Cow::to_string(key.get_ref()), inner(value));
                let members: Vec<(String, Option<Self>)> = table.iter().map(member).collect();
                members.into_iter().map(|(key, value)| Some((key, value?))).collect::<Option<_>>().map(Self::Table)
            }
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Some(Self::Integer(number)),
                Err(_) => {
                    report("has a number that is too large");
                    None
                }
            },
            DeValue::Float(_) | DeValue::Datetime(_) => {
                report("holds only texts, whole numbers, `true`, `false`, lists and tables");
                None
            }
        }
    }
}
