//! Health means "can answer now": what the gateway needs for every answer is there, and it is not draining. A department's
//! outage never flips it; that is an answer (Undetermined), not a state of the gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use heyan_proto::vocabulary::DepartmentId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::telemetry::Metrics;

/// The departments of the city, and whether the newest declaration of each is the one in force.
pub type Declared = BTreeMap<DepartmentId, bool>;

/// The health of the gateway as `grpc.health.v1` and the probes say it.
#[derive(Debug)]
pub(super) struct Health {
    reporter: HealthReporter,
    /// The gateway as a whole, under the empty name, and each of its services.
    names: Vec<String>,
    ready: watch::Sender<bool>,
    metrics: Arc<Metrics>,
}

impl Health {
    pub(super) fn new(services: Vec<String>, metrics: Arc<Metrics>) -> Self {
        let names = std::iter::once(String::new()).chain(services).collect();
        Self { reporter: HealthReporter::new(), names, ready: watch::Sender::new(false), metrics }
    }

    pub(super) fn reporter(&self) -> HealthReporter {
        self.reporter.clone()
    }

    pub(super) fn readiness(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Says `NOT_SERVING` before the first call can be made.
    pub(super) async fn begin(&self) {
        self.say(false).await;
    }

    /// Follows `able` until the drain begins, and then says `NOT_SERVING` for good.
    pub(super) async fn follow(&self, mut able: watch::Receiver<bool>, draining: CancellationToken) {
        loop {
            let now = *able.borrow_and_update();
            self.say(now).await;
            tokio::select! {
                () = draining.cancelled() => break,
                changed = able.changed() => if changed.is_err() {
                    // Whoever watched over the gateway's state is gone, so nobody knows it any more.
                    self.say(false).await;
                    draining.cancelled().await;
                    break;
                },
            }
        }
        self.say(false).await;
    }

    /// Says of each department, as `department/<id>`, whether its newest declaration is the one in force.
    pub(super) async fn follow_departments(
        &self,
        mut declared: watch::Receiver<Declared>,
        draining: CancellationToken,
    ) {
        let mut reporter = self.reporter.clone();
        let mut said = BTreeSet::new();
        while !draining.is_cancelled() {
            let now = declared.borrow_and_update().clone();
            let names: BTreeSet<String> = now.keys().map(|id| format!("department/{id}")).collect();
            for (name, &is_newest) in names.iter().zip(now.values()) {
                let status = if is_newest { ServingStatus::Serving } else { ServingStatus::NotServing };
                self.reporter.set_service_status(name, status).await;
            }
            for gone in said.difference(&names) {
                reporter.clear_service_status(gone).await;
            }
            said = names;
            tokio::select! {
                () = draining.cancelled() => break,
                changed = declared.changed() => if changed.is_err() {
                    draining.cancelled().await;
                },
            }
        }
        for name in &said {
            reporter.clear_service_status(name).await;
        }
    }

    /// Ends the streams of those who watch: they have been told, and would hold their connections open.
    pub(super) async fn end(&self) {
        let mut reporter = self.reporter.clone();
        for name in &self.names {
            reporter.clear_service_status(name).await;
        }
    }

    async fn say(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
        self.ready.send_replace(serving);
        self.metrics.set_ready(serving);
    }
}
