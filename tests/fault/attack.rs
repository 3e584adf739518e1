//! A peer attacks the transport. Failure, in every test: a call of another caller that fails meanwhile, resident memory of
//! the server that grows by more than [`watch::GROWTH_MAX`], and whatever the test itself says.
//!
//! The attacker is the system `health-intake`, with a valid certificate; the victim is `housing-intake`.

mod certificates;
mod expired;
mod flood;
mod frames;
mod messages;
mod raw;
mod replay;
mod slow;
mod watch;

use heyan_tests::City;

/// The attacker.
const ATTACKER: &str = "system/health-intake";

/// A number of repetitions: enough by default, in full with `tests/run --long`.
fn times(by_default: usize, in_full: usize) -> usize {
    if std::env::var_os("HEYAN_LONG").is_some() { in_full } else { by_default }
}

/// Sets a limit of the city before its gateway starts.
fn limit(city: &City, key: &str, value: &str) {
    city.edit("heyan.toml", |text| {
        let line = text.lines().find(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = "))).unwrap();
        text.replacen(line, &format!("{key} = {value}"), 1)
    });
}
