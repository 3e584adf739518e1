//! The city folder, as `heyan check` reads it.

use std::path::Path;

use heyan_proto::document::{Problem, Problems};
use jiff::Timestamp;

use super::report::{Findings, say};
use crate::cli::Exit;
use crate::config::{Config, FILE};
use crate::directory::{Directory, LoadError, load};

/// Checks every file; the directory that they make, where they make one.
pub(super) fn check(
    city: &Path,
    config: &Result<Config, Problems>,
    now: Timestamp,
    found: &mut Findings<'_>,
) -> Option<Directory> {
    if config.is_ok() {
        found.fine("settings", say(format!("{FILE} 可用"), format!("{FILE} can be used")));
    }
    let (directory, problems, warnings) = match load(city, None, now) {
        Ok(loaded) => (Some(loaded.directory), loaded.problems, loaded.warnings),
        Err(LoadError::Unusable(problems)) => (None, problems, Problems::default()),
    };
    for problem in problems.iter() {
        let check = if problem.file == FILE { "settings" } else { "files" };
        found.wrong(Exit::Configuration, check, place(problem), hint(problem));
    }
    for warning in warnings.iter() {
        found.attention("files", place(warning), hint(warning));
    }
    if let Some(directory) = directory.as_ref().filter(|_| problems.is_empty()) {
        let departments = directory.departments().count();
        let (types, items, members) =
            (directory.result_types().count(), directory.items().count(), directory.members().count());
        found.fine(
            "files",
            say(
                format!("目录已载入：{departments} 个部门，{types} 个结果类型，{items} 个事项，{members} 个系统和人员"),
                format!(
                    "the directory is loaded: {departments} departments, {types} result types, {items} service items, \
                     {members} systems and people"
                ),
            ),
        );
        let bundle = directory.engine().bundle();
        found.fine("policies", say(format!("策略已载入：{bundle}"), format!("the policies are loaded: {bundle}")));
    }
    directory
}

fn place(of: &Problem) -> heyan_proto::vocabulary::Localized {
    let text = format!("{}:{}:{}: {}", of.file, of.line, of.column, of.message);
    say(text.clone(), text)
}

fn hint(of: &Problem) -> heyan_proto::vocabulary::Localized {
    match &of.help {
        Some(help) => say(help.clone(), help.clone()),
        None => say(format!("修改 {}", of.file), format!("mend {}", of.file)),
    }
}
