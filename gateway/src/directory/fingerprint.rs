//! Whether the files of the city folder are those of the last load.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::load::POLICIES;
use crate::config;

/// The folders that are under version control.
pub(super) const FOLDERS: [&str; 6] = ["departments", "systems", "people", "items", "grants", POLICIES];

/// Every file with what changes when it is written, replaced, or when a link to it is turned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint(BTreeMap<String, Result<Stamp, ErrorKind>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// Of the folder as it is now. Links are followed, as they are when the files are read.
    pub(super) fn of(city: &Path) -> Self {
        let mut files = BTreeMap::from([(config::FILE.to_owned(), Stamp::of(&city.join(config::FILE)))]);
        for folder in FOLDERS {
            match fs::read_dir(city.join(folder)) {
                Err(error) => {
                    files.insert(folder.to_owned(), Err(error.kind()));
                }
                Ok(listing) => {
                    let entries = listing.flatten().map(|entry| {
                        (format!("{folder}/{}", entry.file_name().to_string_lossy()), Stamp::of(&entry.path()))
                    });
                    files.extend(entries);
                }
            }
        }
        Self(files)
    }
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, ErrorKind> {
        let metadata = fs::metadata(path).map_err(|error| error.kind())?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}
