//! An entry before it has its place: everything that can be computed beforehand is, in the task of the call, so that the
//! committer only fills in place and time.

mod removal;
pub(super) mod step;

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand;
use jiff::civil::Date;

pub(super) use self::removal::decision_at;
pub(super) use self::step::Step;
use super::body::Body;
use super::cipher::{Cipher, CipherError, Context};
use super::error::AuditError;
use super::keys::{AuditKeys, Tag};
use super::leaf::{self, Commitments, LeafDraft, LeafView};
use super::record::{Class, Record, RequestKey};
use crate::tlog::tree;

/// The largest body of one entry, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 256 * 1024;
/// The largest reply that is kept, in bytes: more than the largest reply that leaves the gateway.
pub(super) const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bodies and replies are padded to a multiple of this, so that the length at rest does not tell outcomes apart.
const PADDING: usize = 256;

pub(super) type Salt = [u8; 32];

/// The question that an entry belongs to.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) key: RequestKey,
    /// Keyed digest of its content.
    pub(super) content: [u8; 32],
}

/// The keyed tags beside a body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tags {
    pub(super) subject: Option<Tag>,
    pub(super) official: Option<Tag>,
    pub(super) case: Option<Tag>,
}

/// An entry without its place.
pub(super) struct Draft {
    pub(super) leaf: LeafDraft,
    pub(super) tags: Tags,
    pub(super) step: Step,
    /// The salt of the commitments to request and answer.
    pub(super) salt: Salt,
    department: Option<Arc<str>>,
    /// Salt of the body's commitment, then the body. Empty where there is none.
    body: Vec<u8>,
}

/// Where and when: given by the store inside the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: u64,
    /// Microseconds since 1970-01-01 UTC; never before the entry before it.
    pub(super) at: i64,
    /// The machine's clock was behind the log.
    pub(super) stepped_back: bool,
}

/// What is stored. One after another in the same memory.
#[derive(Default)]
pub(super) struct Sealed {
    pub(super) leaf: Vec<u8>,
    pub(super) leaf_hash: [u8; 32],
    /// Empty where there is none.
    pub(super) body: Vec<u8>,
    /// Empty where no reply is kept.
    pub(super) reply: Vec<u8>,
}

/// 32 random bytes.
pub(super) fn salt() -> Result<Salt, AuditError> {
    let mut salt = [0; 32];
    rand::fill(&mut salt).map_err(|_| AuditError::Unavailable)?;
    Ok(salt)
}

/// Builds drafts.
#[derive(Debug)]
pub(super) struct Drafting<'a> {
    pub(super) keys: &'a AuditKeys,
    pub(super) today: Date,
    /// The salt of the commitments to request and answer: one per question; it travels with the caller's receipt.
    pub(super) salt: Salt,
}

impl Drafting<'_> {
    pub(super) fn alone(&self, record: &Record) -> Result<Draft, AuditError> {
        self.draft(record, record.class, None, None, Step::Alone)
    }

    pub(super) fn intent(&self, record: &Record, claim: Claim) -> Result<Draft, AuditError> {
        self.draft(record, Class::Intent, None, None, Step::Intent(claim))
    }

    pub(super) fn answer(
        &self,
        record: &Record,
        claim: Claim,
        intent: Option<u64>,
        reply: &[u8],
    ) -> Result<Draft, AuditError> {
        let step = Step::Answer { claim, intent, reply: self.framed(reply)? };
        self.draft(record, record.class, intent, Some(reply), step)
    }

    /// Closes the intent at `index`, whose leaf is `intent`.
    pub(super) fn abandoned(&self, index: u64, intent: &LeafView) -> Result<Draft, AuditError> {
        let tags = self.keys.tags_of(self.today).map_err(|_| AuditError::Unavailable)?;
        let (body, body_commitment) = self.body(Tags::default(), None, &Body::from([("intent", index)]))?;
        let commitments = Commitments { request: None, answer: None, body: body_commitment };
        Ok(Draft {
            leaf: LeafDraft::abandoned(intent, index, tags.epoch(), &commitments),
            tags: Tags::default(),
            step: Step::Abandoned { intent: index },
            salt: self.salt,
            department: intent.provider().map(Arc::from),
            body,
        })
    }

    fn draft(
        &self,
        record: &Record,
        class: Class,
        intent: Option<u64>,
        answer: Option<&[u8]>,
        step: Step,
    ) -> Result<Draft, AuditError> {
        let keys = self.keys.tags_of(self.today).map_err(|_| AuditError::Unavailable)?;
        let tags = Tags {
            subject: record.provider.as_ref().zip(record.subject.as_ref()).map(|(p, s)| keys.subject(p, s)),
            official: record.official.as_ref().map(|id| keys.official(id)),
            case: record.case.as_ref().map(|number| keys.case(number)),
        };
        let claim = match &step {
            Step::Intent(claim) | Step::Answer { claim, .. } => Some(claim),
            Step::Alone | Step::Abandoned { .. } | Step::Erasure { .. } | Step::Retention { .. } => None,
        };
        let (body, body_commitment) = self.body(tags, claim, &record.body)?;
        let commitments = Commitments {
            request: Some(leaf::commit(&self.salt, "req", &record.request)),
            answer: answer.map(|bytes| leaf::commit(&self.salt, "ans", bytes)),
            body: body_commitment,
        };
        let leaf = LeafDraft::new(record, class, intent, keys.epoch(), &commitments);
        if leaf.len_max() > leaf::BYTES_MAX {
            return Err(AuditError::TooLarge { part: "leaf", max: leaf::BYTES_MAX });
        }
        let department = record.provider.as_ref().map(|id| id.as_str().into());
        Ok(Draft { leaf, tags, step, salt: self.salt, department, body })
    }

    /// A fresh salt and the padded body after it, and the commitment to the body. The body opens with the tags, so that the
    /// commitment covers them, with the salt of request and answer, so that these can be shown as long as the body exists, and with
    /// what the store knows the question by.
    fn body(&self, tags: Tags, claim: Option<&Claim>, body: &Body) -> Result<(Vec<u8>, [u8; 32]), AuditError> {
        let salt = salt()?;
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(b"{\"tags\":{");
        let mut joiner = "";
        for (name, tag) in [("subject", tags.subject), ("official", tags.official), ("case", tags.case)] {
            if let Some(tag) = tag {
                bytes.extend_from_slice(format!("{joiner}\"{name}\":\"{}\"", leaf::base64(&tag)).as_bytes());
                joiner = ",";
            }
        }
        bytes.extend_from_slice(format!("}},\"salt\":\"{}\"", leaf::base64(&self.salt)).as_bytes());
        if let Some(Claim { key, content }) = claim {
            let (question, content) = (leaf::base64(&key.digest()), leaf::base64(content));
            bytes.extend_from_slice(format!(",\"question\":\"{question}\",\"content\":\"{content}\"").as_bytes());
        }
        bytes.extend_from_slice(b",\"body\":");
        body.write_to(&mut bytes);
        bytes.push(b'}');
        if bytes.len() > BODY_BYTES_MAX {
            return Err(AuditError::TooLarge { part: "body", max: BODY_BYTES_MAX });
        }
        bytes.resize(bytes.len().next_multiple_of(PADDING), b' ');
        let commitment = leaf::commit(&salt, "body", &bytes[salt.len()..]);
        Ok((bytes, commitment))
    }

    fn framed(&self, reply: &[u8]) -> Result<Vec<u8>, AuditError> {
        let length = u32::try_from(reply.len()).ok().filter(|_| reply.len() <= REPLY_BYTES_MAX);
        let length = length.ok_or(AuditError::TooLarge { part: "reply", max: REPLY_BYTES_MAX })?;
        let mut framed = [&self.salt[..], &length.to_be_bytes(), reply].concat();
        framed.resize(framed.len().next_multiple_of(PADDING), 0);
        Ok(framed)
    }
}

/// Takes the salt and the reply out of their frame.
pub(super) fn unframe(framed: &[u8]) -> Option<(&Salt, &[u8])> {
    let (salt, rest) = framed.split_first_chunk::<32>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    Some((salt, rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?))
}

/// Takes the recorded value out of a body's plain text.
pub(super) fn value_of(body: &[u8]) -> Option<serde_json::Value> {
    let (_salt, text) = body.split_first_chunk::<32>()?;
    serde_json::from_slice::<serde_json::Value>(text).ok()?.get_mut("body").map(serde_json::Value::take)
}

impl Draft {
    /// Gives the bytes to be stored at `place`. May be called again at another place.
    pub(super) fn seal(&self, place: Place, cipher: &dyn Cipher, sealed: &mut Sealed) -> Result<(), CipherError> {
        let context = |part| Context {
            part,
            index: place.index,
            decision: self.leaf.decision,
            at: place.at,
            department: self.department.as_deref(),
        };
        self.leaf.write_at(place.at, place.stepped_back, &mut sealed.leaf);
        sealed.leaf_hash = tree::leaf_hash(&sealed.leaf);
        sealed.body.clear();
        if !self.body.is_empty() {
            cipher.seal(&context("body"), &self.body, &mut sealed.body)?;
        }
        match &self.step {
            Step::Answer { reply, .. } => cipher.seal(&context("reply"), reply, &mut sealed.reply),
            _ => {
                sealed.reply.clear();
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("decision", &self.leaf.decision).finish_non_exhaustive()
    }
}
