//! `audit.witness_policy` and `audit.witness_strict`: who is to cosign the heads of the audit log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use heyan_proto::document::Table;

use super::fitting_path;
use crate::audit::{Witnessing, WitnessingError};

/// Which witnesses the audit log is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnesses {
    /// `witness_policy`: a file in the format of C2SP tlog-policy.
    pub policy: PathBuf,
    /// `witness_strict`: how long the head of the log may lack them before the log takes nothing; for ever unless given.
    pub strict: Option<Duration>,
}

impl Witnesses {
    /// Reads the policy.
    ///
    /// # Errors
    /// [`WitnessingError`] names the file and what is wrong with it.
    pub fn read(&self) -> Result<Witnessing, WitnessingError> {
        Witnessing::read(&self.policy, self.strict)
    }
}

pub(super) fn read(folder: &Path, table: &mut Table<'_>) -> Option<Option<Witnesses>> {
    let policy = table.optional_parse("witness_policy", |text| fitting_path(folder, text));
    let strict = table.optional_duration("witness_strict");
    match (policy?, strict?) {
        (Some(policy), strict) => {
            Some(Some(Witnesses { policy: policy.into_inner(), strict: strict.map(|strict| strict.into_inner()) }))
        }
        (None, None) => Some(None),
        (None, Some(strict)) => {
            let help = Some("write `witness_policy` as well, or leave it out".into());
            table.problem_at(&strict, "`audit.witness_strict` is of no use without `audit.witness_policy`", help);
            None
        }
    }
}
