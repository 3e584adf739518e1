//! `heyan adapter check`: everything that is wrong with a declaration, at once; every level includes those before it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use heyan_adapters::{DepartmentDeclaration, read_declaration};
use heyan_proto::document::{Problem, Problems};

use super::online;
use super::report::{Checked, Form, print_all};
use crate::cli::{Exit, Failure, Language, block_on};

/// Options of `heyan adapter check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan adapter check city/departments
  heyan adapter check city/departments/tax.toml --online
  heyan adapter check city/departments --output sarif > findings.sarif

Without --online no department is asked: the file is read as a gateway reads it, and its examples are executed. With it the
department's system is reached and asked whether it could answer, and the examples are put to it; their subjects are invented, so
nobody is asked about. What is wrong is told with the line to change.

Exit codes: 0 nothing is wrong, 3 a department cannot be reached, 78 a declaration is wrong or does not fit")]
pub(super) struct Options {
    /// Declarations, or folders of them
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Reach the departments' systems too
    #[arg(long)]
    online: bool,
    /// The city folder, for files that a declaration names; the folder above the declaration's own unless told otherwise
    #[arg(long, value_name = "DIR")]
    city: Option<PathBuf>,
    /// How to print what is wrong
    #[arg(long, value_enum, default_value = "table")]
    output: Form,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Checks and prints.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for file in files(&options.paths)? {
        let (mut checked, declaration) = read(&file)?;
        if let Some(declaration) = declaration.filter(|_| options.online) {
            let above = file
                .parent()
                .and_then(Path::parent)
                .map_or(Path::new("."), |above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
            let city = options.city.as_deref().unwrap_or(above);
            checked.online = Some(block_on(online::check(&declaration, city, &checked.text, &checked.file))?);
        }
        all.push(checked);
    }
    print_all(&all, options.output, options.lang)?;
    let is_wrong =
        |checked: &Checked| !checked.problems.is_empty() || checked.online.as_ref().is_some_and(|of| of.is_misfit());
    Ok(if all.iter().any(is_wrong) {
        Exit::Configuration
    } else if all.iter().any(|checked| checked.online.as_ref().is_some_and(|of| !of.problems.is_empty())) {
        Exit::Unreachable
    } else {
        Exit::Ok
    })
}

/// The declarations among what was named; a folder stands for all of its own.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable =
            |error: std::io::Error| Failure::new(Exit::Usage, format!("{}: cannot be read: {error}", path.display()));
        if !fs::metadata(path).map_err(unreadable)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            inside.push(entry.map_err(unreadable)?.path());
        }
        inside.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
        inside.sort();
        if inside.is_empty() {
            return Err(Failure::new(Exit::Usage, format!("{}: holds no declaration (*.toml)", path.display())));
        }
        files.extend(inside);
    }
    Ok(files)
}

fn read(file: &Path) -> Result<(Checked, Option<DepartmentDeclaration>), Failure> {
    let name = file.display().to_string();
    let unreadable = |error: std::io::Error| Failure::new(Exit::Usage, format!("{name}: cannot be read: {error}"));
    let bytes = fs::read(file).map_err(unreadable)?;
    let (text, declaration) = match String::from_utf8(bytes) {
        Ok(text) => {
            let declaration = read_declaration(&name, &text);
            (text, declaration)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let before = &error.as_bytes()[..at];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let help = Some("save it as UTF-8".into());
            let problem = Problem { file: name.clone(), line, column: 1, message: "it is not UTF-8".into(), help };
            (String::new(), Err(Problems::one(problem)))
        }
    };
    let (problems, declaration) = match declaration {
        Ok(declaration) => (Problems::default(), Some(declaration)),
        Err(problems) => (problems, None),
    };
    let counted = declaration.as_ref().map_or((0, 0), |declaration| {
        let examples = declaration.result_types.iter().map(|result_type| result_type.examples.len()).sum();
        (declaration.result_types.len(), examples)
    });
    Ok((Checked { file: name, text, problems, counted, online: None }, declaration))
}
