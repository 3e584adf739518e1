//! The words of the house: one word per idea, parsed once, valid ever after.
//!
//! Every type here is closed or validated by its constructor, so that code which holds one need not check it again.

mod answer;
mod claim;
mod name;
mod sharing;
mod text;

pub use answer::{ClaimOutcome, Disclosure, Existence, Finding, Freshness, ResultState, UndeterminedCause};
pub use claim::{Claim, ClaimValue, FieldType, FieldValue, Operator, Term, WrittenDate};
pub use name::{DepartmentId, FieldName, GrantId, MaterialId, NameError, PersonId, PolicyId, ResultTypeId, SystemId};
pub use sharing::{LegalBasis, LegalKind, SharingClass};
pub(crate) use text::is_forbidden;
pub use text::{CaseNumber, Localized, PersonalText, PlainText, TextError, is_invisible};
