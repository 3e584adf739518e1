//! What breaks: the process, the audit store, the departments. Load is bounded in count and time.

mod checker;
mod departments;
mod kill_nine;
mod load;
mod store;
