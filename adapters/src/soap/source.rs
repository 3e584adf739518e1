use std::collections::BTreeMap;
use std::sync::Arc;

use heyan_proto::document::{Located, Table};
use heyan_proto::vocabulary::PlainText;

use super::body::XmlTemplate;
use super::envelope::{Envelope, Version};
use super::path::Namespaces;
use super::tree::is_name;
use crate::Secret;
use crate::declaration::Input;
use crate::exchange::{Encoding, Endpoint};

/// The most namespaces that a file may declare.
const NAMESPACES_MAX: usize = 32;

/// The table `[soap]`.
#[derive(Debug, Clone)]
pub struct SoapSource {
    pub(super) endpoint: Endpoint,
    pub(super) basic: Option<Basic>,
    /// How questions and replies are wrapped.
    pub(super) envelope: Arc<Envelope>,
    /// What every look-up must send.
    pub(super) demands: Vec<Input>,
}

/// Who we are there: a user and its password.
#[derive(Debug, Clone)]
pub(super) struct Basic {
    pub(super) user: PlainText,
    pub(super) password: Secret,
}

impl SoapSource {
    /// The URL of the service.
    pub fn endpoint(&self) -> &str {
        self.endpoint.url().as_str()
    }

    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let endpoint = Endpoint::read(table, "endpoint");
        let version = table.one_of("version", &[("1.1", Version::V1_1), ("1.2", Version::V1_2)]);
        let encoding = Encoding::read(table);
        let namespaces = match table.optional_table("namespaces") {
            Some(Some(mut table)) => read_namespaces(&mut table),
            Some(None) => Some(BTreeMap::new()),
            None => None,
        };
        let basic = match table.optional_table("auth") {
            Some(Some(mut auth)) => Basic::read(&mut auth).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let demands = table.list("demands", |word| {
            let known = Input::ALL.map(|input| format!("`{}`", input.as_str())).join(", ");
            Input::parse(word).ok_or_else(|| format!("must be a list of {known}"))
        });
        // Known as a key also where nothing says which prefixes it may use.
        table.has("header");
        // The templates and paths of the file may name the envelope as well.
        let (version, mut namespaces) = (*version?, namespaces?);
        namespaces.insert("soap".into(), Arc::from(version.namespace()));
        let header = table.optional_parse("header", |text| XmlTemplate::parse(text, &namespaces));
        let envelope = Envelope { version, encoding: encoding?, namespaces, header: header?.map(Located::into_inner) };
        Some(Self {
            endpoint: endpoint?,
            basic: basic?,
            envelope: Arc::new(envelope),
            demands: demands?.into_iter().map(Located::into_inner).collect(),
        })
    }
}

impl Basic {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let kind = table.one_of("kind", &[("basic", ())]);
        let user = table.parse("user", |text| match PlainText::parse(text, 128) {
            Ok(_) if text.contains(':') => Err("must not have a `:`".to_owned()),
            Ok(user) => Ok(user),
            Err(error) => Err(error.to_string()),
        });
        let password = table.table("password").and_then(|mut table| Secret::read(&mut table));
        kind?;
        Some(Self { user: user?.into_inner(), password: password? })
    }
}

fn read_namespaces(table: &mut Table<'_>) -> Option<Namespaces> {
    let prefixes = table.keys();
    if prefixes.len() > NAMESPACES_MAX {
        table.problem(format!("more than {NAMESPACES_MAX} namespaces are declared"), None);
        table.skip();
        return None;
    }
    let read = |prefix: &Located<String>| {
        let namespace = table.parse(prefix, |text| PlainText::parse(text, 512));
        if !is_name(prefix) || matches!(prefix.as_str(), "soap" | "xml" | "xmlns") {
            let help = "write a short name such as `m`; `soap` is the envelope, and `xml` and `xmlns` are XML's own";
            table.problem_at(prefix, "a prefix of `soap.namespaces` cannot be used", Some(help.into()));
            return None;
        }
        Some((prefix.to_string(), Arc::from(namespace?.as_str())))
    };
    let namespaces: Vec<_> = prefixes.iter().map(read).collect();
    namespaces.into_iter().collect()
}
