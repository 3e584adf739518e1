use std::time::Duration;

use heyan_proto::vocabulary::ResultTypeId;
use jiff::Timestamp;

/// Why a department gave no answer that can be relied on. Never "no record", and never with a value of a record, a
/// question or a credential: what is said here reaches logs and answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    /// The department's system cannot be reached. Said only where nothing was done there, or where reading again is safe:
    /// it may be asked again at once.
    #[error("the department's system cannot be reached")]
    Unavailable,
    /// It did not answer within the deadline.
    #[error("the department did not answer in time")]
    Timeout,
    /// It is being asked as much as its declaration allows.
    #[error("the department is being asked as much as its declaration allows")]
    Busy,
    /// It failed several times and is left alone for a while: it was not asked.
    #[error("the department has failed several times and is not asked for now")]
    Resting {
        /// When asking is worth another try.
        retry_after: Duration,
    },
    /// It is outside of its declared hours: it was not asked.
    #[error("the department is outside of its declared hours")]
    Closed {
        /// When it opens.
        opens: Timestamp,
    },
    /// Its answer does not fit its declaration.
    #[error("the department's answer does not fit its declaration: {what}")]
    Malformed {
        /// The column and what is wrong with it, never its value.
        what: String,
    },
    /// The declaration does not fit the department's system, so that nothing could be asked.
    #[error("the declaration does not fit the department's system: {what}")]
    Misconfigured {
        /// What does not fit; names of columns and inputs, never values.
        what: String,
    },
}

impl AdapterError {
    /// A look-up of a result type that the department does not declare.
    pub(crate) fn undeclared(result_type: &ResultTypeId) -> Self {
        Self::Misconfigured { what: format!("it does not declare `{result_type}`") }
    }

    pub(crate) fn malformed(column: &str, problem: &str) -> Self {
        Self::Malformed { what: format!("column `{column}` {problem}") }
    }
}
