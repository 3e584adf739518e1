use std::collections::BTreeMap;

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use heyan_proto::document::{Problem, Problems};
use miette::Diagnostic;

use super::Named;
use super::annotation::one_line;
use super::source::Place;

/// Validates strictly. Warnings count as errors: a forbid that can never hold is one that was meant to.
pub(super) fn validate(policies: &[Named], (file, text): (&str, &str), problems: &mut Problems) -> Option<Schema> {
    let schema = match Schema::from_cedarschema_str(text) {
        Ok((schema, _)) => schema,
        Err(error) => {
            let message = one_line(&error.to_string());
            problems.push(Problem { file: file.into(), line: 1, column: 1, message, help: None });
            return None;
        }
    };
    let places: BTreeMap<&str, &Place> = policies.iter().map(|named| (named.id.as_str(), &named.place)).collect();
    let mut set = PolicySet::new();
    for named in policies {
        // The only error is a doubled id, which is a problem of its own.
        if let Err(error) = set.add(named.policy.clone())
            && problems.is_empty()
        {
            problems.push(named.place.problem(one_line(&error.to_string()), None));
        }
    }
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| (error.policy_id(), error as &dyn Diagnostic));
    let warnings = result.validation_warnings().map(|warning| (warning.policy_id(), warning as &dyn Diagnostic));
    for (id, finding) in errors.chain(warnings) {
        let place = places[AsRef::<str>::as_ref(id)];
        let offset = finding.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
        let help = finding.help().map(|help| one_line(&help.to_string()));
        problems.push(place.later(offset).problem(one_line(&finding.to_string()), help));
    }
    Some(schema)
}
