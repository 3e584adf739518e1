//! The sample city: a whole city folder of invented data, the same on every machine.
//!
//! [`write_city`] writes the files under version control and the departments' databases, [`write_keys`] a throw-away
//! authority with a certificate for the gateway and for each system and person. Nothing here reads the clock.

pub mod cases;
mod chance;
mod database;
mod departments;
mod files;
mod keys;
mod population;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

pub use keys::{ClientKeys, SampleKeys, client_keys, write_keys};

use population::Population;

/// The addresses that the sample's `heyan.toml` listens on.
const SERVICE: &str = "\"127.0.0.1:8443\"";
const ADMIN: &str = "\"127.0.0.1:9464\"";

/// How the sample city is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct SampleOptions {
    /// Writes into a folder that is not empty, over the files of an earlier sample.
    pub overwrite: bool,
    /// `listen.service`; 127.0.0.1:8443 unless given.
    pub service: Option<SocketAddr>,
    /// `listen.admin`, a loopback address; 127.0.0.1:9464 unless given.
    pub admin: Option<SocketAddr>,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct SampleCity {
    /// The city folder.
    pub folder: PathBuf,
    /// `heyan.toml` in it.
    pub settings: PathBuf,
    /// The folder of the departments' databases. One department's is absent.
    pub databases: PathBuf,
}

/// Why a sample could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Nothing is written over what somebody may need.
    #[error("{folder} is not empty: name an empty or a new folder")]
    NotEmpty {
        /// The folder.
        folder: String,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {file}: {source}")]
    File {
        /// The file or folder.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A department's database cannot be built.
    #[error("cannot build the database {file}: {source}")]
    Database {
        /// The file.
        file: String,
        /// Why.
        source: rusqlite::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate for {name}: {source}")]
    Certificate {
        /// Whose.
        name: String,
        /// Why.
        source: rcgen::Error,
    },
}

/// Writes the whole city folder but its keys: settings, declarations, systems, people, items, policies, grants and the
/// departments' databases.
///
/// # Errors
/// [`SampleError`]; what was written until then stays.
pub fn write_city(folder: &Path, options: SampleOptions) -> Result<SampleCity, SampleError> {
    if !options.overwrite && !is_empty(folder)? {
        return Err(SampleError::NotEmpty { folder: folder.display().to_string() });
    }
    let settings = folder.join(crate::config::FILE);
    write(&settings, &settings_text(options))?;
    for (file, text) in files::FILES {
        write(&folder.join(file), text)?;
    }
    let databases = folder.join("state/departments");
    create_folder(&databases)?;
    departments::write(&databases, &Population::generate(SEED))?;
    Ok(SampleCity { folder: folder.to_owned(), settings, databases })
}

/// The seed of the one sample city.
const SEED: u64 = 50;

fn settings_text(options: SampleOptions) -> String {
    let address =
        |given: Option<SocketAddr>, default: &str| given.map_or(default.to_owned(), |given| format!("\"{given}\""));
    files::SETTINGS.replace(SERVICE, &address(options.service, SERVICE)).replace(ADMIN, &address(options.admin, ADMIN))
}

fn is_empty(folder: &Path) -> Result<bool, SampleError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(SampleError::File { file: folder.display().to_string(), source }),
    }
}

fn create_folder(folder: &Path) -> Result<(), SampleError> {
    fs::create_dir_all(folder).map_err(|source| SampleError::File { file: folder.display().to_string(), source })
}

fn write(file: &Path, text: &str) -> Result<(), SampleError> {
    if let Some(folder) = file.parent() {
        create_folder(folder)?;
    }
    fs::write(file, text).map_err(|source| SampleError::File { file: file.display().to_string(), source })
}
