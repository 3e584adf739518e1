//! May they? One question, the policies that can apply to it, and one answer that is closed wherever something fails.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cedar_policy::Effect;
use heyan_proto::vocabulary::{DepartmentId, Localized, PolicyId, ResultTypeId, SharingClass};

use crate::bundle::{BundleHash, PolicyBundle};
use crate::condition::Condition;
use crate::decision::{Decision, Denial, DenialCause, Explanation, Permit, Withholding};
use crate::error::PolicyError;
use crate::exception::{ExceptionFacts, NotSharedResultType};
use crate::grant::{Grant, GrantIndex, GrantStanding};
use crate::request::AccessRequest;
use crate::slice::{Resource, SliceIndex};
use crate::verdict::{Judge, Verdict};

/// The forbid of `base/withhold.cedar` behind which the declaration of a result type stands.
const NOT_SHARED: &str = "withhold-not-shared";

/// Decides questions under one bundle of policies and one set of grants. Immutable: a change makes a new engine.
#[derive(Debug)]
pub struct PolicyEngine {
    judge: Judge,
    grants: GrantIndex,
    /// The one permit; a list only because a bundle is one.
    permits: Vec<PolicyId>,
    titles: HashMap<PolicyId, Localized>,
    exceptions: HashMap<PolicyId, Arc<ExceptionFacts>>,
    /// The departments' exceptions with what each is about, in the order of the files.
    register: Vec<(Resource, Arc<ExceptionFacts>)>,
    not_shared: HashMap<ResultTypeId, Arc<ExceptionFacts>>,
    bundle: BundleHash,
}

impl PolicyEngine {
    /// An engine for these policies and grants; `not_shared` says for each result type that is not shared, why.
    pub fn new(bundle: PolicyBundle, grants: Vec<Grant>, not_shared: Vec<NotSharedResultType>) -> Self {
        let permits = bundle.policies.iter().filter(|named| named.policy.effect() == Effect::Permit);
        let exceptions = bundle.policies.iter().filter_map(|named| Some((named.id.clone(), named.exception.clone()?)));
        let register =
            bundle.policies.iter().filter_map(|named| Some((named.scope.resource.clone(), named.exception.clone()?)));
        Self {
            grants: GrantIndex::new(grants),
            permits: permits.map(|named| named.id.clone()).collect(),
            titles: bundle.policies.iter().map(|named| (named.id.clone(), named.title.clone())).collect(),
            exceptions: exceptions.collect(),
            register: register.collect(),
            not_shared: not_shared.into_iter().map(|entry| (entry.result_type, Arc::new(entry.exception))).collect(),
            bundle: bundle.hash(),
            judge: Judge::new(bundle.schema, SliceIndex::new(&bundle.policies)),
        }
    }

    /// The hash of the policies in force.
    pub fn bundle(&self) -> &BundleHash {
        &self.bundle
    }

    /// The exceptions that can concern a result type: the one its declaration states, and its department's.
    pub fn exceptions_of(&self, provider: &DepartmentId, result_type: &ResultTypeId) -> Vec<&ExceptionFacts> {
        let concerns = |resource: &Resource| match resource {
            Resource::Any => true,
            Resource::Of(department) => department == provider,
            Resource::Type(id) => id == result_type,
        };
        let registered = self.register.iter().filter(|(resource, _)| concerns(resource)).map(|(_, facts)| &**facts);
        self.not_shared.get(result_type).map(|facts| &**facts).into_iter().chain(registered).collect()
    }

    /// May they?
    ///
    /// # Errors
    /// [`PolicyError`] where nothing can be decided; it is never to be read as a permit.
    pub fn authorize(&self, request: &AccessRequest<'_>) -> Result<Decision, PolicyError> {
        let grant = self.standing(request);
        let prepared = self.judge.prepare(request, grant.as_ref())?;
        let verdict = self.judge.judge(&prepared)?;
        Ok(match self.cause(request, grant.as_ref(), verdict)? {
            None => {
                let grant = grant.as_ref().and_then(GrantStanding::grant).cloned();
                Decision::Permitted(Permit::mint(
                    request,
                    verdict.reasons.iter().cloned().collect(),
                    grant,
                    self.bundle,
                ))
            }
            Some((cause, policies)) => Decision::Refused(Denial { cause, policies, bundle: self.bundle }),
        })
    }

    /// Why the question is permitted or refused: everything that bears on it.
    ///
    /// # Errors
    /// [`PolicyError`] as for [`PolicyEngine::authorize`].
    pub fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, PolicyError> {
        let grant = self.standing(request);
        let prepared = self.judge.prepare(request, grant.as_ref())?;
        let verdict = self.judge.judge(&prepared)?;
        let cause = self.cause(request, grant.as_ref(), verdict)?.map(|(cause, _)| cause);
        let forbids = prepared.policies.policies();
        let withholdings: BTreeMap<_, _> = (forbids.filter(|policy| policy.effect() == Effect::Forbid))
            .filter_map(|policy| self.titles.get_key_value(AsRef::<str>::as_ref(policy.id())))
            .map(|(id, title)| {
                (id, Withholding { id: id.clone(), title: title.clone(), holds: verdict.reasons.contains(id) })
            })
            .collect();
        Ok(Explanation {
            cause,
            conditions: Condition::ALL.into_iter().map(|condition| (condition, condition.is_met(request))).collect(),
            withholdings: withholdings.into_values().collect(),
            grant,
            bundle: self.bundle,
        })
    }

    /// Grants matter to conditional result types only.
    fn standing(&self, request: &AccessRequest<'_>) -> Option<GrantStanding> {
        (request.sharing == SharingClass::Conditional).then(|| self.grants.standing(request))
    }

    /// Why the verdict is a refusal, and the policies behind it; `None` for a permit.
    ///
    /// When several causes apply, the first of these is given. Not permitted: the question itself is not entitled, so
    /// what the law or a grant would say to an entitled one is neither due nor disclosed. Exception: the law withholds it,
    /// so no grant could help and nobody should be sent to apply for one. Grant required: all that is missing is a grant.
    fn cause(
        &self,
        request: &AccessRequest<'_>,
        grant: Option<&GrantStanding>,
        verdict: &Verdict,
    ) -> Result<Option<(DenialCause, Vec<PolicyId>)>, PolicyError> {
        let unmet: Vec<_> = Condition::ALL.into_iter().filter(|condition| !condition.is_met(request)).collect();
        if verdict.allowed {
            // Cedar's permit and our reading of its conditions must agree, or neither is to be trusted.
            return if unmet.is_empty() { Ok(None) } else { Err(PolicyError::Unexplained) };
        }
        if !unmet.is_empty() {
            return Ok(Some((DenialCause::NotPermitted(unmet), self.permits.clone())));
        }
        let (exceptions, grants): (Vec<_>, Vec<_>) = verdict
            .reasons
            .iter()
            .cloned()
            .partition(|id| id.as_str() == NOT_SHARED || self.exceptions.contains_key(id));
        if let Some(first) = exceptions.iter().find(|id| id.as_str() == NOT_SHARED).or(exceptions.first()) {
            let facts = match self.exceptions.get(first) {
                Some(facts) => Some(facts),
                None => self.not_shared.get(request.result_type),
            };
            let facts = facts.ok_or_else(|| PolicyError::MissingException(request.result_type.clone()))?;
            return Ok(Some((DenialCause::Exception(Arc::clone(facts)), exceptions)));
        }
        match grant {
            Some(standing) if !grants.is_empty() => Ok(Some((DenialCause::GrantRequired(standing.clone()), grants))),
            _ => Err(PolicyError::Unexplained),
        }
    }
}
