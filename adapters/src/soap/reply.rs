use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::ask::{Condition, Inner, SoapAsk};
use super::envelope::malformed;
use super::path::{Unread, XmlPath};
use super::tree::{Document, Element, Name};
use crate::AdapterError;
use crate::declaration::{Column, Path};
use crate::exchange::REPLY_BYTES_MAX;
use crate::mapping::{self, CELL_BYTES_MAX, Cell, Row};

/// What a reply says.
#[derive(Default)]
pub(super) struct Answer {
    /// All that it has, also more than the declaration takes.
    pub(super) records: Vec<Record>,
    /// Whether the department has more than it gives.
    pub(super) more: bool,
    pub(super) updated_at: Option<Timestamp>,
}

/// One record of a reply.
pub(super) struct Record(Arc<Element>);

impl SoapAsk {
    /// What the text of a reply says. It has no records only where it says so.
    ///
    /// # Errors
    /// [`AdapterError`] for a fault, and for everything that is neither records nor "no record".
    pub(super) fn answer(&self, text: &str) -> Result<Answer, AdapterError> {
        if text.len() > REPLY_BYTES_MAX {
            return Err(malformed("the reply is too large".into()));
        }
        let mut tops = self.envelope.open(text)?;
        if let Some(trouble) = self.envelope.trouble(&tops) {
            return Err(trouble);
        }
        if let Some(inner) = &self.inner {
            tops = vec![inner.open(&tops)?];
        }
        let records: Vec<_> = self.records.elements(&tops).into_iter().cloned().map(Record).collect();
        let wrong = |problem: &str| Err(malformed(format!("the reply {problem}")));
        if self.says_none(&tops)? {
            // A service may write the record that it has not as an empty one.
            if !records.iter().all(Record::is_empty) {
                return wrong("has records, though it says that there are none");
            }
            return Ok(Answer { updated_at: self.update_time(&tops, false)?, ..Answer::default() });
        }
        if records.is_empty() {
            return wrong("has no records, and does not say that there are none");
        }
        if records.iter().any(Record::is_empty) {
            return wrong("has an empty record");
        }
        Ok(Answer {
            more: self.total(&tops, records.len())? > records.len(),
            updated_at: self.update_time(&tops, true)?,
            records,
        })
    }

    /// Whether a reply that succeeded says that there is no record.
    fn says_none(&self, tops: &[Arc<Element>]) -> Result<bool, AdapterError> {
        let holds = |condition: &Option<Condition>, key| condition.as_ref().map(|c| c.holds(tops, key)).transpose();
        let (success, none) = (holds(&self.success, "success")?, holds(&self.no_record, "no_record")?);
        // Another place than that of the code says "none" only in a reply that succeeded: a count is 0 in trouble too.
        let path = |condition: &Option<Condition>| condition.as_ref().map(|condition| condition.path.clone());
        let is_code = path(&self.success) == path(&self.no_record);
        match (success, none.unwrap_or(false)) {
            (Some(false), true) if is_code => Ok(true),
            (Some(false), _) => Err(malformed("the reply says neither success nor that there is no record".into())),
            (_, none) => Ok(none),
        }
    }

    /// How many records the department has; those given, where the reply does not say it.
    fn total(&self, tops: &[Arc<Element>], given: usize) -> Result<usize, AdapterError> {
        let Some(path) = &self.total else { return Ok(given) };
        let total = path.text(tops).ok().flatten().and_then(|text| text.trim().parse().ok());
        total.filter(|total| *total >= given).ok_or_else(|| {
            malformed("what `total` finds is not the number of records, or less than the reply has".into())
        })
    }

    /// How new the data set is; a reply that says "no record" need not say it.
    fn update_time(&self, tops: &[Arc<Element>], is_needed: bool) -> Result<Option<Timestamp>, AdapterError> {
        let Some(path) = &self.updated_at else { return Ok(None) };
        let text = match path.text(tops) {
            Ok(None) if !is_needed => return Ok(None),
            text => text.ok().flatten(),
        };
        let time = text.and_then(mapping::read_update_time);
        let wrong = || malformed("what `updated_at` finds is not a time such as `2026-11-23 09:30:00`".into());
        time.map(Some).ok_or_else(wrong)
    }
}

impl Condition {
    /// Whether the one text at the place is one of those declared. Where nothing stands, and where elements do, none is.
    fn holds(&self, tops: &[Arc<Element>], key: &str) -> Result<bool, AdapterError> {
        match self.path.text(tops) {
            Ok(text) => Ok(text.is_some_and(|text| self.equals.iter().any(|known| known == text.trim()))),
            Err(Unread::Elements) => Ok(false),
            Err(Unread::Several) => Err(malformed(format!("what `{key}.path` finds {}", Unread::Several.as_str()))),
        }
    }
}

impl Inner {
    /// The root of the document that is held as text.
    fn open(&self, tops: &[Arc<Element>]) -> Result<Arc<Element>, AdapterError> {
        let inner = |problem: &str| malformed(format!("what `inner.path` finds {problem}"));
        let text = self.path.text(tops).map_err(|unread| inner(unread.as_str()))?;
        let text = text.ok_or_else(|| inner("is not in the reply"))?.trim();
        let Some(encoding) = self.base64 else {
            // It was decoded with the envelope, whatever its own declaration says.
            return Ok(Document::parse(text).map_err(|fault| inner(fault.what))?.root);
        };
        let packed: String = text.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(packed).map_err(|_| inner("is not base64"))?;
        let text = encoding.decode(&bytes).ok_or_else(|| inner(&format!("is not in {}", encoding.as_str())))?;
        let document = Document::parse(&text).map_err(|fault| inner(fault.what))?;
        if document.encoding.is_some_and(|label| !encoding.is_named(&label)) {
            return Err(inner(&format!("says that it is not written in `{}`", encoding.as_str())));
        }
        Ok(document.root)
    }
}

impl Record {
    /// Whether it holds nothing, or only refers to another place in the reply (`href` of SOAP's own encoding), where nothing is
    /// looked for.
    fn is_empty(&self) -> bool {
        let Element { attributes, children, text, .. } = &*self.0;
        let own = |(name, _): &(Name, String)| name.namespace.is_none() && &*name.local != "href";
        children.is_empty() && text.trim().is_empty() && !attributes.iter().any(own)
    }
}

impl Row for Record {
    fn cell(&self, column: &Column) -> Result<Cell<'_>, AdapterError> {
        read_cell(column, path_of(column)?.text_in(&self.0))
    }

    fn cells(&self, column: &Column) -> Result<Vec<Cell<'_>>, AdapterError> {
        let texts = path_of(column)?.texts_in(&self.0).map_err(|unread| unreadable(column, unread))?;
        texts.into_iter().map(|text| read_cell(column, Ok(text))).collect()
    }
}

fn path_of(column: &Column) -> Result<&XmlPath, AdapterError> {
    match column.path() {
        Path::Xml(path) => Ok(path),
        Path::Name | Path::Json(_) => {
            Err(AdapterError::Misconfigured { what: format!("`{}` is no path into XML", column.name()) })
        }
    }
}

fn read_cell<'r>(column: &Column, text: Result<Option<&'r str>, Unread>) -> Result<Cell<'r>, AdapterError> {
    match text.map_err(|unread| unreadable(column, unread))? {
        None => Ok(Cell::Null),
        Some(text) if text.len() > CELL_BYTES_MAX => Err(AdapterError::malformed(column.name(), "is too long")),
        Some(text) => Ok(Cell::Text(text)),
    }
}

fn unreadable(column: &Column, unread: Unread) -> AdapterError {
    AdapterError::malformed(column.name(), unread.as_str())
}
