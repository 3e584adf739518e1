//! A receipt for the case archive (article 31): one file that proves, with the log's public key alone, what was asked and answered.
//!
//! The file is JSON: `heyan_receipt` (1), `question`, `answer` and `salt` in base64, `leaf` as text, `proof` as the lines of a C2SP
//! tlog-proof. The question is `verify:` or `retrieve:` and the request, the answer is the response without its decision id and
//! its receipt, both as protobuf writes them. The leaf commits to both under the salt.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::commit;
use crate::tlog::note::VerifierKey;
use crate::tlog::proof::TlogProof;
use crate::tlog::tree;

/// The version of the file.
const VERSION: u8 = 1;
/// No receipt is larger, in bytes: a reply has at most a few MiB.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// By how much the clocks of a gateway and of whoever verifies may differ.
pub const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// What a receipt consists of.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptFile {
    /// `verify:` or `retrieve:`, and the request.
    pub question: Vec<u8>,
    /// The response without its decision id and its receipt.
    pub answer: Vec<u8>,
    /// Of the commitments to both.
    pub salt: Vec<u8>,
    /// The entry's exact bytes.
    pub leaf: String,
    /// The entry's tlog-proof.
    pub proof: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    heyan_receipt: u8,
    question: String,
    answer: String,
    salt: String,
    leaf: String,
    proof: Vec<String>,
}

/// What the leaf says of the question.
#[derive(Deserialize)]
struct LeafView {
    id: String,
    at: i64,
    caller: String,
    req: Option<String>,
    ans: Option<String>,
}

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The system that asked and was answered, by its URI.
    pub caller: String,
    /// The decision's id.
    pub decision: String,
    /// When the answer was recorded.
    pub at: Timestamp,
    /// The log, by the name of its shard.
    pub origin: String,
    /// The entry's place in the tree of that shard.
    pub index: u64,
    /// The size of the tree that was signed.
    pub size: u64,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It is no receipt.
    #[error("it is not a receipt: {0}")]
    Malformed(String),
    /// A part of it is not what the log signed.
    #[error("{0}")]
    Refuted(&'static str),
    /// It is another system's.
    #[error("it was given to `{0}`, not to the caller that was named")]
    OtherCaller(String),
}

impl ReceiptFile {
    /// Reads a receipt.
    ///
    /// # Errors
    /// [`ReceiptError::Malformed`] says what is wrong, and where.
    pub fn parse(text: &[u8]) -> Result<Self, ReceiptError> {
        if text.len() > BYTES_MAX {
            return Err(ReceiptError::Malformed(format!("it has more than {BYTES_MAX} bytes")));
        }
        let written: Written =
            serde_json::from_slice(text).map_err(|error| ReceiptError::Malformed(error.to_string()))?;
        if written.heyan_receipt != VERSION {
            let found = written.heyan_receipt;
            return Err(ReceiptError::Malformed(format!("its version is {found}, and {VERSION} is known here")));
        }
        let bytes = |name: &str, text: &str| {
            STANDARD.decode(text).map_err(|_| ReceiptError::Malformed(format!("`{name}` is not base64")))
        };
        Ok(Self {
            question: bytes("question", &written.question)?,
            answer: bytes("answer", &written.answer)?,
            salt: bytes("salt", &written.salt)?,
            leaf: written.leaf,
            proof: written.proof.iter().flat_map(|line| [line, "\n"]).collect(),
        })
    }

    /// Verifies the receipt with the log's public key alone; `caller` is the URI of the system whose receipt it has to be. An entry that
    /// was made more than [`CLOCKS_DIFFER`] after `now` is not accepted: the log's clock was wrong, or ours is.
    ///
    /// # Errors
    /// [`ReceiptError`] says which part refutes it.
    pub fn verify(&self, key: &VerifierKey, caller: Option<&str>, now: Timestamp) -> Result<Proven, ReceiptError> {
        let proof = TlogProof::parse(&self.proof)
            .map_err(|error| ReceiptError::Malformed(format!("its proof is not a tlog-proof: {error}")))?;
        let checkpoint = proof.checkpoint().map_err(|error| ReceiptError::Malformed(error.to_string()))?;
        let key = key.in_shard(checkpoint.origin()).ok_or(ReceiptError::Refuted("it is from another log"))?;
        proof
            .verify(&tree::leaf_hash(self.leaf.as_bytes()), &key)
            .map_err(|_| ReceiptError::Refuted("its entry is not in the log that the key belongs to"))?;
        let leaf: LeafView = serde_json::from_str(&self.leaf)
            .map_err(|error| ReceiptError::Malformed(format!("its leaf is not readable: {error}")))?;
        let salt = self.salt.first_chunk().filter(|_| self.salt.len() == 32);
        let salt = salt.ok_or_else(|| ReceiptError::Malformed("`salt` does not have 32 bytes".into()))?;
        if !is_committed(leaf.req.as_deref(), salt, "req", &self.question) {
            return Err(ReceiptError::Refuted("its question is not the one that was asked"));
        }
        if !is_committed(leaf.ans.as_deref(), salt, "ans", &self.answer) {
            return Err(ReceiptError::Refuted("its answer is not the one that was given"));
        }
        if caller.is_some_and(|caller| caller != leaf.caller) {
            return Err(ReceiptError::OtherCaller(leaf.caller));
        }
        let at = Timestamp::from_microsecond(leaf.at)
            .map_err(|_| ReceiptError::Malformed("its leaf has no readable time".into()))?;
        if at > now + CLOCKS_DIFFER {
            return Err(ReceiptError::Refuted("its entry was made later than it is now; check this machine's clock"));
        }
        let (index, size, origin) = (proof.index(), checkpoint.size(), checkpoint.origin().to_owned());
        Ok(Proven { caller: leaf.caller, decision: leaf.id, at, origin, index, size })
    }
}

impl fmt::Display for ReceiptFile {
    /// The file, with a line feed at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written {
            heyan_receipt: VERSION,
            question: STANDARD.encode(&self.question),
            answer: STANDARD.encode(&self.answer),
            salt: STANDARD.encode(&self.salt),
            leaf: self.leaf.clone(),
            proof: self.proof.lines().map(str::to_owned).collect(),
        };
        let text = serde_json::to_string_pretty(&written).map_err(|_| fmt::Error)?;
        writeln!(f, "{text}")
    }
}

impl fmt::Debug for ReceiptFile {
    /// Shows nothing of question and answer: they are about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptFile").field("leaf", &self.leaf).finish_non_exhaustive()
    }
}

fn is_committed(said: Option<&str>, salt: &[u8; 32], label: &str, bytes: &[u8]) -> bool {
    let commitment = URL_SAFE_NO_PAD.encode(commit(salt, label, bytes));
    said.is_some_and(|said| verify_slices_are_equal(said.as_bytes(), commitment.as_bytes()).is_ok())
}
