//! A thread for each processor core, each with a runtime of its own.
//!
//! A connection stays on one core with its calls and all their tasks, so that nothing of a call is handed from core to core.
//! In return, whatever takes longer than about a millisecond must run elsewhere: it would delay the core's other calls.

use std::io;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

/// How often a core looks up although nothing has come. A timer that is due before the core means to look up costs a system call,
/// and each call sets two; so it always means to do so sooner than they are due.
const TICK: Duration = Duration::from_millis(100);

/// The threads that serve connections. They end when this is dropped, with whatever is still in work on them.
#[derive(Debug)]
pub struct Cores(Vec<Core>);

#[derive(Debug)]
struct Core {
    runtime: Handle,
    open: TaskTracker,
    /// Dropped, it ends the thread.
    _end: Option<oneshot::Sender<()>>,
}

impl Cores {
    /// As many as the process may use.
    ///
    /// # Errors
    /// Where the system gives no thread, or nothing to wait for connections with.
    pub fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        (0..count).map(Core::start).collect::<io::Result<_>>().map(Self)
    }

    /// The runtime of a test instead, so that the test sees what is logged.
    #[cfg(test)]
    pub(super) fn of_this_test() -> Self {
        Self(vec![Core { runtime: Handle::current(), open: TaskTracker::new(), _end: None }])
    }

    /// Runs the work of one connection on the core that has the fewest. Sharing the port among the cores would be left to
    /// chance: of eight connections one core may get seven.
    pub(super) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let core = self.0.iter().min_by_key(|core| core.open.len()).expect("a process may use at least one core");
        core.open.spawn_on(connection, &core.runtime);
    }

    /// Waits until no connection is open. None is opened any more.
    pub(super) async fn finish(&self) {
        for core in &self.0 {
            core.open.close();
            core.open.wait().await;
        }
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.0.iter().map(|core| core.open.len()).sum()
    }
}

impl Core {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, (end, ended)) = (runtime.handle().clone(), oneshot::channel());
        thread::Builder::new().name(format!("core-{number}")).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // Nothing is ever sent: it ends when the other end is dropped.
                    _ = ended => {}
                    () = ticking() => {}
                }
            });
            // A look-up that hangs in a file system must not hold the thread.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, open: TaskTracker::new(), _end: Some(end) })
    }
}

async fn ticking() {
    let mut tick = tokio::time::interval(TICK);
    loop {
        tick.tick().await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// However connections come, no core has two more than another.
    #[tokio::test]
    async fn connections_are_shared_out_evenly() {
        let cores = Cores::start().unwrap();
        let (count, seen) = (cores.0.len(), Arc::new(Mutex::new(HashMap::<_, usize>::new())));
        let (stop, stopped) = tokio::sync::watch::channel(());
        for _ in 0..4 * count {
            let (seen, mut stopped) = (seen.clone(), stopped.clone());
            cores.spawn(async move {
                *seen.lock().unwrap().entry(thread::current().id()).or_default() += 1;
                drop(stopped.changed().await);
            });
        }
        assert_eq!(cores.open(), 4 * count);
        drop(stop);
        cores.finish().await;
        let seen = seen.lock().unwrap();
        assert!(seen.len() == count && seen.values().all(|&connections| connections == 4), "{seen:?}");
    }
}
