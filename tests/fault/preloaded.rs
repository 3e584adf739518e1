//! What is preloaded into a gateway, so that its disk fails or it dies where a test wants it to: `preloaded.c`.

use std::path::PathBuf;
use std::process::Command;

use heyan_tests::{City, heyan};

/// A library for the gateways of one city.
#[derive(Debug)]
pub(crate) struct Preloaded {
    library: PathBuf,
    eio: PathBuf,
    armed: PathBuf,
}

impl Preloaded {
    pub(crate) fn build(city: &City) -> Self {
        let library = city.file("preloaded.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/fault/preloaded.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
        assert!(built.unwrap().success(), "the library cannot be built");
        Self { library, eio: city.file("eio"), armed: city.file("armed") }
    }

    /// The `heyan` command with the library in it. It dies at `point` ("before sync 12") once it is armed.
    pub(crate) fn command(&self, point: &str) -> Command {
        let mut command = heyan();
        command.env("LD_PRELOAD", &self.library).env("HEYAN_TEST_EIO", &self.eio);
        command.env("HEYAN_TEST_ARMED", &self.armed).env("HEYAN_TEST_KILL", point);
        command
    }

    /// From now on every write and every sync of a file fails, or none does.
    pub(crate) fn fail(&self, fails: bool) {
        mark(&self.eio, fails);
    }

    /// From now on points are counted, or not.
    pub(crate) fn arm(&self, is_armed: bool) {
        mark(&self.armed, is_armed);
    }
}

fn mark(file: &PathBuf, is_there: bool) {
    if is_there {
        std::fs::write(file, "").unwrap();
    } else if file.exists() {
        std::fs::remove_file(file).unwrap();
    }
}
