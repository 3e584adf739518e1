//! Health means "can answer now": what the gateway needs for every answer is there, and it is not draining. A department's
//! outage never flips it; that is an answer (Undetermined), not a state of the gateway.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::departments::{DepartmentHealth, DepartmentsHealth};
use crate::telemetry::Metrics;

/// Whether questions can be answered, or why not: for the operator, and without anything personal.
pub type Readiness = Result<(), String>;

/// The health of the gateway as `grpc.health.v1` and the probes say it.
#[derive(Debug)]
pub(super) struct Health {
    reporter: HealthReporter,
    /// The gateway as a whole, under the empty name, and each of its services.
    names: Vec<String>,
    ready: watch::Sender<Readiness>,
    metrics: Arc<Metrics>,
}

impl Health {
    /// Nothing is said over gRPC before [`Health::begin`]; the probe says `readiness` from the start.
    pub(super) fn new(services: Vec<String>, readiness: Readiness, metrics: Arc<Metrics>) -> Self {
        let names = std::iter::once(String::new()).chain(services).collect();
        metrics.set_ready(readiness.is_ok());
        Self { reporter: HealthReporter::new(), names, ready: watch::Sender::new(readiness), metrics }
    }

    pub(super) fn reporter(&self) -> HealthReporter {
        self.reporter.clone()
    }

    pub(super) fn readiness(&self) -> watch::Receiver<Readiness> {
        self.ready.subscribe()
    }

    /// Says what is known before the first call can be made.
    pub(super) async fn begin(
        &self,
        able: &watch::Receiver<Readiness>,
        departments: &watch::Receiver<DepartmentsHealth>,
    ) {
        let (able, departments) = (able.borrow().clone(), departments.borrow().clone());
        self.say(able).await;
        self.say_of_departments(&departments, &BTreeSet::new()).await;
    }

    /// Follows `able` until the drain begins, and then says `NOT_SERVING` for good.
    pub(super) async fn follow(&self, mut able: watch::Receiver<Readiness>, draining: CancellationToken) {
        loop {
            let now = able.borrow_and_update().clone();
            self.say(now).await;
            tokio::select! {
                () = draining.cancelled() => break,
                changed = able.changed() => if changed.is_err() {
                    self.say(Err("nobody watches over the audit log any more".into())).await;
                    draining.cancelled().await;
                    break;
                },
            }
        }
        self.say(Err("draining".into())).await;
    }

    /// Says of each department, as `department/<id>`, whether it can be asked by its newest declaration.
    pub(super) async fn follow_departments(
        &self,
        mut departments: watch::Receiver<DepartmentsHealth>,
        draining: CancellationToken,
    ) {
        let mut said = BTreeSet::new();
        while !draining.is_cancelled() {
            let now = departments.borrow_and_update().clone();
            said = self.say_of_departments(&now, &said).await;
            tokio::select! {
                () = draining.cancelled() => break,
                changed = departments.changed() => if changed.is_err() {
                    draining.cancelled().await;
                },
            }
        }
        self.say_of_departments(&DepartmentsHealth::new(), &said).await;
    }

    /// Ends the streams of those who watch: they have been told, and would hold their connections open.
    pub(super) async fn end(&self) {
        let mut reporter = self.reporter.clone();
        for name in &self.names {
            reporter.clear_service_status(name).await;
        }
    }

    async fn say(&self, readiness: Readiness) {
        let status = if readiness.is_ok() { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
        self.metrics.set_ready(readiness.is_ok());
        drop(self.ready.send_replace(readiness));
    }

    /// Says what is known now, and nothing more of who was said before and is gone; gives the names.
    async fn say_of_departments(&self, now: &DepartmentsHealth, before: &BTreeSet<String>) -> BTreeSet<String> {
        let names: BTreeSet<String> = now.keys().map(|id| format!("department/{id}")).collect();
        for (name, health) in names.iter().zip(now.values()) {
            self.reporter.set_service_status(name, status(health)).await;
        }
        let mut reporter = self.reporter.clone();
        for gone in before.difference(&names) {
            reporter.clear_service_status(gone).await;
        }
        names
    }
}

fn status(of: &DepartmentHealth) -> ServingStatus {
    match of {
        DepartmentHealth { is_newest: false, .. } | DepartmentHealth { can_be_asked: Some(false), .. } => {
            ServingStatus::NotServing
        }
        DepartmentHealth { can_be_asked: Some(true), .. } => ServingStatus::Serving,
        DepartmentHealth { can_be_asked: None, .. } => ServingStatus::Unknown,
    }
}
