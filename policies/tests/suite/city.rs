//! The city that the scenarios and the matrix are played in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use heyan_policies::{
    AccessRequest, Action, Decision, Denial, DenialCause, ExceptionFacts, KnownNames, KnownResultType,
    NotSharedResultType, PolicyBundle, PolicyEngine, read_grants,
};
use heyan_proto::document::{self, Table};
use heyan_proto::identifier::{ItemCode, SubjectKind};
use heyan_proto::vocabulary::{
    DepartmentId, Disclosure, FieldName, LegalBasis, LegalKind, Localized, PlainText, PolicyId, ResultTypeId,
    SharingClass,
};
use jiff::civil::Date;

pub(crate) struct City {
    pub(crate) today: Date,
    pub(crate) departments: Vec<DepartmentId>,
    pub(crate) result_types: BTreeMap<ResultTypeId, ResultType>,
    pub(crate) items: BTreeMap<String, Item>,
    pub(crate) engine: PolicyEngine,
    /// Every policy's `@id`.
    pub(crate) policies: Vec<PolicyId>,
}

pub(crate) struct ResultType {
    provider: DepartmentId,
    sharing: SharingClass,
    disclosure: Disclosure,
    pub(crate) fields: Vec<FieldName>,
}

pub(crate) struct Item {
    code: ItemCode,
    department: DepartmentId,
    accepted_by: Vec<DepartmentId>,
    needs: Vec<ResultTypeId>,
    in_force: bool,
}

/// What varies between questions of one scenario or cell.
pub(crate) struct Question<'a> {
    pub(crate) requester: &'a DepartmentId,
    pub(crate) action: Action,
    pub(crate) result_type: &'a ResultTypeId,
    pub(crate) item: &'a str,
    pub(crate) fields: &'a [FieldName],
    pub(crate) subject_kind: SubjectKind,
    pub(crate) case_number: bool,
    pub(crate) today: Date,
}

impl City {
    pub(crate) fn open() -> Self {
        let file = "tests/city.toml";
        let mut city = document::read(file, &read(file), read_city).unwrap_or_else(|problems| panic!("\n{problems}"));
        let texts = policy_files();
        let bundle = PolicyBundle::load(&texts, city.today).unwrap_or_else(|problems| panic!("\n{problems}"));
        let known: Vec<_> = (city.result_types.iter())
            .map(|(id, known)| KnownResultType { id, provider: &known.provider, fields: &known.fields })
            .collect();
        let known = KnownNames { departments: &city.departments, result_types: &known };
        bundle.check_names(&known).unwrap_or_else(|problems| panic!("\n{problems}"));
        let grants = read_grants("tests/grants.toml", &read("tests/grants.toml"));
        let grants = grants.unwrap_or_else(|problems| panic!("\n{problems}"));
        let not_shared = city.result_types.iter().filter(|(_, known)| known.sharing == SharingClass::NotShared);
        let not_shared = not_shared.map(|(id, known)| not_shared_type(id, &known.provider)).collect();
        city.policies = bundle.policy_ids().cloned().collect();
        city.engine = PolicyEngine::new(bundle, grants, not_shared);
        city
    }

    /// Asks the engine.
    pub(crate) fn decide(&self, question: &Question<'_>) -> Decision {
        let result_type = &self.result_types[question.result_type];
        let item = &self.items[question.item];
        let request = AccessRequest {
            action: question.action,
            requester: question.requester,
            requester_registered: self.departments.contains(question.requester),
            provider: &result_type.provider,
            result_type: question.result_type,
            sharing: result_type.sharing,
            disclosure: result_type.disclosure,
            subject_kind: question.subject_kind,
            item: &item.code,
            item_in_force: item.in_force,
            item_needs_result: item.needs.contains(question.result_type),
            item_accepted_by_requester: item.department == *question.requester
                || item.accepted_by.contains(question.requester),
            has_case_number: question.case_number,
            fields: question.fields,
            today: question.today,
        };
        self.engine.authorize(&request).expect("the policies of the product evaluate")
    }
}

/// The word for a decision in scenarios.
pub(crate) fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Permitted(_) => "permitted",
        Decision::Refused(Denial { cause: DenialCause::Exception(_), .. }) => "exception",
        Decision::Refused(Denial { cause: DenialCause::GrantRequired(_), .. }) => "grant_required",
        Decision::Refused(Denial { cause: DenialCause::NotPermitted(_), .. }) => "not_permitted",
    }
}

pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files of a folder with this ending, by name.
pub(crate) fn files(of: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(folder().join(of)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files.iter().map(|path| format!("{of}/{}", path.file_name().unwrap().to_str().unwrap())).collect()
}

fn policy_files() -> Vec<(String, String)> {
    files("departments", "cedar").into_iter().map(|file| (file.clone(), read(&file))).collect()
}

fn not_shared_type(id: &ResultTypeId, provider: &DepartmentId) -> NotSharedResultType {
    let text = |text: &str| Localized { zh: text.into(), en: text.into() };
    let exception = ExceptionFacts {
        id: PolicyId::parse(&format!("{id}-not-shared")).unwrap(),
        title: text("not shared"),
        legal_basis: LegalBasis {
            kind: LegalKind::Law, citation: PlainText::parse("《样例法》第一条", 64).unwrap()
        },
        owner: provider.clone(),
        review_by: jiff::civil::date(2030, 6, 30),
        remedy: text("contest it"),
    };
    NotSharedResultType { result_type: id.clone(), exception }
}

fn read_city(root: &mut Table<'_>) -> Option<City> {
    root.integer("schema", 1..=1)?;
    let today = root.date("today")?.into_inner();
    let departments = list(root, "departments", DepartmentId::parse)?;
    let result_types = root.tables("result_type")?.into_iter().map(|table| read_result_type(table).unwrap()).collect();
    let items = root.tables("item")?.into_iter().map(|table| read_item(table).unwrap()).collect();
    let none = PolicyBundle::load::<&str, &str>(&[], today).unwrap();
    let engine = PolicyEngine::new(none, Vec::new(), Vec::new());
    Some(City { today, departments, result_types, items, engine, policies: Vec::new() })
}

fn read_result_type(mut table: Table<'_>) -> Option<(ResultTypeId, ResultType)> {
    let id = table.parse("id", ResultTypeId::parse)?.into_inner();
    let provider = table.parse("provider", DepartmentId::parse)?.into_inner();
    let sharing = table.one_of("sharing", &SharingClass::ALL.map(|class| (class.as_str(), class)))?.into_inner();
    let disclosure = table.one_of("disclosure", &Disclosure::ALL.map(|level| (level.as_str(), level)))?.into_inner();
    let mut fields = list(&mut table, "fields", FieldName::parse)?;
    fields.sort();
    Some((id, ResultType { provider, sharing, disclosure, fields }))
}

fn read_item(mut table: Table<'_>) -> Option<(String, Item)> {
    let id = table.text("id")?.into_inner();
    let code = table.parse("code", ItemCode::parse)?.into_inner();
    let department = table.parse("department", DepartmentId::parse)?.into_inner();
    let accepted_by = list(&mut table, "accepted_by", DepartmentId::parse)?;
    let needs = list(&mut table, "needs", ResultTypeId::parse)?;
    let in_force = table.flag("in_force")?.into_inner();
    Some((id, Item { code, department, accepted_by, needs, in_force }))
}

pub(crate) fn list<T, E: std::fmt::Display>(
    table: &mut Table<'_>,
    key: &str,
    parse: impl FnMut(&str) -> Result<T, E>,
) -> Option<Vec<T>> {
    Some(table.list(key, parse)?.into_iter().map(document::Located::into_inner).collect())
}
