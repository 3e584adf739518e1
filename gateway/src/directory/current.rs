//! The newest snapshot, replaced as a whole when the files change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use heyan_proto::document::{Problem, Problems};
use jiff::Timestamp;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing::{error, info, warn};

use super::fingerprint::{FOLDERS, Fingerprint};
use super::load::{Loaded, load};
use super::{Directory, Member};
use crate::clock::Clock;
use crate::identity;

#[cfg(test)]
mod tests;

/// How often the files are compared although nothing was heard: mounts over a network and links that are turned (as by
/// configuration maps) send no notice.
const COMPARE_EVERY: Duration = Duration::from_secs(10);

/// How long the files must stay the same before they are read: several are often written one after the other.
const SETTLE: Duration = Duration::from_millis(200);

/// How many times the files are given time to settle; whoever writes without end shall not stop a reload.
const SETTLE_ROUNDS_MAX: usize = 15;

/// The newest snapshot of one city folder.
#[derive(Debug)]
pub struct CurrentDirectory {
    folder: PathBuf,
    current: ArcSwap<Directory>,
    /// What was reported of the last load. Its lock also keeps two reloads apart.
    reported: Mutex<BTreeSet<Problem>>,
}

impl CurrentDirectory {
    /// Starts with what was loaded from `folder`, and logs its problems.
    pub fn new(folder: PathBuf, loaded: Loaded) -> Self {
        let reported = report(&BTreeSet::new(), &loaded.problems, &loaded.warnings);
        Self { folder, current: ArcSwap::from_pointee(loaded.directory), reported: Mutex::new(reported) }
    }

    /// The newest snapshot. Whoever works on one question takes it once.
    pub fn snapshot(&self) -> Arc<Directory> {
        self.current.load_full()
    }

    /// Reads the city folder again and logs what is new about it. `replacing` sees the new snapshot before anybody else
    /// does, so that what it declares can be connected. Reads files: not for asynchronous code.
    pub fn reload(&self, now: Timestamp, replacing: impl FnOnce(&Directory)) {
        // A reload that panicked has replaced nothing, so the next one may go ahead.
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = self.current.load_full();
        match load(&self.folder, Some(&earlier), now) {
            Ok(loaded) => {
                *reported = report(&reported, &loaded.problems, &loaded.warnings);
                log_reload(&earlier, &loaded);
                let directory = Arc::new(loaded.directory);
                replacing(&directory);
                self.current.store(directory);
            }
            Err(error) => error!(%error, "the city folder cannot be read; the earlier state stays in force"),
        }
    }

    /// Reloads on SIGHUP and whenever a file has changed, for as long as it is polled.
    ///
    /// # Errors
    /// Where SIGHUP cannot be listened to.
    pub async fn watch(
        self: Arc<Self>,
        clock: Arc<dyn Clock>,
        replacing: impl Fn(&Directory) + Send + Sync + 'static,
    ) -> std::io::Result<std::convert::Infallible> {
        let mut hangup = signal(SignalKind::hangup())?;
        let heard = Arc::new(Notify::new());
        let mut watcher = listen(&self.folder, &heard);
        let replacing = Arc::new(replacing);
        loop {
            let is_told = tokio::select! {
                signal = hangup.recv() => signal.is_some(),
                () = heard.notified() => false,
                () = tokio::time::sleep(COMPARE_EVERY) => false,
            };
            let (this, clock, replacing) = (Arc::clone(&self), Arc::clone(&clock), Arc::clone(&replacing));
            if !is_told && !this.settle().await {
                continue;
            }
            let reload =
                tokio::task::spawn_blocking(move || this.reload(clock.now(), |directory| replacing(directory)));
            if let Err(panic) = reload.await {
                error!(%panic, "a reload failed; the earlier state stays in force");
            }
            // A folder that was made or replaced meanwhile is not listened to yet.
            drop(std::mem::replace(&mut watcher, listen(&self.folder, &heard)));
        }
    }

    /// Waits until the files stay the same; whether they differ from those of the snapshot.
    async fn settle(self: &Arc<Self>) -> bool {
        let mut last = self.fingerprint().await;
        if last.as_ref() == Some(&self.current.load().contents.fingerprint) {
            return false;
        }
        for _ in 0..SETTLE_ROUNDS_MAX {
            tokio::time::sleep(SETTLE).await;
            let now = self.fingerprint().await;
            if now == last {
                break;
            }
            last = now;
        }
        true
    }

    /// `None` where it could not be taken, which counts as a change.
    async fn fingerprint(self: &Arc<Self>) -> Option<Fingerprint> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || Fingerprint::of(&folder)).await.ok()
    }
}

impl identity::Members for CurrentDirectory {
    fn member(&self, uri: &str) -> Option<identity::Member> {
        self.current.load().member_by_uri(uri).map(Member::as_identity)
    }
}

/// Listens for changes in the folders under version control; never in `state/`, which changes with every question.
fn listen(city: &Path, heard: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let (heard, again) = (Arc::clone(heard), heard);
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading is an event too, and reloading reads.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            heard.notify_one();
        }
    });
    let mut watcher = match made {
        Ok(watcher) => watcher,
        Err(error) => {
            let every = COMPARE_EVERY.as_secs();
            warn!(%error, "changes of files are not notified; they are compared every {every} s");
            return None;
        }
    };
    // A folder that is not there is found when the city folder changes, or by comparing.
    for folder in std::iter::once(city.to_owned()).chain(FOLDERS.map(|folder| city.join(folder))) {
        if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive)
            && folder.exists()
        {
            warn!(%error, "changes in a folder are not notified; they are compared now and then");
        }
    }
    // What changed before the watcher was there is found by comparing once.
    again.notify_one();
    Some(watcher)
}

/// Logs each problem once, and returns all of them.
fn report(before: &BTreeSet<Problem>, problems: &Problems, warnings: &Problems) -> BTreeSet<Problem> {
    for problem in problems.iter().filter(|problem| !before.contains(problem)) {
        let Problem { file, line, column, message, help } = problem;
        error!(file, line, column, problem = message, help, "a file of the city folder is broken");
    }
    for warning in warnings.iter().filter(|warning| !before.contains(warning)) {
        let Problem { file, line, column, message, help } = warning;
        warn!(file, line, column, problem = message, help, "a file of the city folder wants attention");
    }
    problems.iter().chain(warnings.iter()).cloned().collect()
}

fn log_reload(earlier: &Directory, loaded: &Loaded) {
    let directory = &loaded.directory;
    info!(
        departments = directory.departments.len(),
        result_types = directory.result_types.in_order.len(),
        items = directory.items.in_order.len(),
        members = directory.members.len(),
        stale = directory.stale.len(),
        problems = loaded.problems.iter().count(),
        policy_bundle = %directory.engine.bundle(),
        "the city folder was read again"
    );
    if directory.config().differs_beyond_city(earlier.config()) {
        warn!("settings of heyan.toml other than [city] have changed; they take effect at the next start");
    }
}
