//! Rounds of cases, closed or open loop, and what they add up to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use hdrhistogram::Histogram;
use heyan_tests::City;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::codegen::Bytes;

use super::client::{Caller, connect};
use super::commits::Commits;
use super::question::{self, Question};
use super::server::Server;
use super::{Failure, echo};

/// How long a case runs before each of its rounds is measured.
const WARM_UP: Duration = Duration::from_millis(200);
/// How often an open loop sends what is due.
const TICK: Duration = Duration::from_millis(1);
/// The longest latency that is told from others, in microseconds.
const LATENCY_MAX: u64 = 60_000_000;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Case {
    /// A bare tonic echo.
    Floor,
    /// Verify whose holding is in the cache.
    Cached,
    /// Verify that asks a SQLite department.
    Asked,
    /// The same with an audit log that keeps nothing.
    Unlogged,
    /// The same over a log in PostgreSQL.
    Postgres,
    /// The same over three gateways that share one log in PostgreSQL.
    Replicas,
}

impl Case {
    pub(crate) const ALL: [Self; 6] =
        [Self::Floor, Self::Cached, Self::Asked, Self::Unlogged, Self::Postgres, Self::Replicas];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Cached => "cached",
            Self::Asked => "asked",
            Self::Unlogged => "unlogged",
            Self::Postgres => "postgres",
            Self::Replicas => "replicas",
        }
    }
}

/// How many connections, and how many calls in flight on all of them together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) connections: u16,
    pub(crate) in_flight: u16,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.connections, self.in_flight)
    }
}

/// When a call is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// As soon as an earlier one was answered.
    Closed,
    /// So many a second in all; latency counts from when a call was due.
    Open(u32),
}

/// The servers under test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sites<'a> {
    pub(crate) city: &'a City,
    pub(crate) gateway: &'a Server,
    pub(crate) echo: &'a Server,
    /// The gateway whose log keeps nothing.
    pub(crate) unlogged: Option<&'a Server>,
    /// The city whose log is in PostgreSQL, and its gateways; the first has the log to itself, the others share another.
    pub(crate) shared: Option<(&'a City, &'a City, &'a [Server])>,
    /// How many bytes each reply has.
    pub(crate) replies: usize,
}

/// What was measured in one round, or in all.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) calls: u64,
    pub(crate) took: Duration,
    pub(crate) cpu: Duration,
    /// In microseconds.
    pub(crate) latencies: Histogram<u64>,
    /// Replies that said that they were kept from an earlier question.
    pub(crate) from_cache: u64,
    /// Calls of an open loop that were due while too many were in flight.
    pub(crate) unsent: u64,
    pub(crate) commits: Commits,
}

impl Figures {
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 / self.took.as_secs_f64()
    }

    /// CPU time of the server for one call, in microseconds.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.calls as f64
    }

    /// In milliseconds.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.latencies.value_at_percentile(percent) as f64 / 1e3
    }

    /// All rounds as one.
    pub(crate) fn whole(rounds: &[Self]) -> Self {
        let mut whole = rounds[0].clone();
        for round in &rounds[1..] {
            whole.calls += round.calls;
            whole.took += round.took;
            whole.cpu += round.cpu;
            whole.latencies += &round.latencies;
            whole.from_cache += round.from_cache;
            whole.unsent += round.unsent;
            whole.commits += round.commits;
        }
        whole
    }
}

/// The rounds of each case.
pub(crate) type Rounds = BTreeMap<Case, Vec<Figures>>;

/// Measures the cases at one point, in turns: whatever else the machine does meets all of them.
pub(crate) async fn rounds(
    sites: &Sites<'_>,
    point: Point,
    load: Load,
    cases: &[Case],
    rounds: u32,
    each: Duration,
) -> Result<Rounds, Failure> {
    let mut drivers = Vec::new();
    for &case in cases {
        drivers.push(Driver::connect(sites, case, point).await?);
    }
    let mut measured = Rounds::new();
    for round in 0..rounds as usize {
        for turn in 0..drivers.len() {
            let driver = &drivers[(turn + round) % drivers.len()];
            driver.drive(load, WARM_UP).await?;
            let (cpu, commits) = (driver.cpu()?, driver.commits()?);
            let mut figures = driver.drive(load, each).await?;
            (figures.cpu, figures.commits) = (driver.cpu()? - cpu, driver.commits()? - commits);
            measured.entry(driver.case).or_default().push(figures);
        }
    }
    Ok(measured)
}

/// One case at one point, connected.
struct Driver<'a> {
    case: Case,
    servers: Vec<&'a Server>,
    callers: Vec<Caller>,
    in_flight: usize,
    work: Arc<Work>,
}

/// What every call of a case does.
struct Work {
    case: Case,
    replies: usize,
    question: Question,
    asked: AtomicU64,
}

impl Work {
    /// Makes one call; whether its answer came from the cache.
    async fn call(&self, caller: &mut Caller) -> Result<bool, Failure> {
        let request = self.question.write(self.asked.fetch_add(1, Ordering::Relaxed));
        let reply = caller.call(request).await?;
        self.check(&reply)
    }

    fn check(&self, reply: &Bytes) -> Result<bool, Failure> {
        match self.case {
            // Two or three bytes of them are the field's number and length.
            Case::Floor if reply.len().abs_diff(self.replies) <= 3 => Ok(false),
            Case::Floor => Err(Failure(format!("the echo replied with {} bytes", reply.len()))),
            Case::Cached => question::read_reply(reply),
            Case::Asked | Case::Unlogged | Case::Postgres | Case::Replicas if question::read_reply(reply)? => {
                Err(Failure("an answer without age came from the cache".into()))
            }
            Case::Asked | Case::Unlogged | Case::Postgres | Case::Replicas => Ok(false),
        }
    }
}

impl<'a> Driver<'a> {
    async fn connect(sites: &Sites<'a>, case: Case, point: Point) -> Result<Self, Failure> {
        let shared = || sites.shared.ok_or_else(|| Failure("there is no PostgreSQL for this case".into()));
        let (city, servers) = match case {
            Case::Floor => (sites.city, vec![sites.echo]),
            Case::Cached | Case::Asked => (sites.city, vec![sites.gateway]),
            Case::Unlogged => {
                let unlogged = sites.unlogged.ok_or_else(|| Failure("there is no gateway for this case".into()))?;
                (sites.city, vec![unlogged])
            }
            Case::Postgres => (shared()?.0, shared()?.2.iter().take(1).collect()),
            Case::Replicas => (shared()?.1, shared()?.2.iter().skip(1).collect()),
        };
        let city = city.path();
        let (path, question) = match case {
            // The echo takes any bytes for a message of unknown fields.
            Case::Floor => (echo::PATH, Question::repeated()),
            Case::Cached => (question::PATH, Question::repeated()),
            Case::Asked | Case::Unlogged | Case::Postgres | Case::Replicas => {
                (question::PATH, Question::changing(city)?)
            }
        };
        let mut callers = Vec::new();
        for connection in 0..usize::from(point.connections) {
            let server: &Server = servers[connection % servers.len()];
            callers.push(Caller::new(connect(city, server.address()).await?, path));
        }
        let work = Arc::new(Work { case, replies: sites.replies, question, asked: AtomicU64::new(0) });
        Ok(Self { case, servers, callers, in_flight: point.in_flight.into(), work })
    }

    /// CPU time of all servers together so far.
    fn cpu(&self) -> Result<Duration, Failure> {
        self.servers.iter().map(|server| server.cpu()).sum()
    }

    /// The commits of all servers together so far.
    fn commits(&self) -> Result<Commits, Failure> {
        let mut all = Commits::default();
        for server in &self.servers {
            all += server.commits()?;
        }
        Ok(all)
    }

    /// Calls for so long, and waits for every reply.
    async fn drive(&self, load: Load, long: Duration) -> Result<Figures, Failure> {
        let started = Instant::now();
        let mut askers = JoinSet::new();
        let tallies: Vec<Arc<Tally>> = self.callers.iter().map(|_| Arc::default()).collect();
        match load {
            Load::Closed => {
                for asker in 0..self.in_flight {
                    let at = asker % self.callers.len();
                    let (caller, tally) = (self.callers[at].clone(), Arc::clone(&tallies[at]));
                    askers.spawn(ask_on(Arc::clone(&self.work), caller, tally, started + long));
                }
            }
            Load::Open(rate) => {
                let share = f64::from(rate) / self.callers.len() as f64;
                let most = (self.in_flight / self.callers.len()).max(1);
                for (caller, tally) in self.callers.iter().zip(&tallies) {
                    let (work, caller, tally) = (Arc::clone(&self.work), caller.clone(), Arc::clone(tally));
                    askers.spawn(ask_at(share, most, work, caller, tally, started + long));
                }
            }
        }
        while let Some(done) = askers.join_next().await {
            done.map_err(|error| Failure(format!("a client has failed: {error}")))??;
        }
        let took = started.elapsed();
        let mut latencies = histogram();
        let (mut from_cache, mut unsent) = (0, 0);
        for tally in tallies {
            latencies += &*tally.latencies.lock().unwrap_or_else(PoisonError::into_inner);
            from_cache += tally.from_cache.load(Ordering::Relaxed);
            unsent += tally.unsent.load(Ordering::Relaxed);
        }
        if latencies.is_empty() {
            return Err(Failure(format!("no call of case `{}` was made in {long:?}", self.case.as_str())));
        }
        Ok(Figures {
            calls: latencies.len(),
            took,
            cpu: Duration::ZERO,
            latencies,
            from_cache,
            unsent,
            commits: Commits::default(),
        })
    }
}

/// What came of the calls of one connection.
struct Tally {
    latencies: Mutex<Histogram<u64>>,
    from_cache: AtomicU64,
    unsent: AtomicU64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { latencies: Mutex::new(histogram()), from_cache: AtomicU64::new(0), unsent: AtomicU64::new(0) }
    }
}

impl Tally {
    fn count(&self, latency: Duration, from_cache: bool) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros.max(1));
        self.from_cache.fetch_add(from_cache.into(), Ordering::Relaxed);
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds and the precision are constants that fit")
}

/// Asks one question after another.
async fn ask_on(work: Arc<Work>, mut caller: Caller, tally: Arc<Tally>, until: Instant) -> Result<(), Failure> {
    loop {
        let sent = Instant::now();
        if sent >= until {
            return Ok(());
        }
        let from_cache = work.call(&mut caller).await?;
        tally.count(sent.elapsed(), from_cache);
    }
}

/// Asks `rate` questions a second, answered or not; at most `most` wait for their answers.
async fn ask_at(
    rate: f64,
    most: usize,
    work: Arc<Work>,
    caller: Caller,
    tally: Arc<Tally>,
    until: Instant,
) -> Result<(), Failure> {
    let places = Arc::new(Semaphore::new(most));
    let (started, mut sent) = (Instant::now(), 0);
    let mut tick = tokio::time::interval(TICK);
    let mut asking: JoinSet<Result<(), Failure>> = JoinSet::new();
    loop {
        let due = tick.tick().await.into_std();
        if due >= until {
            break;
        }
        let due_by_now = ((due - started).as_secs_f64() * rate) as u64;
        for _ in sent..due_by_now {
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tally.unsent.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let (work, mut caller, tally) = (Arc::clone(&work), caller.clone(), Arc::clone(&tally));
            asking.spawn(async move {
                let from_cache = work.call(&mut caller).await?;
                tally.count(due.elapsed(), from_cache);
                drop(place);
                Ok(())
            });
        }
        sent = due_by_now;
        while let Some(done) = asking.try_join_next() {
            done.map_err(|error| Failure(format!("a client has failed: {error}")))??;
        }
    }
    while let Some(done) = asking.join_next().await {
        done.map_err(|error| Failure(format!("a client has failed: {error}")))??;
    }
    Ok(())
}
