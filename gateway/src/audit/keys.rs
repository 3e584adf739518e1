//! The keys of the audit log: files outside the store, readable by the gateway's user alone.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use aws_lc_rs::{hmac, rand};
use heyan_proto::identifier::SubjectNumber;
use heyan_proto::vocabulary::{CaseNumber, DepartmentId, PersonalText, is_invisible};
use jiff::civil::Date;

use super::cipher::AesGcm;
use super::log_key::LogKey;

const BODY_KEY: &str = "body.key";
const LOG_KEY: &str = "log.key";
/// Derived tag keys in memory at once; past it they are derived anew.
const DERIVED_MAX: usize = 4_096;

/// Why the audit keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than the owner may read it.
    #[error("{path}: others may read it (mode {mode:03o}); write `chmod {expected:o} {path}`")]
    Mode {
        /// Which file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it must have.
        expected: u32,
    },
    /// The file does not hold a key.
    #[error("{path}: a key is 64 hexadecimal digits on one line")]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// There are keys already, and making new ones would make the log unreadable.
    #[error("{path}: exists already and is never overwritten")]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// The machine gives no random numbers.
    #[error("no random numbers are available")]
    Random,
}

/// The keys of one audit log.
///
/// The key of bodies (`body.key`), the seed of the key that signs the log (`log.key`, Ed25519), and the keys of tags, one per quarter
/// (`tag-2026q4.key`); that of a new quarter is made on first use. Destroying the file of an old quarter ends the linkability of its tags.
pub struct AuditKeys {
    dir: PathBuf,
    master: [u8; 32],
    log: [u8; 32],
    quarters: RwLock<HashMap<Arc<str>, Arc<TagKeys>>>,
}

impl AuditKeys {
    /// Makes the folder (mode 0700), a body key and the log's signing key (mode 0600).
    ///
    /// # Errors
    /// [`KeyError`]; a key that is there already is never overwritten.
    pub fn create(dir: &Path) -> Result<Self, KeyError> {
        if !dir.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| failed(dir, e))?;
        }
        check_mode(dir, 0o700)?;
        let path = dir.join(BODY_KEY);
        let master = write_key(&path)?.ok_or(KeyError::Exists { path })?;
        let path = dir.join(LOG_KEY);
        let log = write_key(&path)?.ok_or(KeyError::Exists { path })?;
        Ok(Self::new(dir, master, log))
    }

    /// Reads the keys of an existing log.
    ///
    /// # Errors
    /// [`KeyError`] names the file, and what to do where its mode is too wide.
    pub fn load(dir: &Path) -> Result<Self, KeyError> {
        check_mode(dir, 0o700)?;
        Ok(Self::new(dir, read_key(&dir.join(BODY_KEY))?, read_key(&dir.join(LOG_KEY))?))
    }

    /// Reads the tag key of the quarter of `today`; whether there is one. Where there is none it is made on first use.
    ///
    /// # Errors
    /// [`KeyError`] where the file is there and cannot be used.
    pub fn has_tag_key(&self, today: Date) -> Result<bool, KeyError> {
        let path = self.dir.join(tag_key(&quarter(today)));
        if path.exists() { read_key(&path).map(|_| true) } else { Ok(false) }
    }

    fn new(dir: &Path, master: [u8; 32], log: [u8; 32]) -> Self {
        Self { dir: dir.to_owned(), master, log, quarters: RwLock::default() }
    }

    /// The key of the log whose shards have names that begin with `name`.
    pub(super) fn log_key(&self, name: &str) -> LogKey {
        LogKey::new(name.to_owned(), self.log)
    }

    pub(super) fn cipher(&self) -> AesGcm {
        AesGcm::new(&self.master)
    }

    /// The key under which contents of questions are digested before they are stored.
    pub(super) fn content_key(&self) -> hmac::Key {
        let master = hmac::Key::new(hmac::HMAC_SHA256, &self.master);
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&master, b"heyan audit content key 1").as_ref())
    }

    /// The tag keys of the quarter of `today`.
    pub(super) fn tags_of(&self, today: Date) -> Result<Arc<TagKeys>, KeyError> {
        let epoch: Arc<str> = quarter(today).into();
        if let Some(keys) = self.quarters.read().expect("no holder of this lock can panic").get(&epoch) {
            return Ok(Arc::clone(keys));
        }
        let mut quarters = self.quarters.write().expect("no holder of this lock can panic");
        if let Some(keys) = quarters.get(&epoch) {
            return Ok(Arc::clone(keys));
        }
        let path = self.dir.join(tag_key(&epoch));
        let root = match write_key(&path)? {
            Some(new) => new,
            None => read_key(&path)?,
        };
        let keys = Arc::new(TagKeys::new(&epoch, &root));
        quarters.insert(epoch, Arc::clone(&keys));
        Ok(keys)
    }
}

impl fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditKeys").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// A keyed tag: equal for equal numbers under one key, meaningless without the key.
pub(super) type Tag = [u8; 16];

/// The tag keys of one quarter.
pub(super) struct TagKeys {
    epoch: Arc<str>,
    root: hmac::Key,
    official: hmac::Key,
    case: hmac::Key,
    subject: RwLock<HashMap<DepartmentId, hmac::Key>>,
}

impl TagKeys {
    fn new(epoch: &Arc<str>, root: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, root);
        Self {
            epoch: Arc::clone(epoch),
            official: derive(&root, "official", ""),
            case: derive(&root, "case", ""),
            root,
            subject: RwLock::default(),
        }
    }

    /// `2026q4`.
    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The subject's tag under the provider's own key, so that tags of two departments cannot be joined.
    pub(super) fn subject(&self, provider: &DepartmentId, subject: &SubjectNumber) -> Tag {
        let message = [subject.kind().as_str().as_bytes(), b"\0", subject.expose().as_bytes()].concat();
        if let Some(key) = self.subject.read().expect("no holder of this lock can panic").get(provider) {
            return tag(key, &message);
        }
        let key = derive(&self.root, "subject", provider.as_str());
        let mut keys = self.subject.write().expect("no holder of this lock can panic");
        if keys.len() >= DERIVED_MAX {
            keys.clear();
        }
        let made = tag(&key, &message);
        keys.insert(provider.clone(), key);
        made
    }

    /// One tag per official across providers: an auditor asks what an official looked at.
    pub(super) fn official(&self, id: &PersonalText) -> Tag {
        tag(&self.official, normalised(id.expose()).as_bytes())
    }

    /// One tag per case across providers.
    pub(super) fn case(&self, number: &CaseNumber) -> Tag {
        tag(&self.case, normalised(number.expose()).as_bytes())
    }
}

impl fmt::Debug for TagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TagKeys").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// `2026q4`.
pub(super) fn quarter(today: Date) -> String {
    format!("{}q{}", today.year(), (today.month() + 2) / 3)
}

fn tag_key(quarter: &str) -> String {
    format!("tag-{quarter}.key")
}

fn derive(root: &hmac::Key, kind: &str, provider: &str) -> hmac::Key {
    let label = [b"heyan audit tag key 1\0", kind.as_bytes(), b"\0", provider.as_bytes()].concat();
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(root, &label).as_ref())
}

fn tag(key: &hmac::Key, message: &[u8]) -> Tag {
    let whole = hmac::sign(key, message);
    *whole.as_ref().first_chunk().expect("HMAC-SHA256 gives 32 bytes")
}

/// Full-width forms become ASCII, letters capitals, and white space and what nobody sees are left out: what a clerk types in
/// two ways is one number, and nobody hides from a search behind a character of no width.
fn normalised(text: &str) -> String {
    text.chars()
        .filter(|&c| !c.is_whitespace() && !is_invisible(c))
        .map(|c| match c {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
            _ => c,
        })
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// Writes a new random key; `None` if the file is there already. The file appears whole or not at all.
pub(crate) fn write_key(path: &Path) -> Result<Option<[u8; 32]>, KeyError> {
    if path.exists() {
        return Ok(None);
    }
    let mut key = [0; 32];
    rand::fill(&mut key).map_err(|_| KeyError::Random)?;
    let mut text = key.iter().fold(String::with_capacity(65), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory never fails");
        text
    });
    text.push('\n');
    let dir = path.parent().unwrap_or(Path::new("."));
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    written
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|e| failed(&draft, e))?;
    // A link, unlike a renaming, never takes the place of a key that somebody else has just made.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(|e| failed(&draft, e))?;
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(failed(path, error)),
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| failed(dir, e))?;
    Ok(Some(key))
}

/// Reads what [`write_key`] wrote; a file that others may read is refused.
pub(crate) fn read_key(path: &Path) -> Result<[u8; 32], KeyError> {
    check_mode(path, 0o600)?;
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(128).read_to_string(&mut text)).map_err(|e| failed(path, e))?;
    let malformed = || KeyError::Malformed { path: path.to_owned() };
    let digits = text.trim_end().as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(malformed());
    }
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = str::from_utf8(pair).map_err(|_| malformed())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| malformed())?;
    }
    Ok(key)
}

fn check_mode(path: &Path, expected: u32) -> Result<(), KeyError> {
    let mode = fs::metadata(path).map_err(|e| failed(path, e))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Mode { path: path.to_owned(), mode, expected });
    }
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> KeyError {
    KeyError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
