//! The table `auth`: with what a department is asked. Secrets are only named here.

use std::collections::BTreeMap;
use std::time::Duration;

use heyan_proto::document::{Located, Table};
use heyan_proto::vocabulary::{DepartmentId, PlainText, ResultTypeId};
use reqwest::Url;
use reqwest::header::HeaderName;

use super::path::JsonPath;
use super::words;
use crate::Secret;
use crate::exchange::parse_url;

/// The most requesters, and the most interfaces of one.
const CREDENTIALS_MAX: usize = 256;

/// How long a secret of the platform lives that its refresh interface gave.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// With what a department is asked.
#[derive(Debug, Clone)]
pub(super) enum Auth {
    /// With nothing; a certificate is `tls`.
    None,
    /// User and password (RFC 7617).
    Basic { user: String, password: Secret },
    /// A header with a secret in it.
    Header { name: HeaderName, value: Secret },
    /// A token of OAuth 2, by client credentials (RFC 6749, section 4.4).
    OAuth2(Grant),
    /// The signing headers of the government platform.
    Platform(Platform),
}

/// How a token is asked for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) token_url: Url,
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) scope: Option<String>,
    /// Whether id and secret stand in the form instead of a header: some servers read them nowhere else.
    pub(super) in_form: bool,
}

/// The government platform: which of its generations, and who asks with what.
#[derive(Debug, Clone)]
pub(super) struct Platform {
    /// The beginning of the names of its headers.
    pub(super) generation: &'static str,
    pub(super) refresh: Option<Refresh>,
    pub(super) interfaces: BTreeMap<(DepartmentId, ResultTypeId), Interface>,
}

/// What one department has for one interface.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub(super) rid: String,
    pub(super) sid: String,
    pub(super) secret: Secret,
}

/// How the platform gives the secret that works for the one that was handed out.
#[derive(Debug, Clone)]
pub(super) struct Refresh {
    pub(super) path: String,
    /// Where the secret stands in the reply.
    pub(super) secret: JsonPath,
    pub(super) life: Duration,
}

#[derive(Clone, Copy)]
enum Form {
    Basic,
    Header,
    OAuth2,
    Platform,
}

impl Auth {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let known =
            [("basic", Form::Basic), ("header", Form::Header), ("oauth2", Form::OAuth2), ("platform", Form::Platform)];
        let Some(kind) = table.one_of("kind", &known) else {
            table.skip();
            return None;
        };
        match *kind {
            Form::Basic => {
                let user = table.parse("user", |text| match parse_word(text) {
                    Ok(user) if !user.contains(':') => Ok(user),
                    _ => Err("must be a name without colons"),
                });
                let password = secret(table, "password");
                Some(Self::Basic { user: user?.into_inner(), password: password? })
            }
            Form::Header => {
                // `authorization` is what such a header is mostly called.
                let name = table.parse("name", |text| match text {
                    _ if text.eq_ignore_ascii_case("authorization") => Ok(reqwest::header::AUTHORIZATION),
                    _ => words::parse_header_name(text),
                });
                let value = secret(table, "value");
                Some(Self::Header { name: name?.into_inner(), value: value? })
            }
            Form::OAuth2 => Grant::read(table).map(Self::OAuth2),
            Form::Platform => Platform::read(table).map(Self::Platform),
        }
    }
}

impl Grant {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let token_url = table.parse("token_url", parse_url);
        let client_id = table.parse("client_id", parse_word);
        let client_secret = secret(table, "client_secret");
        let scope = table.optional_parse("scope", parse_word);
        let in_form = table.optional_one_of("client_in", &[("header", false), ("form", true)]);
        Some(Self {
            token_url: token_url?.into_inner(),
            client_id: client_id?.into_inner(),
            client_secret: client_secret?,
            scope: scope?.map(Located::into_inner),
            in_form: in_form?.is_some_and(|word| *word),
        })
    }
}

impl Platform {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let generation = table.one_of("generation", &["gjgxjhpt", "gjzwfwpt"].map(|word| (word, word)));
        let refresh = match table.optional_table("refresh") {
            Some(Some(mut refresh)) => Refresh::read(&mut refresh).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let mut interfaces = BTreeMap::new();
        let mut whole = true;
        if let Some(mut requesters) = table.table("requesters") {
            let keys = requesters.keys();
            check_count(&requesters, "requesters", keys.len());
            for key in keys {
                let id = read_id(&requesters, &key, DepartmentId::parse(&key));
                let read = requesters.table(&key).and_then(|mut requester| read_requester(&mut requester));
                match (id, read) {
                    (Some(id), Some(read)) => interfaces.extend(
                        read.into_iter().map(|(result_type, interface)| ((id.clone(), result_type), interface)),
                    ),
                    _ => whole = false,
                }
            }
        } else {
            whole = false;
        }
        Some(Self { generation: *generation?, refresh: refresh?, interfaces: whole.then_some(interfaces)? })
    }
}

impl Refresh {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let path = table.parse("path", |text| match text.strip_prefix('/') {
            Some(_)
                if text.len() <= 256 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b)) =>
            {
                Ok(text.to_owned())
            }
            _ => Err("must be a path such as `/sysapi/auth/refreshappsecret`"),
        });
        let secret = table.parse("secret", |text| match JsonPath::parse(text) {
            Ok(path) if path.has_list() => Err("must lead to one value, without `[*]`".to_owned()),
            parsed => parsed,
        });
        let life = table.optional_duration("life");
        let life = match life? {
            Some(life) if *life < Duration::from_secs(1) || *life > Duration::from_secs(24 * 60 * 60) => {
                table.problem_at(&life, "`refresh.life` is out of range", Some("write 1s to 24h".into()));
                return None;
            }
            life => life.map_or(LIFE, Located::into_inner),
        };
        Some(Self { path: path?.into_inner(), secret: secret?.into_inner(), life })
    }
}

/// The interfaces of one requester: `rid`, and under `interfaces`, by result type, `sid` and `secret`.
fn read_requester(table: &mut Table<'_>) -> Option<Vec<(ResultTypeId, Interface)>> {
    let rid = table.parse("rid", parse_word);
    let mut interfaces = table.table("interfaces")?;
    let keys = interfaces.keys();
    check_count(&interfaces, "interfaces", keys.len());
    let read: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let id = read_id(&interfaces, &key, ResultTypeId::parse(&key));
            let mut interface = interfaces.table(&key)?;
            let sid = interface.parse("sid", parse_word);
            let secret = secret(&mut interface, "secret");
            Some((id?, sid?.into_inner(), secret?))
        })
        .collect();
    let rid = rid?.into_inner();
    let interface = |read: Option<(ResultTypeId, String, Secret)>| {
        let (id, sid, secret) = read?;
        Some((id, Interface { rid: rid.clone(), sid, secret }))
    };
    read.into_iter().map(interface).collect()
}

fn check_count(table: &Table<'_>, what: &str, count: usize) {
    if count == 0 || count > CREDENTIALS_MAX {
        table.problem(format!("{count} {what} are declared"), Some(format!("declare 1 to {CREDENTIALS_MAX}")));
    }
}

fn read_id<T, E: std::fmt::Display>(table: &Table<'_>, key: &Located<String>, read: Result<T, E>) -> Option<T> {
    read.map_err(|error| table.problem_at(key, error.to_string(), None)).ok()
}

fn secret(table: &mut Table<'_>, key: &str) -> Option<Secret> {
    table.table(key).and_then(|mut table| Secret::read(&mut table))
}

/// A word that can stand in a header.
fn parse_word(text: &str) -> Result<String, &'static str> {
    let fits = PlainText::parse(text, 256).is_ok() && words::is_header_text(text);
    if fits { Ok(text.to_owned()) } else { Err("must be 1 to 256 visible ASCII characters") }
}
