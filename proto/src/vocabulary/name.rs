//! Names of things in the directory: short ASCII words that are safe in files, logs and URLs.

use std::fmt;
use std::sync::Arc;

/// A word that is not a name; the message says what a name looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {expected}")]
pub struct NameError {
    kind: &'static str,
    expected: &'static str,
}

const KEBAB: &str = "1 to 64 lowercase ASCII letters, digits or `-`, starting with a letter";
const SNAKE: &str = "1 to 64 lowercase ASCII letters, digits or `_`, starting with a letter";

fn is_word(text: &str, joiner: u8) -> bool {
    let bytes = text.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|&b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == joiner)
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $joiner:literal, $expected:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Accepts a well-formed name.
            ///
            /// # Errors
            /// [`NameError`] says what a name of this kind looks like; it never repeats the input.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                if is_word(text, $joiner) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { kind: $kind, expected: $expected })
                }
            }

            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        // Lets maps keyed by the name be searched with a `&str`; `Hash` and `Ord` of `Arc<str>` are those of `str`.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

names! {
    /// A department (部门) of the city, in either role.
    DepartmentId, "department id", b'-', KEBAB;
    /// A business system (业务系统) of a department.
    SystemId, "system id", b'-', KEBAB;
    /// A person with a client certificate of their own: auditor, approver or administrator.
    PersonId, "person id", b'-', KEBAB;
    /// A kind of result (结果类型), unique in the city: `food-licence`.
    ResultTypeId, "result type", b'-', KEBAB;
    /// A row of a service item's guide (申请材料), unique in its item.
    MaterialId, "material id", b'-', KEBAB;
    /// A field of a result type: `valid_to`.
    FieldName, "field name", b'_', SNAKE;
    /// A grant (授权) under which a conditional result type is shared.
    GrantId, "grant id", b'-', KEBAB;
    /// A policy, by its `@id`; exceptions (不予共享例外) are cited by it.
    PolicyId, "policy id", b'-', KEBAB;
}
