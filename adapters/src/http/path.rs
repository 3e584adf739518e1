use std::fmt;

use serde_json::Value;

/// The longest path, in bytes.
const BYTES_MAX: usize = 512;

/// A path of RFC 9535 to one value, such as `$.data.state`, or, by one `[*]`, to a value of each element of a list:
/// `$.holders[*].name`. Nothing else can find several values, so that none is taken for another by its place.
#[derive(Clone)]
pub(crate) struct JsonPath {
    text: Box<str>,
    /// Up to the `[*]`.
    list: Option<serde_json_path::JsonPath>,
    /// From there, or from the root.
    value: serde_json_path::JsonPath,
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// A line that says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX || !text.starts_with('$') {
            return Err("must be a path such as `$.months` (RFC 9535), where `$` is what it begins from".into());
        }
        let (list, value) = match split(text)? {
            Some((list, value)) => (Some(compile(list)?), compile(&format!("${value}"))?),
            None => (None, compile(text)?),
        };
        Ok(Self { text: text.into(), list, value })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn has_list(&self) -> bool {
        self.list.is_some()
    }

    /// The list before the `[*]`.
    pub(super) fn list<'v>(&self, within: &'v Value) -> Option<&'v Value> {
        self.list.as_ref().and_then(|list| list.query(within).first())
    }

    /// The value; for a path with `[*]`, of an element of its list.
    pub(super) fn value<'v>(&self, within: &'v Value) -> Option<&'v Value> {
        self.value.query(within).first()
    }
}

impl fmt::Debug for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonPath").field(&self.text).finish()
    }
}

fn compile(text: &str) -> Result<serde_json_path::JsonPath, String> {
    serde_json_path::JsonPath::parse(text).map_err(|_| "is not a path of RFC 9535, such as `$.data.months`".into())
}

/// What stands before and behind the one `[*]`, if there is one; everything else that could find several values is refused.
fn split(text: &str) -> Result<Option<(&str, &str)>, String> {
    const EXPECTED: &str = "must lead to one value: names, numbers in brackets, and at most one `[*]`";
    let (mut quote, mut escaped, mut at) = (None, false, None);
    for (i, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' => quote = Some(c),
                '*' if at.is_none() && text[..i].ends_with('[') && text[i + 1..].starts_with(']') => at = Some(i),
                '*' | '?' | ',' | ':' => return Err(EXPECTED.into()),
                '.' if text[..i].ends_with('.') => return Err(EXPECTED.into()),
                _ => {}
            },
        }
    }
    Ok(at.map(|at| (&text[..at - 1], &text[at + 2..])))
}
