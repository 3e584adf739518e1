//! Signed notes (C2SP signed-note): a text, and lines of signatures by named keys.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// No note is larger, in bytes.
pub const BYTES_MAX: usize = 1_000_000;
/// No note has more signatures.
pub const SIGNATURES_MAX: usize = 100;
/// The signature type of a log's own Ed25519 key.
const ED25519_TYPE: u8 = 0x01;
/// What begins a line of a signature: an em dash and a space.
const SIGNATURE: &str = "\u{2014} ";

/// What is wrong with a note or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is not built as a note.
    #[error("it is not a signed note: {0}")]
    Malformed(&'static str),
    /// A key is not built as one.
    #[error("it is not a key of signed notes: {0}")]
    Key(&'static str),
    /// No signature is by the key.
    #[error("it is not signed by the key")]
    Unsigned,
    /// A signature by the key does not fit the text.
    #[error("its signature by the key is false")]
    Forged,
}

/// The first four bytes of what identifies a key.
pub(super) type KeyId = [u8; 4];

/// An Ed25519 key that signs, with its name.
pub struct SigningKey {
    verifier: VerifierKey,
    pair: Ed25519KeyPair,
}

/// An Ed25519 key that verifies, with its name. Written `name+id+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    public: [u8; 32],
}

/// A note and its signatures, of which none has been verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// With the line feed at its end.
    text: String,
    signatures: Vec<Signature>,
}

/// One line below a note, of whatever kind of key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub(super) name: String,
    pub(super) id: KeyId,
    pub(super) bytes: Vec<u8>,
}

impl SigningKey {
    /// The key of a seed (RFC 8032), under a name.
    ///
    /// # Errors
    /// [`NoteError::Key`] where the name is not one.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key("its seed is not one"))?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key("it does not have 32 bytes"))?;
        Ok(Self { verifier: VerifierKey::new(name, public)?, pair })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.verifier.name
    }

    /// The key that verifies.
    pub fn verifier(&self) -> VerifierKey {
        self.verifier.clone()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.verifier.name).finish_non_exhaustive()
    }
}

impl VerifierKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        Ok(Self { name: name.to_owned(), id: key_id(name, ED25519_TYPE, &public)?, public })
    }

    /// Reads `name+id+base64`.
    ///
    /// # Errors
    /// [`NoteError::Key`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, public) = read_key(text, ED25519_TYPE)?;
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

    /// The same key in another shard of the same log: names of shards differ after their last slash.
    pub fn in_shard(&self, origin: &str) -> Option<Self> {
        let log = |name: &str| name.rsplit_once('/').map(|(log, _)| log.to_owned());
        if self.name == origin {
            return Some(self.clone());
        }
        let same = log(&self.name).is_some_and(|own| log(origin) == Some(own));
        if same { Self::new(origin, self.public).ok() } else { None }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, &self.name, &self.id, ED25519_TYPE, &self.public)
    }
}

impl Note {
    /// Signs a text, which ends in a line feed.
    pub fn sign(text: String, key: &SigningKey) -> Self {
        let bytes = key.pair.sign(text.as_bytes()).as_ref().to_vec();
        let VerifierKey { name, id, .. } = &key.verifier;
        Self { text, signatures: vec![Signature { name: name.clone(), id: *id, bytes }] }
    }

    /// Reads a note, strictly.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] says what is wrong with it.
    pub fn parse(written: &str) -> Result<Self, NoteError> {
        let malformed = |what| Err(NoteError::Malformed(what));
        if written.len() > BYTES_MAX {
            return malformed("it is too large");
        }
        if written.chars().any(|c| c < '\u{20}' && c != '\n') {
            return malformed("it has a control character");
        }
        let Some(end) = written.rfind("\n\n") else { return malformed("no empty line ends its text") };
        let (text, lines) = (&written[..=end], &written[end + 2..]);
        let Some(lines) = lines.strip_suffix('\n') else { return malformed("it does not end in a line feed") };
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == SIGNATURES_MAX {
                return malformed("it has too many signatures");
            }
            let Some(signature) = Signature::parse(line) else { return malformed("a line below it is no signature") };
            signatures.push(signature);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, with the line feed at its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a signature below the others. One that is there already is not added again.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] where a note would have more signatures than are read.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= SIGNATURES_MAX {
            return Err(NoteError::Malformed("it has too many signatures"));
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The signatures that claim to be by a key.
    pub(super) fn by(&self, name: &str, id: KeyId) -> impl Iterator<Item = &Signature> {
        self.signatures.iter().filter(move |by| by.name == name && by.id == id)
    }

    /// Verifies the signature by a key. Signatures by others are left alone.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] or [`NoteError::Forged`].
    pub fn verified_by(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let mut own = self.by(&key.name, key.id);
        let signature = own.next().ok_or(NoteError::Unsigned)?;
        if own.next().is_some() {
            return Err(NoteError::Malformed("it has two signatures by the key"));
        }
        if verifies(&key.public, self.text.as_bytes(), &signature.bytes) { Ok(()) } else { Err(NoteError::Forged) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, id, bytes } = self;
        write!(f, "{SIGNATURE}{name} {}", STANDARD.encode([&id[..], bytes].concat()))
    }
}

impl Signature {
    /// Reads one line, without the line feed at its end.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(SIGNATURE)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        (is_name(name) && !bytes.is_empty()).then(|| Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

/// The id of a key of a kind under a name.
pub(super) fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> Result<KeyId, NoteError> {
    if !is_name(name) {
        return Err(NoteError::Key("its name is empty, or has a space or a plus sign"));
    }
    let hashed = [name.as_bytes(), b"\n", &[kind], public].concat();
    Ok(*digest(&SHA256, &hashed).as_ref().first_chunk().expect("SHA-256 gives 32 bytes"))
}

/// Reads `name+id+base64` for a key of one kind.
pub(super) fn read_key(text: &str, kind: u8) -> Result<(String, KeyId, [u8; 32]), NoteError> {
    let (name, rest) = text.split_once('+').ok_or(NoteError::Key("it has no plus sign"))?;
    let (id, key) = rest.split_once('+').ok_or(NoteError::Key("it has one plus sign, not two"))?;
    let bytes = STANDARD.decode(key).map_err(|_| NoteError::Key("its last part is not base64"))?;
    let (&[algorithm], public) = bytes.split_first_chunk::<1>().ok_or(NoteError::Key("its last part has no bytes"))?;
    if algorithm != kind {
        return Err(NoteError::Key("its algorithm is not the one that is used here"));
    }
    let public = public.try_into().map_err(|_| NoteError::Key("it does not have 32 bytes"))?;
    let expected = key_id(name, kind, &public)?;
    if hex(&expected) != id {
        return Err(NoteError::Key("its id is not that of its name and its bytes"));
    }
    Ok((name.to_owned(), expected, public))
}

/// Writes what [`read_key`] reads.
pub(super) fn write_key(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    id: &KeyId,
    kind: u8,
    public: &[u8; 32],
) -> fmt::Result {
    write!(f, "{name}+{}+{}", hex(id), STANDARD.encode([&[kind], public.as_slice()].concat()))
}

/// Whether an Ed25519 key signed a message.
pub(super) fn verifies(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c < ' ' || c == '+')
}

fn hex(id: &KeyId) -> String {
    format!("{:08x}", u32::from_be_bytes(*id))
}
