//! What the policies that can apply say about a request.
//!
//! What a policy may read is not about the subject, so the same questions come again and again: a city has some hundred
//! requesters, result types and items. The request in Cedar's terms, validated against the schema, the policies that can
//! apply to it, and what they say are therefore kept: over the same facts the same policies say the same.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use cedar_policy::{AuthorizationError, Authorizer, Decision, PolicySet, Schema};
use heyan_proto::identifier::{ItemCode, SubjectKind};
use heyan_proto::vocabulary::{DepartmentId, Disclosure, FieldName, PolicyId, ResultTypeId, SharingClass};
use jiff::civil::Date;

use crate::error::PolicyError;
use crate::grant::GrantStanding;
use crate::request::{AccessRequest, Action, Asked, Words};
use crate::slice::SliceIndex;

/// The most prepared requests that are kept. The day is part of each, so those of yesterday are of no use anyway.
const PREPARED_MAX: usize = 2_048;

/// What the policies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A permit holds and no forbid does.
    pub(crate) allowed: bool,
    /// The policies that decided: the forbids that hold, or else the permits.
    pub(crate) reasons: BTreeSet<PolicyId>,
}

/// Evaluates requests.
#[derive(Debug)]
pub(crate) struct Judge {
    authorizer: Authorizer,
    words: Words,
    slices: SliceIndex,
    prepared: RwLock<HashMap<Facts, Arc<Prepared>>>,
}

/// A request that is ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Prepared {
    asked: Asked,
    /// The policies that can apply to it.
    pub(crate) policies: PolicySet,
    /// What they say, once they have been evaluated. An error is not kept.
    verdict: OnceLock<Verdict>,
}

impl Judge {
    pub(crate) fn new(schema: Schema, slices: SliceIndex) -> Self {
        Self { authorizer: Authorizer::new(), words: Words::new(schema), slices, prepared: RwLock::default() }
    }

    /// Builds the request against the schema, or finds it where it was built before.
    pub(crate) fn prepare(
        &self,
        request: &AccessRequest<'_>,
        grant: Option<&GrantStanding>,
    ) -> Result<Arc<Prepared>, PolicyError> {
        let facts = Facts::of(request, grant);
        // The map is whole after every operation on it, so a panic elsewhere leaves nothing half done.
        let known = self.prepared.read().unwrap_or_else(PoisonError::into_inner).get(&facts).cloned();
        if let Some(prepared) = known {
            return Ok(prepared);
        }
        let asked = Asked::new(&self.words, request, grant)?;
        let prepared = Arc::new(Prepared { asked, policies: self.slices.slice(request), verdict: OnceLock::new() });
        let mut known = self.prepared.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PREPARED_MAX {
            known.clear();
        }
        known.insert(facts, Arc::clone(&prepared));
        Ok(prepared)
    }

    /// What the policies say: evaluated now, or earlier over the same facts.
    pub(crate) fn judge<'p>(&self, prepared: &'p Prepared) -> Result<&'p Verdict, PolicyError> {
        if let Some(verdict) = prepared.verdict.get() {
            return Ok(verdict);
        }
        let verdict = self.evaluate(prepared)?;
        Ok(prepared.verdict.get_or_init(|| verdict))
    }

    /// Evaluates the policies that can apply. Cedar skips one that errors; here it makes the whole an error.
    fn evaluate(&self, prepared: &Prepared) -> Result<Verdict, PolicyError> {
        let Prepared { asked, policies, .. } = prepared;
        let response = self.authorizer.is_authorized(&asked.request, policies, &asked.entities);
        let failed: BTreeSet<_> = (response.diagnostics().errors())
            .map(|AuthorizationError::PolicyEvaluationError(error)| name(error.policy_id()))
            .collect::<Result<_, _>>()?;
        if !failed.is_empty() {
            return Err(PolicyError::Evaluation(failed.into_iter().collect()));
        }
        let reasons = response.diagnostics().reason().map(name).collect::<Result<_, _>>()?;
        Ok(Verdict { allowed: response.decision() == Decision::Allow, reasons })
    }
}

fn name(id: &cedar_policy::PolicyId) -> Result<PolicyId, PolicyError> {
    PolicyId::parse(id.as_ref()).map_err(|_| PolicyError::Unnamed)
}

/// Everything that a policy may read, as a key.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Facts {
    action: Action,
    requester: DepartmentId,
    provider: DepartmentId,
    result_type: ResultTypeId,
    sharing: SharingClass,
    disclosure: Disclosure,
    subject_kind: SubjectKind,
    item: ItemCode,
    conditions: [bool; 5],
    fields: Vec<FieldName>,
    today: Date,
    grant: Option<&'static str>,
}

impl Facts {
    fn of(request: &AccessRequest<'_>, grant: Option<&GrantStanding>) -> Self {
        // Taken apart whole, so that a fact that is added to requests cannot be missing from the key.
        let &AccessRequest {
            action,
            requester,
            requester_registered,
            provider,
            result_type,
            sharing,
            disclosure,
            subject_kind,
            item,
            item_in_force,
            item_needs_result,
            item_accepted_by_requester,
            has_case_number,
            fields,
            today,
        } = request;
        Self {
            action,
            requester: requester.clone(),
            provider: provider.clone(),
            result_type: result_type.clone(),
            sharing,
            disclosure,
            subject_kind,
            item: item.clone(),
            conditions: [
                requester_registered,
                item_in_force,
                item_needs_result,
                item_accepted_by_requester,
                has_case_number,
            ],
            fields: fields.to_vec(),
            today,
            grant: grant.map(GrantStanding::as_str),
        }
    }
}
