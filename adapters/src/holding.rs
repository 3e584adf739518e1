use std::collections::BTreeMap;
use std::fmt;

use heyan_proto::vocabulary::{FieldName, FieldValue, ResultState, Term};
use jiff::Timestamp;

/// What a provider holds that fits one look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// The records, at most as many as the declaration's `max_rows`, in the provider's order. Empty: it holds none.
    pub records: Vec<Holding>,
    /// The provider holds more than `records` shows. Whoever sees this must not "take the first".
    pub more: bool,
    /// When the data set was last updated, as the provider states it; of the data set, not of a record. Records may be
    /// newer than this, never older.
    pub updated_at: Option<Timestamp>,
}

/// One record, after the declaration's code maps and date forms.
#[derive(Clone, PartialEq, Eq)]
pub struct Holding {
    /// 证照编号, as the provider writes it.
    pub certificate_number: Option<String>,
    /// Everyone whom the record names as a holder (持证主体).
    pub holders: Vec<Holder>,
    /// The state that the provider states; [`ResultState::InForce`] where its declaration maps no state.
    pub state: ResultState,
    /// The first day on which it is valid, where the record has one.
    pub valid_from: Option<Term>,
    /// The last day on which it is valid, where the record has one.
    pub valid_to: Option<Term>,
    /// The declared fields that the record has a value for.
    pub fields: BTreeMap<FieldName, FieldValue>,
}

/// A holder as the record names them; number and name are compared, not trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct Holder {
    /// 持证主体代码, as the provider writes it.
    pub number: Option<String>,
    /// 持证主体 name, as the provider writes it.
    pub name: Option<String>,
}

impl fmt::Debug for Holding {
    /// Shows the shape alone: records are about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.fields.keys().map(FieldName::as_str).collect();
        f.debug_struct("Holding").field("holders", &self.holders.len()).field("fields", &fields).finish_non_exhaustive()
    }
}

impl fmt::Debug for Holder {
    /// Shows nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder(…)")
    }
}
