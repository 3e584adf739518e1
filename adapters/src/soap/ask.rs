use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use heyan_proto::document::{Located, Table};
use heyan_proto::vocabulary::PlainText;

use super::SoapSource;
use super::body::XmlTemplate;
use super::envelope::Envelope;
use super::path::{Namespaces, XmlPath};
use crate::AdapterError;
use crate::declaration::{Column, Input, Path};
use crate::exchange::Encoding;
use crate::mapping::Row;

/// The most texts of one condition.
const EQUALS_MAX: usize = 64;

/// How a result type is looked up: one call.
#[derive(Debug, Clone)]
pub(crate) struct SoapAsk {
    pub(super) envelope: Arc<Envelope>,
    /// What is called, in the words of the protocol.
    pub(super) action: Option<Box<str>>,
    pub(super) body: XmlTemplate,
    pub(super) inner: Option<Inner>,
    pub(super) success: Option<Condition>,
    pub(super) no_record: Option<Condition>,
    pub(super) records: XmlPath,
    /// Where the reply says how many records there are, if it does not give them all.
    pub(super) total: Option<XmlPath>,
    /// Where it says how new its data set is.
    pub(super) updated_at: Option<XmlPath>,
    inputs: BTreeSet<Input>,
}

/// What one text of a reply must be.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) path: XmlPath,
    pub(super) equals: Vec<String>,
}

/// A document that a reply holds as text.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    pub(super) path: XmlPath,
    /// In which encoding the base64 holds it; `None`: it is text already.
    pub(super) base64: Option<Encoding>,
}

impl SoapAsk {
    pub(crate) fn read(table: &mut Table<'_>, source: &SoapSource) -> Option<Self> {
        let envelope = Arc::clone(&source.envelope);
        let namespaces = &envelope.namespaces;
        let action = table.optional_parse("action", check_action);
        let body = table.parse("body", |text| XmlTemplate::parse(text, namespaces));
        let inner = match table.optional_table("inner") {
            Some(Some(mut inner)) => Inner::read(&mut inner, &envelope).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let success = Condition::read(table, "success", namespaces);
        let no_record = Condition::read(table, "no_record", namespaces);
        let records = table.parse("records", |text| match XmlPath::parse_document(text, namespaces) {
            Ok(path) if path.is_attribute() => Err("must name elements, not an attribute".into()),
            path => path,
        });
        let total = table.optional_parse("total", |text| XmlPath::parse_document(text, namespaces));
        let updated_at = table.optional_parse("updated_at", |text| XmlPath::parse_document(text, namespaces));
        let body = body?;
        let mut inputs = body.inputs();
        inputs.extend(envelope.header.iter().flat_map(XmlTemplate::inputs));
        let is_whole = check_inputs(table, &body, &inputs, source);
        let (action, inner, success, no_record, records) = (action?, inner?, success?, no_record?, records?);
        let (total, updated_at) = (total?, updated_at?);
        if let (Some(success), Some(no_record)) = (&success, &no_record)
            && let Some(text) = success.text_shared_with(no_record)
        {
            let help = "a text is success, or says that there is no record";
            table.problem(format!("`success` and `no_record` both have the text `{text}`"), Some(help.into()));
            return None;
        }
        is_whole.then(|| Self {
            envelope,
            action: action.map(Located::into_inner),
            body: body.into_inner(),
            inner,
            success,
            no_record,
            records: records.into_inner(),
            total: total.map(Located::into_inner),
            updated_at: updated_at.map(Located::into_inner),
            inputs,
        })
    }

    pub(crate) fn inputs(&self) -> &BTreeSet<Input> {
        &self.inputs
    }

    /// The place in a record that `from` names.
    pub(crate) fn column(&self, table: &Table<'_>, from: &Located<PlainText>) -> Option<Column> {
        match XmlPath::parse_record(from.as_str(), &self.envelope.namespaces) {
            Ok(path) => Some(Column::new(from.as_str(), Path::Xml(path))),
            Err(error) => {
                table.problem_at(from, format!("`from` {error}"), None);
                None
            }
        }
    }

    /// Reads the reply of an example: the text of the envelope.
    pub(crate) fn read_example(&self, table: &mut Table<'_>) -> Option<Result<Vec<Box<dyn Row>>, AdapterError>> {
        let answer = self.answer(&table.text("reply")?);
        let boxed = |record| Box::new(record) as Box<dyn Row>;
        Some(answer.map(|answer| answer.records.into_iter().map(boxed).collect()))
    }
}

/// Whether everything is sent that must be.
fn check_inputs(table: &Table<'_>, body: &Located<XmlTemplate>, inputs: &BTreeSet<Input>, source: &SoapSource) -> bool {
    let mut is_whole = true;
    let mut lacks = |input: Input, message: String| {
        if !inputs.contains(&input) {
            let help = format!("give it an element: `<m:…>{{{{{}}}}}</m:…>`", input.as_str());
            table.problem_at(body, message, Some(help));
            is_whole = false;
        }
    };
    lacks(Input::SubjectNumber, "the body does not use `{{subject_number}}`".into());
    for input in &source.demands {
        let message = format!("`soap.demands` has `{}`, which the look-up does not send", input.as_str());
        lacks(*input, message);
    }
    is_whole
}

impl Condition {
    fn read(table: &mut Table<'_>, key: &str, namespaces: &Namespaces) -> Option<Option<Self>> {
        let Some(mut table) = table.optional_table(key)? else { return Some(None) };
        let path = table.parse("path", |text| XmlPath::parse_document(text, namespaces));
        let equals = table.list("equals", |text| Ok::<_, fmt::Error>(text.to_owned()))?;
        if equals.is_empty() || equals.len() > EQUALS_MAX {
            let help = format!("write 1 to {EQUALS_MAX} texts: `equals = [\"0000\"]`");
            table.problem("the condition has nothing to compare with, or too much", Some(help));
            return None;
        }
        let equals = equals.into_iter().map(Located::into_inner).collect();
        Some(Some(Self { path: path?.into_inner(), equals }))
    }

    fn text_shared_with(&self, other: &Self) -> Option<&str> {
        let shared = self.equals.iter().find(|text| other.equals.contains(text));
        shared.filter(|_| self.path == other.path).map(String::as_str)
    }
}

impl Inner {
    fn read(table: &mut Table<'_>, envelope: &Envelope) -> Option<Self> {
        let path = table.parse("path", |text| XmlPath::parse_document(text, &envelope.namespaces));
        let is_base64 = *table.one_of("form", &[("cdata", false), ("base64", true)])?;
        // Text was decoded with its envelope.
        let base64 = match (is_base64, is_base64 && table.has("encoding")) {
            (false, _) => None,
            (true, true) => Some(Encoding::read(table)?),
            (true, false) => Some(envelope.encoding),
        };
        Some(Self { path: path?.into_inner(), base64 })
    }
}

/// Accepts what can stand between quotation marks in a header.
fn check_action(text: &str) -> Result<Box<str>, String> {
    let fits = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
    match PlainText::parse(text, 512) {
        Ok(_) if text.bytes().all(fits) => Ok(text.into()),
        _ => Err("must be 1 to 512 characters of ASCII, without blanks, `\"` and `\\`".into()),
    }
}
