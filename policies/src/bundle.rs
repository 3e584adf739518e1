//! The policies in force: read, checked strictly, named by `@id`. What does not pass is never evaluated.

mod annotation;
mod names;
mod source;
#[cfg(test)]
mod tests;
mod validation;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use cedar_policy::{Policy, Schema};
use heyan_proto::document::{Problem, Problems};
use heyan_proto::vocabulary::{Localized, PolicyId};
use jiff::civil::Date;

pub use self::names::{KnownNames, KnownResultType};
use self::source::{Place, Source};
use crate::exception::ExceptionFacts;
use crate::slice::Scope;

const SCHEMA: (&str, &str) = ("schema.cedarschema", include_str!("../schema.cedarschema"));
const BASE: [(&str, &str); 2] = [
    ("base/share.cedar", include_str!("../base/share.cedar")),
    ("base/withhold.cedar", include_str!("../base/withhold.cedar")),
];

/// The most exceptions of all departments together.
const EXCEPTIONS_MAX: usize = 10_000;

/// The SHA-256 of all policy texts in a fixed order: schema, base, departments' files by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BundleHash([u8; 32]);

impl BundleHash {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(texts: &[(&str, &str)]) -> Self {
        let mut context = Context::new(&SHA256);
        // Lengths go first, so that no two bundles feed the same bytes.
        for part in texts.iter().flat_map(|(file, text)| [file, text]) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        Self(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At once, as every entry of the audit log holds it.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleHash({self})")
    }
}

/// Policies that validate strictly against the schema, each named by its `@id`: the base of the product and the exceptions
/// of the departments. There is no other way to have policies evaluated.
#[derive(Debug, Clone)]
pub struct PolicyBundle {
    pub(crate) schema: Schema,
    pub(crate) policies: Vec<Named>,
    hash: BundleHash,
}

/// A policy under the name that its `@id` gives it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) id: PolicyId,
    pub(crate) title: Localized,
    pub(crate) policy: Policy,
    pub(crate) scope: Scope,
    /// The facts of a department's exception; the base has none.
    pub(crate) exception: Option<Arc<ExceptionFacts>>,
    place: Place,
}

impl PolicyBundle {
    /// Reads the base and the departments' files (name, text) as of `today`.
    ///
    /// # Errors
    /// [`Problems`] holds everything that is wrong: syntax, missing or unknown annotations, doubled ids, passed review
    /// dates, `permit`s of departments, files without an exception, and whatever strict validation finds.
    pub fn load<F: AsRef<str>, T: AsRef<str>>(departments: &[(F, T)], today: Date) -> Result<Self, Problems> {
        let mut files: Vec<(&str, &str)> =
            departments.iter().map(|(file, text)| (file.as_ref(), text.as_ref())).collect();
        files.sort_unstable();
        let mut problems = Problems::default();
        let mut policies = Vec::new();
        for (file, text) in BASE {
            Source::new(file, text).read(&mut problems, |statement, problems| {
                policies.extend(annotation::read_base(statement, problems));
            });
        }
        for (file, text) in &files {
            let mut is_empty = true;
            Source::new(file, text).read(&mut problems, |statement, problems| {
                is_empty = false;
                policies.extend(annotation::read_exception(statement, today, problems));
            });
            // What is left of a file when a disk is full while it is written: its exceptions would be gone in silence.
            if is_empty && problems.iter().all(|problem| problem.file != *file) {
                let help = Some("write the exception, or remove the file".into());
                problems.push(Problem {
                    file: (*file).into(),
                    line: 1,
                    column: 1,
                    message: "the file holds no exception".into(),
                    help,
                });
            }
        }
        if policies.len() > EXCEPTIONS_MAX + BASE_POLICIES_MAX {
            let (file, message) = (files[0].0.to_owned(), format!("at most {EXCEPTIONS_MAX} exceptions are read"));
            return Err(Problems::one(Problem { file, line: 1, column: 1, message, help: None }));
        }
        refuse_doubles(&policies, &mut problems);
        let schema = validation::validate(&policies, SCHEMA, &mut problems);
        let Some(schema) = schema.filter(|_| problems.is_empty()) else {
            return Err(sorted(problems));
        };
        let texts: Vec<_> = [SCHEMA].into_iter().chain(BASE).chain(files).collect();
        Ok(Self { schema, policies, hash: BundleHash::of(&texts) })
    }

    /// The hash by which the audit names these policies.
    pub fn hash(&self) -> BundleHash {
        self.hash
    }

    /// The name of every policy.
    pub fn policy_ids(&self) -> impl Iterator<Item = &PolicyId> {
        self.policies.iter().map(|named| &named.id)
    }

    /// The register of the departments' exceptions, in the order of the files.
    pub fn exceptions(&self) -> impl Iterator<Item = &ExceptionFacts> {
        self.policies.iter().filter_map(|named| named.exception.as_deref())
    }

    /// Checks that the exceptions speak of departments, result types and fields that exist, and each department of its own
    /// result types only: a misspelt name withholds nothing, so it would open what it was meant to close.
    ///
    /// # Errors
    /// [`Problems`] holds every name that is not known.
    pub fn check_names(&self, known: &KnownNames<'_>) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for named in self.policies.iter().filter(|named| named.exception.is_some()) {
            names::check(named, known, &mut problems);
        }
        if problems.is_empty() { Ok(()) } else { Err(sorted(problems)) }
    }
}

/// The base has few policies; this leaves room.
const BASE_POLICIES_MAX: usize = 16;

fn refuse_doubles(policies: &[Named], problems: &mut Problems) {
    let mut seen: BTreeMap<&PolicyId, &Place> = BTreeMap::new();
    for named in policies {
        if let Some(first) = seen.insert(&named.id, &named.place) {
            let message = format!("policy `{}` already stands at {first}", named.id);
            problems.push(named.place.problem(message, Some("give it an `@id` of its own".into())));
        }
    }
}

fn sorted(problems: Problems) -> Problems {
    let mut all: Vec<Problem> = problems.into_iter().collect();
    all.sort();
    all.dedup();
    let mut sorted = Problems::default();
    all.into_iter().for_each(|problem| sorted.push(problem));
    sorted
}
