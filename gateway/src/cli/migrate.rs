//! `heyan migrate`: makes the tables of the audit log, or brings them up to this version, before a gateway starts.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::show::pick;
use super::{Exit, Failure, Language, Output, print};
use crate::audit::migrate;
use crate::config::Config;

/// Options of `heyan migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan migrate city
  heyan migrate city --output json

A gateway does the same at its start. Whoever lets gateways have no right to make tables runs this first, with
another `audit.database`. It may be run any number of times.

Exit codes: 0 the tables are of this version, 1 they cannot be made, 2 usage, 78 bad configuration")]
pub(crate) struct Options {
    /// The city folder
    #[arg(value_name = "DIR", default_value = ".")]
    city: PathBuf,
    /// How to print what was done
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Migrates the database that the city folder names.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let config =
        Config::read(&options.city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    let database = &config.audit.database;
    if let Some(folder) = database.file().and_then(|file| file.parent()) {
        let unmade = |error: std::io::Error| Failure::new(Exit::Wanting, format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(unmade)?;
    }
    let size = migrate(database).map_err(|error| Failure::new(Exit::Wanting, error.to_string()))?;
    match options.output {
        Output::Json => print(json!({ "database": database.to_string(), "size": size }))?,
        Output::Table => {
            let (ready, entries) =
                (pick(options.lang, "留痕库可用", "the audit log is ready"), pick(options.lang, "条", "entries"));
            print(format_args!("{ready}: {database}, {size} {entries}"))?;
        }
    }
    Ok(Exit::Ok)
}
