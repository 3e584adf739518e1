//! `heyan doctor`: tries each thing that a gateway needs, by itself, and says what is wrong and what to do.

mod certificates;
mod clock;
mod configuration;
mod departments;
mod disk;
mod gateway;
mod report;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use self::report::{Category, Report};
use super::{Exit, Failure, Language, Output, block_on, print};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;

/// Options of `heyan doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan doctor city
  heyan doctor city --lang en
  heyan doctor city --output json | jq '.checks[] | select(.result != \"ok\")'
  heyan doctor city --listen 127.0.0.1:18443   a gateway that was started with --listen

It changes nothing, and may run beside a gateway. Departments are asked the examples of their
declarations, whose subjects are invented.

√ fine   ‼ works, wants attention   × does not work

Exit codes: 0 nothing is ×, 1 the machine is wrong (disk, log, clock, gateway),
3 only departments or the gateway cannot be reached, 78 a file of the city folder is wrong")]
pub(crate) struct Options {
    /// The city folder
    #[arg(value_name = "DIR", default_value = ".")]
    city: PathBuf,
    /// Look for the running gateway here instead of on `listen.service` of heyan.toml
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Look for its probes here instead of on `listen.admin` of heyan.toml
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// How to print what is found
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The language of what is printed
    #[arg(long, value_enum, default_value = "zh-CN")]
    lang: Language,
}

/// Tries everything, prints, and says by the exit code how it is.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    let report = block_on(examine(options))?;
    match options.output {
        Output::Json => print(report.to_json(options.lang))?,
        Output::Table => print(report.to_text(options.lang).trim_end())?,
    }
    Ok(report.exit())
}

/// The categories in the order in which one rests on another. What cannot be tried without `heyan.toml` is not.
async fn examine(options: &Options) -> Report {
    let mut report = Report::default();
    let now = SystemClock.now();
    let config = Config::read(&options.city);
    let directory = configuration::check(&options.city, &config, now, &mut report.category(Category::Configuration));
    let Ok(config) = config else { return report };
    certificates::check(&config.tls, now, &mut report.category(Category::Certificates));
    let keys = store::check_keys(&options.city, now, &mut report.category(Category::AuditKeys));
    // A server has a disk of its own, and what is published lies here.
    disk::check(config.audit.database.file().unwrap_or(&config.audit.published), &mut report.category(Category::Disk));
    let log = store::check_log(&config.audit.database, keys.as_ref(), &mut report.category(Category::AuditLog));
    clock::check(&options.city, &config, log.as_ref(), &mut report.category(Category::Clock)).await;
    if let Some(directory) = directory {
        let of = &mut report.category(Category::Departments);
        departments::check(&options.city, &directory, SystemClock.today(), of).await;
    }
    let service = options.listen.unwrap_or(config.listen.service);
    let admin = options.admin.or(config.listen.admin);
    let is_in_use = log.is_some_and(|log| log.is_in_use);
    let of = &mut report.category(Category::Gateway);
    gateway::check(service, admin, &config.tls.certificate, is_in_use, of).await;
    report
}
