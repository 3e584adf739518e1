//! Reads the city folder into one snapshot. One file's trouble is its own: while it is broken, what it said earlier stays.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use heyan_policies::{ExceptionFacts, KnownNames, KnownResultType, NotSharedResultType, PolicyBundle, PolicyEngine};
use heyan_proto::document::{Problem, Problems};
use heyan_proto::vocabulary::{DepartmentId, FieldName};
use jiff::Timestamp;
use jiff::civil::Date;

use super::departments::Departments;
use super::fingerprint::Fingerprint;
use super::folder::{self, Folder};
use super::grants::Grants;
use super::items::Items;
use super::known::Known;
use super::members::{People, Systems};
use super::{Contents, Directory, StaleFile};
use crate::clock::day_of;
use crate::config::{self, Config};

#[cfg(test)]
mod tests;

/// The folder of the departments' exceptions.
pub(super) const POLICIES: &str = "policies";

/// A snapshot, and what is wrong with the files that it could not take over.
#[derive(Debug)]
pub struct Loaded {
    /// The snapshot.
    pub directory: Directory,
    /// Everything that is wrong, in all files.
    pub problems: Problems,
    /// What deserves a look although it is right: grants that have ended.
    pub warnings: Problems,
}

/// No snapshot can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// `heyan.toml` is broken, or an exception is: without it, what it withholds would be shared. There is no earlier state.
    /// Holds everything that is wrong, in all files.
    #[error("{0}")]
    Unusable(Problems),
}

/// Reads the city folder as of `now`. A file that is broken keeps what it said in `previous`; without that, it counts as
/// absent, and so does whatever rests on it.
///
/// # Errors
/// [`LoadError`] where there is nothing to serve with.
pub fn load(folder: &Path, previous: Option<&Directory>, now: Timestamp) -> Result<Loaded, LoadError> {
    let mut loader = Loader {
        folder,
        previous,
        now,
        problems: Problems::default(),
        warnings: Problems::default(),
        stale: BTreeMap::new(),
    };
    let fingerprint = Fingerprint::of(folder);
    let Some(config) = loader.config() else { return Err(LoadError::Unusable(sorted(loader.problems))) };
    let earlier = previous.map(|previous| &previous.contents);
    let mut known = Known::new(&config.city.trust_domain);
    let departments = loader.read::<Departments>(&mut known, earlier.map(|earlier| &earlier.departments));
    let systems = loader.read::<Systems>(&mut known, earlier.map(|earlier| &earlier.systems));
    let people = loader.read::<People>(&mut known, earlier.map(|earlier| &earlier.people));
    let items = loader.read::<Items>(&mut known, earlier.map(|earlier| &earlier.items));
    let grants = loader.read::<Grants>(&mut known, earlier.map(|earlier| &earlier.grants));
    let bundle = loader.policies(&known, earlier.map(|earlier| &earlier.bundle));
    let not_shared = loader.not_shared(&known);
    let Some(bundle) = bundle else { return Err(LoadError::Unusable(sorted(loader.problems))) };
    let engine = PolicyEngine::new(bundle.clone(), grants.values().flatten().cloned().collect(), not_shared);
    let contents = Contents { departments, systems, people, items, grants, bundle, fingerprint };
    let (departments, result_types) = (known.departments, known.result_types);
    let stale = loader.stale.into_values().collect();
    let directory = Directory::new(config, departments, result_types, Arc::new(engine), stale, contents);
    Ok(Loaded { directory, problems: sorted(loader.problems), warnings: sorted(loader.warnings) })
}

struct Loader<'a> {
    folder: &'a Path,
    previous: Option<&'a Directory>,
    now: Timestamp,
    problems: Problems,
    warnings: Problems,
    stale: BTreeMap<String, StaleFile>,
}

impl Loader<'_> {
    fn today(&self) -> Date {
        day_of(self.now)
    }

    fn config(&mut self) -> Option<Config> {
        match Config::read(self.folder) {
            Ok(config) => Some(config),
            Err(problems) => {
                self.problems.append(problems);
                let earlier = self.previous?.config().clone();
                self.mark_stale(config::FILE, None, true);
                Some(earlier)
            }
        }
    }

    /// Reads the files of one folder, each by itself.
    fn read<F: Folder>(
        &mut self,
        known: &mut Known<'_>,
        earlier: Option<&BTreeMap<String, F::Content>>,
    ) -> BTreeMap<String, F::Content> {
        let files = match folder::read(self.folder, F::NAME, "toml") {
            Ok(files) => files,
            Err(problems) => {
                // Without a listing nobody knows whether a file was removed; all of them stay.
                let unread = earlier.into_iter().flatten().map(|(file, _)| (file.clone(), Err(Problems::default())));
                self.problems.append(problems);
                self.mark_stale(F::NAME, None, earlier.is_some());
                unread.collect()
            }
        };
        let mut contents = BTreeMap::new();
        for (file, text) in files {
            let content = match text.and_then(|text| {
                Ok((F::read(&file, &text, earlier.and_then(|earlier| earlier.get(&file)), known)?, text))
            }) {
                Ok((content, text)) => {
                    self.warnings.append(F::warnings(&file, &text, &content, self.today()));
                    Some(content)
                }
                Err(problems) => {
                    self.problems.append(problems);
                    let kept = earlier.and_then(|earlier| earlier.get(&file)).map(|earlier| F::keep(earlier, known));
                    self.mark_stale(&file, F::department(&file), kept.is_some());
                    kept
                }
            };
            match content {
                Some(content) => {
                    F::add(&file, &content, known);
                    contents.insert(file, content);
                }
                None => F::lose(&file, known),
            }
        }
        contents
    }

    /// The departments' exceptions are one unit with one hash: all of them as read, or all of them as they were.
    fn policies(&mut self, known: &Known<'_>, earlier: Option<&PolicyBundle>) -> Option<PolicyBundle> {
        let files = folder::read(self.folder, POLICIES, "cedar")
            .unwrap_or_else(|problems| BTreeMap::from([(POLICIES.to_owned(), Err(problems))]));
        let mut texts = Vec::new();
        let mut problems = Problems::default();
        // Other folders may be absent, which takes away; without this one everything that it withholds would be shared.
        if !self.folder.join(POLICIES).is_dir() {
            let message = "folder is not there, and without it no exception holds".into();
            let help = Some("make it; it may be empty".into());
            problems.push(Problem { file: POLICIES.into(), line: 1, column: 1, message, help });
        }
        for (file, text) in files {
            match text {
                Ok(text) => texts.push((file, text)),
                Err(unreadable) => problems.append(unreadable),
            }
        }
        let are_all_readable = problems.is_empty();
        let mut bundle = match PolicyBundle::load(&texts, self.today()) {
            Ok(bundle) => Some(bundle),
            Err(found) => {
                problems.append(found);
                // An exception whose review is overdue still withholds; if that is all, the new files are in force.
                PolicyBundle::load(&texts, Date::MIN).ok()
            }
        };
        if let Some(Err(unknown)) = bundle.as_ref().map(|bundle| check_names(bundle, known)) {
            problems.append(unknown);
            // A name that is not known withholds nothing, unless a broken file of a department is to declare it.
            bundle = bundle.filter(|_| known.lacks_declarations());
        }
        bundle = bundle.filter(|_| are_all_readable);
        if bundle.is_none() {
            for file in problems.iter().map(|problem| problem.file.clone()).collect::<Vec<_>>() {
                self.mark_stale(&file, None, earlier.is_some());
            }
        }
        self.problems.append(problems);
        bundle.or_else(|| earlier.cloned())
    }

    /// Why each not-shared result type is not shared. One whose review is overdue is a problem and stays withheld.
    fn not_shared(&mut self, known: &Known<'_>) -> Vec<NotSharedResultType> {
        let mut all = Vec::new();
        for result_type in known.result_types.values() {
            let Some(declared) = &result_type.not_shared else { continue };
            if declared.review_by < self.today() {
                let file = format!("departments/{}.toml", result_type.provider);
                let message = format!("the review of exception `{}` was due on {}", declared.id, declared.review_by);
                let help = Some("review it: share the result type, or give it a new `review_by`".into());
                self.problems.push(Problem { file, line: 1, column: 1, message, help });
            }
            let exception = ExceptionFacts {
                id: declared.id.clone(),
                title: declared.title.clone(),
                legal_basis: declared.legal_basis.clone(),
                owner: result_type.provider.clone(),
                review_by: declared.review_by,
                remedy: declared.remedy.clone(),
            };
            all.push(NotSharedResultType { result_type: result_type.id.clone(), exception });
        }
        all
    }

    fn mark_stale(&mut self, file: &str, department: Option<DepartmentId>, kept: bool) {
        let before = self.previous.and_then(|previous| previous.stale.iter().find(|stale| stale.file == file));
        let since = before.map_or(self.now, |before| before.since);
        self.stale.insert(file.to_owned(), StaleFile { file: file.to_owned(), since, department, kept });
    }
}

fn check_names(bundle: &PolicyBundle, known: &Known<'_>) -> Result<(), Problems> {
    let departments: Vec<DepartmentId> = known.departments.keys().cloned().collect();
    let fields: Vec<Vec<FieldName>> = (known.result_types.values())
        .map(|result_type| result_type.fields.iter().map(|field| field.name.clone()).collect())
        .collect();
    let result_types: Vec<KnownResultType<'_>> = (known.result_types.values().zip(&fields))
        .map(|(result_type, fields)| KnownResultType { id: &result_type.id, provider: &result_type.provider, fields })
        .collect();
    bundle.check_names(&KnownNames { departments: &departments, result_types: &result_types })
}

/// In the order of file, line and column, each once.
fn sorted(problems: Problems) -> Problems {
    let mut all: Vec<Problem> = problems.into_iter().collect();
    all.sort();
    all.dedup();
    let mut sorted = Problems::default();
    all.into_iter().for_each(|problem| sorted.push(problem));
    sorted
}
