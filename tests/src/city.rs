use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::{PostgresServer, heyan};

/// A sample city folder of its own, removed when dropped.
#[derive(Debug)]
pub struct City {
    folder: TempDir,
}

impl City {
    /// A fresh city, as `heyan init` writes it. It is written once for the whole test binary and copied from there.
    #[expect(clippy::new_without_default, reason = "a city on disk is not a default value")]
    pub fn new() -> Self {
        static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let city = folder.path().join("city");
            let init = heyan().arg("init").arg(&city).output().unwrap();
            assert!(init.status.success(), "heyan init: {}", String::from_utf8_lossy(&init.stderr));
            folder
        });
        let folder = tempfile::tempdir().unwrap();
        copy(&template.path().join("city"), folder.path());
        let city = Self { folder };
        // A test does not wait for load balancers that are not there.
        city.edit("heyan.toml", |text| text.replace("drain = \"5s\"", "drain = \"200ms\""));
        city
    }

    /// A fresh city whose log lies in a database of this server, and the URL of that.
    pub fn on(server: &PostgresServer) -> (Self, String) {
        let (city, url, password) = (Self::new(), server.database(), server.password_file());
        let database = format!("database = \"{url}\"\ndatabase_password = \"{}\"", password.display());
        city.edit("heyan.toml", |text| text.replace("database = \"state/audit.db\"", &database));
        (city, url)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the city.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Rewrites a text file of the city; it must change.
    pub fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let file = self.file(name);
        let before = fs::read_to_string(&file).unwrap();
        let after = change(before.clone());
        assert_ne!(before, after, "the edit of {name} changes nothing");
        fs::write(&file, after).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}
