//! What is recorded, and what comes back.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use heyan_proto::identifier::{ItemCode, SubjectNumber};
use heyan_proto::vocabulary::{CaseNumber, DepartmentId, PersonalText};
use jiff::Timestamp;
use uuid::Uuid;

use super::body::Body;
use super::sequence::Growth;

/// One question of one caller: the key under which it is answered once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The URI of the calling system.
    pub caller: Arc<str>,
    /// The caller's own id of the question.
    pub request_id: Uuid,
}

impl RequestKey {
    /// The digest under which a question is found.
    pub(super) fn digest(&self) -> [u8; 16] {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.caller.as_bytes());
        context.update(&[0]);
        context.update(self.request_id.as_bytes());
        *context.finish().as_ref().first_chunk().expect("SHA-256 gives 32 bytes")
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in the leaf.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one that the leaf's word names.
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// What was called.
    Event {
        /// Claims were to be checked.
        Verify = "verify",
        /// Field values were to be read.
        Retrieve = "retrieve",
        /// The question was only to be tried: nobody is asked.
        ValidateOnly = "validate_only",
        /// An earlier decision was to be explained.
        Explain = "explain",
        /// Entries were to be erased.
        Erase = "erase",
        /// Bodies were past retention.
        Retain = "retain",
    }
}

words! {
    /// What policy said.
    DecisionWord {
        /// Permitted.
        Permit = "permit",
        /// Refused.
        Deny = "deny",
        /// Policy was not reached, or failed.
        None = "none",
    }
}

words! {
    /// How the call ended. Every outcome of an answered question is one class, so that the leaf does not tell them apart.
    Class {
        /// A department is about to be asked.
        Intent = "intent",
        /// A determination, whatever it says.
        Answered = "answered",
        /// The provider could not be asked.
        Undetermined = "undetermined",
        /// Not shared.
        Denied = "denied",
        /// The call was no question: an argument was bad.
        Rejected = "rejected",
        /// Our own fault, or a policy that fails.
        Failed = "failed",
        /// An intent that no answer followed.
        Abandoned = "abandoned",
        /// A shard of the log begins.
        Opened = "opened",
        /// Other entries are erased.
        Erasure = "erasure",
        /// Bodies of other entries are past retention.
        Retention = "retention",
    }
}

/// One entry to be made: the leaf's words, what the tags are made of, and the personal body.
#[derive(Clone)]
pub struct Record {
    /// The decision's id (UUID version 7). The intent and the answer of one question share it.
    pub decision: Uuid,
    /// What was called.
    pub event: Event,
    /// The URI of the calling system.
    pub caller: Arc<str>,
    /// The department that is or would be asked, where the call got that far.
    pub provider: Option<DepartmentId>,
    /// The service item, where the call got that far.
    pub purpose: Option<ItemCode>,
    /// The hash of the policy bundle that decided, in hexadecimal.
    pub policy: Option<Arc<str>>,
    /// What policy said.
    pub decision_word: DecisionWord,
    /// How the call ended. [`Reservation::intend`](super::Reservation::intend) always writes [`Class::Intent`].
    pub class: Class,
    /// Whose data: becomes a keyed tag.
    pub subject: Option<SubjectNumber>,
    /// The official's id: becomes a keyed tag.
    pub official: Option<PersonalText>,
    /// The case: becomes a keyed tag.
    pub case: Option<CaseNumber>,
    /// What is personal, encrypted at rest and erasable.
    pub body: Body,
    /// The request's bytes. The leaf holds a salted commitment to them; they are not stored.
    pub request: Arc<[u8]>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("decision", &self.decision)
            .field("event", &self.event)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

/// The promise that an entry is durable. Only this module's committer makes one, after COMMIT.
///
/// ```compile_fail,E0451
/// fn forge(receipt: heyan::audit::Receipt) -> heyan::audit::Receipt {
///     heyan::audit::Receipt { index: 0, ..receipt }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Receipt {
    pub(super) index: u64,
    pub(super) leaf: Vec<u8>,
    pub(super) leaf_hash: [u8; 32],
    pub(super) salt: [u8; 32],
    pub(super) decision: Uuid,
    pub(super) recorded_at: Timestamp,
    pub(super) proof: Proof,
}

/// Where the proof of an entry comes from.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// The entry has just become durable.
    Grown(Arc<Growth>),
    /// It was made anew from the store.
    Written(String),
}

impl Receipt {
    /// The entry's place in the log, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The entry's exact bytes.
    pub fn leaf(&self) -> &[u8] {
        &self.leaf
    }

    /// The leaf hash of RFC 6962: SHA-256 of a zero byte and the leaf.
    pub fn leaf_hash(&self) -> &[u8; 32] {
        &self.leaf_hash
    }

    /// The salt of the leaf's commitments to request and answer.
    pub fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    /// The decision's id.
    pub fn decision(&self) -> Uuid {
        self.decision
    }

    /// When the entry was made, to the microsecond.
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// The entry's C2SP tlog-proof, with the signed checkpoint of the append that made it durable.
    pub fn proof(&self) -> String {
        match &self.proof {
            Proof::Grown(growth) => growth.proof(self.index),
            Proof::Written(text) => text.clone(),
        }
    }
}

impl PartialEq for Receipt {
    /// Receipts are equal when they would be written alike, byte for byte.
    fn eq(&self, other: &Self) -> bool {
        (self.index, &self.leaf, self.salt, self.proof()) == (other.index, &other.leaf, other.salt, other.proof())
    }
}

impl Eq for Receipt {}

/// The proof that the intention to ask a department is durable. Only [`Reservation::intend`](super::Reservation::intend) makes one.
///
/// ```compile_fail,E0451
/// fn forge(receipt: heyan::audit::Receipt) -> heyan::audit::Intent {
///     heyan::audit::Intent { receipt }
/// }
/// ```
#[derive(Debug)]
#[must_use = "an intent is handed back with the answer; otherwise it is closed as abandoned"]
pub struct Intent {
    pub(super) receipt: Receipt,
}

impl Intent {
    /// The intent's own entry.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// An entry that its caller asks about.
#[derive(Clone)]
pub struct Found {
    /// Its place in the log.
    pub index: u64,
    /// When it was made.
    pub at: Timestamp,
    /// How the call ended.
    pub class: Class,
    /// The personal body, as it was recorded; absent once it has been erased.
    pub body: Option<serde_json::Value>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("index", &self.index).field("class", &self.class).finish_non_exhaustive()
    }
}

/// Whether the audit store takes entries. While it does not, no question is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditHealth {
    /// Entries become durable.
    Serving,
    /// They do not; recovery is tried several times a second.
    NotServing {
        /// Why, for the operator. It holds nothing personal.
        cause: String,
    },
}
