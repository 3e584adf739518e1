use std::fmt;
use std::path::{Path, PathBuf};

use heyan_proto::document::Table;
use heyan_proto::vocabulary::PlainText;

use crate::AdapterError;

/// The longest secret, in bytes.
const BYTES_MAX: u64 = 64 << 10;

/// Where a secret is kept: `{ file = … }`, `{ env = … }` or `{ credential = … }` of systemd. A declaration never holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// A file, relative to the city folder.
    File(PathBuf),
    /// A variable of the gateway's environment.
    Environment(String),
    /// A credential that systemd gives the gateway (`LoadCredential=`).
    Credential(String),
}

/// A secret that was read. Shown by nothing.
pub(crate) struct Revealed(String);

impl Secret {
    /// Reads the table of a secret.
    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let file = table.optional_parse("file", |text| PlainText::parse(text, 1024));
        let environment = table.optional_parse("env", check_name);
        let credential = table.optional_parse("credential", check_name);
        match (file?, environment?, credential?) {
            (Some(file), None, None) => Some(Self::File(file.as_str().into())),
            (None, Some(name), None) => Some(Self::Environment(name.into_inner())),
            (None, None, Some(name)) => Some(Self::Credential(name.into_inner())),
            _ => {
                let help = "write exactly one of `{ file = \"…\" }`, `{ env = \"…\" }` and `{ credential = \"…\" }`";
                table.problem("it is not clear where the secret is kept", Some(help.into()));
                None
            }
        }
    }

    /// The secret as it is now, without the line break at its end.
    ///
    /// # Errors
    /// [`AdapterError::Misconfigured`] names the place and never what stands there.
    pub(crate) fn reveal(&self, city_folder: &Path) -> Result<Revealed, AdapterError> {
        let unreadable = || AdapterError::Misconfigured { what: format!("the secret in {self} cannot be read") };
        let file = match self {
            Self::File(file) => city_folder.join(file),
            Self::Credential(name) => {
                Path::new(&std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(unreadable)?).join(name)
            }
            Self::Environment(name) => return std::env::var(name).map(Revealed).map_err(|_| unreadable()),
        };
        if std::fs::metadata(&file).is_ok_and(|file| file.len() > BYTES_MAX) {
            return Err(unreadable());
        }
        let text = std::fs::read_to_string(&file).map_err(|_| unreadable())?;
        Ok(Revealed(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl Revealed {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "the file `{}`", file.display()),
            Self::Environment(name) => write!(f, "the environment variable `{name}`"),
            Self::Credential(name) => write!(f, "the systemd credential `{name}`"),
        }
    }
}

fn check_name(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if (1..=128).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('.') {
        Ok(text.to_owned())
    } else {
        Err("must be a name of letters, digits, `_`, `-` and `.`")
    }
}
