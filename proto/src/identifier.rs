//! Identifiers of people, organisations, certificates, places and service items: parsed once, valid ever after.
//!
//! - Text is normalised first: full-width digits and letters become ASCII, letters become capitals. Equality and hashes
//!   are those of the normalised form.
//! - The kind of a number is declared, never guessed: 18 characters that start with 9 may be a person or a company.
//! - `Debug` never shows a number, errors never repeat it, and personal numbers have no `Display`.
//!
//! ```
//! use heyan_proto::identifier::{SubjectKind, SubjectNumber};
//!
//! let number = SubjectNumber::parse(SubjectKind::CitizenNumber, "11010519491231002x")?;
//! assert_eq!(number.expose(), "11010519491231002X");
//! assert_eq!(number.masked(), "110105********002X");
//! assert_eq!(format!("{number:?}"), "SubjectNumber(citizen_number …)");
//! # Ok::<(), heyan_proto::identifier::IdentifierError>(())
//! ```

mod certificate;
mod citizen;
mod credit;
mod division;
mod error;
mod item;
mod subject;
mod travel;
mod written;

#[cfg(test)]
mod tests;

pub use certificate::CertificateId;
pub use citizen::{CitizenNumber, PermanentResidentCard, ResidencePermit};
pub use credit::CreditCode;
pub use division::{Division, DivisionCode, DivisionStanding, DivisionTable, Successor};
pub use error::{IdentifierError, InBoth};
pub use item::ItemCode;
pub use subject::{SubjectKind, SubjectNumber};
pub use travel::{MainlandTravelPermit, Passport, TaiwanTravelPermit};
