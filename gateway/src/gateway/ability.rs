//! Whether questions can be answered now: everything that an answer needs is there. Departments are none of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::audit::{Audit, AuditHealth};
use crate::clock::Clock;
use crate::server::Readiness;
use crate::telemetry::Metrics;

/// How often what gives no notice is looked at: keys and the end of the certificate.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Follows the audit log, its keys and the gateway's certificate, which ends at `certificate_end`, until nobody listens.
pub(super) fn follow(
    audit: &Audit,
    certificate_end: Timestamp,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> watch::Receiver<Readiness> {
    let mut health = audit.health();
    let audit = audit.clone();
    let look = move |health: &AuditHealth| {
        metrics.audit().set_up(*health == AuditHealth::Serving);
        judge(health, &audit, certificate_end, clock.now())
    };
    let first = look(&health.borrow_and_update());
    tell(&first);
    let (able, is_able) = watch::channel(first);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                changed = health.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = able.closed() => return,
            }
            let now = look(&health.borrow_and_update());
            able.send_if_modified(|before| {
                let is_new = *before != now;
                if is_new {
                    tell(&now);
                    *before = now;
                }
                is_new
            });
        }
    });
    is_able
}

fn judge(health: &AuditHealth, audit: &Audit, certificate_end: Timestamp, now: Timestamp) -> Readiness {
    if let AuditHealth::NotServing { cause } = health {
        return Err(format!("the audit log takes no entry: {cause}"));
    }
    audit.check_keys().map_err(|error| format!("audit keys: {error}"))?;
    if certificate_end <= now {
        return Err(format!("the gateway's certificate has ended at {certificate_end}"));
    }
    Ok(())
}

fn tell(readiness: &Readiness) {
    match readiness {
        Ok(()) => tracing::info!("questions can be answered"),
        Err(cause) => tracing::error!(cause, "no question can be answered"),
    }
}
