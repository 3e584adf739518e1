//! The facts of an exception: what a refusal tells the requester and what the register of exceptions lists.

use heyan_proto::vocabulary::{DepartmentId, LegalBasis, Localized, PolicyId, ResultTypeId};
use jiff::civil::Date;

/// A rule by which something is not shared (不予共享例外), with what the law wants known about it (Decree 809, article 15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionFacts {
    /// The name by which it is cited.
    pub id: PolicyId,
    /// What it withholds.
    pub title: Localized,
    /// The law, administrative regulation or State Council decision that says so.
    pub legal_basis: LegalBasis,
    /// The department that answers for it.
    pub owner: DepartmentId,
    /// The last day on which it may stand without being reviewed.
    pub review_by: Date,
    /// How to contest it, or which other way leads to the goal.
    pub remedy: Localized,
}

/// Why a not-shared result type is not shared, as its declaration says. Declarations belong to the adapters, which this
/// crate never sees, so the facts are handed to the engine when it is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSharedResultType {
    /// The result type whose sharing class is `not_shared`.
    pub result_type: ResultTypeId,
    /// The exception that its declaration states.
    pub exception: ExceptionFacts,
}
