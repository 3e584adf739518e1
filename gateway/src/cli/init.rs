//! `heyan init`: a city folder to start from.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Failure, print};
use crate::audit::AuditKeys;
use crate::clock::{Clock, SystemClock};
use crate::gateway::AUDIT_KEYS;
use crate::sample::{SampleOptions, write_city, write_keys};

/// Options of `heyan init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  heyan init city && heyan check city && heyan serve city

Everything in it is invented. Replace departments, systems, items and keys by your own.")]
pub(crate) struct Options {
    /// The folder to write; new or empty
    #[arg(value_name = "DIR")]
    city: PathBuf,
}

/// Writes the folder and says what comes next.
pub(super) fn run(options: &Options) -> Result<Exit, Failure> {
    write(&options.city, SampleOptions::default())?;
    let city = options.city.display();
    print(format_args!("wrote a sample city to {city}; next: heyan check {city} && heyan serve {city}"))?;
    Ok(Exit::Ok)
}

/// Writes the sample city with its certificates and the keys of its audit log.
pub(super) fn write(city: &Path, options: SampleOptions) -> Result<(), Failure> {
    let failed = |message: String| Failure::new(Exit::Wanting, message);
    write_city(city, options).map_err(|error| failed(error.to_string()))?;
    write_keys(city, SystemClock.today()).map_err(|error| failed(error.to_string()))?;
    AuditKeys::create(&city.join(AUDIT_KEYS)).map_err(|error| failed(error.to_string()))?;
    Ok(())
}
