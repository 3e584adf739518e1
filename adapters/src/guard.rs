//! Guards: adapters that wrap an adapter, and so must pass the same contract.

mod limit;
mod timeout;

pub use limit::Limit;
pub use timeout::Timeout;
