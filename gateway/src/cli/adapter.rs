//! `heyan adapter`: working on the file by which a department is connected.

mod check;
mod docs;
mod new;
mod online;
mod report;

use clap::{Args, Subcommand};

use super::{Exit, Failure};

/// What to do with declarations.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a declaration to start from
    New(new::Options),
    /// Check declarations: syntax, keys, meaning, examples; with `--online`, the department's system as well
    Check(check::Options),
    /// Write a page for each department, for those who may ask it
    Docs(docs::Options),
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    match &options.command {
        Command::New(options) => new::run(options),
        Command::Check(options) => check::run(options),
        Command::Docs(options) => docs::run(options),
    }
}
