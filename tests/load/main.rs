//! The load benchmark: what a verified and recorded answer costs beside a bare echo. See `README.md`.

mod checking;
mod client;
mod commits;
mod echo;
mod measure;
mod question;
mod report;
mod server;
mod soak;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use heyan_tests::{City, PostgresServer};

use measure::{Case, Load, Point, Sites};
use server::Server;

/// Measures a bare echo, Verify from the cache, and Verify that asks a department, side by side over mutual TLS.
#[derive(Debug, Parser)]
#[command(name = "load", args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    child: Option<Child>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
struct Options {
    /// How long each case is measured at each point, all rounds together
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Into how many rounds that is divided; in each round every case has its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Connections, instead of the usual points
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: Option<u16>,
    /// Calls in flight on all connections together, instead of the usual points; with `--rate`, the most that may be
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    in_flight: Option<u16>,
    /// Open loop: so many calls a second, whether earlier ones were answered or not
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Only these cases
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Case>,
    /// Another gateway than the one built beside this program: to compare two builds, run one after the other
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// How to print the figures; JSON is those of one point, 8 connections and 64 calls in flight unless told otherwise
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
enum Child {
    /// A mixed load for a long time: memory and descriptors must not grow, and no call may fail
    Soak(soak::Options),
    /// How fast `heyan audit verify` reads a log of many entries, and with how much memory
    Verify(checking::Options),
    /// The floor; started by the benchmark itself
    #[command(hide = true)]
    Echo(EchoOptions),
}

#[derive(Debug, Args)]
struct EchoOptions {
    /// Where the certificates are
    city: PathBuf,
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    reply_bytes: usize,
}

/// Why there are no figures. Messages are for whoever runs the benchmark.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command { child, options } = Command::parse();
    let done = match child {
        Some(Child::Echo(EchoOptions { city, listen, reply_bytes })) => echo::serve(&city, listen, reply_bytes).await,
        // Whoever ends the benchmark early has its servers ended too: they end when they are dropped.
        Some(Child::Soak(options)) => unless_ended(soak::run(&options)).await,
        Some(Child::Verify(options)) => unless_ended(checking::run(&options)).await,
        None => unless_ended(run(&options)).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("load: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn unless_ended(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        done = work => done,
        () = heyan::server::termination() => Err(Failure("ended before it was done".into())),
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    let city = City::new();
    question::make_room(&city)?;
    let gateway = Server::gateway(city.path(), options.gateway.as_deref())?;
    let replies = question::reply_size(city.path(), gateway.address()).await?;
    let echo = Server::echo(city.path(), replies)?;
    let unlogged = Server::unlogged(city.path())?;
    let mut cases = if options.only.is_empty() { Case::ALL.to_vec() } else { options.only.clone() };
    if unlogged.is_none() && options.only.is_empty() {
        eprintln!(
            "load: case `unlogged` is left out: its gateway, `--bin load-unlogged`, is not built beside this program"
        );
        cases.retain(|case| *case != Case::Unlogged);
    }
    let needs_postgres = cases.iter().any(|case| matches!(case, Case::Postgres | Case::Replicas));
    let postgres = needs_postgres.then(PostgresServer::start);
    let shared = postgres.as_ref().map(|server| (City::on(server).0, City::on(server).0));
    let mut gateways = Vec::new();
    if let Some((alone, together)) = &shared {
        for (number, city) in [alone, together, together, together].into_iter().enumerate() {
            if number < 2 {
                question::make_room(city)?;
            }
            gateways.push(Server::gateway(city.path(), options.gateway.as_deref())?);
        }
    }
    let shared = shared.as_ref().map(|(alone, together)| (alone, together, &gateways[..]));
    let sites = Sites { city: &city, gateway: &gateway, echo: &echo, unlogged: unlogged.as_ref(), shared, replies };
    let mut points = Vec::new();
    for (point, load) in plan(options) {
        eprintln!("{point}: {} s for each of {} cases, in {} rounds", options.seconds, cases.len(), options.rounds);
        let each = Duration::from_secs(options.seconds) / options.rounds;
        points.push((point, measure::rounds(&sites, point, load, &cases, options.rounds, each).await?));
    }
    match options.output {
        Output::Table => report::table(&points),
        Output::Json => report::json(&points[0].1)?,
    }
    Ok(())
}

/// Which points are measured, and how.
fn plan(options: &Options) -> Vec<(Point, Load)> {
    let target = Point { connections: 8, in_flight: 64 };
    let load = options.rate.map_or(Load::Closed, Load::Open);
    let connections = options.connections.unwrap_or(target.connections);
    if let Some(in_flight) = options.in_flight {
        return vec![(Point { connections, in_flight: in_flight.max(connections) }, load)];
    }
    if options.rate.is_some() {
        return vec![(Point { connections, in_flight: 4096 }, load)];
    }
    if options.connections.is_some() || options.output == Output::Json {
        return vec![(Point { connections, in_flight: target.in_flight.max(connections) }, load)];
    }
    [(1, 1), (1, 16), (8, 64), (8, 256)]
        .map(|(connections, in_flight)| (Point { connections, in_flight }, load))
        .to_vec()
}

/// The file of a certificate or key, read whole.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure(format!("{}: {error}", file.display())))
}
