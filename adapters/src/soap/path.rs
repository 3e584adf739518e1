#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{Element, Name, is_name};

/// The longest path, in steps.
const STEPS_MAX: usize = 32;

/// The declared prefixes and their namespaces.
pub(super) type Namespaces = BTreeMap<String, Arc<str>>;

/// A place in a document, as a small part of `XPath`: `/a/b` from the top, `//a/b` from anywhere, `a/b` from a record, `.` the
/// record itself, each with an attribute at its end if wished: `a/@x`, `@x`. A name without a prefix is in no namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlPath {
    anywhere: bool,
    steps: Vec<Name>,
    attribute: Option<Name>,
}

/// Why nothing can be read at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// More than one node stands there.
    Several,
    /// Elements stand there instead of a text.
    Elements,
}

impl Unread {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Several => "stands in the reply more than once",
            Self::Elements => "holds elements instead of a text",
        }
    }
}

impl XmlPath {
    /// Reads a path into a document: it begins at its top or anywhere in it.
    ///
    /// # Errors
    /// A line that says what is wrong, and what to write instead.
    pub(super) fn parse_document(text: &str, namespaces: &Namespaces) -> Result<Self, String> {
        let (anywhere, steps) = match (text.strip_prefix("//"), text.strip_prefix('/')) {
            (Some(steps), _) => (true, steps),
            (None, Some(steps)) => (false, steps),
            (None, None) => return Err("must begin with `/` or `//`, such as `//m:ResultCode`".into()),
        };
        let path = Self::parse_steps(anywhere, steps, namespaces)?;
        if path.steps.is_empty() { Err("must name an element".into()) } else { Ok(path) }
    }

    /// Reads a path from a record.
    ///
    /// # Errors
    /// A line that says what is wrong, and what to write instead.
    pub(super) fn parse_record(text: &str, namespaces: &Namespaces) -> Result<Self, String> {
        match text {
            "." => Ok(Self { anywhere: false, steps: Vec::new(), attribute: None }),
            _ if text.starts_with('/') => Err("must begin at the record, such as `m:Status` or `@code`".into()),
            _ => Self::parse_steps(false, text, namespaces),
        }
    }

    fn parse_steps(anywhere: bool, text: &str, namespaces: &Namespaces) -> Result<Self, String> {
        let (steps, attribute) = match text.split_once('@') {
            Some((steps, attribute)) => {
                let steps = if steps.is_empty() { Some("") } else { steps.strip_suffix('/') };
                (steps.ok_or("must have a `/` before its `@`")?, Some(parse_name(attribute, namespaces)?))
            }
            None => (text, None),
        };
        let steps = match (steps, &attribute) {
            ("", Some(_)) => Vec::new(),
            _ => steps.split('/').map(|step| parse_name(step, namespaces)).collect::<Result<_, _>>()?,
        };
        if steps.len() > STEPS_MAX {
            return Err(format!("has more than {STEPS_MAX} steps"));
        }
        Ok(Self { anywhere, steps, attribute })
    }

    pub(super) fn is_attribute(&self) -> bool {
        self.attribute.is_some()
    }

    /// The elements at the place, in the order of the document. `tops` are the elements at its top.
    pub(super) fn elements<'d>(&self, tops: &'d [Arc<Element>]) -> Vec<&'d Arc<Element>> {
        let Some((first, rest)) = self.steps.split_first() else { return Vec::new() };
        let mut found: Vec<&Arc<Element>> = Vec::new();
        if self.anywhere {
            collect(tops, first, &mut found);
        } else {
            found.extend(tops.iter().filter(|element| element.name == *first));
        }
        for step in rest {
            let children = found.into_iter().flat_map(|element| &element.children);
            found = children.filter(|child| child.name == *step).collect();
        }
        found
    }

    /// The one text at the place in a document; `None` where nothing stands there.
    pub(super) fn text<'d>(&self, tops: &'d [Arc<Element>]) -> Result<Option<&'d str>, Unread> {
        match self.elements(tops)[..] {
            [] => Ok(None),
            [element] => self.text_of(element),
            _ => Err(Unread::Several),
        }
    }

    /// The one text at the place in a record; `None` where nothing stands there.
    pub(super) fn text_in<'d>(&self, record: &'d Element) -> Result<Option<&'d str>, Unread> {
        self.text_behind(record, &self.steps)
    }

    /// The texts at the place in a record. From the step at which there are several elements each gives one text, `None` where
    /// it has none, so that two lists of them stay side by side.
    pub(super) fn texts_in<'d>(&self, record: &'d Element) -> Result<Vec<Option<&'d str>>, Unread> {
        let mut found = vec![record];
        for (i, step) in self.steps.iter().enumerate() {
            let [parent] = found[..] else {
                return found.into_iter().map(|element| self.text_behind(element, &self.steps[i..])).collect();
            };
            found = parent.children_named(step).collect();
        }
        found.into_iter().map(|element| self.text_of(element)).collect()
    }

    fn text_behind<'d>(&self, element: &'d Element, steps: &[Name]) -> Result<Option<&'d str>, Unread> {
        let mut found = vec![element];
        for step in steps {
            found = found.into_iter().flat_map(|element| element.children_named(step)).collect();
        }
        match found[..] {
            [] => Ok(None),
            [element] => self.text_of(element),
            _ => Err(Unread::Several),
        }
    }

    fn text_of<'d>(&self, element: &'d Element) -> Result<Option<&'d str>, Unread> {
        if let Some(name) = &self.attribute {
            return Ok(element.attribute(name));
        }
        if !element.children.is_empty() {
            return Err(Unread::Elements);
        }
        // An element with `xsi:nil` is empty, and so is its text.
        Ok(Some(&element.text))
    }
}

impl Element {
    fn children_named(&self, name: &Name) -> impl Iterator<Item = &Self> {
        self.children.iter().map(Arc::as_ref).filter(move |child| child.name == *name)
    }

    fn attribute(&self, name: &Name) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn collect<'d>(elements: &'d [Arc<Element>], name: &Name, found: &mut Vec<&'d Arc<Element>>) {
    for element in elements {
        if element.name == *name {
            found.push(element);
        }
        collect(&element.children, name, found);
    }
}

fn parse_name(text: &str, namespaces: &Namespaces) -> Result<Name, String> {
    let (prefix, local) = text.split_once(':').map_or((None, text), |(prefix, local)| (Some(prefix), local));
    if !is_name(local) || prefix.is_some_and(|prefix| !is_name(prefix)) {
        return Err("must be a path such as `//m:Record`, `m:Holder/m:Name`, `@code` or `.`".into());
    }
    let namespace = match prefix {
        None => None,
        Some(prefix) => Some(namespaces.get(prefix).ok_or_else(|| unknown_prefix(prefix, namespaces))?.clone()),
    };
    Ok(Name { namespace, local: local.into() })
}

/// Says that a prefix is not declared, and which are.
pub(super) fn unknown_prefix(prefix: &str, namespaces: &Namespaces) -> String {
    let known: Vec<&str> = namespaces.keys().map(String::as_str).collect();
    let prefix: String = prefix.chars().take(64).collect();
    format!("uses the unknown prefix `{prefix}`; declared in `[soap].namespaces`: `{}`", known.join("`, `"))
}
