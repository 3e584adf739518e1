use std::collections::BTreeSet;

use heyan_proto::document::{self, Located, Problems, Table};
use heyan_proto::identifier::ItemCode;
use heyan_proto::vocabulary::{DepartmentId, FieldName, GrantId, PlainText, ResultTypeId};

use super::Grant;

/// The most grants in one file.
const GRANTS_MAX: usize = 10_000;
/// The most entries in one list of a grant.
const ENTRIES_MAX: usize = 1_000;
const TEXT_CHARACTERS_MAX: usize = 200;

/// Reads the grants of one file.
///
/// # Errors
/// [`Problems`] holds everything that is wrong.
pub fn read_grants(file: &str, text: &str) -> Result<Vec<Grant>, Problems> {
    document::read(file, text, |root| {
        let schema = root.integer("schema", 1..=1);
        let tables = root.tables("grant")?;
        if tables.len() > GRANTS_MAX {
            root.problem(format!("at most {GRANTS_MAX} grants may stand in one file"), None);
            return None;
        }
        let mut ids = BTreeSet::new();
        // Every grant is read before the first bad one ends the reading, so that all problems are found.
        let grants: Vec<_> = tables.into_iter().map(|table| read_grant(table, &mut ids)).collect();
        schema?;
        grants.into_iter().collect::<Option<Vec<_>>>()
    })
}

fn read_grant(mut table: Table<'_>, ids: &mut BTreeSet<GrantId>) -> Option<Grant> {
    let plain = |text: &str| PlainText::parse(text, TEXT_CHARACTERS_MAX);
    let id = table.parse("id", GrantId::parse);
    let requester = table.parse("requester", DepartmentId::parse);
    let result_types = distinct(&mut table, "result_types", ResultTypeId::parse, Least::One);
    let fields = distinct(&mut table, "fields", FieldName::parse, Least::None);
    let items = distinct(&mut table, "items", ItemCode::parse, Least::One);
    let purpose = table.parse("purpose", plain);
    let legal_basis = table.parse("legal_basis", plain);
    let from = table.date("from");
    let until = table.date("until");
    let approver = table.parse("approver", plain);
    let suspended = table.optional_flag("suspended");
    if let Some(id) = &id
        && !ids.insert((**id).clone())
    {
        let help = Some("give it an id of its own".into());
        table.problem_at(id, format!("another grant of this file is called `{}`", **id), help);
        return None;
    }
    if let (Some(from), Some(until)) = (&from, &until)
        && **until < **from
    {
        table.problem_at(
            until,
            "`until` is before `from`",
            Some("write the last day on which the grant is live".into()),
        );
        return None;
    }
    Some(Grant {
        id: id?.into_inner(),
        requester: requester?.into_inner(),
        result_types: result_types?,
        fields: fields?,
        items: items?,
        purpose: purpose?.into_inner(),
        legal_basis: legal_basis?.into_inner(),
        from: from?.into_inner(),
        until: until?.into_inner(),
        approver: approver?.into_inner(),
        suspended: suspended?.is_some_and(Located::into_inner),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Least {
    None,
    One,
}

/// A list without repetitions, with at least so many entries.
fn distinct<T: Ord, E: std::fmt::Display>(
    table: &mut Table<'_>,
    key: &str,
    parse: impl FnMut(&str) -> Result<T, E>,
    least: Least,
) -> Option<BTreeSet<T>> {
    let listed = table.list(key, parse)?;
    if least == Least::One && listed.is_empty() {
        table.problem(format!("`{key}` must list at least one entry"), None);
        return None;
    }
    if listed.len() > ENTRIES_MAX {
        table.problem(format!("`{key}` must list at most {ENTRIES_MAX} entries"), None);
        return None;
    }
    for (i, entry) in listed.iter().enumerate() {
        // The lists of a grant are short; a quadratic look keeps the place of the second mention.
        if listed[..i].iter().any(|earlier| **earlier == **entry) {
            table.problem_at(entry, format!("`{key}` lists this entry twice"), Some("leave it out".into()));
            return None;
        }
    }
    Some(listed.into_iter().map(Located::into_inner).collect())
}
