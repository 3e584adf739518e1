//! What the engine decided. A [`Permit`] is the proof that policy was asked: only this crate can make one.

use std::sync::Arc;

use heyan_proto::vocabulary::{DepartmentId, Disclosure, FieldName, GrantId, Localized, PolicyId, ResultTypeId};

use crate::bundle::BundleHash;
use crate::condition::Condition;
use crate::exception::ExceptionFacts;
use crate::grant::GrantStanding;
use crate::request::{AccessRequest, Action};

/// May they?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They may.
    Permitted(Permit),
    /// They may not, and why.
    Refused(Denial),
}

/// The proof that policy permits a question. It cannot be made outside this crate:
///
/// ```compile_fail,E0451
/// fn forge(permit: heyan_policies::Permit) -> heyan_policies::Permit {
///     heyan_policies::Permit { action: heyan_policies::Action::Retrieve, ..permit }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    action: Action,
    requester: DepartmentId,
    provider: DepartmentId,
    result_type: ResultTypeId,
    disclosure: Disclosure,
    fields: Vec<FieldName>,
    policies: Vec<PolicyId>,
    grant: Option<GrantId>,
    bundle: BundleHash,
}

impl Permit {
    pub(crate) fn mint(
        request: &AccessRequest<'_>,
        policies: Vec<PolicyId>,
        grant: Option<GrantId>,
        bundle: BundleHash,
    ) -> Self {
        Self {
            action: request.action,
            requester: request.requester.clone(),
            provider: request.provider.clone(),
            result_type: request.result_type.clone(),
            disclosure: request.action.narrow(request.disclosure),
            fields: request.fields.to_vec(),
            policies,
            grant,
            bundle,
        }
    }

    /// What is permitted.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Who may ask.
    pub fn requester(&self) -> &DepartmentId {
        &self.requester
    }

    /// Who may be asked.
    pub fn provider(&self) -> &DepartmentId {
        &self.provider
    }

    /// What may be asked about.
    pub fn result_type(&self) -> &ResultTypeId {
        &self.result_type
    }

    /// How much the answer may show: what the result type declares, and never values in answer to a verification.
    pub fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// The fields that may be compared (verify) or read (retrieve).
    pub fn fields(&self) -> &[FieldName] {
        &self.fields
    }

    /// The policies that permit it.
    pub fn policies(&self) -> &[PolicyId] {
        &self.policies
    }

    /// The live grant under which a conditional result type is shared.
    pub fn grant(&self) -> Option<&GrantId> {
        self.grant.as_ref()
    }

    /// The policies that were in force.
    pub fn bundle(&self) -> &BundleHash {
        &self.bundle
    }
}

/// Policy does not permit a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Why not.
    pub cause: DenialCause,
    /// The policies behind the cause, in the order of their names: the permit whose conditions are not met, or the
    /// forbids that hold.
    pub policies: Vec<PolicyId>,
    /// The policies that were in force.
    pub bundle: BundleHash,
}

/// Why a question is not permitted. Only an exception cites a law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DenialCause {
    /// An exception withholds it: a department's own, or that of a result type that is not shared at all.
    Exception(Arc<ExceptionFacts>),
    /// The result type is conditional and no live grant covers the question.
    GrantRequired(GrantStanding),
    /// The question itself is not entitled: these conditions of the one permit are not met.
    NotPermitted(Vec<Condition>),
}

/// How a decision came about: everything that bears on it, not only what decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Why the question is refused; `None` where it is permitted.
    pub cause: Option<DenialCause>,
    /// Each condition of the one permit, and whether it is met.
    pub conditions: Vec<(Condition, bool)>,
    /// Each forbid that can apply to this requester, result type and action, in the order of their names.
    pub withholdings: Vec<Withholding>,
    /// How the requester stands with grants, where the result type is conditional.
    pub grant: Option<GrantStanding>,
    /// The policies that were in force.
    pub bundle: BundleHash,
}

/// A forbid that can apply to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withholding {
    /// Its name.
    pub id: PolicyId,
    /// What it withholds.
    pub title: Localized,
    /// Whether it holds for this question.
    pub holds: bool,
}
