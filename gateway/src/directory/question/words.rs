//! A question in the words of a caller, before any of it is checked.

use heyan_proto::identifier::SubjectKind;

use super::claims::{AskedWords, ClaimWords, ValueWords};

/// A question as a caller wrote it. A text that is missing is empty; what may be left out is an `Option`.
#[derive(Clone, Default)]
pub struct Words<'a> {
    /// `request_id`.
    pub request_id: &'a str,
    /// `purpose`.
    pub purpose: PurposeWords<'a>,
    /// `official`.
    pub official: OfficialWords<'a>,
    /// `subject`.
    pub subject: SubjectWords<'a>,
    /// `result_type`.
    pub result_type: &'a str,
    /// `certificate_number`.
    pub certificate_number: Option<&'a str>,
    /// `claims`, or `fields`.
    pub asked: AskedWords<'a>,
    /// `as_of`; without it, today.
    pub as_of: Option<&'a str>,
    /// `max_age`: seconds and nanoseconds.
    pub max_age: Option<(i64, i32)>,
    /// `validate_only`.
    pub validate_only: bool,
}

/// Why a question is asked.
#[derive(Clone, Copy, Default)]
pub struct PurposeWords<'a> {
    /// The code of the service item.
    pub item: &'a str,
    /// The number of the case.
    pub case_number: &'a str,
    /// Why the result is needed.
    pub reason: &'a str,
}

/// The human behind the call.
#[derive(Clone, Copy, Default)]
pub struct OfficialWords<'a> {
    /// Their id.
    pub id: &'a str,
    /// Their name.
    pub name: &'a str,
    /// Their unit.
    pub unit: &'a str,
    /// Their terminal.
    pub terminal: &'a str,
}

/// Whose result.
#[derive(Clone, Copy, Default)]
pub struct SubjectWords<'a> {
    /// The kind of the number; `None` where none, or none that is known, was given.
    pub kind: Option<SubjectKind>,
    /// The number.
    pub number: &'a str,
    /// The name, where it shall be compared.
    pub name: Option<&'a str>,
}

macro_rules! hidden {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name<'_> {
            /// Shows nothing: none of it is checked yet, and all of it may be personal.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

hidden!(Words, PurposeWords, OfficialWords, SubjectWords, AskedWords, ClaimWords, ValueWords);
