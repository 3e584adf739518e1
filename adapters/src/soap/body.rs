#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::path::{Namespaces, unknown_prefix};
use super::tree::{Document, Element, is_xml_character};
use crate::declaration::{Input, Template};

/// Stands in a template for the first input while it is checked, and the characters after it for the others: characters of
/// XML that no name may have and that stand for no text in Unicode.
const FIRST_MARK: u32 = 0xFDD0;

/// XML with places for inputs, each in a text or in the value of an attribute.
///
/// A value that people write fills its place alone. Beside other text it could continue what stands there, such as a
/// condition in the department's own language, and escaping for XML does not prevent that.
#[derive(Debug, Clone)]
pub(crate) struct XmlTemplate(Template);

impl XmlTemplate {
    /// Reads a template: whole elements whose prefixes are declared.
    ///
    /// # Errors
    /// A line that says what is wrong, and what to write instead.
    pub(super) fn parse(text: &str, namespaces: &Namespaces) -> Result<Self, String> {
        let template = Template::parse(text)?;
        if text.contains("<!") || text.contains("<?") {
            return Err("must hold elements and text alone: no comment, CDATA, DOCTYPE or instruction".into());
        }
        if text.contains(is_mark) || text.contains("&#") {
            return Err("has a character that stands for no text, or one that is written as a number".into());
        }
        let marked = template.render(|input| Some(mark(input).to_string().into()), |value, text| text.push_str(value));
        let marked = marked.unwrap_or_default();
        let places = marked.chars().filter(|c| is_mark(*c)).count();
        let wrapped = format!("<template{}>{marked}</template>", declare(namespaces));
        let document = Document::parse(&wrapped).map_err(|fault| match &fault.written {
            Some(prefix) => unknown_prefix(prefix, namespaces),
            None => format!("{}; a place for an input stands in a text or in the value of an attribute", fault.what),
        })?;
        if document.root.children.is_empty() || !document.root.text.trim().is_empty() {
            return Err("must be elements, such as `<m:Query><m:Number>{{subject_number}}</m:Number></m:Query>`".into());
        }
        let found = check_places(&document.root)?;
        if found == places {
            Ok(Self(template))
        } else {
            Err("has a place for an input in the declaration of a namespace".into())
        }
    }

    pub(super) fn inputs(&self) -> BTreeSet<Input> {
        self.0.inputs()
    }

    /// The XML with every value in its place; an absent value is an empty text. `None` where a value has a character that
    /// cannot stand in XML.
    pub(super) fn render<'v>(&self, value: impl Fn(Input) -> Option<Cow<'v, str>>) -> Option<String> {
        let rendered = self.0.render(|input| Some(value(input).unwrap_or_default()), escape)?;
        rendered.chars().all(is_xml_character).then_some(rendered)
    }
}

/// The declarations of namespaces, as attributes.
pub(super) fn declare(namespaces: &Namespaces) -> String {
    let mut declared = String::new();
    for (prefix, namespace) in namespaces {
        declared.push_str(" xmlns:");
        declared.push_str(prefix);
        declared.push_str("=\"");
        escape(namespace, &mut declared);
        declared.push('"');
    }
    declared
}

/// How many places stand in texts and values. Each value that people write must be alone in its place.
fn check_places(element: &Element) -> Result<usize, String> {
    let mut found = 0;
    let values = element.attributes.iter().map(|(_, value)| value);
    for text in values.chain([&element.text]) {
        let marks = text.chars().filter(|c| is_mark(*c)).count();
        let is_alone = text.trim().chars().count() == 1;
        let free = Input::ALL.into_iter().find(|input| !has_plain_values(*input) && text.contains(mark(*input)));
        if let Some(input) = free.filter(|_| !is_alone) {
            let place = format!("`{{{{{}}}}}`", input.as_str());
            return Err(format!(
                "has other text beside {place}, which its value could continue; give {place} an element of its own"
            ));
        }
        found += marks;
    }
    element.children.iter().map(Arc::as_ref).try_fold(found, |found, child| Ok(found + check_places(child)?))
}

/// Whether the values are letters, digits, `-` and `_` alone, by their types: those mean nothing in any other language.
fn has_plain_values(input: Input) -> bool {
    matches!(input, Input::SubjectNumber | Input::SubjectKind | Input::AsOf | Input::Requester)
}

fn mark(input: Input) -> char {
    let index = (0u32..).zip(Input::ALL).find(|(_, known)| *known == input).map_or(0, |(index, _)| index);
    char::from_u32(FIRST_MARK + index).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}')
}

/// For texts and for values of attributes between `"` alike.
fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&apos;"),
            // A reader would make a blank of them.
            '\t' => into.push_str("&#9;"),
            '\n' => into.push_str("&#10;"),
            '\r' => into.push_str("&#13;"),
            _ => into.push(c),
        }
    }
}
