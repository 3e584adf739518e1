//! What can be asked of whom (政务数据目录): the departments, systems, people, result types, service items and policies of the
//! city folder, in one immutable snapshot.
//!
//! A snapshot is whole and checked: whatever it names, it has. [`load`] makes one, [`CurrentDirectory`] keeps the newest one,
//! [`Directory::resolve`] turns the words of a caller into a question.

mod current;
mod departments;
mod fingerprint;
#[cfg(test)]
mod fixture;
mod folder;
mod grants;
mod items;
mod known;
mod load;
mod members;
mod position;
mod question;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use heyan_adapters::{DepartmentDeclaration, ResultType};
use heyan_policies::{Grant, PolicyBundle, PolicyEngine};
use heyan_proto::identifier::ItemCode;
use heyan_proto::vocabulary::{DepartmentId, ResultTypeId};
use jiff::Timestamp;

pub use current::CurrentDirectory;
pub use items::{ItemStatus, Material, MaterialSource, Necessity, ServiceItem};
pub use load::{LoadError, Loaded, load};
pub use members::{Member, MemberUri, Person, System};
pub use question::{
    Asked, AskedWords, ClaimWords, OfficialWords, Purpose, PurposeWords, Question, Rejection, SubjectWords, ValueWords,
    Violation, Words,
};

use self::departments::Declared;
use self::fingerprint::Fingerprint;
use crate::config::{City, Config};
use crate::identity;

/// One state of the city folder. Looking something up costs the same however much it holds.
#[derive(Debug)]
pub struct Directory {
    config: Config,
    departments: BTreeMap<DepartmentId, DepartmentEntry>,
    result_types: Indexed<ResultTypeId, ResultType>,
    items: Indexed<ItemCode, ServiceItem>,
    /// By the whole URI of the certificate.
    members: HashMap<Box<str>, Member>,
    engine: Arc<PolicyEngine>,
    stale: Vec<StaleFile>,
    /// What each file said, for the next load.
    contents: Contents,
}

/// A department of the city.
#[derive(Debug, Clone)]
pub struct DepartmentEntry {
    /// Its id.
    pub id: DepartmentId,
    /// Its file; `None` where that is broken and no earlier one was good.
    pub declaration: Option<Arc<DepartmentDeclaration>>,
    /// Since when its file is broken; `declaration` is what it said before.
    pub stale_since: Option<Timestamp>,
}

impl DepartmentEntry {
    /// Whether its newest file is the one in force.
    pub fn is_newest(&self) -> bool {
        self.stale_since.is_none() && self.declaration.is_some()
    }
}

/// A file that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleFile {
    /// Its name, relative to the city folder.
    pub file: String,
    /// Since when.
    pub since: Timestamp,
    /// The department that it is about.
    pub department: Option<DepartmentId>,
    /// Whether what it said earlier is in force; otherwise it counts as absent.
    pub kept: bool,
}

/// What the files said, each while it was good.
#[derive(Debug)]
struct Contents {
    departments: BTreeMap<String, Declared>,
    systems: BTreeMap<String, Vec<Member>>,
    people: BTreeMap<String, Vec<Member>>,
    items: BTreeMap<String, Option<Arc<ServiceItem>>>,
    grants: BTreeMap<String, Vec<Grant>>,
    bundle: PolicyBundle,
    /// Of all files, just before they were read.
    fingerprint: Fingerprint,
}

/// Found by key at once, listed in the order of the keys.
#[derive(Debug)]
struct Indexed<K, V> {
    by_key: HashMap<K, Arc<V>>,
    in_order: Vec<Arc<V>>,
}

impl<K: Ord + std::hash::Hash, V> Indexed<K, V> {
    fn new(values: BTreeMap<K, Arc<V>>) -> Self {
        Self { in_order: values.values().cloned().collect(), by_key: values.into_iter().collect() }
    }
}

impl Directory {
    fn new(
        config: Config,
        departments: BTreeMap<DepartmentId, Option<Arc<DepartmentDeclaration>>>,
        result_types: BTreeMap<ResultTypeId, Arc<ResultType>>,
        engine: Arc<PolicyEngine>,
        stale: Vec<StaleFile>,
        contents: Contents,
    ) -> Self {
        let since: HashMap<&DepartmentId, Timestamp> =
            stale.iter().filter_map(|stale| Some((stale.department.as_ref()?, stale.since))).collect();
        let departments = (departments.into_iter())
            .map(|(id, declaration)| {
                let stale_since = since.get(&id).copied();
                (id.clone(), DepartmentEntry { id, declaration, stale_since })
            })
            .collect();
        let items = contents.items.values().flatten().map(|item| (item.code.clone(), Arc::clone(item))).collect();
        let members = (contents.systems.values().chain(contents.people.values()).flatten())
            .map(|member| (member.uri().as_str().into(), member.clone()))
            .collect();
        let (result_types, items) = (Indexed::new(result_types), Indexed::new(items));
        Self { config, departments, result_types, items, members, engine, stale, contents }
    }

    /// Whose directory it is.
    pub fn city(&self) -> &City {
        &self.config.city
    }

    /// The settings as they are in the file. What was opened at the start stays as it was.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The system or person that a certificate with this URI names, revoked ones included.
    pub fn member_by_uri(&self, uri: &str) -> Option<&Member> {
        self.members.get(uri)
    }

    /// The systems and people, in the order of their URIs.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        let mut members: Vec<&Member> = self.members.values().collect();
        members.sort_by_key(|member| member.uri().as_str());
        members.into_iter()
    }

    /// A department that takes part, also while its file is broken.
    pub fn department(&self, id: &DepartmentId) -> Option<&DepartmentEntry> {
        self.departments.get(id)
    }

    /// The departments, in the order of their ids.
    pub fn departments(&self) -> impl Iterator<Item = &DepartmentEntry> {
        self.departments.values()
    }

    /// A result type that some department declares.
    pub fn result_type(&self, id: &str) -> Option<&Arc<ResultType>> {
        self.result_types.by_key.get(id)
    }

    /// The result types, in the order of their ids.
    pub fn result_types(&self) -> impl Iterator<Item = &Arc<ResultType>> {
        self.result_types.in_order.iter()
    }

    /// A service item.
    pub fn item(&self, code: &ItemCode) -> Option<&Arc<ServiceItem>> {
        self.items.by_key.get(code)
    }

    /// The service items, in the order of their codes.
    pub fn items(&self) -> impl Iterator<Item = &Arc<ServiceItem>> {
        self.items.in_order.iter()
    }

    /// The policies and grants in force.
    pub fn engine(&self) -> &Arc<PolicyEngine> {
        &self.engine
    }

    /// The files that are broken, in the order of their names.
    pub fn stale(&self) -> &[StaleFile] {
        &self.stale
    }

    /// The declarations of the departments that can be asked. While a declaration stays the same from one snapshot to the
    /// next, it is the same `Arc`, so that an open connection can be kept.
    pub fn declarations(&self) -> impl Iterator<Item = &Arc<DepartmentDeclaration>> {
        let declared = self.departments.values().filter_map(|entry| entry.declaration.as_ref());
        declared.filter(|declaration| !declaration.result_types.is_empty())
    }
}

impl identity::Members for Directory {
    fn member(&self, uri: &str) -> Option<identity::Member> {
        self.member_by_uri(uri).map(Member::as_identity)
    }
}
