//! Entries that say what is no longer there.

use std::ops::Range;

use heyan_proto::vocabulary::PersonalText;
use uuid::Uuid;

use super::{Draft, Drafting, Step, Tags};
use crate::audit::body::Body;
use crate::audit::error::AuditError;
use crate::audit::leaf::{Commitments, LeafDraft};
use crate::audit::retention::Term;

/// An id (UUID version 7) for an entry that the log makes of itself, at a time in microseconds since 1970.
pub(in crate::audit) fn decision_at(at: i64) -> Uuid {
    Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        at.div_euclid(1_000_000).cast_unsigned(),
        u32::try_from(at.rem_euclid(1_000_000)).unwrap_or_default() * 1_000,
    ))
}

impl Drafting<'_> {
    /// Erases `indices` on a legal ground. Who ordered it is in the body, and is found as an official is.
    pub(in crate::audit) fn erasure(
        &self,
        decision: Uuid,
        indices: Vec<u64>,
        ground: &str,
        by: &PersonalText,
    ) -> Result<Draft, AuditError> {
        let keys = self.keys.tags_of(self.today).map_err(|_| AuditError::Unavailable)?;
        let tags = Tags { official: Some(keys.official(by)), ..Tags::default() };
        let (body, body_commitment) = self.body(tags, None, &Body::from([("by", by.expose())]))?;
        let commitments = Commitments { request: None, answer: None, body: body_commitment };
        let leaf = LeafDraft::erasure(decision, &indices, ground, keys.epoch(), &commitments);
        if leaf.len_max() > super::leaf::BYTES_MAX {
            return Err(AuditError::TooLarge { part: "leaf", max: super::leaf::BYTES_MAX });
        }
        Ok(Draft { leaf, tags, step: Step::Erasure { indices }, salt: self.salt, department: None, body })
    }

    /// States that bodies of `term` in `range` are past the retention of so many days.
    pub(in crate::audit) fn retention(&self, decision: Uuid, term: Term, days: u32, range: Range<u64>) -> Draft {
        Draft {
            leaf: LeafDraft::retention(decision, term, days, &range),
            tags: Tags::default(),
            step: Step::Retention { term, range },
            salt: self.salt,
            department: None,
            body: Vec::new(),
        }
    }
}
