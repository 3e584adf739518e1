//! Whether the log takes entries: not while its store fails, and not while too much of it is unwitnessed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::audit::record::AuditHealth;

/// Health has two causes, and is good where neither is there.
#[derive(Debug)]
pub(super) struct Health {
    told: watch::Sender<AuditHealth>,
    causes: Mutex<Causes>,
    is_held: AtomicBool,
}

#[derive(Debug, Default)]
struct Causes {
    store: Option<String>,
    witnesses: Option<String>,
}

impl Health {
    pub(super) fn new() -> Self {
        let told = watch::Sender::new(AuditHealth::Serving);
        Self { told, causes: Mutex::default(), is_held: AtomicBool::new(false) }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<AuditHealth> {
        self.told.subscribe()
    }

    pub(super) fn is_serving(&self) -> bool {
        *self.told.borrow() == AuditHealth::Serving
    }

    /// Whether the store is thought to fail.
    pub(super) fn is_suspected(&self) -> bool {
        !self.is_serving() && self.causes.lock().expect("no holder of this lock can panic").store.is_some()
    }

    /// Whether too much is unwitnessed.
    pub(super) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    pub(super) fn of_store(&self, cause: Option<&str>) {
        self.change(|causes| causes.store = cause.map(str::to_owned));
    }

    pub(super) fn of_witnesses(&self, cause: Option<&str>) {
        self.is_held.store(cause.is_some(), Ordering::Release);
        self.change(|causes| causes.witnesses = cause.map(str::to_owned));
    }

    fn change(&self, change: impl FnOnce(&mut Causes)) {
        let mut causes = self.causes.lock().expect("no holder of this lock can panic");
        change(&mut causes);
        let cause = causes.store.as_ref().or(causes.witnesses.as_ref());
        let next = cause.map_or(AuditHealth::Serving, |cause| AuditHealth::NotServing { cause: cause.clone() });
        // Under the lock, so that the last change is also the last that is told.
        self.told.send_if_modified(|health| {
            let is_new = *health != next;
            *health = next;
            is_new
        });
    }
}
