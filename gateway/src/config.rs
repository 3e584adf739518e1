//! `heyan.toml`, the settings of one gateway: typed, strict, complete. The only file that reads the environment.
//!
//! Everything has its place in the file; the environment overrides the log filter alone, because that is what an
//! operator changes for one run. Relative paths are relative to the city folder.

mod trust_domain;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use heyan_proto::document::{self, Problem, Problems, Table};
use heyan_proto::vocabulary::Localized;

use crate::telemetry;
pub use trust_domain::{TrustDomain, TrustDomainError};

#[cfg(test)]
mod tests;

/// The name of the file in the city folder.
pub const FILE: &str = "heyan.toml";

/// The only layout of `heyan.toml` and of every other file of the city folder that is known.
pub const SCHEMA: i64 = 1;

/// Overrides `telemetry.log`.
const LOG_VARIABLE: &str = "HEYAN_LOG";

/// The longest length of time that a limit may have.
const SPAN_MAX: Duration = Duration::from_secs(600);

/// The most memory that a cache may have, in bytes.
const CACHE_BYTES_MAX: i64 = 64 << 30;

/// What holds where `heyan.toml` says nothing.
pub mod default {
    use std::time::Duration;

    /// The time for a call whose caller sets no deadline.
    pub const DEADLINE: Duration = Duration::from_secs(5);
    /// The longest time for a call, whatever its caller asks for.
    pub const DEADLINE_MAX: Duration = Duration::from_secs(30);
    /// Calls in work at once.
    pub const IN_FLIGHT: i64 = 1024;
    /// Open connections.
    pub const CONNECTIONS: i64 = 4096;
    /// Calls at once on one connection.
    pub const STREAMS: i64 = 128;
    /// Memory for what departments have answered, in bytes; 0 keeps nothing.
    pub const CACHE_BYTES: i64 = 64 << 20;
    /// The time for a TLS handshake.
    pub const HANDSHAKE: Duration = Duration::from_secs(5);
    /// How long readiness says `NOT_SERVING` before the listener closes.
    pub const DRAIN: Duration = Duration::from_secs(5);
    /// How long calls in work may take to finish after the listener has closed.
    pub const GRACE: Duration = Duration::from_secs(25);
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
    /// `database`: the SQLite file; it and its folder are made where they are absent.
    pub database: PathBuf,
}

/// What bounds the gateway's work. Each department's file has limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `deadline_default`: see [`default::DEADLINE`].
    pub deadline_default: Duration,
    /// `deadline_max`: see [`default::DEADLINE_MAX`].
    pub deadline_max: Duration,
    /// `in_flight`: see [`default::IN_FLIGHT`].
    pub in_flight: usize,
    /// `connections`: see [`default::CONNECTIONS`].
    pub connections: usize,
    /// `streams`: see [`default::STREAMS`].
    pub streams: u32,
    /// `cache_bytes`: see [`default::CACHE_BYTES`].
    pub cache_bytes: u64,
    /// `handshake`: see [`default::HANDSHAKE`].
    pub handshake: Duration,
    /// `drain`: see [`default::DRAIN`].
    pub drain: Duration,
    /// `grace`: see [`default::GRACE`].
    pub grace: Duration,
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
            let limits = read_limits(table);
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
    Some(Listen { service: service?.into_inner(), admin: admin?.map(|admin| admin.into_inner()) })
}

fn read_tls(folder: &Path, mut table: Table<'_>) -> Option<Tls> {
    let certificate = path(folder, &mut table, "certificate");
    let key = path(folder, &mut table, "key");
    let client_ca = path(folder, &mut table, "client_ca");
    Some(Tls { certificate: certificate?, key: key?, client_ca: client_ca? })
}

fn read_audit(folder: &Path, mut table: Table<'_>) -> Option<Audit> {
    Some(Audit { database: path(folder, &mut table, "database")? })
}

fn read_limits(root: &mut Table<'_>) -> Option<Limits> {
    let mut table = root.optional_table("limits")?;
    let mut duration = |key, default| match &mut table {
        Some(table) => span(table, key, default),
        None => Some(default),
    };
    let deadline_default = duration("deadline_default", default::DEADLINE);
    let deadline_max = duration("deadline_max", default::DEADLINE_MAX);
    let handshake = duration("handshake", default::HANDSHAKE);
    let drain = duration("drain", default::DRAIN);
    let grace = duration("grace", default::GRACE);
    let mut number = |key, range, default| match &mut table {
        Some(table) => Some(table.optional_integer(key, range)?.map_or(default, |given| given.into_inner())),
        None => Some(default),
    };
    let in_flight = number("in_flight", 1..=65_536, default::IN_FLIGHT);
    let connections = number("connections", 1..=65_536, default::CONNECTIONS);
    let streams = number("streams", 1..=1_024, default::STREAMS);
    let cache_bytes = number("cache_bytes", 0..=CACHE_BYTES_MAX, default::CACHE_BYTES);
    let (deadline_default, deadline_max) = (deadline_default?, deadline_max?);
    if deadline_default > deadline_max {
        let message = "`limits.deadline_default` is longer than `limits.deadline_max`";
        table.as_ref().unwrap_or(&*root).problem(message, Some("raise the one or lower the other".into()));
        return None;
    }
    Some(Limits {
        deadline_default,
        deadline_max,
        in_flight: in_flight?.try_into().ok()?,
        connections: connections?.try_into().ok()?,
        streams: streams?.try_into().ok()?,
        cache_bytes: cache_bytes?.try_into().ok()?,
        handshake: handshake?,
        drain: drain?,
        grace: grace?,
    })
}

/// A length of time of at most [`SPAN_MAX`], and not zero, or else its default.
fn span(table: &mut Table<'_>, key: &str, default: Duration) -> Option<Duration> {
    let Some(given) = table.optional_duration(key)? else { return Some(default) };
    if given.is_zero() || *given > SPAN_MAX {
        let help = Some(format!("write from \"1ms\" to \"{}s\"", SPAN_MAX.as_secs()));
        table.problem_at(&given, format!("`limits.{key}` is out of range"), help);
        return None;
    }
    Some(given.into_inner())
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
    let fits =
        |text: &str| if text.is_empty() || text.contains('\0') { Err("must be a path") } else { Ok(folder.join(text)) };
    Some(table.parse(key, fits)?.into_inner())
}
