//! The sample city's text files in a folder of their own, and the directory that they make.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use heyan::directory::{Directory, load};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use tempfile::TempDir;

/// The day on which everything here is read.
pub(crate) const TODAY: Date = date(2026, 11, 23);

/// Noon of that day in Asia/Shanghai.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T04:00:00Z".parse().unwrap()
}

/// The folders of a city folder, and where the repository keeps what is copied there.
const FOLDERS: &[(&str, &str)] = &[
    ("departments", "adapters/departments"),
    ("items", "gateway/items"),
    ("systems", "gateway/sample/systems"),
    ("people", "gateway/sample/people"),
    ("grants", "gateway/sample/grants"),
    ("policies", "policies/departments"),
];

/// A city folder without databases and keys: enough to be read.
pub(crate) fn folder() -> TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let city = tempfile::tempdir().unwrap();
    fs::copy(root.join("gateway/sample/heyan.toml"), city.path().join("heyan.toml")).unwrap();
    for (to, from) in FOLDERS {
        fs::create_dir(city.path().join(to)).unwrap();
        for file in fs::read_dir(root.join(from)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), city.path().join(to).join(file.file_name())).unwrap();
        }
    }
    city
}

/// The sample's directory.
pub(crate) fn directory() -> &'static Directory {
    static DIRECTORY: OnceLock<Directory> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let loaded = load(folder().path(), None, now()).unwrap();
        assert!(loaded.problems.is_empty(), "{}", loaded.problems);
        loaded.directory
    })
}
