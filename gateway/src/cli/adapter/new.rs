//! `heyan adapter new`: a declaration to start from, whole and with comments.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use heyan_proto::vocabulary::DepartmentId;

use crate::cli::{Exit, Failure, print};

/// Options of `heyan adapter new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan adapter new http social-insurance
  heyan adapter new postgres population --out city/departments/population.toml

What is printed is a whole declaration about an invented department; `heyan adapter check` finds nothing wrong with it.

Exit codes: 0 written, 1 it cannot be written, 2 usage")]
pub(super) struct Options {
    /// How the department is reached
    #[arg(value_enum)]
    kind: Kind,
    /// Its id: lowercase letters, digits and hyphens
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: String,
    /// Write it here, where no file may be yet, instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a department is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
    Mysql,
    Mariadb,
    Http,
    Soap,
    Files,
}

fn parse_id(text: &str) -> Result<String, String> {
    DepartmentId::parse(text).map(|id| id.to_string()).map_err(|error| error.to_string())
}

/// Writes the declaration.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let text = scaffold(options.kind, &options.id);
    let Some(out) = &options.out else {
        print(text.trim_end())?;
        return Ok(Exit::Ok);
    };
    let written =
        OpenOptions::new().write(true).create_new(true).open(out).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "is there already; name another, or move it away".to_owned(),
            _ => format!("cannot be written: {error}"),
        };
        Failure::new(Exit::Wanting, format!("{} {why}", out.display()))
    })?;
    print(format_args!("wrote {}; next: heyan adapter check {}", out.display(), out.display()))?;
    Ok(Exit::Ok)
}

/// The parts of a kind are divided by lines of `#---`: how the department is reached, the look-up, the example.
fn scaffold(kind: Kind, id: &str) -> String {
    let sqlite = include_str!("new/sqlite.toml");
    let (server, of_kind) = match kind {
        Kind::Sqlite => (None, sqlite),
        Kind::Postgres => (Some(("postgres", "5432")), sqlite),
        Kind::Mysql => (Some(("mysql", "3306")), sqlite),
        Kind::Mariadb => (Some(("mariadb", "3306")), sqlite),
        Kind::Http => (None, include_str!("new/http.toml")),
        Kind::Soap => (None, include_str!("new/soap.toml")),
        Kind::Files => (None, include_str!("new/files.toml")),
    };
    let mut parts = of_kind.split("#---\n");
    let mut part = || parts.next().unwrap_or_default();
    let (reach, lookup, example) = (part(), part(), part());
    let reach = match server {
        Some((dialect, port)) => {
            include_str!("new/server.toml").replace("{{dialect}}", dialect).replace("{{port}}", port)
        }
        None => reach.to_owned(),
    };
    let (format, business_form) = match kind {
        Kind::Http => ("接口", "$.businessForm"),
        Kind::Soap => ("接口", "m:BusinessForm"),
        Kind::Files => ("文件", "business_form"),
        _ => ("数据库", "business_form"),
    };
    let body = include_str!("new/body.toml").replace("{{format}}", format);
    let fields = include_str!("new/fields.toml").replace("{{business_form}}", business_form);
    [include_str!("new/head.toml"), &reach, &body, lookup, &fields, example].concat().replace("{{id}}", id)
}

#[cfg(test)]
mod tests {
    use heyan_adapters::read_declaration;

    use super::*;

    /// Failure: a scaffold that has a problem, or a place that nothing was written to.
    #[test]
    fn every_scaffold_is_a_good_declaration() {
        for kind in Kind::value_variants() {
            let text = scaffold(*kind, "social-insurance");
            let declaration =
                read_declaration("new.toml", &text).unwrap_or_else(|problems| panic!("{kind:?}: {problems}\n{text}"));
            assert_eq!(declaration.department.id.as_str(), "social-insurance");
            for place in ["{{id}}", "{{dialect}}", "{{port}}", "{{format}}", "{{business_form}}", "#---"] {
                assert!(!text.contains(place), "{kind:?} keeps {place}");
            }
        }
    }
}
