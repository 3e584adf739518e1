//! The soak: a mixed load on one gateway for a long time. Failure: memory that grows, descriptors that are not given back, a call
//! that does not get the answer that it deserves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, questions};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic::{Code, Request};
use v1::verify_response::Answer;

use super::Failure;

/// How often memory and descriptors are looked at.
const SAMPLE: Duration = Duration::from_secs(1);
/// The part of the time after which whatever fills up has filled up.
const WARM_UP: u32 = 4;
/// By how much of itself memory may grow over the whole time, by the line that fits its samples best.
const GROWTH_MAX: f64 = 0.01;
/// How many connections ask all the time.
const ASKERS: usize = 8;
/// How long an asker waits after each answer: the load is steady and leaves the machine room, so that it lasts.
const PAUSE: Duration = Duration::from_millis(50);
/// After so many calls an asker opens a new connection.
const CALLS_EACH: u64 = 500;
/// How often the directory changes.
const RELOAD: Duration = Duration::from_secs(10);

/// How long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long the load lasts
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    minutes: u64,
}

/// What the gateway's process has at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Since the load began.
    at: Duration,
    /// Resident memory, in bytes.
    resident: u64,
    descriptors: usize,
}

/// What was asked so far.
#[derive(Debug, Default)]
struct Tally {
    answers: AtomicU64,
    refusals: AtomicU64,
    undetermined: AtomicU64,
    rejected: AtomicU64,
    cancelled: AtomicU64,
    connections: AtomicU64,
    reloads: AtomicU64,
}

/// Runs the load, and says what it saw.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let long = Duration::from_secs(options.minutes * 60);
    let city = City::new();
    // What is kept of answers fills up within the warm-up.
    city.edit("heyan.toml", |text| text.replace("cache_bytes = 67108864", "cache_bytes = 262144"));
    let gateway = Arc::new(Gateway::start_with(&city, "warn"));
    let tally = Arc::new(Tally::default());
    let started = Instant::now();
    let mut work = JoinSet::new();
    for asker in 0..ASKERS {
        work.spawn(ask(Arc::clone(&gateway), Arc::clone(&tally), asker as u64, started + long));
    }
    let mut samples = Vec::new();
    let mut reloaded = started;
    while started.elapsed() < long {
        tokio::time::sleep(SAMPLE).await;
        samples.push(sample(gateway.pid(), started.elapsed())?);
        if reloaded.elapsed() >= RELOAD {
            reloaded = Instant::now();
            let number = tally.reloads.fetch_add(1, Ordering::Relaxed);
            change(&city, number)?;
            gateway.signal("HUP");
        }
        // A call that fails ends the run at once.
        if let Some(done) = work.try_join_next() {
            done.map_err(|error| Failure(format!("a client has failed: {error}")))??;
        }
    }
    while let Some(done) = work.join_next().await {
        done.map_err(|error| Failure(format!("a client has failed: {error}")))??;
    }
    report(&samples, &tally, long)
}

/// Another contact of one department, so that its declaration is read again.
fn change(city: &City, number: u64) -> Result<(), Failure> {
    let file = city.file("departments/tax.toml");
    let failed = |error: std::io::Error| Failure(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(failed)?;
    let changed: Vec<String> = (text.lines())
        .map(|line| match line.starts_with("contact = ") {
            true => format!("contact = \"office-{number}@tax.example\""),
            false => line.to_owned(),
        })
        .collect();
    std::fs::write(&file, changed.join("\n")).map_err(failed)
}

/// The cases that are asked, and who asks each.
const ANSWERED: &str = "food-licence-in-force";
const REFUSED: &str = "public-order-record-refused";
const UNDETERMINED: &str = "degree-undetermined";

/// One asker's connections, as the systems of the cases.
struct Connections {
    answered: Channel,
    refused: Channel,
    undetermined: Channel,
}

impl Connections {
    async fn open(gateway: &Gateway, tally: &Tally) -> Result<Self, Failure> {
        let connect = async |case: &str| {
            let member = format!("system/{}", questions::named(case).0.system);
            tally.connections.fetch_add(1, Ordering::Relaxed);
            gateway.try_connect(&member).await.map_err(|error| Failure(error.to_string()))
        };
        Ok(Self {
            answered: connect(ANSWERED).await?,
            refused: connect(REFUSED).await?,
            undetermined: connect(UNDETERMINED).await?,
        })
    }
}

/// Asks until the time is over: answers, refusals, departments that are down, bad input, calls that are given up.
async fn ask(gateway: Arc<Gateway>, tally: Arc<Tally>, asker: u64, until: Instant) -> Result<(), Failure> {
    let mut calls = asker * 1_000_003;
    while Instant::now() < until {
        let connections = Connections::open(&gateway, &tally).await?;
        for _ in 0..CALLS_EACH {
            calls += 1;
            call(&connections, &tally, calls).await?;
            tokio::time::sleep(PAUSE).await;
            if Instant::now() >= until {
                break;
            }
        }
    }
    Ok(())
}

async fn call(connections: &Connections, tally: &Tally, number: u64) -> Result<(), Failure> {
    let kind = number % 10;
    let (case, channel) = match kind {
        6 => (REFUSED, &connections.refused),
        7 => (UNDETERMINED, &connections.undetermined),
        _ => (ANSWERED, &connections.answered),
    };
    let mut client = VerificationServiceClient::new(channel.clone());
    let mut question = questions::named(case).1;
    match kind {
        0..=2 => question = questions::live(question),
        // No code has the letter O.
        8 => question.subject.get_or_insert_default().number = format!("91500000MA{:06}O1", number % 1_000_000),
        _ => {}
    }
    let mut request = Request::new(question);
    if kind == 9 {
        // Given up while it is being answered, or before.
        let patience = Duration::from_micros(200 * (number % 40));
        drop(tokio::time::timeout(patience, client.verify(request)).await);
        count(&tally.cancelled);
        return Ok(());
    }
    request.set_timeout(Duration::from_secs(20));
    let counted = match (kind, client.verify(request).await) {
        (8, Err(status)) if status.code() == Code::InvalidArgument => Ok(&tally.rejected),
        (_, Err(status)) => Err(format!("{:?}: {}", status.code(), status.message())),
        (_, Ok(response)) => match (kind, response.into_inner().answer) {
            (0..=5, Some(Answer::Determination(of))) if of.finding() == v1::Finding::Confirmed => Ok(&tally.answers),
            (6, Some(Answer::Refusal(_))) => Ok(&tally.refusals),
            (7, Some(Answer::Undetermined(_))) => Ok(&tally.undetermined),
            (_, other) => Err(format!("another answer than it deserves: {other:?}")),
        },
    };
    counted.map(count).map_err(|what| Failure(format!("call {number}: {what}")))
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Ordering::Relaxed);
}

fn sample(pid: u32, at: Duration) -> Result<Sample, Failure> {
    let ended = |error: std::io::Error| Failure(format!("the gateway has ended: {error}"));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(ended)?;
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    let resident: u64 = kibibytes.ok_or_else(|| Failure("the gateway's status has no VmRSS".into()))?;
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_err(ended)?.count();
    Ok(Sample { at, resident: resident << 10, descriptors })
}

fn report(samples: &[Sample], tally: &Tally, long: Duration) -> Result<(), Failure> {
    let settled: Vec<&Sample> = samples.iter().filter(|sample| sample.at > long / WARM_UP).collect();
    let growth = growth(&settled, long);
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    let early = settled[..settled.len() / 4].iter().map(|sample| sample.descriptors).max().unwrap_or_default();
    let late =
        settled[settled.len() - settled.len() / 4..].iter().map(|sample| sample.descriptors).max().unwrap_or_default();
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "soak of {} min: {} answers, {} refusals, {} undetermined, {} rejected, {} given up, {} connections, {} reloads",
        long.as_secs() / 60,
        of(&tally.answers),
        of(&tally.refusals),
        of(&tally.undetermined),
        of(&tally.rejected),
        of(&tally.cancelled),
        of(&tally.connections),
        of(&tally.reloads)
    );
    println!(
        "resident: {:.1} MiB at first, {:.1} MiB after the warm-up, {:.1} MiB at last; {:+.2} % over the whole time by the line \
        that fits {} samples after the warm-up best",
        mebibytes(first.resident),
        mebibytes(settled[0].resident),
        mebibytes(last.resident),
        growth * 100.0,
        settled.len()
    );
    println!(
        "descriptors: {} at first, at most {early} in the first quarter after the warm-up, at most {late} in the last",
        first.descriptors
    );
    if growth >= GROWTH_MAX {
        return Err(Failure(format!("resident memory grows by {:.2} %", growth * 100.0)));
    }
    // A connection more or less is open while a sample is taken.
    if late > early + ASKERS {
        return Err(Failure(format!("descriptors grow from {early} to {late}")));
    }
    Ok(())
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// By how much memory grows over so long a time, as a part of what it is on average: the slope of least squares.
fn growth(samples: &[&Sample], long: Duration) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(|sample| of(sample)).sum::<f64>() / count;
    let (at, resident) = (mean(|sample| sample.at.as_secs_f64()), mean(|sample| sample.resident as f64));
    let (mut together, mut alone) = (0.0, 0.0);
    for sample in samples {
        let from_mean = sample.at.as_secs_f64() - at;
        together += from_mean * (sample.resident as f64 - resident);
        alone += from_mean * from_mean;
    }
    together / alone * long.as_secs_f64() / resident
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_the_slope_over_the_whole_time() {
        let line = |resident: fn(u64) -> u64| {
            let samples: Vec<Sample> = (0..100)
                .map(|second| Sample { at: Duration::from_secs(second), resident: resident(second), descriptors: 9 })
                .collect();
            growth(&samples.iter().collect::<Vec<_>>(), Duration::from_secs(100))
        };
        assert!(line(|_| 1 << 20).abs() < 1e-9);
        assert!((line(|second| 1_000_000 + 1_000 * second) - 0.0953).abs() < 1e-3);
        assert!(line(|second| 1_000_000 - 1_000 * second) < 0.0);
    }
}
