//! Everything that a policy may read about a question.

mod cedar;
#[cfg(test)]
pub(crate) mod tests;

use heyan_proto::identifier::{ItemCode, SubjectKind};
use heyan_proto::vocabulary::{DepartmentId, Disclosure, FieldName, ResultTypeId, SharingClass};
use jiff::civil::Date;

pub(crate) use self::cedar::{Asked, Words};

/// What a requester wants to do with a result type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Check claims.
    Verify,
    /// Read field values.
    Retrieve,
}

impl Action {
    /// Both actions.
    pub const ALL: [Self; 2] = [Self::Verify, Self::Retrieve];

    /// The word used in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Retrieve => "retrieve",
        }
    }

    /// Values leave only in answer to `retrieve`.
    pub(crate) fn narrow(self, declared: Disclosure) -> Disclosure {
        match (self, declared) {
            (Self::Verify, Disclosure::Fields) => Disclosure::Claims,
            (_, declared) => declared,
        }
    }
}

/// Everything that a policy may read about a question. All of it is required, so that no policy can meet a gap; none of it
/// is about the subject beyond the kind of its number.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// What the requester wants to do.
    pub action: Action,
    /// The department that asks.
    pub requester: &'a DepartmentId,
    /// Whether the directory has that department.
    pub requester_registered: bool,
    /// The department that would be asked.
    pub provider: &'a DepartmentId,
    /// What is asked about.
    pub result_type: &'a ResultTypeId,
    /// How the provider declares it to be shared.
    pub sharing: SharingClass,
    /// How much the provider declares to disclose.
    pub disclosure: Disclosure,
    /// The kind of the subject's number; never the number.
    pub subject_kind: SubjectKind,
    /// The service item for which it is asked.
    pub item: &'a ItemCode,
    /// Whether the item is in force today.
    pub item_in_force: bool,
    /// Whether the item's guide has a material that this result type satisfies.
    pub item_needs_result: bool,
    /// Whether the requester implements the item or accepts applications for it.
    pub item_accepted_by_requester: bool,
    /// Whether a case number is given.
    pub has_case_number: bool,
    /// The fields claimed (verify) or wanted (retrieve), sorted and distinct.
    pub fields: &'a [FieldName],
    /// The day of the question.
    pub today: Date,
}
