//! Grants: dated permissions under which a conditional result type is shared (Decree 809, article 20).

mod index;
mod read;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use heyan_proto::identifier::ItemCode;
use heyan_proto::vocabulary::{DepartmentId, FieldName, GrantId, PlainText, ResultTypeId};
use jiff::civil::Date;

pub(crate) use index::GrantIndex;
pub use read::read_grants;
pub use standing::{GrantStanding, ScopeGap};

/// A permission (授权) for one requester, as `grants/*.toml` states it: for which result types, fields and service items,
/// for what, on which basis, from when until when, and who approved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    id: GrantId,
    requester: DepartmentId,
    result_types: BTreeSet<ResultTypeId>,
    fields: BTreeSet<FieldName>,
    items: BTreeSet<ItemCode>,
    purpose: PlainText,
    legal_basis: PlainText,
    from: Date,
    until: Date,
    approver: PlainText,
    suspended: bool,
}

impl Grant {
    /// Its name.
    pub fn id(&self) -> &GrantId {
        &self.id
    }

    /// Who may ask under it.
    pub fn requester(&self) -> &DepartmentId {
        &self.requester
    }

    /// What may be asked about under it.
    pub fn result_types(&self) -> impl Iterator<Item = &ResultTypeId> {
        self.result_types.iter()
    }

    /// The fields it reaches; none means every field.
    pub fn fields(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.iter()
    }

    /// The service items for which it may be used (使用场景).
    pub fn items(&self) -> impl Iterator<Item = &ItemCode> {
        self.items.iter()
    }

    /// What it is used for (使用用途).
    pub fn purpose(&self) -> &PlainText {
        &self.purpose
    }

    /// Why it may be used (使用依据).
    pub fn legal_basis(&self) -> &PlainText {
        &self.legal_basis
    }

    /// The first day on which it is live.
    pub fn from(&self) -> Date {
        self.from
    }

    /// The last day on which it is live (使用时限).
    pub fn until(&self) -> Date {
        self.until
    }

    /// Who approved it.
    pub fn approver(&self) -> &PlainText {
        &self.approver
    }

    /// Whether it is suspended, which stops sharing under it at once (Decree 809, article 27).
    pub fn suspended(&self) -> bool {
        self.suspended
    }
}
