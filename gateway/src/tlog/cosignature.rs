//! Cosignatures (C2SP tlog-cosignature, version 1): what a witness says of a checkpoint, and when.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::note::{KeyId, Note, NoteError, Signature, key_id, read_key, verifies, write_key};

#[cfg(test)]
mod tests;

/// The signature type of a witness's Ed25519 key.
const COSIGNATURE_TYPE: u8 = 0x04;
/// No time is later.
const TIME_MAX: u64 = i64::MAX.cast_unsigned();

/// The key of a witness, with its name. Written `name+id+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: KeyId,
    public: [u8; 32],
}

/// The key with which a witness cosigns. It must be used for nothing else, for what it signs does not say by whom it is.
pub struct CosigningKey {
    verifier: WitnessKey,
    pair: Ed25519KeyPair,
}

impl WitnessKey {
    /// Reads `name+id+base64`.
    ///
    /// # Errors
    /// [`NoteError::Key`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, public) = read_key(text, COSIGNATURE_TYPE)?;
        Ok(Self { name, id, public })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key without its name.
    pub(super) fn public(&self) -> &[u8; 32] {
        &self.public
    }

    fn verified_time(&self, text: &str, signature: &Signature) -> Option<u64> {
        let (time, bytes) = signature.bytes.split_first_chunk()?;
        let time = u64::from_be_bytes(*time);
        (time <= TIME_MAX && verifies(&self.public, message(time, text).as_bytes(), bytes)).then_some(time)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, &self.id, COSIGNATURE_TYPE, &self.public)
    }
}

impl CosigningKey {
    /// The key of a seed (RFC 8032), under a name.
    ///
    /// # Errors
    /// [`NoteError::Key`] where the name is not one.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key("its seed is not one"))?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key("it does not have 32 bytes"))?;
        let id = key_id(name, COSIGNATURE_TYPE, &public)?;
        Ok(Self { verifier: WitnessKey { name: name.to_owned(), id, public }, pair })
    }

    /// The key that verifies.
    pub fn verifier(&self) -> &WitnessKey {
        &self.verifier
    }

    /// Says that at `time`, in seconds since 1970, this was the largest consistent tree that was seen of the log.
    ///
    /// `text` is that of the checkpoint's note. Whether what it says is true is for the witness to have verified.
    pub fn cosign(&self, text: &str, time: u64) -> Signature {
        let time = time.min(TIME_MAX);
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.pair.sign(message(time, text).as_bytes()).as_ref());
        Signature { name: self.verifier.name.clone(), id: self.verifier.id, bytes }
    }
}

impl fmt::Debug for CosigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosigningKey").field("name", &self.verifier.name).finish_non_exhaustive()
    }
}

/// Verifies that a witness cosigned a note, and tells when; the latest time where it did so more than once.
///
/// # Errors
/// [`NoteError::Unsigned`], or [`NoteError::Forged`] where any of its cosignatures is false.
pub fn verify(note: &Note, key: &WitnessKey) -> Result<u64, NoteError> {
    let mut latest = Err(NoteError::Unsigned);
    for signature in note.by(&key.name, key.id) {
        let time = key.verified_time(note.text(), signature).ok_or(NoteError::Forged)?;
        latest = Ok(latest.map_or(time, |latest: u64| latest.max(time)));
    }
    latest
}

fn message(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}
