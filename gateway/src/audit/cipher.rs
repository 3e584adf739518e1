//! Encryption at rest: one data key per day and department, behind one small interface, so that SM4 can follow.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use uuid::Uuid;

/// Data keys in memory at once; past it they are derived anew.
const KEYS_MAX: usize = 1_024;
const MICROS_PER_DAY: i64 = 86_400_000_000;
const NONCE_BYTES: usize = 12;

/// Encrypts what is personal. A sealed text says which scheme sealed it, so that schemes can be exchanged.
pub(super) trait Cipher: Send + Sync + fmt::Debug {
    /// Encrypts `plain` for its place into `sealed`, which is emptied first; the same place must be named to open it.
    fn seal(&self, place: &Context<'_>, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), CipherError>;

    /// Decrypts what [`Self::seal`] made for this place; anything else is an error.
    fn open(&self, place: &Context<'_>, sealed: &[u8]) -> Result<Vec<u8>, CipherError>;
}

/// Where a text belongs: it opens nowhere else, so bodies cannot be exchanged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// `body` or `reply`.
    pub(super) part: &'static str,
    pub(super) index: u64,
    pub(super) decision: Uuid,
    /// The entry's time in microseconds, which gives the day of the key.
    pub(super) at: i64,
    /// The provider, or nothing where the call did not get that far.
    pub(super) department: Option<&'a str>,
}

/// A text that could not be sealed or opened. It says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an audit body could not be encrypted or decrypted")]
pub(super) struct CipherError;

/// By department, of one day: entries of two days are seldom in work at once.
type DataKeys = HashMap<Box<str>, Arc<RandomizedNonceKey>>;

/// AES-256-GCM with random nonces. Sealed: the scheme's byte, the nonce, the ciphertext with its tag.
pub(super) struct AesGcm {
    master: hmac::Key,
    /// The day of the keys in memory, and they.
    keys: Mutex<(i64, DataKeys)>,
}

impl AesGcm {
    const SCHEME: u8 = 1;

    pub(super) fn new(master: &[u8; 32]) -> Self {
        Self { master: hmac::Key::new(hmac::HMAC_SHA256, master), keys: Mutex::default() }
    }

    fn data_key(&self, place: &Context<'_>) -> Result<Arc<RandomizedNonceKey>, CipherError> {
        let day = place.at.div_euclid(MICROS_PER_DAY);
        let department = place.department.unwrap_or_default();
        let mut keys = self.keys.lock().expect("no holder of this lock can panic");
        let (day_in_memory, keys) = &mut *keys;
        if *day_in_memory != day || keys.len() >= KEYS_MAX {
            keys.clear();
            *day_in_memory = day;
        }
        if let Some(key) = keys.get(department) {
            return Ok(Arc::clone(key));
        }
        let mut context = hmac::Context::with_key(&self.master);
        context.update(b"heyan audit data key 1\0");
        context.update(&day.to_be_bytes());
        context.update(department.as_bytes());
        let key = RandomizedNonceKey::new(&AES_256_GCM, context.sign().as_ref()).map_err(|_| CipherError)?;
        let key = Arc::new(key);
        keys.insert(department.into(), Arc::clone(&key));
        Ok(key)
    }
}

impl Cipher for AesGcm {
    fn seal(&self, place: &Context<'_>, plain: &[u8], sealed: &mut Vec<u8>) -> Result<(), CipherError> {
        let key = self.data_key(place)?;
        sealed.clear();
        sealed.push(Self::SCHEME);
        sealed.extend_from_slice(&[0; NONCE_BYTES]);
        sealed.extend_from_slice(plain);
        let (head, text) = sealed.split_at_mut(1 + NONCE_BYTES);
        let (nonce, tag) = key.seal_in_place_separate_tag(Aad::from(place.bytes()), text).map_err(|_| CipherError)?;
        head[1..].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        Ok(())
    }

    fn open(&self, place: &Context<'_>, sealed: &[u8]) -> Result<Vec<u8>, CipherError> {
        let (&[scheme], rest) = sealed.split_first_chunk::<1>().ok_or(CipherError)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CipherError)?;
        if scheme != Self::SCHEME {
            return Err(CipherError);
        }
        let mut text = text.to_vec();
        let plain = self
            .data_key(place)?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.bytes()), &mut text)
            .map_err(|_| CipherError)?
            .len();
        text.truncate(plain);
        Ok(text)
    }
}

impl Context<'_> {
    fn bytes(&self) -> Vec<u8> {
        [self.part.as_bytes(), &self.index.to_be_bytes(), self.decision.as_bytes()].concat()
    }
}

impl fmt::Debug for AesGcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesGcm(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Context<'_> =
        Context { part: "body", index: 7, decision: Uuid::from_u128(1), at: 1, department: Some("market-regulation") };

    #[test]
    fn opens_only_at_its_own_place() {
        let cipher = AesGcm::new(&[1; 32]);
        let mut sealed = Vec::new();
        cipher.seal(&PLACE, b"personal", &mut sealed).unwrap();
        assert!(!sealed.windows(8).any(|part| part == b"personal"));
        assert_eq!(cipher.open(&PLACE, &sealed).unwrap(), b"personal");
        for other in [
            Context { part: "reply", ..PLACE },
            Context { index: 8, ..PLACE },
            Context { decision: Uuid::from_u128(2), ..PLACE },
            Context { at: MICROS_PER_DAY, ..PLACE },
            Context { department: None, ..PLACE },
        ] {
            assert_eq!(cipher.open(&other, &sealed), Err(CipherError), "{other:?}");
        }
        assert_eq!(AesGcm::new(&[2; 32]).open(&PLACE, &sealed), Err(CipherError));
    }

    #[test]
    fn refuses_every_flipped_byte_and_every_cut() {
        let cipher = AesGcm::new(&[1; 32]);
        let mut sealed = Vec::new();
        cipher.seal(&PLACE, b"personal", &mut sealed).unwrap();
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(cipher.open(&PLACE, &bad), Err(CipherError), "byte {at}");
            assert_eq!(cipher.open(&PLACE, &sealed[..at]), Err(CipherError), "cut at {at}");
        }
    }
}
