#[cfg(test)]
mod tests;

use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::name::{PrefixDeclaration, QName};

/// How deeply elements may stand in each other. The tree is walked and dropped by recursion.
const DEPTH_MAX: usize = 64;

/// The most elements and attributes together: a megabyte of `<a/>` would take a hundred times its size.
const NODES_MAX: usize = 50_000;

/// The most attributes of one element, and the most namespaces that hold at one place: both are searched from end to end.
const SEARCHED_MAX: usize = 64;

/// A document: its root, and the encoding that its XML declaration names.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Arc<Element>,
    pub(super) encoding: Option<String>,
}

/// An element, with what is directly in it.
pub(super) struct Element {
    pub(super) name: Name,
    pub(super) attributes: Vec<(Name, String)>,
    pub(super) children: Vec<Arc<Self>>,
    /// Text and CDATA, joined.
    pub(super) text: String,
}

/// The name of an element or attribute, its prefix resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) namespace: Option<Arc<str>>,
    pub(super) local: Box<str>,
}

/// What keeps a text from being a document that is read here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What is wrong; nothing of the document.
    pub(super) what: &'static str,
    /// What is written there. For declarations alone: departments write what they like.
    pub(super) written: Option<String>,
}

impl Fault {
    const fn new(what: &'static str) -> Self {
        Self { what, written: None }
    }
}

const NOT_WELL_FORMED: Fault = Fault::new("is not well-formed XML");
const UNKNOWN_ENTITY: Fault = Fault::new("uses an entity that XML does not know");
const TOO_LARGE: Fault = Fault::new("has too many elements, attributes or namespaces");

impl Document {
    /// Reads a document: well-formed, namespaces resolved, no DTD and no entity but the five of XML itself.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if !text.chars().all(is_xml_character) {
            return Err(Fault::new("has a character that cannot stand in XML"));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().enable_all_checks(true);
        let mut builder = Builder::default();
        let mut encoding = None;
        let mut is_first = true;
        loop {
            match reader.read_event().map_err(|_| NOT_WELL_FORMED)? {
                Event::Start(tag) => builder.open(&tag)?,
                Event::Empty(tag) => {
                    builder.open(&tag)?;
                    builder.close();
                }
                Event::End(_) => builder.close(),
                Event::Text(text) => builder.text(&text.xml10_content())?,
                Event::CData(text) => builder.character_data(&text.xml10_content())?,
                Event::GeneralRef(name) => match name.resolve_char_ref().map_err(|_| NOT_WELL_FORMED)? {
                    Some(c) if is_xml_character(c) => builder.character_data(c.encode_utf8(&mut [0; 4]))?,
                    Some(_) => return Err(NOT_WELL_FORMED),
                    None => builder.character_data(resolve_xml_entity(&name).ok_or(UNKNOWN_ENTITY)?)?,
                },
                Event::Decl(declaration) if is_first => encoding = read_declaration(&declaration)?,
                Event::DocType(_) => return Err(Fault::new("has a DOCTYPE, which is never read")),
                Event::PI(instruction) if !instruction.target().eq_ignore_ascii_case("xml") => {}
                Event::Comment(_) => {}
                Event::Decl(_) | Event::PI(_) => return Err(NOT_WELL_FORMED),
                Event::Eof => break,
            }
            is_first = false;
        }
        Ok(Self { root: Arc::new(builder.finish()?), encoding })
    }
}

fn read_declaration(declaration: &BytesDecl<'_>) -> Result<Option<String>, Fault> {
    match declaration.version() {
        Ok(version) if version == "1.0" => {}
        _ => return Err(Fault::new("is of another version than XML 1.0")),
    }
    declaration.encoding().map(|label| label.map(|label| label.into_owned()).map_err(|_| NOT_WELL_FORMED)).transpose()
}

/// The elements that are open, and the namespaces that hold in them.
#[derive(Default)]
struct Builder {
    open: Vec<(Element, usize)>,
    root: Option<Element>,
    /// Prefix (empty: the default) and namespace (`None`: none), the innermost last.
    namespaces: Vec<(String, Option<Arc<str>>)>,
    nodes: usize,
}

impl Builder {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        if self.root.is_some() {
            return Err(NOT_WELL_FORMED);
        }
        if self.open.len() == DEPTH_MAX {
            return Err(Fault::new("is nested too deeply"));
        }
        let held = self.namespaces.len();
        let mut plain = Vec::new();
        // Repeated attributes are found below, by their resolved names and within a bound.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| NOT_WELL_FORMED)?;
            let value = read_value(&attribute)?;
            match attribute.key.as_namespace_binding() {
                Some(declared) => self.declare(declared, value, held)?,
                None => plain.push((attribute.key, value)),
            }
            if self.namespaces.len() > SEARCHED_MAX || plain.len() > SEARCHED_MAX {
                return Err(TOO_LARGE);
            }
        }
        self.nodes += 1 + plain.len();
        if self.nodes > NODES_MAX {
            return Err(TOO_LARGE);
        }
        let mut attributes: Vec<(Name, String)> = Vec::with_capacity(plain.len());
        for (name, value) in plain {
            let name = self.resolve(name, false)?;
            if attributes.iter().any(|(other, _)| *other == name) {
                return Err(NOT_WELL_FORMED);
            }
            attributes.push((name, value));
        }
        let name = self.resolve(tag.name(), true)?;
        self.open.push((Element { name, attributes, children: Vec::new(), text: String::new() }, held));
        Ok(())
    }

    /// `held`: how many namespaces held outside of the element.
    fn declare(&mut self, prefix: PrefixDeclaration<'_>, namespace: String, held: usize) -> Result<(), Fault> {
        let (prefix, namespace) = match prefix {
            PrefixDeclaration::Default => ("", (!namespace.is_empty()).then_some(namespace)),
            PrefixDeclaration::Named(prefix) if is_name(prefix) && !matches!(prefix, "xml" | "xmlns") => {
                (prefix, Some(namespace).filter(|namespace| !namespace.is_empty()))
            }
            PrefixDeclaration::Named(_) => return Err(NOT_WELL_FORMED),
        };
        let repeated = self.namespaces[held..].iter().any(|(other, _)| other == prefix);
        if repeated || (namespace.is_none() && !prefix.is_empty()) {
            return Err(NOT_WELL_FORMED);
        }
        self.namespaces.push((prefix.to_owned(), namespace.map(Arc::from)));
        Ok(())
    }

    /// Names without a prefix are in the default namespace, those of attributes in none.
    fn resolve(&self, name: QName<'_>, has_default: bool) -> Result<Name, Fault> {
        let (local, prefix) = name.decompose();
        let (local, prefix) = (local.into_inner(), prefix.map_or("", |prefix| prefix.into_inner()));
        if !is_name(local) || !(prefix.is_empty() || is_name(prefix)) || name.0.starts_with(':') {
            return Err(Fault::new("has a name with a character that cannot stand in names"));
        }
        let namespace = match prefix {
            "" if !has_default => None,
            "xml" => Some(Arc::from("http://www.w3.org/XML/1998/namespace")),
            _ => match self.namespaces.iter().rev().find(|(known, _)| known == prefix) {
                Some((_, namespace)) => namespace.clone(),
                None if prefix.is_empty() => None,
                None => {
                    return Err(Fault { what: "uses a prefix that is not declared", written: Some(prefix.to_owned()) });
                }
            },
        };
        Ok(Name { namespace, local: local.into() })
    }

    fn close(&mut self) {
        // An end without its start was refused by the reader.
        let Some((element, held)) = self.open.pop() else { return };
        self.namespaces.truncate(held);
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(Arc::new(element)),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        match self.open.is_empty() {
            true if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() => Ok(()),
            false if !text.contains("]]>") => self.character_data(text),
            _ => Err(NOT_WELL_FORMED),
        }
    }

    fn character_data(&mut self, text: &str) -> Result<(), Fault> {
        let (element, _) = self.open.last_mut().ok_or(NOT_WELL_FORMED)?;
        element.text.push_str(text);
        Ok(())
    }

    fn finish(self) -> Result<Element, Fault> {
        if self.open.is_empty() { self.root.ok_or(NOT_WELL_FORMED) } else { Err(NOT_WELL_FORMED) }
    }
}

fn read_value(attribute: &Attribute<'_>) -> Result<String, Fault> {
    if attribute.value.contains('<') {
        return Err(NOT_WELL_FORMED);
    }
    let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| NOT_WELL_FORMED)?;
    if value.chars().all(is_xml_character) { Ok(value.into_owned()) } else { Err(NOT_WELL_FORMED) }
}

/// `Char` of XML 1.0.
pub(super) fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// `NCName` of the namespaces in XML: a name without a colon.
pub(super) fn is_name(text: &str) -> bool {
    fn starts(c: char) -> bool {
        matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
            | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
            | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
            | '\u{10000}'..='\u{EFFFF}')
    }
    let follows = |c| {
        starts(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
    };
    text.starts_with(starts) && text.chars().skip(1).all(follows)
}

impl std::fmt::Debug for Element {
    /// Shows nothing of what a department says.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Element").finish_non_exhaustive()
    }
}
