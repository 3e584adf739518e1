//! The folder of a witness: its key, the logs that it watches, what it has seen, and evidence.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::WitnessError;
use crate::audit::{KeyError, read_key, write_key};
use crate::tlog::Hash;
use crate::tlog::cosignature::{CosigningKey, WitnessKey};
use crate::tlog::note::VerifierKey;

const KEY: &str = "witness.key";
const VKEY: &str = "vkey";
const LOGS: &str = "logs";
const STATE: &str = "state.db";
const EVIDENCE: &str = "evidence";
/// Files of evidence. One proves what a log did; a log that does it again and again fills no disk.
const EVIDENCE_MAX: usize = 1_000;

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new witness: makes its key and writes which logs it watches. A key that is there already is never overwritten.
    pub(super) fn create(path: &Path, name: &str, logs: &[VerifierKey]) -> Result<(Self, WitnessKey), WitnessError> {
        // A name that is none is told before anything is written.
        CosigningKey::from_seed(name, &[0; 32]).map_err(|error| WitnessError::Name(error.to_string()))?;
        let folder = Self(path.to_owned());
        fs::create_dir_all(folder.evidence()).map_err(|source| failed(path, source))?;
        let file = folder.0.join(KEY);
        let seed = write_key(&file)?.ok_or(KeyError::Exists { path: file })?;
        let key = CosigningKey::from_seed(name, &seed).map_err(|error| WitnessError::Name(error.to_string()))?;
        let key = key.verifier().clone();
        folder.write(VKEY, &format!("{key}\n"))?;
        let logs: String = logs.iter().map(|log| format!("{log}\n")).collect();
        folder
            .write(LOGS, &format!("# The logs that are cosigned: a verifier key of any shard on each line.\n{logs}"))?;
        Ok((folder, key))
    }

    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The key that signs, under the name that `vkey` gives it.
    pub(super) fn key(&self) -> Result<CosigningKey, WitnessError> {
        let path = self.0.join(VKEY);
        let wrong = |what: String| WitnessError::Content { path: path.clone(), line: 1, what };
        let text = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
        let public = WitnessKey::parse(text.trim_end()).map_err(|error| wrong(error.to_string()))?;
        let seed = read_key(&self.0.join(KEY))?;
        let key = CosigningKey::from_seed(public.name(), &seed).map_err(|error| wrong(error.to_string()))?;
        if *key.verifier() != public {
            return Err(wrong(format!("it does not belong to {KEY}")));
        }
        Ok(key)
    }

    /// The logs that are watched.
    pub(super) fn logs(&self) -> Result<Vec<VerifierKey>, WitnessError> {
        let path = self.0.join(LOGS);
        let text = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
        let mut logs = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |error| WitnessError::Content { path: path.clone(), line, what: format!("{error}") };
            logs.push(VerifierKey::parse(text).map_err(wrong)?);
        }
        if logs.is_empty() {
            return Err(WitnessError::Content { path, line: 1, what: "it names no log".into() });
        }
        Ok(logs)
    }

    pub(super) fn state(&self) -> PathBuf {
        self.0.join(STATE)
    }

    pub(super) fn evidence(&self) -> PathBuf {
        self.0.join(EVIDENCE)
    }

    /// Keeps what proves that a log forked; where, unless there is enough already. The same fork is kept once.
    pub(super) fn keep(&self, size: u64, root: &Hash, text: &str) -> Result<Option<PathBuf>, WitnessError> {
        let folder = self.evidence();
        let kept = fs::create_dir_all(&folder).and_then(|()| fs::read_dir(&folder)).map_err(|e| failed(&folder, e))?;
        if kept.count() >= EVIDENCE_MAX {
            return Ok(None);
        }
        let root: String = root[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(format!("fork-{size}-{root}.txt"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| failed(&path, e))?;
                File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|e| failed(&folder, e))?;
                Ok(Some(path))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(failed(&path, error)),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), WitnessError> {
        let path = self.0.join(name);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|source| failed(&path, source))
    }
}

fn failed(path: &Path, source: std::io::Error) -> WitnessError {
    WitnessError::File { path: path.to_owned(), source }
}
