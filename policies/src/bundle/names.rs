use std::collections::BTreeSet;

use cedar_policy::EntityUid;
use heyan_proto::document::Problems;
use heyan_proto::identifier::ItemCode;
use heyan_proto::vocabulary::{DepartmentId, FieldName, ResultTypeId};
use serde_json::Value;

use super::Named;
use crate::slice::Resource;

/// The names that the city's directory knows.
#[derive(Debug, Clone, Copy)]
pub struct KnownNames<'a> {
    /// All departments.
    pub departments: &'a [DepartmentId],
    /// All result types.
    pub result_types: &'a [KnownResultType<'a>],
}

/// A result type of the directory.
#[derive(Debug, Clone, Copy)]
pub struct KnownResultType<'a> {
    /// Its name.
    pub id: &'a ResultTypeId,
    /// The department that provides it.
    pub provider: &'a DepartmentId,
    /// Its fields.
    pub fields: &'a [FieldName],
}

pub(super) fn check(named: &Named, known: &KnownNames<'_>, problems: &mut Problems) {
    let mut report = |message: String| problems.push(named.place.problem(message, None));
    let literals: BTreeSet<EntityUid> = named.policy.entity_literals().into_iter().collect();
    for uid in &literals {
        let (kind, id) = (uid.type_name().to_string(), uid.id().unescaped());
        let (exists, what) = match kind.as_str() {
            "Department" => (known.departments.iter().any(|department| department.as_str() == id), "department"),
            "ResultType" => (known.result_types.iter().any(|known| known.id.as_str() == id), "result type"),
            _ => continue,
        };
        if !exists {
            report(format!("the directory has no {what} `{}`", super::annotation::one_line(id)));
        }
    }
    let withheld = withheld(named, known);
    if let Some(facts) = &named.exception {
        for other in withheld.iter().filter(|known| *known.provider != facts.owner) {
            report(format!(
                "`{}` owns the exception, but result type `{}` is provided by `{}`; a department withholds its own results only",
                facts.owner, other.id, other.provider
            ));
        }
    }
    let words = named.policy.to_json().map(|policy| Words::of(&policy)).unwrap_or_default();
    for field in words.fields {
        if !withheld.iter().any(|known| known.fields.iter().any(|name| name.as_str() == field)) {
            report(format!("no result type that this exception withholds has a field `{field}`"));
        }
    }
    for item in words.items.iter().filter(|item| ItemCode::parse(item).is_err()) {
        report(format!("`{item}` is no code of a service item"));
    }
}

/// The known result types over which the policy's scope reaches.
fn withheld<'k>(named: &Named, known: &'k KnownNames<'_>) -> Vec<&'k KnownResultType<'k>> {
    let reaches = |known: &&KnownResultType<'_>| match &named.scope.resource {
        Resource::Any => true,
        Resource::Type(id) => known.id == id,
        Resource::Of(provider) => known.provider == provider,
    };
    known.result_types.iter().filter(reaches).collect()
}

/// The words that a policy compares with open lists of the context, which the schema cannot check.
#[derive(Default)]
struct Words {
    fields: BTreeSet<String>,
    items: BTreeSet<String>,
}

impl Words {
    /// Reads them out of a policy in Cedar's JSON form.
    fn of(policy: &Value) -> Self {
        let mut words = Self::default();
        words.walk(policy);
        words
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.walk(value)),
            Value::Object(members) => {
                for (operator, operands) in members {
                    match operator.as_str() {
                        "contains" | "containsAll" | "containsAny" => self.compare(operands),
                        "==" | "!=" => self.compare(operands),
                        _ => {}
                    }
                    self.walk(operands);
                }
            }
            _ => {}
        }
    }

    /// Takes the literals on one side of an operator whose other side is an open list.
    fn compare(&mut self, operands: &Value) {
        for (one, other) in [("left", "right"), ("right", "left")] {
            let words = match operands[one]["."]["attr"].as_str() {
                Some("fields") => &mut self.fields,
                Some("item") => &mut self.items,
                _ => continue,
            };
            literals(&operands[other], words);
        }
    }
}

/// The strings of a literal: `"a"` or `["a", "b"]`.
fn literals(value: &Value, words: &mut BTreeSet<String>) {
    if let Some(text) = value["Value"].as_str() {
        words.insert(text.to_owned());
    }
    for element in value["Set"].as_array().into_iter().flatten() {
        literals(element, words);
    }
    for element in value["Value"].as_array().into_iter().flatten() {
        words.extend(element.as_str().map(str::to_owned));
    }
}
