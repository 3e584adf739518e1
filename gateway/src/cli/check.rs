//! `heyan check`: the validation that `heyan serve` does, without serving.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use heyan_proto::document::{Problem, Problems};
use serde_json::{Value, json};

use super::{Exit, Failure, Output, print};
use crate::audit::{AuditKeys, KeyError};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config};
use crate::directory::{LoadError, load};
use crate::gateway::AUDIT_KEYS;
use crate::server::{Tls, TlsError};

/// Options of `heyan check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan check city
  heyan check city --output json | jq .problems

Exit codes: 0 nothing is wrong, 78 something is")]
pub(crate) struct Options {
    /// The city folder
    #[arg(value_name = "DIR", default_value = ".")]
    city: PathBuf,
    /// How to print what is wrong
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Checks and prints.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let (mut problems, mut warnings) = match load(&options.city, None, SystemClock.now()) {
        Ok(loaded) => (loaded.problems, loaded.warnings),
        Err(LoadError::Unusable(problems)) => (problems, Problems::default()),
    };
    // A broken `heyan.toml` is told above; nobody can say then which files it names.
    if let Ok(config) = Config::read(&options.city) {
        check_keys(&options.city, &config, &mut problems, &mut warnings);
    }
    match options.output {
        Output::Json => print(json!({ "problems": list(&problems), "warnings": list(&warnings) }))?,
        Output::Table => print_lines(&problems, &warnings)?,
    }
    Ok(if problems.is_empty() { Exit::Ok } else { Exit::Configuration })
}

/// What `heyan serve` reads besides the directory. It is not under version control, so its absence may be right on the machine
/// that checks; what is there must be of use.
fn check_keys(city: &Path, config: &Config, problems: &mut Problems, warnings: &mut Problems) {
    let tls = &config.tls;
    let mut lacks = |path: &Path, message: String, help: &str| warnings.push(at(city, path, message, help));
    let mut wrong = |path: &Path, message: String, help: &str| problems.push(at(city, path, message, help));
    match Tls::read(&tls.certificate, &tls.key, &tls.client_ca) {
        Ok(read) if read.not_after() <= SystemClock.now() => {
            let message = format!("the gateway's certificate has ended at {}", read.not_after());
            wrong(&tls.certificate, message, "renew it");
        }
        Ok(_) => {}
        Err(error) => {
            let path = match &error {
                TlsError::Unreadable { setting: "key", .. } | TlsError::NoKey => &tls.key,
                TlsError::Unreadable { setting: "client_ca", .. }
                | TlsError::NoCertificate { setting: "client_ca" }
                | TlsError::Authority(_) => &tls.client_ca,
                _ => &tls.certificate,
            };
            let help = "`[tls]` of heyan.toml names it";
            match &error {
                TlsError::Unreadable { reason: io::ErrorKind::NotFound, .. } => lacks(path, error.to_string(), help),
                _ => wrong(path, error.to_string(), help),
            }
        }
    }
    let keys = city.join(AUDIT_KEYS);
    match AuditKeys::load(&keys) {
        Ok(_) => {}
        Err(KeyError::File { path, source }) => {
            let message = format!("a key of the audit log cannot be read: {}", config::reading(&source));
            let help = "`heyan serve` needs it; restore it, because without it the log cannot be read";
            if source.kind() == io::ErrorKind::NotFound {
                lacks(&path, message, help)
            } else {
                wrong(&path, message, help)
            }
        }
        Err(error) => wrong(&keys, error.to_string(), "`heyan serve` refuses it"),
    }
    if let Some(witnesses) = &config.audit.witnesses
        && let Err(error) = witnesses.read()
    {
        wrong(&witnesses.policy, error.what().to_owned(), "`audit.witness_policy` of heyan.toml names it");
    }
    let folder = config.audit.database.file().map(|file| file.parent().unwrap_or(city));
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        lacks(folder, "the folder of `audit.database` does not exist".into(), "make it before `heyan serve`");
    }
}

/// A problem with a whole file.
fn at(city: &Path, path: &Path, message: String, help: &str) -> Problem {
    let file = path.strip_prefix(city).unwrap_or(path).display().to_string();
    Problem { file, line: 1, column: 1, message, help: Some(help.into()) }
}

fn print_lines(problems: &Problems, warnings: &Problems) -> Result<(), Failure> {
    for problem in problems.iter() {
        print(problem)?;
    }
    for warning in warnings.iter() {
        print(format_args!("warning: {warning}"))?;
    }
    match problems.iter().count() {
        0 => print("nothing is wrong"),
        1 => print("1 problem"),
        many => print(format_args!("{many} problems")),
    }
}

fn list(problems: &Problems) -> Value {
    let object = |problem: &Problem| {
        json!({
            "file": problem.file, "line": problem.line, "column": problem.column,
            "message": problem.message, "help": problem.help,
        })
    };
    problems.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::init;
    use super::*;
    use crate::sample::SampleOptions;

    /// What is wrong, and what is warned of.
    fn checked(city: &Path) -> (String, String) {
        let (mut problems, mut warnings) = (Problems::default(), Problems::default());
        check_keys(city, &Config::read(city).unwrap(), &mut problems, &mut warnings);
        (problems.to_string(), warnings.to_string())
    }

    #[test]
    fn a_policy_of_witnesses_must_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let city = folder.path().join("city");
        init::write(&city, SampleOptions::default()).unwrap();
        let settings = fs::read_to_string(city.join("heyan.toml")).unwrap();
        fs::write(city.join("heyan.toml"), settings.replace("# witness_policy", "witness_policy")).unwrap();
        assert!(checked(&city).0.starts_with("witnesses:1:1: No such file"), "{:?}", checked(&city));
        fs::write(city.join("witnesses"), "quorum nobody\n").unwrap();
        assert!(checked(&city).0.starts_with("witnesses:1:1: line 1: "), "{:?}", checked(&city));
        fs::write(city.join("witnesses"), "quorum none\n").unwrap();
        assert_eq!(checked(&city), (String::new(), String::new()));
    }

    #[test]
    fn keys_that_are_absent_are_warned_of_and_keys_that_are_bad_are_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let city = folder.path().join("city");
        init::write(&city, SampleOptions::default()).unwrap();
        assert_eq!(checked(&city), (String::new(), String::new()));
        for (file, bad) in [
            ("keys/gateway.pem", "no certificate"),
            ("keys/gateway.key", "no key"),
            ("keys/client-ca.pem", ""),
            ("keys/audit/body.key", "short"),
        ] {
            let path = city.join(file);
            let good = fs::read(&path).unwrap();
            fs::write(&path, bad).unwrap();
            let (problems, warnings) = checked(&city);
            assert!(problems.starts_with(file.trim_end_matches("/body.key")), "{file}: {problems}");
            assert_eq!(warnings, "", "{file}");
            fs::write(&path, good).unwrap();
        }
        let other = city.join("keys/system/health-intake.key");
        fs::copy(other, city.join("keys/gateway.key")).unwrap();
        assert!(checked(&city).0.contains("cannot be used together"), "{:?}", checked(&city));

        fs::remove_file(city.join("keys/gateway.key")).unwrap();
        fs::remove_dir_all(city.join("keys/audit")).unwrap();
        fs::remove_dir_all(city.join("state")).unwrap();
        let (problems, warnings) = checked(&city);
        assert_eq!(problems, "");
        for file in ["keys/gateway.key:1:1: ", "keys/audit:1:1: ", "state:1:1: "] {
            assert!(warnings.contains(file), "{file}: {warnings}");
        }
    }
}
