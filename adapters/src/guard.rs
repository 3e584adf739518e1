//! Guards: adapters that wrap an adapter, and so must pass the same contract.

mod breaker;
mod limit;
mod listener;
mod opening;
mod rate;
mod retry;
#[cfg(test)]
mod tests;
mod timeout;
mod window;

pub use breaker::Breaker;
pub use limit::Limit;
pub use listener::{BreakerState, GuardListener};
pub use opening::{Now, Opening};
pub use rate::Rate;
pub use retry::Retry;
pub use timeout::Timeout;
