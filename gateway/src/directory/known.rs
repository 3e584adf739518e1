//! What the files read so far have named, so that the next one can be checked against them while its places are known.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::sync::Arc;

use heyan_adapters::{DepartmentDeclaration, ResultType};
use heyan_proto::document::{Located, Table};
use heyan_proto::identifier::{CreditCode, ItemCode};
use heyan_proto::vocabulary::{DepartmentId, GrantId, ResultTypeId};

use super::members::Member;
use crate::config::TrustDomain;

/// How many known names a message lists.
const LISTED_MAX: usize = 20;

/// The names of the city folder.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) trust_domain: &'a TrustDomain,
    /// Departments by id; `None` where the file is broken and no earlier one was good.
    pub(super) departments: BTreeMap<DepartmentId, Option<Arc<DepartmentDeclaration>>>,
    pub(super) credit_codes: HashMap<CreditCode, DepartmentId>,
    pub(super) result_types: BTreeMap<ResultTypeId, Arc<ResultType>>,
    /// The file of each member, by the path of its URI.
    members: HashMap<String, String>,
    /// The file of each item.
    pub(super) items: HashMap<ItemCode, String>,
    /// The file of each grant.
    pub(super) grants: HashMap<GrantId, String>,
    /// Whether an item's file is broken and no earlier one was good.
    pub(super) lacks_items: bool,
}

impl<'a> Known<'a> {
    pub(super) fn new(trust_domain: &'a TrustDomain) -> Self {
        Self {
            trust_domain,
            departments: BTreeMap::new(),
            credit_codes: HashMap::new(),
            result_types: BTreeMap::new(),
            members: HashMap::new(),
            items: HashMap::new(),
            grants: HashMap::new(),
            lacks_items: false,
        }
    }

    pub(super) fn add_member(&mut self, file: &str, member: &Member) {
        self.members.insert(member.path().into(), file.into());
    }

    pub(super) fn has_member(&self, path: &str) -> bool {
        self.members.contains_key(path)
    }

    /// Whether a department's file is broken, so that nobody knows what it would declare.
    pub(super) fn lacks_declarations(&self) -> bool {
        self.departments.values().any(Option::is_none)
    }

    /// Why no department has this id.
    pub(super) fn missing_department(&self, id: &DepartmentId) -> Option<(String, String)> {
        if self.departments.contains_key(id) {
            return None;
        }
        Some((format!("no department `{id}` is declared"), listed(self.departments.keys(), "departments/<id>.toml")))
    }

    /// Why no department declares this result type; nothing where a broken file might.
    pub(super) fn missing_result_type(&self, id: &ResultTypeId) -> Option<(String, String)> {
        if self.result_types.contains_key(id) || self.lacks_declarations() {
            return None;
        }
        let help = listed(self.result_types.keys(), "[[result_type]] in the department's file");
        Some((format!("no department declares the result type `{id}`"), help))
    }

    pub(super) fn check_department(&self, table: &Table<'_>, id: &Located<DepartmentId>) {
        if let Some((message, help)) = self.missing_department(id) {
            table.problem_at(id, message, Some(help));
        }
    }

    pub(super) fn check_result_type(&self, table: &Table<'_>, id: &Located<ResultTypeId>) {
        if let Some((message, help)) = self.missing_result_type(id) {
            table.problem_at(id, message, Some(help));
        }
    }

    pub(super) fn check_member<T>(&self, table: &Table<'_>, id: &Located<T>, path: &str) {
        if let Some(file) = self.members.get(path) {
            let help = Some("remove one of them, or give it another id".into());
            table.problem_at(id, format!("`{path}` is in {file} already"), help);
        }
    }

    pub(super) fn check_item_code(
        &self,
        table: &Table<'_>,
        code: &Located<ItemCode>,
        department: &Located<DepartmentId>,
    ) {
        if let Some(file) = self.items.get(&**code) {
            table.problem_at(
                code,
                format!("item `{}` is in {file} already", **code),
                Some("remove one of them".into()),
            );
        }
        if let Some(Some(declaration)) = self.departments.get(&**department) {
            let declared = &declaration.department.credit_code;
            if code.implementing_body() != *declared {
                let message = format!("`item.code` does not start with the credit code of `{}`", **department);
                let help = format!(
                    "its first 18 characters must be {}, as departments/{}.toml says",
                    declared.expose(),
                    **department
                );
                table.problem_at(code, message, Some(help));
            }
        }
    }
}

/// What may stand here instead, and how to make what was meant.
pub(super) fn listed<T: Display>(names: impl ExactSizeIterator<Item = T>, place: &str) -> String {
    let count = names.len();
    if count == 0 {
        return format!("none is declared yet; declare it with {place}");
    }
    let mut first: Vec<String> = names.take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    if count > LISTED_MAX {
        first.push(format!("{} more", count - LISTED_MAX));
    }
    format!("known: {}; or declare it with {place}", first.join(", "))
}
