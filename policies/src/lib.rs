#![doc = include_str!("../README.md")]

mod bundle;
mod condition;
mod decision;
mod engine;
mod error;
mod exception;
mod grant;
mod request;
mod slice;
mod verdict;

pub use bundle::{BundleHash, KnownNames, KnownResultType, PolicyBundle};
pub use condition::Condition;
pub use decision::{Decision, Denial, DenialCause, Explanation, Permit, Withholding};
pub use engine::PolicyEngine;
pub use error::PolicyError;
pub use exception::{ExceptionFacts, NotSharedResultType};
pub use grant::{Grant, GrantStanding, ScopeGap, read_grants};
pub use request::{AccessRequest, Action};
