//! A gateway whose audit log keeps nothing, as `heyan serve` is otherwise: what the log adds is the difference. The load benchmark
//! starts it, in a program of its own so that it has the allocator of `heyan`, and the bare echo beside it has the usual one.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use heyan::config::Config;
use heyan::gateway::Gateway;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers as a gateway does, and records nothing. For the load benchmark alone.
#[derive(Debug, Parser)]
#[command(name = "load-unlogged")]
struct Options {
    /// The city folder
    city: PathBuf,
    #[arg(long)]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load-unlogged: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> Result<(), String> {
    let mut config = Config::read(&options.city).map_err(|problems| problems.to_string())?;
    config.listen.service = options.listen;
    config.listen.admin = None;
    let telemetry = heyan::telemetry::start(&config.telemetry.log, None).map_err(|error| error.to_string())?;
    let gateway = Gateway::open_without_log(&options.city, &config).await.map_err(|error| error.to_string())?;
    println!("serving on {}", gateway.address());
    std::thread::spawn(|| {
        // The pipe closes however the other process ends; what is read of it does not matter.
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        std::process::exit(0);
    });
    gateway.serve(heyan::server::termination()).await;
    telemetry.finish().await;
    Ok(())
}
