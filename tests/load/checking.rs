//! How fast `heyan audit verify` reads a log, beside a bare reading of the same rows, and whether its memory grows with the log.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use heyan::audit::{Audit, AuditKeys, Body, Class, Database, DecisionWord, Event, Place, Record};
use heyan::clock::SystemClock;
use heyan_tests::{City, heyan};
use rusqlite::{Connection, OpenFlags};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Failure;

/// Entries on their way at once: the log commits as many as it can.
const ASKING: u64 = 512;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many entries the log has at the end; it is checked with a quarter of them too
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1_000..=50_000_000))]
    entries: u64,
}

/// What one check took.
struct Check {
    took: Duration,
    /// The most memory that it held, in MiB.
    memory: u64,
    floor: Duration,
}

/// Makes a log, checks it at a quarter of its size and whole, and prints one line for each.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let city = City::new();
    println!("| entries | entries/s | of a bare reading | most memory, MiB |");
    println!("|---|---|---|---|");
    let mut made = 0;
    for size in [options.entries / 4, options.entries] {
        make(&city, size - made).await?;
        made = size;
        let Check { took, memory, floor } = check(&city)?;
        let rate = size as f64 / took.as_secs_f64();
        println!("| {size} | {rate:.0} | {:.2} | {memory} |", floor.as_secs_f64() / took.as_secs_f64());
    }
    Ok(())
}

/// Appends so many entries.
async fn make(city: &City, entries: u64) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure(format!("the log cannot be made: {error}"));
    let keys = AuditKeys::load(&city.file("keys/audit")).map_err(|error| failed(&error))?;
    let (database, published) = (Database::Sqlite(city.file("state/audit.db")), city.file("log"));
    std::fs::create_dir_all(city.file("state")).map_err(|error| failed(&error))?;
    let place =
        Place { database: &database, published: &published, name: "sample-city.example/audit", witnessing: None };
    let audit = Audit::open(&place, keys, Arc::new(SystemClock)).map_err(|error| failed(&error))?;
    let mut askers = JoinSet::new();
    for asker in 0..ASKING {
        let (audit, share) = (audit.clone(), (asker..entries).step_by(512).count());
        askers.spawn(async move {
            for _ in 0..share {
                audit.record(record()).await?;
            }
            Ok::<_, heyan::audit::AuditError>(())
        });
    }
    while let Some(asker) = askers.join_next().await {
        asker.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    }
    audit.close().await;
    Ok(())
}

/// An invented call.
fn record() -> Record {
    Record {
        decision: Uuid::now_v7(),
        event: Event::Verify,
        caller: "spiffe://sample-city.example/system/housing-intake".into(),
        provider: None,
        purpose: None,
        policy: Some("ab".repeat(32).into()),
        decision_word: DecisionWord::None,
        class: Class::Rejected,
        subject: None,
        official: None,
        case: None,
        body: Body::from([("reason", "办件材料核验"), ("outcome", "rejected")]),
        request: b"an invented question"[..].into(),
    }
}

fn check(city: &City) -> Result<Check, Failure> {
    let floor = read(city).map_err(|error| Failure(format!("the log cannot be read: {error}")))?;
    let started = Instant::now();
    let mut command: Command = heyan();
    command.args(["audit", "verify", "--output", "json", "--city"]).arg(city.path());
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut process = process.map_err(|error| Failure(format!("heyan cannot be started: {error}")))?;
    let status = format!("/proc/{}/status", process.id());
    let mut memory = 0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let most =
            text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().trim_end_matches(" kB").parse().ok());
        memory = memory.max(most.unwrap_or(0_u64) / 1_024);
        match process.try_wait() {
            Ok(Some(ended)) => break ended,
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(Failure(format!("heyan cannot be waited for: {error}"))),
        }
    };
    if !ended.success() {
        return Err(Failure(format!("a whole log is found broken: {ended}")));
    }
    Ok(Check { took: started.elapsed(), memory, floor })
}

/// Reads every leaf and every body, and hashes the leaves: the least that any check does.
fn read(city: &City) -> rusqlite::Result<Duration> {
    let log = Connection::open_with_flags(city.file("state/audit.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let started = Instant::now();
    let mut entries =
        log.prepare("SELECT leaf, sealed FROM entry LEFT JOIN body ON body.idx = entry.idx ORDER BY entry.idx")?;
    let mut rows = entries.query([])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, row.get_ref(0)?.as_bytes()?);
        bytes += usize::from(digest.as_ref()[0]) + row.get_ref(1)?.as_bytes_or_null()?.map_or(0, <[u8]>::len);
    }
    std::hint::black_box(bytes);
    Ok(started.elapsed())
}
