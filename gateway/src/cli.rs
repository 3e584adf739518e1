//! The command line: one binary for the people who run the gateway and for those who try it.
//!
//! Results go to stdout, messages to stderr. `--output json` prints one object for machines.

pub mod claims;

mod adapter;
mod audit;
mod check;
mod client;
mod demo;
mod directory;
mod doctor;
mod init;
mod migrate;
mod receipt;
mod serve;
mod show;
mod verify;
mod witness;

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

/// How a command ends, for scripts (sysexits where one fits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; what was asked is confirmed.
    Ok = 0,
    /// Checked and found wanting: not confirmed, refused, a failed check.
    Wanting = 1,
    /// The command line or the question is wrong.
    Usage = 2,
    /// It could not be found out: gateway or department unreachable.
    Unreachable = 3,
    /// What was to be proved is refuted: a log or a receipt is not what was signed.
    Broken = 4,
    /// The configuration is bad (`EX_CONFIG`).
    Configuration = 78,
}

/// A message for the person at the terminal, and how the command ends.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

#[derive(Parser)]
#[command(name = "heyan", version, about = "核验: check a result that another department has issued", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a sample city, start its gateway, ask it questions, and serve until Ctrl-C
    Demo(demo::Options),
    /// Write a sample city folder with keys and certificates, to start from
    Init(init::Options),
    /// Check a city folder: every problem at once, with file, line and column
    Check(check::Options),
    /// Work on the file by which a department is connected
    Adapter(adapter::Options),
    /// Try each thing that a gateway needs, by itself: what is wrong, and what to do
    Doctor(doctor::Options),
    /// Make the tables of the audit log, or bring them up to this version
    Migrate(migrate::Options),
    /// Run the gateway of a city folder
    Serve(serve::Options),
    /// Ask one question, as a business system would
    Verify(Box<verify::Options>),
    /// Verify a receipt from a case archive, offline
    Receipt(receipt::Options),
    /// Check the audit log
    Audit(audit::Options),
    /// Run a witness of the log at another office
    Witness(witness::Options),
    /// See what can be asked of whom
    Directory(directory::Options),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const EXAMPLES: &str = "\
Examples:
  heyan demo                            a whole sample city, in a minute
  heyan init city && heyan check city   a city folder to start from
  heyan serve city                      run it
  heyan doctor city                     why does it not run?
  heyan verify --help                   ask a question
  heyan audit verify --city city        is the log whole?
  heyan completions bash > /etc/bash_completion.d/heyan

Exit codes: 0 ok, 1 checked and found wanting, 2 usage, 3 unreachable, 4 log or receipt broken, 78 bad configuration";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// One JSON object for machines.
    Json,
}

/// The language of what is printed for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Simplified Chinese.
    #[value(name = "zh-CN")]
    Chinese,
    /// English.
    #[value(name = "en")]
    English,
}

/// Parses the command line and runs the command.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(options) => demo::run(options),
        Command::Init(options) => init::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Adapter(options) => adapter::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Migrate(options) => migrate::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Receipt(options) => receipt::run(&options),
        Command::Audit(options) => audit::run(&options),
        Command::Witness(options) => witness::run(&options),
        Command::Directory(options) => directory::run(&options),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "heyan", &mut script);
            print(String::from_utf8_lossy(&script).trim_end()).map(|()| Exit::Ok)
        }
    };
    let exit = outcome.unwrap_or_else(|failure: Failure| {
        eprintln!("heyan: {failure}");
        failure.exit
    });
    ExitCode::from(exit as u8)
}

/// Prints a result on a line of its own. Whoever stops reading has read enough; a full disk is a failure.
pub(crate) fn print(result: impl Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{result}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Wanting, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A runtime for the commands that talk to a gateway or are one.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Wanting, format!("cannot start the runtime: {error}")))?;
    Ok(runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn the_examples_of_the_help_name_what_the_sample_city_has() {
        let systems = include_str!("../sample/systems/systems.toml");
        let item = include_str!("../items/nursery-filing.toml");
        let mut command = super::Cli::command();
        for name in ["verify", "directory"] {
            let help = command.find_subcommand_mut(name).unwrap().render_long_help().to_string();
            let words: Vec<&str> = help.split_whitespace().filter(|word| !word.starts_with('<')).collect();
            let after =
                |option: &'static str| words.windows(2).filter(move |pair| pair[0] == option).map(|pair| pair[1]);
            let callers: Vec<_> = after("--as").filter(|word| !word.starts_with('-')).collect();
            assert!(callers.iter().any(|id| systems.contains(&format!("id = \"{id}\""))), "{name}: {callers:?}");
            for code in after("--item").filter(|word| word.starts_with('1')) {
                assert!(item.contains(&format!("code = \"{code}\"")), "{name}: {code}");
            }
        }
    }
}
