//! `heyan check`: the validation that `heyan serve` does, without serving.

use std::path::PathBuf;

use clap::Args;
use heyan_proto::document::{Problem, Problems};
use serde_json::{Value, json};

use super::{Exit, Failure, Output};
use crate::clock::{Clock, SystemClock};
use crate::directory::{LoadError, load};

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
    let (problems, warnings) = match load(&options.city, None, SystemClock.now()) {
        Ok(loaded) => (loaded.problems, loaded.warnings),
        Err(LoadError::Unusable(problems)) => (problems, Problems::default()),
    };
    match options.output {
        Output::Json => println!("{}", json!({ "problems": list(&problems), "warnings": list(&warnings) })),
        Output::Table => print_lines(&problems, &warnings),
    }
    Ok(if problems.is_empty() { Exit::Ok } else { Exit::Configuration })
}

fn print_lines(problems: &Problems, warnings: &Problems) {
    for problem in problems.iter() {
        println!("{problem}");
    }
    for warning in warnings.iter() {
        println!("warning: {warning}");
    }
    match problems.iter().count() {
        0 => println!("nothing is wrong"),
        1 => println!("1 problem"),
        many => println!("{many} problems"),
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
