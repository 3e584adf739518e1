//! A shard of the published log, read from its folder and held to its signed checkpoint. Nothing in the folder is trusted.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::{Exit, Failure};
use crate::tlog::Hash;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::nodes::{Nodes, consistency_proof, inclusion_proof};
use crate::tlog::note::{Note, VerifierKey};
use crate::tlog::tile::{WIDTH, entries_path, tile_path};
use crate::tlog::tree::{leaf_hash, verify_consistency, verify_inclusion};

/// Tiles that are kept in memory: entries that follow one another need the same few.
const TILES_KEPT: usize = 64;

/// A shard as its newest checkpoint has it.
pub(super) struct Published {
    checkpoint: Checkpoint,
    first: u64,
    files: Files,
    bundle: Option<(u64, Vec<Vec<u8>>)>,
}

/// The files of the tree.
struct Files {
    folder: PathBuf,
    size: u64,
    tiles: HashMap<(u8, u64), Vec<Hash>>,
}

/// What the first leaf of a shard says of itself.
#[derive(Deserialize)]
struct Opening {
    ev: String,
    first: Option<u64>,
}

/// Why a part of the tree is not had.
enum Unread {
    File(Failure),
    /// It does not have as many hashes, or entries, as the tree does.
    Torn,
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Self {
        Self::File(failure)
    }
}

impl Published {
    /// Reads the checkpoint of the shard in `folder`; `key` is the log's under the name of any of its shards.
    pub(super) fn open(folder: &Path, key: &VerifierKey) -> Result<Self, Failure> {
        let path = folder.join("checkpoint");
        let text = fs::read_to_string(&path).map_err(|error| unread(&path, &error))?;
        let broken = |what: String| Failure::new(Exit::Broken, format!("{}: {what}", path.display()));
        let note = Note::parse(&text).map_err(|error| broken(error.to_string()))?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| broken(error.to_string()))?;
        let origin = checkpoint.origin();
        let is_here = folder.file_name().and_then(|name| name.to_str()) == origin.rsplit('/').next();
        let key = key.in_shard(origin).filter(|_| is_here).ok_or_else(|| broken("it is of another log".into()))?;
        note.verified_by(&key).map_err(|error| broken(error.to_string()))?;
        let files = Files { folder: folder.to_owned(), size: checkpoint.size(), tiles: HashMap::new() };
        let mut shard = Self { checkpoint, first: 0, files, bundle: None };
        if shard.size() > 0 {
            // The tree leads to every entry or to none, so where it is broken this is the first to be noticed.
            let opening = shard.entry(0).map_err(|failure| {
                Failure::new(failure.exit, format!("{}: in this shard, {failure}", folder.display()))
            })?;
            let opening: Option<Opening> = serde_json::from_slice(&opening).ok();
            shard.first = opening.filter(|leaf| leaf.ev == "shard").and_then(|leaf| leaf.first).unwrap_or_default();
        }
        Ok(shard)
    }

    /// How many entries it has.
    pub(super) fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// Its checkpoint, which the key has signed.
    pub(super) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The index in the log of the entry at a place in the shard.
    pub(super) fn index(&self, place: u64) -> u64 {
        self.first.saturating_add(place)
    }

    /// The leaf at `place`, of which the checkpoint has been found to speak.
    pub(super) fn entry(&mut self, place: u64) -> Result<Vec<u8>, Failure> {
        let index = self.index(place);
        let broken = || Failure::new(Exit::Broken, format!("entry {index}: it is not what was signed"));
        let whole = |unread| match unread {
            Unread::File(failure) => failure,
            Unread::Torn => broken(),
        };
        let leaf = self.leaf(place).map_err(whole)?;
        let hash = leaf_hash(&leaf);
        if self.files.tile(0, place, place + 1).map_err(whole)? != [hash] {
            return Err(broken());
        }
        let path = inclusion_proof(place, self.size(), &mut self.files).map_err(whole)?;
        verify_inclusion(place, self.size(), &hash, &path, self.checkpoint.root()).map_err(|_| broken())?;
        Ok(leaf)
    }

    /// Holds that the shard begins with what it was when it had the checkpoint `before`.
    pub(super) fn check_grown(&mut self, before: &Checkpoint) -> Result<(), Failure> {
        let (old, new) = (before.size(), self.size());
        let index = self.index(old.min(new));
        let broken = || {
            let what =
                format!("entry {index}: the log does not go on from the {old} entries of this shard that it had");
            Failure::new(Exit::Broken, what)
        };
        if old == 0 {
            return Ok(());
        }
        if old > new {
            return Err(broken());
        }
        let proof = consistency_proof(old, new, &mut self.files).map_err(|unread| match unread {
            Unread::File(failure) => failure,
            Unread::Torn => broken(),
        })?;
        verify_consistency(old, new, &proof, before.root(), self.checkpoint.root()).map_err(|_| broken())
    }

    fn leaf(&mut self, place: u64) -> Result<Vec<u8>, Unread> {
        let number = place / WIDTH;
        if self.bundle.as_ref().is_none_or(|(known, _)| *known != number) {
            let width = WIDTH.min(self.size() - number * WIDTH);
            let bytes = self.files.read(&entries_path(number, width), &entries_path(number, WIDTH))?;
            self.bundle = Some((number, entries_of(&bytes)));
        }
        let bundle = self.bundle.as_ref().map_or(&[][..], |(_, entries)| entries);
        let at = usize::try_from(place % WIDTH).unwrap_or(usize::MAX);
        bundle.get(at).cloned().ok_or(Unread::Torn)
    }
}

impl Files {
    /// A file, or the full one where it is a partial one that is gone since the log grew.
    fn read(&self, path: &str, full: &str) -> Result<Vec<u8>, Failure> {
        let path = self.folder.join(path);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::read(self.folder.join(full)).map_err(|_| unread(&path, &error))
            }
            read => read.map_err(|error| unread(&path, &error)),
        }
    }
}

impl Nodes for Files {
    type Error = Unread;

    fn tile(&mut self, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, Unread> {
        let number = from / WIDTH;
        if self.tiles.len() >= TILES_KEPT {
            self.tiles.clear();
        }
        if !self.tiles.contains_key(&(level, number)) {
            let width = WIDTH.min((self.size >> (8 * u32::from(level))).saturating_sub(number * WIDTH));
            let bytes = self.read(&tile_path(level, number, width), &tile_path(level, number, WIDTH))?;
            self.tiles.insert((level, number), bytes.as_chunks::<32>().0.to_vec());
        }
        let place = |at: u64| usize::try_from(at - number * WIDTH).unwrap_or(usize::MAX);
        let hashes = self.tiles.get(&(level, number)).and_then(|tile| tile.get(place(from)..place(to)));
        hashes.map(<[Hash]>::to_vec).ok_or(Unread::Torn)
    }
}

/// The entries of a bundle, up to where it is torn.
fn entries_of(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>()
        && let Some((entry, rest)) = rest.split_at_checked(u16::from_be_bytes(*length).into())
    {
        entries.push(entry.to_vec());
        bundle = rest;
    }
    entries
}

fn unread(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Unreachable, format!("{}: {error}", path.display()))
}
