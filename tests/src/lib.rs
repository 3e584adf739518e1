#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, reason = "what goes wrong here ends the test that it serves")]

mod city;
mod curl;
mod entries;
mod errors;
mod gateway;
pub mod plain;
#[path = "../../gateway/src/audit/store/postgres/tests/server.rs"]
mod postgres;
pub mod questions;

pub use city::City;
pub use curl::{Ask, Reply, curl};
pub use entries::{Entry, classes_from, entries, entries_from};
pub use errors::Told;
pub use gateway::{Gateway, Logs, heyan, page};
pub use postgres::PostgresServer;

use std::time::{Duration, Instant};

/// Waits until something holds.
///
/// # Panics
/// Where it does not within ten seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}: not within ten seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
