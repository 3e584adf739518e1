//! The leaf: the exact bytes that the log proves. Ids, time, class and salted commitments; nothing personal, nothing that
//! tells one outcome from another. Two entries of the same kind have leaves of equal length.

mod removal;

use std::io::Write as _;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::draft::Place;
use super::record::{Class, DecisionWord, Record};

/// No leaf is larger (the bound of transparency logs for one entry).
pub(super) const BYTES_MAX: usize = 65_535;

/// `ev` of an entry that opens a shard.
pub(super) const OPENING: &str = "shard";

/// What binds a leaf to bytes that it does not show.
#[derive(Debug)]
pub(super) struct Commitments {
    pub(super) request: Option<[u8; 32]>,
    pub(super) answer: Option<[u8; 32]>,
    pub(super) body: [u8; 32],
}

/// A leaf whose place in time is still open.
#[derive(Debug)]
pub(super) struct LeafDraft {
    pub(super) decision: Uuid,
    tail: Vec<u8>,
}

/// HMAC-SHA256 under a random salt: binding, and without the salt nothing can be guessed.
pub fn commit(salt: &[u8; 32], label: &str, bytes: &[u8]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, salt));
    context.update(label.as_bytes());
    context.update(bytes);
    digest_of(context.sign().as_ref())
}

fn digest_of(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().expect("SHA-256 gives 32 bytes")
}

pub(super) fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl LeafDraft {
    pub(super) fn new(
        record: &Record,
        class: Class,
        intent: Option<u64>,
        epoch: &str,
        commitments: &Commitments,
    ) -> Self {
        let mut leaf = Text(Vec::with_capacity(640));
        leaf.field("ev", record.event.as_str());
        leaf.field("class", class.as_str());
        leaf.field("decision", record.decision_word.as_str());
        leaf.field("caller", &record.caller);
        leaf.raw(b",\"providers\":[");
        if let Some(provider) = &record.provider {
            leaf.string(provider.as_str());
        }
        leaf.raw(b"]");
        if let Some(purpose) = &record.purpose {
            leaf.field("purpose", purpose.as_str());
        }
        if let Some(policy) = &record.policy {
            leaf.field("policy", policy);
        }
        leaf.field("service", concat!("heyan/", env!("CARGO_PKG_VERSION")));
        leaf.finish(record.decision, intent, epoch, commitments)
    }

    /// The entry that closes `intent`: the intent's own words, as its leaf states them.
    pub(super) fn abandoned(intent: &LeafView, index: u64, epoch: &str, commitments: &Commitments) -> Self {
        let mut leaf = Text(Vec::with_capacity(640));
        leaf.field("ev", &intent.ev);
        leaf.field("class", Class::Abandoned.as_str());
        leaf.field("decision", &intent.decision);
        leaf.field("caller", &intent.caller);
        leaf.raw(b",\"providers\":[");
        if let Some(provider) = intent.providers.first() {
            leaf.string(provider);
        }
        leaf.raw(b"]");
        if let Some(purpose) = &intent.purpose {
            leaf.field("purpose", purpose);
        }
        if let Some(policy) = &intent.policy {
            leaf.field("policy", policy);
        }
        leaf.field("service", concat!("heyan/", env!("CARGO_PKG_VERSION")));
        leaf.finish(intent.id, Some(index), epoch, commitments)
    }

    /// An upper bound of the leaf's length.
    pub(super) fn len_max(&self) -> usize {
        self.tail.len() + 128
    }

    /// Writes the leaf at its place in time. `stepped_back` marks that the clock of the machine was behind the log.
    pub(super) fn write_at(&self, micros: i64, stepped_back: bool, leaf: &mut Vec<u8>) {
        leaf.clear();
        write!(leaf, "{{\"v\":1,\"id\":\"{}\",\"at\":{micros}", self.decision.hyphenated())
            .expect("writing to memory never fails");
        if stepped_back {
            leaf.extend_from_slice(b",\"clock\":\"stepped_back\"");
        }
        leaf.extend_from_slice(&self.tail);
    }
}

/// The leaf of the entry that opens a shard: it holds the last checkpoint of the shard before it, so that shards are one log.
pub(super) fn opening(decision: Uuid, place: Place, previous: &str) -> Vec<u8> {
    let mut leaf = Text(Vec::with_capacity(640));
    leaf.field("ev", OPENING);
    leaf.field("class", Class::Opened.as_str());
    leaf.field("decision", DecisionWord::None.as_str());
    leaf.field("caller", "");
    leaf.raw(b",\"providers\":[]");
    leaf.field("service", concat!("heyan/", env!("CARGO_PKG_VERSION")));
    write!(leaf.0, ",\"first\":{}", place.index).expect("writing to memory never fails");
    leaf.field("previous", previous);
    leaf.raw(b"}");
    let mut bytes = Vec::with_capacity(leaf.0.len() + 96);
    LeafDraft { decision, tail: leaf.0 }.write_at(place.at, place.stepped_back, &mut bytes);
    bytes
}

/// JSON in ASCII: whatever a caller sent stays on one line and cannot turn text around.
struct Text(Vec<u8>);

impl Text {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.raw(b",\"");
        self.raw(name.as_bytes());
        self.raw(b"\":");
        self.string(value);
    }

    fn string(&mut self, value: &str) {
        self.raw(b"\"");
        for c in value.chars() {
            match c {
                '"' | '\\' => self.0.extend_from_slice(&[b'\\', c as u8]),
                ' '..='~' => self.0.push(c as u8),
                _ => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        write!(self.0, "\\u{unit:04x}").expect("writing to memory never fails");
                    }
                }
            }
        }
        self.raw(b"\"");
    }

    fn finish(mut self, decision: Uuid, intent: Option<u64>, epoch: &str, commitments: &Commitments) -> LeafDraft {
        if let Some(index) = intent {
            write!(self.0, ",\"intent\":{index}").expect("writing to memory never fails");
        }
        if let Some(request) = &commitments.request {
            self.field("req", &base64(request));
        }
        if let Some(answer) = &commitments.answer {
            self.field("ans", &base64(answer));
        }
        self.field("body", &base64(&commitments.body));
        self.field("epoch", epoch);
        self.raw(b"}");
        LeafDraft { decision, tail: self.0 }
    }
}

/// What is read back from a stored leaf. Fields that only proofs need are left in its bytes.
#[derive(Debug, Deserialize)]
pub(super) struct LeafView {
    #[serde(deserialize_with = "uuid")]
    pub(super) id: Uuid,
    pub(super) at: i64,
    pub(super) ev: String,
    pub(super) class: String,
    pub(super) decision: String,
    pub(super) caller: String,
    pub(super) providers: Vec<String>,
    pub(super) purpose: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) intent: Option<u64>,
    pub(super) ans: Option<String>,
    /// Empty in an entry without a body.
    #[serde(default)]
    pub(super) body: String,
    /// In an entry that opens a shard: the last checkpoint of the shard before.
    pub(super) previous: Option<String>,
    /// In an erasure: the entries that are erased.
    #[serde(default)]
    pub(super) erased: Vec<u64>,
    /// In an erasure: its legal ground.
    pub(super) ground: Option<String>,
    /// In a retention: the word of the term, for how many days its bodies are kept, and which entries they were of.
    pub(super) term: Option<String>,
    pub(super) days: Option<u32>,
    pub(super) from: Option<u64>,
    pub(super) to: Option<u64>,
}

fn uuid<'de, D: Deserializer<'de>>(text: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(text)?;
    Uuid::parse_str(&text).map_err(serde::de::Error::custom)
}

impl LeafView {
    pub(super) fn parse(leaf: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(leaf)
    }

    pub(super) fn provider(&self) -> Option<&str> {
        self.providers.first().map(String::as_str)
    }
}

/// The id and the time of a stored leaf, in microseconds; for the fuzz target.
#[doc(hidden)]
pub fn read_leaf(leaf: &[u8]) -> Option<(Uuid, i64)> {
    LeafView::parse(leaf).map(|view| (view.id, view.at)).ok()
}
