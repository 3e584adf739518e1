//! Which witnesses the log is to have: a C2SP tlog-policy in a file.

use std::path::Path;
use std::time::Duration;

use http::Uri;

use crate::tlog::cosignature::WitnessKey;
use crate::tlog::policy::{POLICY_BYTES_MAX, Policy};

/// The witnesses of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessing {
    pub(super) policy: Policy,
    pub(super) witnesses: Vec<Address>,
    pub(super) strict: Option<Duration>,
}

/// Where a witness is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) name: String,
    pub(super) key: WitnessKey,
    pub(super) url: Uri,
}

/// Why the policy cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct WitnessingError {
    path: String,
    what: String,
}

impl WitnessingError {
    /// What is wrong, without the file.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl Witnessing {
    /// Reads the policy. With `strict` the log takes nothing once its head has lacked a quorum for longer.
    ///
    /// # Errors
    /// [`WitnessingError`] names the file, and the line or the witness.
    pub fn read(path: &Path, strict: Option<Duration>) -> Result<Self, WitnessingError> {
        let unfit = |what: String| WitnessingError { path: path.display().to_string(), what };
        let length = std::fs::metadata(path).map_err(|error| unfit(error.to_string()))?.len();
        if length > POLICY_BYTES_MAX as u64 {
            return Err(unfit(format!("a policy has at most {POLICY_BYTES_MAX} bytes")));
        }
        let bytes = std::fs::read(path).map_err(|error| unfit(error.to_string()))?;
        let policy = Policy::parse(&bytes).map_err(|error| unfit(error.to_string()))?;
        Self::new(policy, strict).map_err(unfit)
    }

    pub(super) fn new(policy: Policy, strict: Option<Duration>) -> Result<Self, String> {
        let witnesses = policy.witnesses().iter().map(|witness| {
            let name = String::from_utf8_lossy(&witness.name).into_owned();
            let url = witness.url.as_deref().and_then(|url| str::from_utf8(url).ok()).and_then(submission);
            let url = url.ok_or_else(|| {
                format!("the witness {name} has no URL such as `http://witness.example:8090`, at which it can be asked")
            })?;
            Ok(Address { name, key: witness.key.clone(), url })
        });
        let witnesses = witnesses.collect::<Result<_, String>>()?;
        Ok(Self { policy, witnesses, strict })
    }
}

/// Where a witness with this submission prefix takes checkpoints. What it is sent and what it says is public, so it is plain HTTP.
fn submission(prefix: &str) -> Option<Uri> {
    let url: Uri = format!("{}/add-checkpoint", prefix.trim_end_matches('/')).parse().ok()?;
    let fits = url.scheme_str() == Some("http") && url.authority().is_some_and(|host| !host.as_str().contains('@'));
    (fits && url.query().is_none()).then_some(url)
}
