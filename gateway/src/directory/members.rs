//! Who may call: business systems (`systems/*.toml`) and people (`people/*.toml`), each known by the one URI in its
//! client certificate.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use heyan_proto::document::{self, Located, Problems, Table};
use heyan_proto::vocabulary::{DepartmentId, Localized, PersonId, PersonalText, SystemId};

use super::folder::Folder;
use super::known::Known;
use crate::config::{SCHEMA, TrustDomain};
use crate::identity::{self, CallerKind, Role};

#[cfg(test)]
mod tests;

/// The longest name of a person, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// What may stand in a list of roles.
const ROLES: &str = "`auditor`, `approver` or `administrator`";

/// An authenticated program of a department (业务系统).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Its name in files, logs and answers.
    pub id: SystemId,
    /// The department that it asks for.
    pub department: DepartmentId,
    /// How users know it.
    pub name: Localized,
    /// The URI in its certificate.
    pub uri: MemberUri,
    /// Whether it is shut out; takes effect on open connections when the file is reloaded.
    pub revoked: bool,
}

/// A person with a client certificate of their own: auditor, approver or administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their name in files and logs.
    pub id: PersonId,
    /// Who they are.
    pub name: PersonalText,
    /// The URI in their certificate.
    pub uri: MemberUri,
    /// What they may do; never empty.
    pub roles: Arc<[Role]>,
    /// Whether they are shut out; takes effect on open connections when the file is reloaded.
    pub revoked: bool,
}

/// Whoever a client certificate can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A business system of a department.
    System(System),
    /// A person.
    Person(Person),
}

impl Member {
    /// The URI in their certificate.
    pub fn uri(&self) -> &MemberUri {
        match self {
            Self::System(system) => &system.uri,
            Self::Person(person) => &person.uri,
        }
    }

    /// Whether they are shut out.
    pub fn is_revoked(&self) -> bool {
        match self {
            Self::System(system) => system.revoked,
            Self::Person(person) => person.revoked,
        }
    }

    /// `system/housing-intake` or `person/li`: the path of the URI, unique in the city and fit for logs.
    pub fn path(&self) -> &str {
        self.uri().path()
    }

    /// What a call needs to know of them.
    pub(super) fn as_identity(&self) -> identity::Member {
        let kind = match self {
            Self::System(system) => CallerKind::System { id: system.id.clone(), department: system.department.clone() },
            Self::Person(person) => CallerKind::Person { id: person.id.clone(), roles: Arc::clone(&person.roles) },
        };
        identity::Member { kind, revoked: self.is_revoked() }
    }
}

/// The URI that names a system or a person in a certificate: `spiffe://sample-city.example/system/housing-intake`.
///
/// See the SPIFFE ID standard and RFC 3986. It is kept in the only form that is accepted, so comparing bytes is enough.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberUri {
    text: Box<str>,
    path_start: usize,
}

impl MemberUri {
    /// The URI of a member whose path is `kind/id`.
    fn of(trust_domain: &TrustDomain, kind: &str, id: &str) -> Self {
        let head = format!("spiffe://{trust_domain}/");
        Self { path_start: head.len(), text: format!("{head}{kind}/{id}").into() }
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `system/housing-intake`.
    pub fn path(&self) -> &str {
        &self.text[self.path_start..]
    }
}

/// `systems/*.toml`.
#[derive(Debug)]
pub(super) struct Systems;

/// `people/*.toml`.
#[derive(Debug)]
pub(super) struct People;

impl Folder for Systems {
    const NAME: &'static str = "systems";
    type Content = Vec<Member>;

    fn read(file: &str, text: &str, _: Option<&Self::Content>, known: &Known<'_>) -> Result<Vec<Member>, Problems> {
        read_members(file, text, "system", |table| read_system(table, known).map(Member::System))
    }

    fn keep(members: &Vec<Member>, known: &Known<'_>) -> Vec<Member> {
        untaken(members, known)
    }

    fn add(file: &str, members: &Vec<Member>, known: &mut Known<'_>) {
        members.iter().for_each(|member| known.add_member(file, member));
    }
}

impl Folder for People {
    const NAME: &'static str = "people";
    type Content = Vec<Member>;

    fn read(file: &str, text: &str, _: Option<&Self::Content>, known: &Known<'_>) -> Result<Vec<Member>, Problems> {
        read_members(file, text, "person", |table| read_person(table, known).map(Member::Person))
    }

    fn keep(members: &Vec<Member>, known: &Known<'_>) -> Vec<Member> {
        untaken(members, known)
    }

    fn add(file: &str, members: &Vec<Member>, known: &mut Known<'_>) {
        members.iter().for_each(|member| known.add_member(file, member));
    }
}

/// A member that moved to another file is the other file's.
fn untaken(members: &[Member], known: &Known<'_>) -> Vec<Member> {
    members.iter().filter(|member| !known.has_member(member.path())).cloned().collect()
}

fn read_system(table: &mut Table<'_>, known: &Known<'_>) -> Option<System> {
    let id = table.parse("id", SystemId::parse);
    let department = table.parse("department", DepartmentId::parse);
    let name = table.localized("name");
    let uri = read_uri(table, known, "system", id.as_ref().map(|id| id.as_str()));
    let revoked = table.optional_flag("revoked");
    if let Some(department) = &department {
        known.check_department(table, department);
    }
    let (id, uri) = (id?, uri?);
    known.check_member(table, &id, uri.path());
    Some(System {
        id: id.into_inner(),
        department: department?.into_inner(),
        name: name?,
        uri,
        revoked: revoked?.is_some_and(Located::into_inner),
    })
}

fn read_person(table: &mut Table<'_>, known: &Known<'_>) -> Option<Person> {
    let id = table.parse("id", PersonId::parse);
    let name = table.parse("name", |text| PersonalText::parse(text, NAME_CHARACTERS_MAX));
    let uri = read_uri(table, known, "person", id.as_ref().map(|id| id.as_str()));
    let roles = table.list("roles", |word| Role::parse(word).ok_or_else(|| format!("must be {ROLES}")));
    let revoked = table.optional_flag("revoked");
    let (id, uri, roles) = (id?, uri?, roles?);
    if roles.is_empty() {
        table.problem_at(&id, format!("person `{}` has no role", *id), Some(format!("write roles = [\"…\"]: {ROLES}")));
    }
    known.check_member(table, &id, uri.path());
    let roles: BTreeSet<Role> = roles.into_iter().map(Located::into_inner).collect();
    Some(Person {
        id: id.into_inner(),
        name: name?.into_inner(),
        uri,
        roles: roles.into_iter().collect(),
        revoked: revoked?.is_some_and(Located::into_inner),
    })
}

fn read_members(
    file: &str,
    text: &str,
    key: &str,
    mut read: impl FnMut(&mut Table<'_>) -> Option<Member>,
) -> Result<Vec<Member>, Problems> {
    document::read(file, text, |table| {
        let schema = table.integer("schema", SCHEMA..=SCHEMA);
        let tables = table.tables(key)?;
        let mut members: Vec<Member> = Vec::new();
        let mut paths = HashSet::new();
        let mut whole = schema.is_some();
        for mut table in tables {
            let Some(member) = read(&mut table) else {
                whole = false;
                continue;
            };
            if !paths.insert(member.path().to_owned()) {
                let help = Some("remove one of them, or give it another id".into());
                table.problem(format!("`{}` is in this file twice", member.path()), help);
            }
            members.push(member);
        }
        whole.then_some(members)
    })
}

/// The URI is fixed by the city and the id. It is written out all the same, so that whoever issues certificates can copy it.
fn read_uri(table: &mut Table<'_>, known: &Known<'_>, kind: &str, id: Option<&str>) -> Option<MemberUri> {
    let written = table.text("uri");
    let (written, uri) = (written?, MemberUri::of(known.trust_domain, kind, id?));
    if *written == uri.as_str() {
        return Some(uri);
    }
    let message = match written.strip_prefix("spiffe://").map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
        None => "must have the scheme `spiffe`".into(),
        Some((domain, _)) if domain != known.trust_domain.as_str() => {
            format!("is not of this city, whose trust domain is `{}`", known.trust_domain)
        }
        Some(_) => format!("must have the path `/{}`", uri.path()),
    };
    table.problem_at(&written, format!("`{kind}.uri` {message}"), Some(format!("write \"{}\"", uri.as_str())));
    None
}
