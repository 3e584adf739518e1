//! What departments declare (`departments/<id>.toml`): the adapters read it, here it is checked against the others.

use std::sync::Arc;

use heyan_adapters::{DepartmentDeclaration, ResultType, read_declaration};
use heyan_proto::document::Problems;
use heyan_proto::vocabulary::DepartmentId;

use super::folder::Folder;
use super::known::Known;
use super::position::Places;

/// A department's file: its text, and what it says. The same text is not read twice.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    text: Arc<str>,
    declaration: Arc<DepartmentDeclaration>,
}

/// `departments/<id>.toml`.
#[derive(Debug)]
pub(super) struct Departments;

impl Folder for Departments {
    const NAME: &'static str = "departments";
    type Content = Declared;

    fn read(file: &str, text: &str, earlier: Option<&Declared>, known: &Known<'_>) -> Result<Declared, Problems> {
        let same = earlier.filter(|earlier| *earlier.text == *text).cloned();
        let declared = match same {
            Some(declared) => declared,
            None => Declared { declaration: Arc::new(read_declaration(file, text)?), text: text.into() },
        };
        check(file, text, &declared.declaration, known)?;
        Ok(declared)
    }

    fn keep(earlier: &Declared, known: &Known<'_>) -> Declared {
        let is_taken = |result_type: &Arc<ResultType>| known.result_types.contains_key(&result_type.id);
        if !earlier.declaration.result_types.iter().any(is_taken) {
            return earlier.clone();
        }
        let mut rest = DepartmentDeclaration::clone(&earlier.declaration);
        rest.result_types.retain(|result_type| !is_taken(result_type));
        // Less than the text says, so that the text must be read again.
        Declared { text: "".into(), declaration: Arc::new(rest) }
    }

    fn add(_: &str, declared: &Declared, known: &mut Known<'_>) {
        let department = &declared.declaration.department;
        known.departments.insert(department.id.clone(), Some(Arc::clone(&declared.declaration)));
        known.credit_codes.insert(department.credit_code.clone(), department.id.clone());
        for result_type in &declared.declaration.result_types {
            known.result_types.insert(result_type.id.clone(), Arc::clone(result_type));
        }
    }

    fn lose(file: &str, known: &mut Known<'_>) {
        if let Some(id) = Self::department(file) {
            known.departments.insert(id, None);
        }
    }

    fn department(file: &str) -> Option<DepartmentId> {
        DepartmentId::parse(file.strip_prefix("departments/")?.strip_suffix(".toml")?).ok()
    }
}

/// A file is named after its department, so that a broken file still tells which one it is; codes and result types have one
/// owner.
fn check(file: &str, text: &str, declaration: &DepartmentDeclaration, known: &Known<'_>) -> Result<(), Problems> {
    let mut places = Places::new(file, text);
    let department = &declaration.department;
    if Departments::department(file).as_ref() != Some(&department.id) {
        let message = format!("the file of department `{}` has another name", department.id);
        places.problem(&["department", "id"], message, format!("name the file departments/{}.toml", department.id));
    }
    if let Some(other) = known.credit_codes.get(&department.credit_code) {
        let message = format!("`department.credit_code` is that of department `{other}`");
        places.problem(&["department", "credit_code"], message, "write the code of this very body".into());
    }
    for (index, result_type) in declaration.result_types.iter().enumerate() {
        let index = index.to_string();
        if let Some(other) = known.result_types.get(&result_type.id) {
            let message =
                format!("result type `{}` is declared in departments/{}.toml already", result_type.id, other.provider);
            let help = "give it another id, or leave it to the department that is its source (一数一源)";
            places.problem(&["result_type", &index, "id"], message, help.into());
        }
        let exception = result_type.not_shared.as_ref().map(|not_shared| &not_shared.id);
        let other = exception.and_then(|id| {
            known.result_types.values().find(|other| other.not_shared.as_ref().is_some_and(|it| it.id == *id))
        });
        if let Some(other) = other {
            let message =
                format!("the exception of result type `{}` has the id of that of `{}`", result_type.id, other.id);
            places.problem(&["result_type", &index, "not_shared", "id"], message, "give it another id".into());
        }
    }
    places.into_result()
}
