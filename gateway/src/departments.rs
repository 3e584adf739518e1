//! The only place that asks departments, and only with a permit and a durable intent; what they answered before needs the
//! permit alone.

mod cache;
mod listener;
mod pulse;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use heyan_adapters::{Adapter, AdapterError, DepartmentDeclaration, Holdings, Lookup, Now, connect};
use heyan_policies::Permit;
use heyan_proto::vocabulary::{DepartmentId, UndeterminedCause};
use tokio::sync::{Notify, watch};
use tracing::Instrument as _;
use tracing::field::Empty;

pub(crate) use self::cache::Reading;
use self::cache::{Cache, Generation, Lifetime, Patience, Reuse, Sent};
use self::listener::Listener;
use self::pulse::{CHECK_AT_MOST_EVERY, CHECK_EVERY, Pulse};
pub use self::pulse::{DepartmentHealth, DepartmentsHealth};
use crate::audit::Intent;
use crate::clock::{Clock, stopwatch};
use crate::directory::{DepartmentEntry, Directory, Question};
use crate::telemetry::{DepartmentMeter, Metrics, current_traceparent};

/// The departments, connected as the directory declares them.
#[derive(Debug)]
pub struct Departments {
    city: PathBuf,
    connected: ArcSwap<HashMap<DepartmentId, Connected>>,
    generations: AtomicU64,
    cache: Cache,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    health: watch::Sender<DepartmentsHealth>,
    /// A look-up has failed, or there is a new department: it is to be checked soon.
    doubt: Arc<Notify>,
}

/// One department. Its adapter is kept as long as its declaration is, so that a reload of others leaves its connections
/// and limits alone.
#[derive(Debug, Clone)]
struct Connected {
    declaration: Arc<DepartmentDeclaration>,
    adapter: Arc<dyn Adapter>,
    /// Of this very declaration: what was read under another is never used again.
    generation: Generation,
    meter: DepartmentMeter,
    pulse: Arc<Pulse>,
}

impl Departments {
    /// No department is connected yet. Paths in declarations are relative to the city folder. About `cache_bytes` bytes of
    /// what departments answer are kept in memory; with 0, nothing.
    pub fn new(city: PathBuf, cache_bytes: u64, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let cache = Cache::new(cache_bytes, Arc::clone(&clock), Arc::clone(&metrics));
        let (health, doubt) = (watch::Sender::default(), Arc::default());
        Self {
            city,
            connected: ArcSwap::default(),
            generations: AtomicU64::new(0),
            cache,
            metrics,
            clock,
            health,
            doubt,
        }
    }

    /// Connects what the directory declares; departments whose declaration is unchanged are left alone, and what the others
    /// have answered is forgotten. Takes as long as the cache is large: not for asynchronous code.
    pub fn reconnect(&self, directory: &Directory) {
        let before = self.connected.load_full();
        let clock = Arc::clone(&self.clock);
        let now: Now = Arc::new(move || clock.now());
        let connected = directory.declarations().filter_map(|declaration| {
            let id = declaration.department.id.clone();
            let kept = before.get(&id).filter(|kept| Arc::ptr_eq(&kept.declaration, declaration));
            let connected = match kept {
                Some(kept) => kept.clone(),
                // A department that issues nothing has nothing to connect.
                None => {
                    let meter = self.metrics.department(&id);
                    let (health, doubt) = (self.health.clone(), Arc::clone(&self.doubt));
                    Connected {
                        declaration: Arc::clone(declaration),
                        adapter: connect(declaration, &self.city, &Listener::of(&id, &self.metrics), &now)?,
                        generation: self.generations.fetch_add(1, Ordering::Relaxed),
                        pulse: Arc::new(Pulse::new(id.clone(), meter.clone(), health, doubt)),
                        meter,
                    }
                }
            };
            Some((id, connected))
        });
        let connected: HashMap<_, _> = connected.collect();
        let in_force: HashSet<Generation> = connected.values().map(|connected| connected.generation).collect();
        for replaced in before.values().filter(|before| !in_force.contains(&before.generation)) {
            replaced.pulse.replace();
        }
        self.tell(directory, &connected);
        self.connected.store(Arc::new(connected));
        self.doubt.notify_one();
        if before.values().any(|before| !in_force.contains(&before.generation)) {
            self.cache.forget(|generation| !in_force.contains(&generation));
        }
    }

    /// What the provider said to an earlier question that sent it the same, where that is still fresh by its declaration
    /// and by this question. Nobody is asked.
    pub(crate) fn cached(&self, permit: &Permit, question: &Question) -> Option<Arc<Reading>> {
        let takes_earlier = question.max_age.is_none_or(|max_age| !max_age.is_zero());
        // Most of what cannot be answered is known before anything is copied.
        if !takes_earlier || question.result_type.max_reuse().is_none() {
            return None;
        }
        let connected = self.connected.load();
        let lookup = lookup(permit, question, Duration::ZERO, None);
        self.cache.fresh(&self.reuse(connected.get(permit.provider())?, permit, question, &lookup)?)
    }

    /// Asks the provider for what it holds that fits the question, for at most `deadline`; or waits for the answer, where
    /// it is being asked the same already.
    ///
    /// # Errors
    /// [`AdapterError`] where there is no answer that can be relied on; never "no record".
    pub(crate) async fn ask(
        &self,
        permit: &Permit,
        intent: &Intent,
        question: &Question,
        deadline: Duration,
        traceparent: Option<String>,
    ) -> Result<Arc<Reading>, AdapterError> {
        // The directory of this question may be newer than the connections, for the moment of a reload.
        let connected = self.connected.load().get(permit.provider()).cloned().ok_or(AdapterError::Unavailable)?;
        let lookup = lookup(permit, question, deadline, traceparent);
        let ask = async |deadline| {
            // Said before it happens: whoever reads the log after a crash can hold every question against its intent.
            tracing::debug!(decision_id = %intent.receipt().decision(), department = %permit.provider(), "asking");
            connected.look_up(Lookup { deadline, ..lookup.clone() }).await
        };
        match self.reuse(&connected, permit, question, &lookup) {
            Some(reuse) => {
                let patience = Patience { caller: deadline, declared: connected.declaration.limits.deadline };
                self.cache.ask(&reuse, patience, ask).await
            }
            None => self.cache.read_once(ask(deadline)).await,
        }
    }

    /// What the question may use again and leave to others; `None` where its declaration lets nothing be used again, or is
    /// not the one that the department is connected by, for the moment of a reload.
    fn reuse(&self, connected: &Connected, permit: &Permit, question: &Question, lookup: &Lookup) -> Option<Reuse> {
        let result_type = &question.result_type;
        let lifetime = Lifetime::declared(result_type, permit.disclosure())?;
        let source = connected.declaration.source.as_ref()?;
        if !connected.declaration.result_types.iter().any(|declared| Arc::ptr_eq(declared, result_type)) {
            return None;
        }
        let sent = Sent {
            generation: connected.generation,
            with_credentials: source.sends_requester_credentials(),
            result_type,
            lookup,
        };
        Some(Reuse { key: self.cache.key(&sent), lifetime, max_age: question.max_age.unwrap_or(Duration::MAX) })
    }

    /// What is known of each department.
    pub fn health(&self) -> watch::Receiver<DepartmentsHealth> {
        self.health.subscribe()
    }

    /// Checks now and then whether departments can be asked, and soon those of which a look-up has failed; for as long as it
    /// is polled. Asks about nobody.
    pub async fn watch_over(&self) {
        let mut all_checked = None;
        loop {
            let is_due = |at: &Instant| at.elapsed() >= CHECK_EVERY;
            let all = all_checked.as_ref().is_none_or(is_due);
            if all {
                all_checked = Some(stopwatch());
            }
            let connected = self.connected.load_full();
            let checked = connected.values().filter(|connected| all || connected.pulse.is_unsure());
            futures::future::join_all(checked.map(|connected| connected.pulse.check(&*connected.adapter))).await;
            tokio::time::sleep(CHECK_AT_MOST_EVERY).await;
            let rest = all_checked.map_or(CHECK_EVERY, |at| CHECK_EVERY.saturating_sub(at.elapsed()));
            // Either way it is time to look.
            drop(tokio::time::timeout(rest, self.doubt.notified()).await);
        }
    }

    /// What is known of departments whose declaration is unchanged stays known.
    fn tell(&self, directory: &Directory, connected: &HashMap<DepartmentId, Connected>) {
        self.health.send_modify(|health| {
            let of = |entry: &DepartmentEntry| {
                let known = connected.get(&entry.id).map(|connected| connected.pulse.can_be_asked());
                // Of a department that issues nothing there is nothing to ask.
                let can_be_asked = known.unwrap_or(Some(true));
                (entry.id.clone(), DepartmentHealth { is_newest: entry.is_newest(), can_be_asked })
            };
            *health = directory.departments().map(of).collect();
        });
    }
}

impl Connected {
    async fn look_up(&self, mut lookup: Lookup) -> Result<Holdings, AdapterError> {
        let span = tracing::info_span!(
            "department",
            department = %self.declaration.department.id,
            result_type = %lookup.result_type,
            result = Empty,
            otel.kind = "client"
        );
        // Where traces are collected, the department's own span is a child of this one.
        if let Some(below) = span.in_scope(current_traceparent) {
            lookup.traceparent = Some(below.as_str().to_owned());
        }
        let is_whole = lookup.deadline >= self.declaration.limits.deadline;
        let (began, under_way) = (stopwatch(), self.meter.look_up());
        let outcome = self.adapter.look_up(&lookup).instrument(span.clone()).await;
        drop(under_way);
        let result = pulse::word(&outcome);
        span.record("result", result);
        self.meter.observe(&lookup.result_type, result, began.elapsed());
        self.pulse.observe(&outcome, is_whole);
        outcome
    }
}

fn lookup(permit: &Permit, question: &Question, deadline: Duration, traceparent: Option<String>) -> Lookup {
    Lookup {
        result_type: permit.result_type().clone(),
        subject: question.subject.clone(),
        subject_name: question.subject_name.clone(),
        certificate_number: question.certificate_number.clone(),
        as_of: question.as_of,
        reason: question.purpose.reason.clone(),
        official: question.official.clone(),
        requester: permit.requester().clone(),
        deadline,
        traceparent,
    }
}

/// What the caller is told of a department that gave no answer.
pub(crate) fn cause_of(error: &AdapterError) -> UndeterminedCause {
    match error {
        AdapterError::Unavailable | AdapterError::Resting { .. } => UndeterminedCause::DepartmentDown,
        AdapterError::Timeout => UndeterminedCause::DepartmentTimeout,
        AdapterError::Busy => UndeterminedCause::DepartmentBusy,
        AdapterError::Closed { .. } => UndeterminedCause::DepartmentClosed,
        AdapterError::Malformed { .. } => UndeterminedCause::AnswerMalformed,
        AdapterError::Misconfigured { .. } => UndeterminedCause::DeclarationBroken,
    }
}
