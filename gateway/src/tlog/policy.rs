//! Policies: which logs are trusted, and which witnesses must have seen a checkpoint, as C2SP tlog-policy defines it.

use super::checkpoint::{Checkpoint, CheckpointError};
use super::cosignature::{self, WitnessKey};
use super::note::{Note, NoteError, VerifierKey};

mod parse;
#[cfg(test)]
mod tests;

/// The largest policy that is read.
pub const POLICY_BYTES_MAX: usize = 256 * 1_024;

/// What a checkpoint needs to be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    /// In the order of their lines, so that a group stands behind all of its members.
    rules: Vec<Rule>,
    /// The rule that decides, or none where no witness is asked for.
    quorum: Option<usize>,
}

/// A log that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key, whose name is its origin.
    pub key: VerifierKey,
    /// Where it can be reached. The policy does not say what for; it need not be UTF-8.
    pub url: Option<Box<[u8]>>,
}

/// A witness that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// What the policy calls it; it need not be UTF-8.
    pub name: Box<[u8]>,
    /// Its key.
    pub key: WitnessKey,
    /// Where it can be reached.
    pub url: Option<Box<[u8]>>,
}

/// What has witnessed a checkpoint, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// The witness of this place.
    Witness(usize),
    /// At least so many of these rules.
    Group { threshold: usize, members: Vec<usize> },
}

/// A checkpoint that a policy trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed<'p> {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its log.
    pub log: &'p PolicyLog,
    /// The witnesses that cosigned it and when, in seconds since 1970; those beyond the quorum too.
    pub cosigners: Vec<(&'p PolicyWitness, u64)>,
}

/// Why a policy does not trust a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsatisfied {
    /// It is no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// No log of the policy signed it as its own.
    #[error("no log of the policy signed the checkpoint of {0}")]
    NoLog(Box<str>),
    /// A signature of a known log or witness is wrong.
    #[error("the signature of {by}: {error}")]
    Signature {
        /// Its name.
        by: Box<str>,
        /// What is wrong.
        error: NoteError,
    },
    /// Too few witnesses cosigned it.
    #[error("the quorum of witnesses is not reached")]
    NoQuorum,
}

/// Why a text is no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct PolicyError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: PolicyProblem,
}

/// What can be wrong with a line of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// The file is larger than any policy that is read.
    #[error("the policy is larger than {POLICY_BYTES_MAX} bytes")]
    TooLarge,
    /// The last line is cut off; what is missing might be what makes the policy strict.
    #[error("the line does not end in a newline")]
    NoNewline,
    /// A control character other than tab and newline.
    #[error("the byte {0:#04x} is not allowed")]
    Byte(u8),
    /// A line of no known kind.
    #[error("a line begins with log, witness, group or quorum")]
    Keyword,
    /// Too few words or too many.
    #[error("the line has too few words or too many")]
    Words,
    /// A key that cannot be read, or is not for this use.
    #[error(transparent)]
    Key(#[from] NoteError),
    /// A log or witness of the same key was defined before.
    #[error("the same key was given before")]
    RepeatedKey,
    /// A witness or group of the same name was defined before.
    #[error("the name was defined before")]
    RepeatedName,
    /// `none` names no witness and no group.
    #[error("the name none cannot be defined or be a member")]
    None,
    /// No witness or group of this name on the lines before.
    #[error("a name is not defined on the lines before")]
    UnknownName,
    /// A witness or group would count twice.
    #[error("a name is a member already")]
    RepeatedMember,
    /// Not `any`, `all`, or a number from 1 to that of the members.
    #[error("the threshold is not any, all, or a number from 1 to that of the members")]
    Threshold,
    /// There is a second quorum.
    #[error("the quorum was given before")]
    RepeatedQuorum,
    /// There is no quorum up to the last line.
    #[error("the policy has no quorum")]
    NoQuorum,
}

impl Policy {
    /// Reads a policy strictly.
    ///
    /// # Errors
    /// [`PolicyError`] names the line and what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse::policy(bytes)
    }

    /// The logs it trusts.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses it knows.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The same witnesses and quorum for one log alone: that of whoever knows its log from elsewhere.
    #[must_use]
    pub fn for_log(&self, key: VerifierKey) -> Self {
        Self { logs: vec![PolicyLog { key, url: None }], ..self.clone() }
    }

    /// The checkpoint of a note that one of the logs signed and a quorum of the witnesses cosigned.
    ///
    /// A wrong signature of any known log or witness rejects the note. Whether the cosignatures are recent enough is for
    /// the caller to judge.
    ///
    /// # Errors
    /// [`Unsatisfied`] says what is lacking.
    pub fn satisfied_by(&self, note: &Note) -> Result<Witnessed<'_>, Unsatisfied> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let mut log = None;
        for known in &self.logs {
            let signed = match note.verified_by(&known.key) {
                Ok(()) => true,
                Err(NoteError::Unsigned) => false,
                Err(error) => return Err(Unsatisfied::Signature { by: known.key.name().into(), error }),
            };
            if signed && known.key.name() == checkpoint.origin() {
                log = log.or(Some(known));
            }
        }
        let log = log.ok_or_else(|| Unsatisfied::NoLog(checkpoint.origin().into()))?;
        let times = self.witnesses.iter().map(|witness| match cosignature::verify(note, &witness.key) {
            Ok(time) => Ok(Some(time)),
            Err(NoteError::Unsigned) => Ok(None),
            Err(error) => Err(Unsatisfied::Signature { by: witness.key.name().into(), error }),
        });
        let times = times.collect::<Result<Vec<Option<u64>>, Unsatisfied>>()?;
        if !self.is_quorum(&times) {
            return Err(Unsatisfied::NoQuorum);
        }
        let cosigners = self.witnesses.iter().zip(times).filter_map(|(witness, time)| Some((witness, time?)));
        Ok(Witnessed { checkpoint, log, cosigners: cosigners.collect() })
    }

    /// Whether the witnesses with a time are a quorum.
    fn is_quorum(&self, times: &[Option<u64>]) -> bool {
        let mut witnessed: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            witnessed.push(match rule {
                Rule::Witness(witness) => times[*witness].is_some(),
                Rule::Group { threshold, members } => {
                    members.iter().filter(|member| witnessed[**member]).count() >= *threshold
                }
            });
        }
        self.quorum.is_none_or(|quorum| witnessed[quorum])
    }
}
