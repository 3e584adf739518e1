//! What an entry does besides being recorded, and the number of it in the databases.

use std::ops::Range;

use super::Claim;
use crate::audit::retention::Term;

/// `entry.step` of an entry that stands alone.
pub(in crate::audit) const ALONE: i16 = 0;
/// `entry.step` of an intent.
pub(in crate::audit) const INTENT: i16 = 1;
/// `entry.step` of an answer.
pub(in crate::audit) const ANSWER: i16 = 2;
/// `entry.step` of an entry that closes an abandoned intent.
pub(in crate::audit) const ABANDONED: i16 = 3;
/// `entry.step` of an entry that erases others.
pub(in crate::audit) const ERASURE: i16 = 4;
/// `entry.step` of an entry that takes bodies past retention.
pub(in crate::audit) const RETENTION: i16 = 5;

/// What an entry does besides being recorded.
pub(in crate::audit) enum Step {
    /// Nothing.
    Alone,
    /// Reserves the question, and opens an intent.
    Intent(Claim),
    /// Reserves the question unless its intent did, closes that intent, and keeps the reply.
    Answer {
        claim: Claim,
        intent: Option<u64>,
        /// Salt, length, reply and padding: what is to be sealed.
        reply: Vec<u8>,
    },
    /// Closes an intent that no answer will follow; does nothing if it is closed already.
    Abandoned { intent: u64 },
    /// Erases these entries, if they are still the ones that are erased together.
    Erasure { indices: Vec<u64> },
    /// Takes the bodies of a term that are past retention, if no other entry has taken them.
    Retention { term: Term, range: Range<u64> },
}

impl Step {
    /// `entry.step`.
    pub(in crate::audit) fn number(&self) -> i16 {
        match self {
            Self::Alone => ALONE,
            Self::Intent(_) => INTENT,
            Self::Answer { .. } => ANSWER,
            Self::Abandoned { .. } => ABANDONED,
            Self::Erasure { .. } => ERASURE,
            Self::Retention { .. } => RETENTION,
        }
    }

    /// The intent that it closes.
    pub(in crate::audit) fn closes(&self) -> Option<u64> {
        match self {
            Self::Answer { intent, .. } => *intent,
            Self::Abandoned { intent } => Some(*intent),
            _ => None,
        }
    }

    /// The question that it reserves.
    pub(in crate::audit) fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Intent(claim) | Self::Answer { claim, .. } => Some(claim),
            _ => None,
        }
    }
}
