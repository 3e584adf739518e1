//! Grants (`grants/*.toml`): the policies read them, here they are checked against the directory.

use heyan_policies::{Grant, read_grants};
use heyan_proto::document::Problems;
use heyan_proto::vocabulary::{FieldName, ResultTypeId, SharingClass};
use jiff::civil::Date;

use super::folder::Folder;
use super::known::{Known, listed};
use super::position::Places;

#[cfg(test)]
mod tests;

/// `grants/*.toml`.
#[derive(Debug)]
pub(super) struct Grants;

impl Folder for Grants {
    const NAME: &'static str = "grants";
    type Content = Vec<Grant>;

    fn read(file: &str, text: &str, _: Option<&Self::Content>, known: &Known<'_>) -> Result<Vec<Grant>, Problems> {
        let grants = read_grants(file, text)?;
        let mut places = Places::new(file, text);
        for (index, grant) in grants.iter().enumerate() {
            check(grant, &index.to_string(), known, &mut places);
        }
        places.into_result()?;
        Ok(grants)
    }

    fn keep(earlier: &Vec<Grant>, known: &Known<'_>) -> Vec<Grant> {
        earlier.iter().filter(|grant| !known.grants.contains_key(grant.id())).cloned().collect()
    }

    fn add(file: &str, grants: &Vec<Grant>, known: &mut Known<'_>) {
        known.grants.extend(grants.iter().map(|grant| (grant.id().clone(), file.to_owned())));
    }

    fn warnings(file: &str, text: &str, grants: &Vec<Grant>, today: Date) -> Problems {
        let mut places = Places::new(file, text);
        for (index, grant) in grants.iter().enumerate().filter(|(_, grant)| grant.until() < today) {
            let message = format!("grant `{}` has ended on {}", grant.id(), grant.until());
            places.problem(&["grant", &index.to_string(), "until"], message, "renew it, or remove it".into());
        }
        places.into_result().err().unwrap_or_default()
    }
}

fn check(grant: &Grant, index: &str, known: &Known<'_>, places: &mut Places<'_>) {
    if let Some(file) = known.grants.get(grant.id()) {
        let message = format!("grant `{}` is in {file} already", grant.id());
        places.problem(&["grant", index, "id"], message, "remove one of them, or give it another id".into());
    }
    if let Some((message, help)) = known.missing_department(grant.requester()) {
        places.problem(&["grant", index, "requester"], message, help);
    }
    for id in grant.result_types() {
        check_result_type(id, index, known, places);
    }
    for code in grant.items().filter(|code| !known.items.contains_key(*code) && !known.lacks_items) {
        let help = "write the code of an item in items/*.toml, as its own file has it";
        places.problem(
            &["grant", index, "items", code.as_str()],
            format!("no file has the item `{code}`"),
            help.into(),
        );
    }
    for field in grant.fields() {
        check_field(field, grant, index, known, places);
    }
}

/// Only what is conditional needs a grant; a grant for anything else would promise what it cannot give, or does nothing.
fn check_result_type(id: &ResultTypeId, index: &str, known: &Known<'_>, places: &mut Places<'_>) {
    let path = ["grant", index, "result_types", id.as_str()];
    if let Some((message, help)) = known.missing_result_type(id) {
        places.problem(&path, message, help);
    }
    match known.result_types.get(id).map(|result_type| result_type.sharing) {
        Some(SharingClass::Unconditional) => {
            let message = format!("result type `{id}` is shared unconditionally and needs no grant");
            places.problem(&path, message, "leave it out".into());
        }
        Some(SharingClass::NotShared) => {
            let message = format!("result type `{id}` is not shared, and no grant can change that");
            places.problem(&path, message, "leave it out; its provider decides how it is shared".into());
        }
        Some(SharingClass::Conditional) | None => {}
    }
}

fn check_field(field: &FieldName, grant: &Grant, index: &str, known: &Known<'_>, places: &mut Places<'_>) {
    let found: Vec<_> = grant.result_types().filter_map(|id| known.result_types.get(id)).collect();
    let has_field = found.iter().any(|result_type| result_type.fields.iter().any(|own| own.name == *field));
    if has_field || found.len() < grant.result_types().count() {
        return;
    }
    let names: Vec<&FieldName> = found.iter().flat_map(|found| found.fields.iter().map(|own| &own.name)).collect();
    let message = format!("no result type of this grant has the field `{field}`");
    places.problem(&["grant", index, "fields", field.as_str()], message, listed(names.into_iter(), "the result type"));
}
