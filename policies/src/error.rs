//! Why the engine could not decide. None of these is ever a permit.

use heyan_proto::vocabulary::{PolicyId, ResultTypeId};

/// The engine could not decide: an internal error of the gateway, to be recorded and never to be read as a permit.
/// Nothing here is about a subject: policies never see one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The request does not fit the schema.
    #[error("the access request does not fit the policy schema, {0}")]
    Request(String),
    /// The entities do not fit the schema.
    #[error("the policy entities do not fit the policy schema, {0}")]
    Entities(String),
    /// The principal or the resource is not among the entities, so that a forbid over them would be skipped silently.
    #[error("the policy entities lack the {0}")]
    AbsentEntity(&'static str),
    /// Policies failed to evaluate. Cedar would skip them, which opens what they close.
    #[error("policies failed to evaluate: `{}`", .0.iter().map(PolicyId::as_str).collect::<Vec<_>>().join("`, `"))]
    Evaluation(Vec<PolicyId>),
    /// A policy decided that has no well-formed name.
    #[error("a policy decided that has no well-formed `@id`")]
    Unnamed,
    /// A result type is not shared, but no exception was declared for it.
    #[error("result type `{0}` is not shared, but no exception with a legal basis is declared for it")]
    MissingException(ResultTypeId),
    /// The policies refused and no cause could be found, so the explanation and the policies disagree.
    #[error("the policies refused, but no unmet condition and no exception explains it")]
    Unexplained,
}
