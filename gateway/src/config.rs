//! `heyan.toml`, the settings of one gateway: typed, strict, complete. The only file that reads the environment.
//!
//! Everything has its place in the file; the environment overrides the log filter alone, because that is what an
//! operator changes for one run. Relative paths are relative to the city folder.

mod limits;
mod trust_domain;
mod witnesses;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use heyan_proto::document::{self, Problem, Problems, Table};
use heyan_proto::vocabulary::Localized;

use crate::audit::{Database, Retention, Server};
use crate::telemetry;
pub use limits::Limits;
pub use trust_domain::{TrustDomain, TrustDomainError};
pub use witnesses::Witnesses;

#[cfg(test)]
mod tests;

/// The name of the file in the city folder.
pub const FILE: &str = "heyan.toml";

/// The only layout of `heyan.toml` and of every other file of the city folder that is known.
pub const SCHEMA: i64 = 1;

/// Overrides `telemetry.log`.
const LOG_VARIABLE: &str = "HEYAN_LOG";

/// The longest retention, in days.
const RETENTION_DAYS_MAX: u32 = 36_500;

/// What holds where `heyan.toml` says nothing.
pub mod default {
    use std::time::Duration;

    /// The time for a call whose caller sets no deadline.
    pub const DEADLINE: Duration = Duration::from_secs(5);
    /// The longest time for a call, whatever its caller asks for.
    pub const DEADLINE_MAX: Duration = Duration::from_secs(30);
    /// Calls in work at once. One caller may have half of them.
    pub const IN_FLIGHT: i64 = 1024;
    /// The largest request, in bytes.
    pub const MESSAGE_BYTES: i64 = 1 << 20;
    /// Memory for what departments have answered, in bytes; 0 keeps nothing.
    pub const CACHE_BYTES: i64 = 64 << 20;
    /// Open connections.
    pub const CONNECTIONS: i64 = 4096;
    /// Open connections of one caller.
    pub const CONNECTIONS_PER_CALLER: i64 = 256;
    /// Connections of one address whose handshake is not finished. Clients behind one balancer share its address.
    pub const HANDSHAKES_PER_ADDRESS: i64 = 256;
    /// Calls at once on one connection.
    pub const STREAMS: i64 = 128;
    /// All headers of one request together, in bytes.
    pub const HEADER_BYTES: i64 = 16 << 10;
    /// The time for a TLS handshake.
    pub const HANDSHAKE: Duration = Duration::from_secs(5);
    /// The time from the handshake to the first request.
    pub const FIRST_REQUEST: Duration = Duration::from_secs(60);
    /// The time for the headers of an HTTP/1.1 request, the pause before it included.
    pub const HEADERS: Duration = Duration::from_secs(30);
    /// The time for a request's body to arrive.
    pub const BODY: Duration = Duration::from_secs(10);
    /// The time for a peer to take the next piece of a reply.
    pub const REPLY: Duration = Duration::from_secs(30);
    /// How often a silent HTTP/2 connection is asked for a sign of life.
    pub const KEEP_ALIVE: Duration = Duration::from_secs(20);
    /// The time for that sign of life.
    pub const KEEP_ALIVE_REPLY: Duration = Duration::from_secs(10);
    /// How long a connection may have no call in work.
    pub const IDLE: Duration = Duration::from_secs(5 * 60);
    /// How long a connection may be open; it varies by a tenth.
    pub const AGE: Duration = Duration::from_secs(15 * 60);
    /// How long readiness says `NOT_SERVING` before the listener closes.
    pub const DRAIN: Duration = Duration::from_secs(5);
    /// How long calls in work may take to finish after the listener has closed.
    pub const GRACE: Duration = Duration::from_secs(25);
    /// How long the audit log keeps what is personal about a use of data, in days; or about an attempt at it.
    pub const RETENTION_USE: u32 = 1095;
    /// How long it keeps what is personal about a call that was no use of anything, in days.
    pub const RETENTION_TECHNICAL: u32 = 183;
    /// The folder of the published log.
    pub const PUBLISHED: &str = "log";
    /// The log filter.
    pub const LOG: &str = "info";
}

/// The settings of one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder that the file lies in.
    pub folder: PathBuf,
    /// `[city]`.
    pub city: City,
    /// `[listen]`.
    pub listen: Listen,
    /// `[tls]`.
    pub tls: Tls,
    /// `[audit]`.
    pub audit: Audit,
    /// `[limits]`.
    pub limits: Limits,
    /// `[telemetry]`.
    pub telemetry: Telemetry,
}

/// Whose gateway this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct City {
    /// `name`: how users know it.
    pub name: Localized,
    /// `trust_domain`: the authority of every URI that names a system or a person of this city.
    pub trust_domain: TrustDomain,
}

/// Where the gateway listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// `service`: mTLS only, also on loopback. Port 0 takes any free port.
    pub service: SocketAddr,
    /// `admin`: metrics and probes over plain HTTP; a loopback address. Off unless given.
    pub admin: Option<SocketAddr>,
    /// `log`: the published audit log over plain HTTP, for auditors and the public. Off unless given.
    pub log: Option<SocketAddr>,
}

/// The gateway's certificate, and the authority that signs those of systems and people. PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `certificate`: the chain of the gateway, its own certificate first.
    pub certificate: PathBuf,
    /// `key`: the private key of the certificate.
    pub key: PathBuf,
    /// `client_ca`: the authority or authorities of client certificates.
    pub client_ca: PathBuf,
}

/// Where every question is recorded before its answer leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// `database`: a SQLite file, which is made where it is absent with its folder; or the URL of a PostgreSQL database, which
    /// several gateways share. With a URL, `database_password` is the file that holds the password, and `database_ca` the authority
    /// of the server's certificate.
    pub database: Database,
    /// `retention_use` and `retention_technical`: how long bodies are kept, in whole days.
    pub retention: Retention,
    /// `published`: the folder of the published log, in the layout of C2SP tlog-tiles; `log` unless given.
    pub published: PathBuf,
    /// `witness_policy` and `witness_strict`: the witnesses of the published log. Nobody is asked unless given.
    pub witnesses: Option<Witnesses>,
}

/// What the gateway tells its operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// `log`: a filter such as `info` or `info,heyan::audit=debug`; the variable `HEYAN_LOG` overrides it.
    pub log: String,
    /// `otlp`: the collector of traces and metrics, over gRPC; an `http://` URL. Off unless given.
    pub otlp: Option<String>,
}

impl Config {
    /// Reads `heyan.toml` of a city folder, then the environment.
    ///
    /// # Errors
    /// [`Problems`] holds everything that is wrong with the file, also where it cannot be read at all.
    pub fn read(folder: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(folder.join(FILE)).map_err(|error| {
            let message = format!("cannot be read: {}", reading(&error));
            let help = Some("`heyan init DIR` writes a whole city folder; `--city DIR` names one".into());
            Problems::one(Problem { file: FILE.into(), line: 1, column: 1, message, help })
        })?;
        let mut config = Self::parse(folder, &text)?;
        if let Ok(filter) = std::env::var(LOG_VARIABLE) {
            config.telemetry.log = filter;
        }
        Ok(config)
    }

    /// Whether anything differs that is read at the start only.
    pub(crate) fn differs_beyond_city(&self, other: &Self) -> bool {
        *self != Self { city: self.city.clone(), ..other.clone() }
    }

    /// Reads the text of a `heyan.toml` that lies in `folder`.
    ///
    /// # Errors
    /// [`Problems`] holds everything that is wrong.
    pub fn parse(folder: &Path, text: &str) -> Result<Self, Problems> {
        document::read(FILE, text, |table| {
            let schema = table.integer("schema", SCHEMA..=SCHEMA);
            let city = table.table("city").and_then(read_city);
            let listen = table.table("listen").and_then(read_listen);
            let tls = table.table("tls").and_then(|table| read_tls(folder, table));
            let audit = table.table("audit").and_then(|table| read_audit(folder, table));
            let limits = limits::read(table);
            let telemetry = read_telemetry(table);
            schema?;
            Some(Self {
                folder: folder.to_owned(),
                city: city?,
                listen: listen?,
                tls: tls?,
                audit: audit?,
                limits: limits?,
                telemetry: telemetry?,
            })
        })
    }
}

/// Why a file cannot be read, in words that name no path: the problem names the file.
pub(crate) fn reading(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".into(),
        other => other.to_string(),
    }
}

fn read_city(mut table: Table<'_>) -> Option<City> {
    let name = table.localized("name");
    let trust_domain = table.parse("trust_domain", TrustDomain::parse);
    Some(City { name: name?, trust_domain: trust_domain?.into_inner() })
}

fn read_listen(mut table: Table<'_>) -> Option<Listen> {
    let service = table.parse("service", address);
    let admin = table.optional_parse("admin", |text| match address(text) {
        Ok(address) if !address.ip().is_loopback() => {
            Err("must be a loopback address: it is plain HTTP without identity".into())
        }
        other => other,
    });
    let log = table.optional_parse("log", address);
    Some(Listen {
        service: service?.into_inner(),
        admin: admin?.map(|admin| admin.into_inner()),
        log: log?.map(|log| log.into_inner()),
    })
}

fn read_tls(folder: &Path, mut table: Table<'_>) -> Option<Tls> {
    let certificate = path(folder, &mut table, "certificate");
    let key = path(folder, &mut table, "key");
    let client_ca = path(folder, &mut table, "client_ca");
    Some(Tls { certificate: certificate?, key: key?, client_ca: client_ca? })
}

fn read_audit(folder: &Path, mut table: Table<'_>) -> Option<Audit> {
    let database = read_database(folder, &mut table);
    let use_days = read_days(&mut table, "retention_use", default::RETENTION_USE);
    let technical_days = read_days(&mut table, "retention_technical", default::RETENTION_TECHNICAL);
    let published = table.optional_parse("published", |text| fitting_path(folder, text));
    let published = published?.map_or_else(|| folder.join(default::PUBLISHED), |path| path.into_inner());
    let witnesses = witnesses::read(folder, &mut table);
    let retention = Retention { use_days: use_days?, technical_days: technical_days? };
    Some(Audit { database: database?, published, retention, witnesses: witnesses? })
}

/// A file, or a server and how it is reached.
fn read_database(folder: &Path, table: &mut Table<'_>) -> Option<Database> {
    let database = table.parse("database", |text| {
        if Database::is_url(text) {
            Server::parse(text).map(Database::Postgres)
        } else {
            fitting_path(folder, text).map(Database::Sqlite).map_err(Into::into)
        }
    });
    let password = table.optional_parse("database_password", |text| fitting_path(folder, text));
    let ca = table.optional_parse("database_ca", |text| fitting_path(folder, text));
    let (database, password, ca) = (database?, password?, ca?);
    let (is_local, is_server) = match &*database {
        Database::Sqlite(_) => (true, false),
        Database::Postgres(server) => (server.is_local(), true),
    };
    if let Some(unused) = password.as_ref().or(ca.as_ref()).filter(|_| !is_server) {
        let help = Some("leave it out, or write a URL such as `postgresql://heyan@db.city.example:5432/audit`".into());
        table.problem_at(unused, "belongs to a PostgreSQL database, and `audit.database` is a file", help);
        return None;
    }
    if ca.is_none() && !is_local {
        let help = Some("name the authority of the server's certificate in `audit.database_ca`".into());
        table.problem_at(&database, "`audit.database` is on another machine, and would be reached without TLS", help);
        return None;
    }
    Some(match database.into_inner() {
        Database::Sqlite(file) => Database::Sqlite(file),
        Database::Postgres(server) => {
            let (password, ca) = (password.map(|path| path.into_inner()), ca.map(|path| path.into_inner()));
            Database::Postgres(server.reached_with(password, ca))
        }
    })
}

/// A length of time in whole days, of which there is at least one.
fn read_days(table: &mut Table<'_>, key: &str, default: u32) -> Option<u32> {
    const DAY: u64 = 86_400;
    let Some(given) = table.optional_duration(key)? else { return Some(default) };
    let days = u32::try_from(given.as_secs() / DAY).ok().filter(|days| (1..=RETENTION_DAYS_MAX).contains(days));
    if days.is_none_or(|days| *given != Duration::from_secs(u64::from(days) * DAY)) {
        let help = Some(format!("write whole days, from \"1d\" to \"{RETENTION_DAYS_MAX}d\""));
        table.problem_at(&given, format!("`audit.{key}` is out of range"), help);
        return None;
    }
    days
}

fn read_telemetry(root: &mut Table<'_>) -> Option<Telemetry> {
    let Some(mut table) = root.optional_table("telemetry")? else {
        return Some(Telemetry { log: default::LOG.into(), otlp: None });
    };
    let log = table.optional_parse("log", |text| telemetry::check_filter(text).map(|()| text.to_owned()));
    let otlp = table.optional_parse("otlp", |text| {
        let fits = text.parse::<http::Uri>().is_ok_and(|uri| {
            uri.scheme_str() == Some("http") && uri.authority().is_some_and(|host| !host.as_str().contains('@'))
        });
        if fits { Ok(text.to_owned()) } else { Err("must be a URL such as `http://127.0.0.1:4317`") }
    });
    Some(Telemetry {
        log: log?.map_or_else(|| default::LOG.into(), |log| log.into_inner()),
        otlp: otlp?.map(|otlp| otlp.into_inner()),
    })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, such as `127.0.0.1:8443`".into())
}

fn path(folder: &Path, table: &mut Table<'_>, key: &str) -> Option<PathBuf> {
    Some(table.parse(key, |text| fitting_path(folder, text))?.into_inner())
}

fn fitting_path(folder: &Path, text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() || text.contains('\0') { Err("must be a path") } else { Ok(folder.join(text)) }
}
