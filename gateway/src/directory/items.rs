//! Service items and their guides (`items/*.toml`): one file per item of the department that implements it.

use std::collections::HashSet;
use std::sync::Arc;

use heyan_proto::document::{self, Located, Problems, Table};
use heyan_proto::identifier::ItemCode;
use heyan_proto::vocabulary::{DepartmentId, Localized, MaterialId, PlainText, ResultTypeId};
use jiff::civil::Date;

use super::folder::Folder;
use super::known::Known;
use crate::config::SCHEMA;

#[cfg(test)]
mod tests;

/// The largest number of rows in a guide.
const MATERIALS_MAX: usize = 200;

/// The longest citation or note, in characters.
const NOTE_CHARACTERS_MAX: usize = 500;

/// Words that leave open what an applicant must bring; the regulation bans them from guides (article 14). A banned word
/// is found wherever it stands inside a name.
const VAGUE: [&str; 12] = [
    "其他材料",
    "其它材料",
    "其他相关材料",
    "相关材料",
    "有关材料",
    "等材料",
    "有关部门",
    "相关部门",
    "有关证明",
    "相关证明",
    "需要的其他",
    "other materials",
];

/// A service item (政务服务事项) and its guide (办事指南).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceItem {
    /// Its code (实施编码), which starts with the credit code of the department that implements it.
    pub code: ItemCode,
    /// How users know it.
    pub name: Localized,
    /// The department that implements it.
    pub department: DepartmentId,
    /// The departments that accept applications for it, besides the one that implements it.
    pub accepted_by: Vec<DepartmentId>,
    /// Whether it is in use.
    pub status: ItemStatus,
    /// The first day on which it can be applied for.
    pub in_force_from: Date,
    /// The last day on which it can be applied for.
    pub in_force_until: Option<Date>,
    /// The norm that it rests on (设定依据).
    pub legal_basis: PlainText,
    /// The rows of its guide.
    pub materials: Vec<Material>,
}

impl ServiceItem {
    /// Whether it can be applied for on a day.
    pub fn is_in_force(&self, on: Date) -> bool {
        self.status == ItemStatus::InForce
            && self.in_force_from <= on
            && self.in_force_until.is_none_or(|until| on <= until)
    }

    /// Whether its guide has a material that this result type satisfies.
    pub fn needs(&self, result_type: &ResultTypeId) -> bool {
        self.materials.iter().any(|material| material.result_type.as_ref() == Some(result_type))
    }

    /// Whether the department implements the item or accepts applications for it.
    pub fn is_accepted_by(&self, department: &DepartmentId) -> bool {
        self.department == *department || self.accepted_by.contains(department)
    }
}

/// Whether a service item is in use (事项状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemStatus {
    /// 在用.
    InForce,
    /// 暂停.
    Suspended,
    /// 取消.
    Cancelled,
}

/// One row of a guide (申请材料).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// Its name in files and answers, unique in the item.
    pub id: MaterialId,
    /// How users know it.
    pub name: Localized,
    /// Whether it must be there.
    pub necessity: Necessity,
    /// Who makes it.
    pub source: MaterialSource,
    /// The result type that satisfies it.
    pub result_type: Option<ResultTypeId>,
    /// Why no result type is named although a department issues it.
    pub no_result_type_because: Option<PlainText>,
    /// The norm that asks for it (要求提供材料的依据).
    pub legal_basis: PlainText,
}

/// Whether a material must be there (材料必要性).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Necessity {
    /// 必要.
    Required,
    /// 非必要.
    NotRequired,
    /// 容缺后补: may follow later, on a promise.
    Tolerable,
}

/// Who makes a material (来源渠道).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MaterialSource {
    /// 政府部门核发.
    Department,
    /// 申请人自备.
    Applicant,
    /// 中介机构出具.
    Intermediary,
    /// 其他.
    Other,
}

/// `items/*.toml`.
#[derive(Debug)]
pub(super) struct Items;

impl Folder for Items {
    const NAME: &'static str = "items";
    /// Nothing where another file has taken the item of a file that is broken now.
    type Content = Option<Arc<ServiceItem>>;

    fn read(file: &str, text: &str, _: Option<&Self::Content>, known: &Known<'_>) -> Result<Self::Content, Problems> {
        document::read(file, text, |root| {
            let schema = root.integer("schema", SCHEMA..=SCHEMA);
            let item = root.table("item").and_then(|table| read_head(table, known));
            let materials = read_materials(root, known);
            schema?;
            let item = item?;
            Some(Some(Arc::new(ServiceItem { materials: materials?, ..item })))
        })
    }

    fn keep(item: &Self::Content, known: &Known<'_>) -> Self::Content {
        item.clone().filter(|item| !known.items.contains_key(&item.code))
    }

    fn add(file: &str, item: &Self::Content, known: &mut Known<'_>) {
        if let Some(item) = item {
            known.items.insert(item.code.clone(), file.into());
        }
    }

    fn lose(_: &str, known: &mut Known<'_>) {
        known.lacks_items = true;
    }
}

fn read_head(mut table: Table<'_>, known: &Known<'_>) -> Option<ServiceItem> {
    let code = table.parse("code", ItemCode::parse);
    let name = read_name(&mut table);
    let department = table.parse("department", DepartmentId::parse);
    let accepted_by = table.list("accepted_by", DepartmentId::parse);
    let status = table.one_of(
        "status",
        &[
            ("in_force", ItemStatus::InForce),
            ("suspended", ItemStatus::Suspended),
            ("cancelled", ItemStatus::Cancelled),
        ],
    );
    let in_force_from = table.date("in_force_from");
    let in_force_until = table.optional_date("in_force_until");
    let legal_basis = table.parse("legal_basis", note);
    for department in department.iter().chain(accepted_by.iter().flatten()) {
        known.check_department(&table, department);
    }
    if let (Some(code), Some(department)) = (&code, &department) {
        known.check_item_code(&table, code, department);
    }
    let (in_force_from, in_force_until) = (in_force_from?, in_force_until?);
    if let Some(until) = in_force_until.as_ref().filter(|until| ***until < *in_force_from) {
        let help = Some(format!("write a date from {} on, or remove the key", *in_force_from));
        table.problem_at(until, "`item.in_force_until` is before `item.in_force_from`", help);
    }
    Some(ServiceItem {
        code: code?.into_inner(),
        name: name?,
        department: department?.into_inner(),
        accepted_by: accepted_by?.into_iter().map(Located::into_inner).collect(),
        status: status?.into_inner(),
        in_force_from: in_force_from.into_inner(),
        in_force_until: in_force_until.map(Located::into_inner),
        legal_basis: legal_basis?.into_inner(),
        materials: Vec::new(),
    })
}

fn read_materials(root: &mut Table<'_>, known: &Known<'_>) -> Option<Vec<Material>> {
    let tables = root.tables("material")?;
    if tables.len() > MATERIALS_MAX {
        root.problem(format!("guide has more than {MATERIALS_MAX} materials"), None);
    }
    let mut ids = HashSet::new();
    let mut materials = Some(Vec::new());
    for table in tables {
        let material = read_material(table, known, &mut ids);
        materials = materials.zip(material).map(|(mut materials, material)| {
            materials.push(material);
            materials
        });
    }
    materials
}

fn read_material(mut table: Table<'_>, known: &Known<'_>, ids: &mut HashSet<MaterialId>) -> Option<Material> {
    let id = table.parse("id", MaterialId::parse);
    let name = read_name(&mut table);
    let necessity = table.one_of(
        "necessity",
        &[
            ("required", Necessity::Required),
            ("not_required", Necessity::NotRequired),
            ("tolerable", Necessity::Tolerable),
        ],
    );
    let source = table.one_of(
        "source",
        &[
            ("department", MaterialSource::Department),
            ("applicant", MaterialSource::Applicant),
            ("intermediary", MaterialSource::Intermediary),
            ("other", MaterialSource::Other),
        ],
    );
    let result_type = table.optional_parse("result_type", ResultTypeId::parse);
    let because = table.optional_parse("no_result_type_because", note);
    let legal_basis = table.parse("legal_basis", note);
    if let Some(id) = id.as_ref().filter(|id| !ids.insert(MaterialId::clone(id))) {
        table.problem_at(id, format!("material `{}` is in this guide twice", **id), Some("give it another id".into()));
    }
    if let Some(result_type) = result_type.as_ref().and_then(Option::as_ref) {
        known.check_result_type(&table, result_type);
    }
    if let (Some(source), Some(result_type), Some(because)) = (&source, &result_type, &because) {
        check_source(&table, source, result_type.as_ref(), because.as_ref());
    }
    Some(Material {
        id: id?.into_inner(),
        name: name?,
        necessity: necessity?.into_inner(),
        source: source?.into_inner(),
        result_type: result_type?.map(Located::into_inner),
        no_result_type_because: because?.map(Located::into_inner),
        legal_basis: legal_basis?.into_inner(),
    })
}

/// What a department has issued is verified, not asked of the applicant (article 32); a row that cannot be verified says why.
fn check_source(
    table: &Table<'_>,
    source: &Located<MaterialSource>,
    result_type: Option<&Located<ResultTypeId>>,
    because: Option<&Located<PlainText>>,
) {
    let by_department = **source == MaterialSource::Department;
    match (result_type, because) {
        (None, None) if by_department => {
            let help =
                "add result_type = \"…\", or no_result_type_because = \"…\" with the reason why it cannot be checked";
            table.problem_at(source, "a material that a department issues names no result type", Some(help.into()));
        }
        (Some(_), Some(because)) => {
            let message = "`material.no_result_type_because` stands beside a `result_type`";
            table.problem_at(because, message, Some("remove one of the two".into()));
        }
        (None, Some(because)) if !by_department => {
            let message = "`material.no_result_type_because` is for materials whose source is `department`";
            table.problem_at(because, message, Some("remove it".into()));
        }
        (Some(result_type), None) if !by_department => {
            let message =
                format!("result type `{}` can satisfy only a material whose source is `department`", **result_type);
            table.problem_at(
                result_type,
                message,
                Some("write source = \"department\", or remove `result_type`".into()),
            );
        }
        _ => {}
    }
}

/// A name that says exactly what is meant.
fn read_name(parent: &mut Table<'_>) -> Option<Localized> {
    let mut table = parent.table("name")?;
    let (zh, en) = (table.text("zh-CN"), table.text("en"));
    let (zh, en) = (zh?, en?);
    for text in [&zh, &en] {
        let lower = text.to_lowercase();
        if let Some(vague) = VAGUE.iter().find(|word| lower.contains(**word)) {
            let help = "name the very document, and who issues it (article 14 of the regulation)";
            table.problem_at(text, format!("`{vague}` leaves open what is meant"), Some(help.into()));
        }
    }
    Some(Localized { zh: zh.into_inner(), en: en.into_inner() })
}

fn note(text: &str) -> Result<PlainText, heyan_proto::vocabulary::TextError> {
    PlainText::parse(text, NOTE_CHARACTERS_MAX)
}
