//! The personal part of an entry, as it is written.

use std::fmt;

use serde::Serialize;

/// A JSON object that is written field by field. It is encrypted at rest and erasable, and its text goes nowhere else.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// The fields, without the braces around them.
    fields: Vec<u8>,
}

impl Body {
    /// Adds a field. A key is to be given once.
    pub fn put(&mut self, key: &str, value: impl Serialize) {
        if !self.fields.is_empty() {
            self.fields.push(b',');
        }
        self.write(&key);
        self.fields.push(b':');
        self.write(&value);
    }

    pub(super) fn write_to(&self, bytes: &mut Vec<u8>) {
        bytes.push(b'{');
        bytes.extend_from_slice(&self.fields);
        bytes.push(b'}');
    }

    fn write(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.fields, value).expect("words and lists of words are written to memory");
    }
}

impl<const N: usize, V: Serialize> From<[(&str, V); N]> for Body {
    fn from(fields: [(&str, V); N]) -> Self {
        let mut body = Self::default();
        for (key, value) in fields {
            body.put(key, value);
        }
        body
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_object_whatever_is_in_it() {
        let mut body = Body::from([("case \"7\"", "\u{7}核")]);
        body.put("fields", ["a", "b"]);
        for (body, expected) in [
            (Body::default(), serde_json::json!({})),
            (body, serde_json::json!({ "case \"7\"": "\u{7}核", "fields": ["a", "b"] })),
        ] {
            let mut bytes = Vec::new();
            body.write_to(&mut bytes);
            assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), expected);
        }
    }
}
