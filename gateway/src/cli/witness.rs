//! `heyan witness`: what another office runs, so that the log cannot show it one history and somebody else another.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::audit::verifier_key;
use super::{Exit, Failure, Output, block_on, print};
use crate::clock::SystemClock;
use crate::config::default;
use crate::server::termination;
use crate::telemetry;
use crate::witness::{Witness, WitnessServer, create};

/// What to do with a witness.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the folder of a new witness with its key, and print its public key
    Init(Init),
    /// Cosign the checkpoints of the logs of a witness, until SIGTERM or Ctrl-C
    Serve(Serve),
}

/// Options of `heyan witness init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan witness init witness --name audit-office.example/witness --log log.vkey
  heyan witness init witness --name audit-office.example/witness --log log.vkey --output json | jq -r .vkey

The log's public key is given to the office by hand: log/vkey of the city folder. It stands for every shard of
that log. The line that is printed goes into the gateway's policy, which `audit.witness_policy` of heyan.toml names:
  witness audit-office VKEY http://witness.audit-office.example:8090
  quorum audit-office

Exit codes: 0 made, 1 it cannot be written, 2 usage")]
struct Init {
    /// The folder; its key must not be there yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The name of the witness, like a URL without its scheme
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A log that is cosigned: a verifier key line, or a file with one
    #[arg(long = "log", value_name = "VKEY|FILE", required = true)]
    logs: Vec<String>,
    /// How to print the public key
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Options of `heyan witness serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan witness serve witness --listen 0.0.0.0:8090
  heyan witness serve witness --listen 127.0.0.1:0      any free port; the address is printed

It speaks C2SP tlog-witness over plain HTTP: cosignatures are no secrets. What it has seen lies in DIR/state.db and must
never be put back to an earlier state; make a new witness instead. A fork of a log leaves a file in DIR/evidence.
DIR/logs has the public key of one more log on each line.

Exit codes: 0 ended when asked to, 1 it cannot serve")]
struct Serve {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The address
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How to print the address
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

/// Runs a command about a witness.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    match &options.command {
        Command::Init(options) => init(options),
        Command::Serve(options) => serve(options),
    }
}

fn init(options: &Init) -> Result<Exit, Failure> {
    let logs = options.logs.iter().map(|log| verifier_key(log)).collect::<Result<Vec<_>, _>>()?;
    let key = create(&options.folder, &options.name, &logs)
        .map_err(|error| Failure::new(Exit::Wanting, error.to_string()))?;
    match options.output {
        Output::Table => print(key)?,
        Output::Json => {
            let logs: Vec<_> = logs.iter().map(ToString::to_string).collect();
            print(json!({ "name": key.name(), "vkey": key.to_string(), "logs": logs }))?;
        }
    }
    Ok(Exit::Ok)
}

fn serve(options: &Serve) -> Result<Exit, Failure> {
    let failed = |message: String| Failure::new(Exit::Wanting, message);
    block_on(async {
        let telemetry = telemetry::start(default::LOG, None).map_err(|error| failed(error.to_string()))?;
        let witness =
            Witness::open(&options.folder, Arc::new(SystemClock)).map_err(|error| failed(error.to_string()))?;
        let witness = Arc::new(witness);
        let server = WitnessServer::bind(options.listen, Arc::clone(&witness)).await;
        let server = server.map_err(|error| failed(format!("cannot listen on {}: {error}", options.listen)))?;
        let (url, vkey) = (format!("http://{}", server.address()), witness.key().to_string());
        match options.output {
            Output::Table => print(format_args!("{vkey}\nwitness on {url}"))?,
            Output::Json => print(json!({ "vkey": vkey, "url": url }))?,
        }
        server.serve(termination()).await;
        telemetry.finish().await;
        Ok(Exit::Ok)
    })?
}
