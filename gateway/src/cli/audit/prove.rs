//! `heyan audit prove`: the proof of one entry, to be given away.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::audit::prove;
use crate::cli::{Exit, Failure, Output, print};
use crate::config::Config;

/// Options of `heyan audit prove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan audit prove --city city --index 4711 > 4711.tlog-proof
  heyan audit prove --city city --index 4711 --output json      the entry's bytes beside its proof

The proof is a C2SP tlog-proof, against the checkpoint that was signed when the entry became durable. It changes nothing,
and may run beside a gateway.

Exit codes: 0 printed, 1 there is no such entry, 2 usage, 3 the log cannot be read, 78 bad configuration")]
pub(crate) struct Options {
    /// The city folder
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// The entry, by its index
    #[arg(long, value_name = "N")]
    index: u64,
    /// How to print the proof
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Prints the proof.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let config =
        Config::read(&options.city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    let index = options.index;
    let proven =
        prove(&config.audit.database, index).map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?;
    let Some((leaf, proof)) = proven else {
        return Err(Failure::new(Exit::Wanting, format!("there is no entry {index} in this log")));
    };
    match options.output {
        Output::Table => print(proof.trim_end())?,
        Output::Json => {
            print(json!({ "index": index, "leaf": String::from_utf8_lossy(&leaf), "proof": proof }))?;
        }
    }
    Ok(Exit::Ok)
}
