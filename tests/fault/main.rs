//! What breaks: the process, the audit store, the departments. Load is bounded in count and time.

#![expect(clippy::unwrap_used, reason = "what goes wrong ends the test")]

mod attack;
mod checker;
mod departments;
mod kill_nine;
mod load;
mod overload;
mod preloaded;
mod process;
mod replicas;
mod restarts;
mod store;
