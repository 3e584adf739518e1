//! `heyan serve`: the gateway of a city folder, until SIGTERM or Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Exit, Failure, block_on, print};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::server::termination;
use crate::telemetry;

/// Options of `heyan serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan serve city
  heyan serve city --listen 127.0.0.1:0      any free port; the address is printed

SIGHUP, and any change of a file, reloads the city folder. SIGTERM drains and ends.")]
pub(crate) struct Options {
    /// The city folder
    #[arg(value_name = "DIR", default_value = ".")]
    city: PathBuf,
    /// Listen here instead of on `listen.service` of heyan.toml
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Serve metrics and probes here instead of on `listen.admin` of heyan.toml
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
}

/// Serves until the process is asked to end.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let mut config =
        Config::read(&options.city).map_err(|problems| Failure::new(Exit::Configuration, problems.to_string()))?;
    config.listen.service = options.listen.unwrap_or(config.listen.service);
    config.listen.admin = options.admin.or(config.listen.admin);
    block_on(async {
        let telemetry = telemetry::start(&config.telemetry.log, config.telemetry.otlp.as_deref());
        let unusable = |error: telemetry::TelemetryError| Failure::new(Exit::Configuration, error.to_string());
        let mut telemetry = telemetry.map_err(unusable)?;
        let gateway = Gateway::open(&options.city, &config).await.map_err(|error| {
            let exit = if error.is_configuration() { Exit::Configuration } else { Exit::Wanting };
            Failure::new(exit, error.to_string())
        })?;
        telemetry.send(gateway.metrics(), Arc::new(SystemClock)).map_err(unusable)?;
        print(format_args!("serving on {}", gateway.address()))?;
        if let Some(admin) = gateway.admin_address() {
            print(format_args!("metrics and probes on http://{admin}"))?;
        }
        if let Some(log) = gateway.public_log_address() {
            print(format_args!("published audit log on http://{log}"))?;
        }
        gateway.serve(termination()).await;
        telemetry.finish().await;
        Ok(Exit::Ok)
    })?
}
