//! The files of one shard. A file appears whole, and never changes; only `checkpoint` is replaced.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{PublishError, Shard};
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::{Note, VerifierKey};
use crate::tlog::tile::{WIDTH, add_entry, entries_path, tile_path};
use crate::tlog::{Hash, tree};

/// What leads to the newest shard.
const CURRENT: [&str; 3] = ["checkpoint", "tile", "vkey"];

/// What of a tree is not in full tiles: its size, by level the hashes after the last full one, and the entries after the last full bundle.
type Rest = (u64, Vec<Vec<Hash>>, Vec<u8>);

/// The files of a shard, and what of its tree is not in a full tile yet.
pub(super) struct Shelf {
    root: PathBuf,
    folder: PathBuf,
    shard: Shard,
    /// Entries of the shard that were added.
    size: u64,
    /// By level: the hashes of the tile that is not full.
    levels: Vec<Vec<Hash>>,
    /// The bundle of entries that is not full.
    bundle: Vec<u8>,
    /// Folders of partial tiles whose full one is there.
    outdated: Vec<PathBuf>,
}

impl Shelf {
    /// Opens the folder of a shard and goes on where it ends; makes it where there is none.
    pub(super) fn open(root: &Path, shard: &Shard, key: &VerifierKey) -> Result<Self, PublishError> {
        let name = shard.origin.rsplit('/').next().unwrap_or_default();
        let folder = root.join(name);
        fs::create_dir_all(folder.join("tile")).map_err(|source| failed(&folder, source))?;
        let mut shelf = Self {
            root: root.to_owned(),
            folder,
            shard: shard.clone(),
            size: 0,
            levels: Vec::new(),
            bundle: Vec::new(),
            outdated: Vec::new(),
        };
        shelf.write("vkey", format!("{key}\n").as_bytes())?;
        // A folder that was not left as it should be is filled anew from the first entry: the files come out the same.
        if let Some((size, levels, bundle)) = shelf.found()? {
            (shelf.size, shelf.levels, shelf.bundle) = (size, levels, bundle);
        }
        Ok(shelf)
    }

    pub(super) fn shard(&self) -> &Shard {
        &self.shard
    }

    /// The index of the entry that comes next.
    pub(super) fn next(&self) -> u64 {
        self.shard.first + self.size
    }

    /// How many entries the bundle has that is not full.
    pub(super) fn width(&self) -> u64 {
        self.size % WIDTH
    }

    /// Adds the next entry. What it makes full is written.
    pub(super) fn add(&mut self, leaf: &[u8]) -> Result<(), PublishError> {
        add_entry(&mut self.bundle, leaf);
        self.size += 1;
        let mut hash = tree::leaf_hash(leaf);
        if self.size.is_multiple_of(WIDTH) {
            let index = self.size / WIDTH - 1;
            let bundle = std::mem::take(&mut self.bundle);
            self.write(&entries_path(index, WIDTH), &bundle)?;
            self.outdate(&entries_path(index, 1));
        }
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(hash);
            if (self.levels[level].len() as u64) < WIDTH {
                return Ok(());
            }
            let full = std::mem::take(&mut self.levels[level]);
            let number = u8::try_from(level).expect("a tree has at most eight levels of tiles");
            let index = (self.size >> (8 * (level + 1))) - 1;
            self.write(&tile_path(number, index, WIDTH), full.as_flattened())?;
            self.outdate(&tile_path(number, index, 1));
            hash = tree::perfect_root(full);
        }
        Ok(())
    }

    /// How many entries of the shard were added.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Writes what is not full: all that the next checkpoint is about is on the disk before it.
    pub(super) fn fill(&self) -> Result<(), PublishError> {
        if self.width() > 0 {
            self.write(&entries_path(self.size / WIDTH, self.width()), &self.bundle)?;
        }
        for (level, hashes) in (0..).zip(&self.levels) {
            if !hashes.is_empty() {
                let index = self.size >> (8 * (u32::from(level) + 1));
                self.write(&tile_path(level, index, hashes.len() as u64), hashes.as_flattened())?;
            }
        }
        let folder = File::open(&self.folder).map_err(|source| failed(&self.folder, source))?;
        rustix::fs::syncfs(&folder).map_err(|error| failed(&self.folder, error.into()))
    }

    /// The note that is the checkpoint in the folder, where it is about the same tree as `note`: it may have cosignatures.
    pub(super) fn shown(&self, note: &Note) -> Result<Option<Note>, PublishError> {
        let shown = read_if_there(&self.folder.join("checkpoint"))?;
        Ok(shown.and_then(|shown| Note::parse(&shown).ok()).filter(|shown| shown.text() == note.text()))
    }

    /// Replaces the checkpoint by that of all that was filled in.
    pub(super) fn show(&mut self, note: &str) -> Result<(), PublishError> {
        let folder = File::open(&self.folder).map_err(|source| failed(&self.folder, source))?;
        self.write("checkpoint", note.as_bytes())?;
        folder.sync_all().map_err(|source| failed(&self.folder, source))?;
        self.lead_here()?;
        for folder in self.outdated.drain(..) {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&folder, error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Lets `checkpoint`, `tile` and `vkey` of the root lead to this shard.
    fn lead_here(&self) -> Result<(), PublishError> {
        let name = self.folder.file_name().unwrap_or_default();
        for file in CURRENT {
            let (link, target) = (self.root.join(file), Path::new(name).join(file));
            if fs::read_link(&link).is_ok_and(|leads| leads == target) {
                continue;
            }
            let draft = self.root.join(format!(".{file}.new"));
            match fs::remove_file(&draft) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&draft, error)),
                _ => {}
            }
            symlink(&target, &draft).map_err(|source| failed(&draft, source))?;
            fs::rename(&draft, &link).map_err(|source| failed(&link, source))?;
        }
        Ok(())
    }

    /// The partial tiles and the partial bundle that belong to the checkpoint in the folder; `None` where they do not fit it.
    fn found(&self) -> Result<Option<Rest>, PublishError> {
        let Some(note) = read_if_there(&self.folder.join("checkpoint"))? else { return Ok(None) };
        let Some(checkpoint) = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(note.text()).ok()) else {
            return Ok(None);
        };
        let size = checkpoint.size();
        let mut levels = Vec::new();
        for level in 0..8 {
            let hashes = size >> (8 * u32::from(level));
            if hashes == 0 {
                break;
            }
            let (index, width) = (hashes / WIDTH, hashes % WIDTH);
            let bytes = if width == 0 { Vec::new() } else { self.read(&tile_path(level, index, width))? };
            let (partial, rest) = bytes.as_chunks::<32>();
            if partial.len() as u64 != width || !rest.is_empty() {
                return Ok(None);
            }
            levels.push(partial.to_vec());
        }
        let width = size % WIDTH;
        let bundle = if width == 0 { Vec::new() } else { self.read(&entries_path(size / WIDTH, width))? };
        Ok(Some((size, levels, bundle)))
    }

    fn outdate(&mut self, partial: &str) {
        self.outdated.extend(self.folder.join(partial).parent().map(Path::to_owned));
    }

    /// The bytes of a file; none where it is missing, which then does not have the length that it should.
    fn read(&self, path: &str) -> Result<Vec<u8>, PublishError> {
        let path = self.folder.join(path);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|source| failed(&path, source)),
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), PublishError> {
        replace(&self.folder.join(path), bytes)
    }
}

/// Writes a file, which appears whole.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    let draft = path.with_extension("new");
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        File::create(&draft)?.write_all(bytes)?;
        fs::rename(&draft, path)
    });
    written.map_err(|source| failed(path, source))
}

pub(super) fn read_if_there(path: &Path) -> Result<Option<String>, PublishError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(path, source)),
    }
}

fn failed(path: &Path, source: std::io::Error) -> PublishError {
    PublishError::File { path: path.to_owned(), source }
}
