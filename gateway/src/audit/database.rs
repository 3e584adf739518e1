//! Which database a log lies in.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr as _;

use tokio_postgres::config::{Host, SslMode};

/// The database of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file: one gateway writes.
    Sqlite(PathBuf),
    /// A PostgreSQL database: several gateways share one log.
    Postgres(Server),
}

/// A PostgreSQL database and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `postgresql://user@host:port/database`, without a password.
    url: String,
    /// The file that holds the password.
    password: Option<PathBuf>,
    /// The authority of the server's certificate, a PEM file. Without it the server must be on this machine.
    ca: Option<PathBuf>,
}

impl Database {
    /// Whether a text names a PostgreSQL database rather than a file.
    pub fn is_url(text: &str) -> bool {
        text.starts_with("postgresql://") || text.starts_with("postgres://")
    }

    /// The SQLite file, if it is one.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(server) => f.write_str(&server.url),
        }
    }
}

impl Server {
    /// Reads a URL.
    ///
    /// # Errors
    /// A line that says what is wrong with it, and what to write instead.
    pub fn parse(url: &str) -> Result<Self, String> {
        let config = tokio_postgres::Config::from_str(url);
        let config = config.map_err(|_| "must be a URL such as `postgresql://heyan@db.city.example:5432/audit`")?;
        if config.get_password().is_some() {
            return Err("must hold no password; name a file in `audit.database_password`".into());
        }
        if config.get_hosts().len() != 1 || config.get_dbname().is_none() || config.get_user().is_none() {
            return Err(
                "must name one host, a user and a database: `postgresql://heyan@db.city.example:5432/audit`".into()
            );
        }
        if config.get_options().is_some() {
            return Err("must hold no `options`: the gateway sets what a durable commit needs".into());
        }
        Ok(Self { url: url.to_owned(), password: None, ca: None })
    }

    /// The same database, with the files that reaching it takes.
    #[must_use]
    pub fn reached_with(self, password: Option<PathBuf>, ca: Option<PathBuf>) -> Self {
        Self { password, ca, ..self }
    }

    /// Whether the server is on this machine: a socket in the file system, or a loopback address.
    pub fn is_local(&self) -> bool {
        self.config().get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
            Host::Unix(_) => true,
        })
    }

    /// What the client is to be told, without the password.
    pub(super) fn config(&self) -> tokio_postgres::Config {
        let config = tokio_postgres::Config::from_str(&self.url);
        let mut config = config.expect("the URL was read when this was made");
        config.ssl_mode(if self.ca.is_some() { SslMode::Require } else { SslMode::Disable });
        config
    }

    /// The file that holds the password.
    pub(super) fn password(&self) -> Option<&PathBuf> {
        self.password.as_ref()
    }

    /// The authority of the server's certificate.
    pub(super) fn ca(&self) -> Option<&PathBuf> {
        self.ca.as_ref()
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}
