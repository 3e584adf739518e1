//! `curl` as a client: what a program without gRPC does, over HTTP/1.1 or HTTP/2 with a client certificate.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use heyan::sample::client_keys;
use serde_json::Value;

use crate::{City, Gateway};

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    path: String,
    headers: Vec<String>,
    body: Option<Vec<u8>>,
    options: Vec<&'static str>,
}

impl Ask {
    /// A page, read by GET.
    pub fn page(path: &str) -> Self {
        Self { path: path.into(), headers: Vec::new(), body: None, options: Vec::new() }
    }

    /// A call of a method of `heyan.v1` (`VerificationService/Verify`) with this JSON.
    pub fn json(method: &str, body: impl Into<Vec<u8>>) -> Self {
        let ask = Self { body: Some(body.into()), ..Self::page(&format!("/heyan.v1.{method}")) };
        ask.header("content-type: application/json")
    }

    /// With one more header; one of the same name before it is replaced.
    #[must_use]
    pub fn header(mut self, header: &str) -> Self {
        let name = header.split_once(':').map_or(header, |(name, _)| name).to_owned();
        self.headers.retain(|other| other.split_once(':').is_none_or(|(other, _)| other != name));
        self.headers.push(header.into());
        self
    }

    /// At another path.
    #[must_use]
    pub fn moved_to(self, path: &str) -> Self {
        Self { path: path.into(), ..self }
    }

    /// With an option of `curl` as its configuration file writes it: `http1.1`, `head`, `request = DELETE`.
    #[must_use]
    pub fn option(mut self, option: &'static str) -> Self {
        self.options.push(option);
        self
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// The HTTP status.
    pub status: u16,
    /// Headers by their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// A header; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Sends the requests one after the other over one connection, as a member of the city: `system/health-intake`.
///
/// # Panics
/// Where `curl` fails: `tests/run` installs it.
pub fn curl(city: &City, gateway: &Gateway, member: &str, asks: &[Ask]) -> Vec<Reply> {
    let keys = client_keys(city.path(), member);
    let port = gateway.address().rsplit(':').next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |at: usize, what: &str| folder.path().join(format!("{at}.{what}"));
    let mut config = String::new();
    for (at, ask) in asks.iter().enumerate() {
        let mut line = |name: &str, value: &str| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(config, "{name} = \"{value}\"").unwrap();
        };
        line("url", &format!("https://localhost:{port}{}", ask.path));
        for (name, path) in [
            ("cacert", &city.file("keys/client-ca.pem")),
            ("cert", &keys.certificate),
            ("key", &keys.key),
            ("dump-header", &file(at, "head")),
            ("output", &file(at, "out")),
        ] {
            line(name, path.to_str().unwrap());
        }
        // An answer does not wait for leave to send the rest.
        ask.headers.iter().map(String::as_str).chain(["expect:"]).for_each(|header| line("header", header));
        if let Some(body) = &ask.body {
            fs::write(file(at, "in"), body).unwrap();
            line("data-binary", &format!("@{}", file(at, "in").display()));
        }
        config.push_str("silent\nshow-error\n");
        ask.options.iter().for_each(|option| writeln!(config, "{option}").unwrap());
        config.push_str("next\n");
    }
    let config_file = folder.path().join("config");
    fs::write(&config_file, config.trim_end_matches("next\n")).unwrap();
    let run = Command::new("curl").arg("--disable").arg("--config").arg(&config_file).output().unwrap();
    assert!(run.status.success(), "curl: {} {}", run.status, String::from_utf8_lossy(&run.stderr));
    (0..asks.len()).map(|at| read(&file(at, "head"), &file(at, "out"))).collect()
}

fn read(head: &Path, body: &Path) -> Reply {
    let head = fs::read_to_string(head).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let version = first.next().unwrap().to_owned();
    let status = first.next().unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    // Where there is no body, there is no file.
    Reply { version, status, headers, body: fs::read(body).unwrap_or_default() }
}
