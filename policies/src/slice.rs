//! Which policies can apply to a request at all, so that a decision looks at those only.
//!
//! Every policy goes into one set per action it reaches, principal it names and resource it names. A request looks into
//! the sets whose names are its own or left open: six look-ups, however many policies there are.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{
    ActionConstraint, Authorizer, Decision, Entities, EntityUid, Policy, PolicySet, PrincipalConstraint, Request,
    ResourceConstraint,
};
use heyan_proto::vocabulary::{DepartmentId, PolicyId, ResultTypeId};

use crate::bundle::Named;
use crate::error::PolicyError;
use crate::request::{AccessRequest, Action};

/// To which requests a policy can apply, as its scope says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) actions: Vec<Action>,
    /// The requester, or any.
    pub(crate) principal: Option<DepartmentId>,
    pub(crate) resource: Resource,
}

/// What a policy is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    Any,
    Type(ResultTypeId),
    /// Everything that a department provides.
    Of(DepartmentId),
}

impl Scope {
    /// Reads the scope; fails where it names something that can have no such name, or is about nothing that is asked.
    pub(crate) fn of(policy: &Policy) -> Result<Self, String> {
        let principal = match policy.principal_constraint() {
            PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
            PrincipalConstraint::Eq(uid) | PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => {
                Some(department(&uid)?)
            }
        };
        let resource = match policy.resource_constraint() {
            ResourceConstraint::Any | ResourceConstraint::Is(_) => Resource::Any,
            ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
                resource(&uid)?
            }
        };
        let actions = match policy.action_constraint() {
            ActionConstraint::Any => Action::ALL.to_vec(),
            ActionConstraint::Eq(uid) => vec![action(&uid)?],
            ActionConstraint::In(uids) => {
                let named: BTreeSet<_> = uids.iter().map(action).collect::<Result<_, _>>()?;
                named.into_iter().collect()
            }
        };
        Ok(Self { actions, principal, resource })
    }
}

fn department(uid: &EntityUid) -> Result<DepartmentId, String> {
    match uid.type_name().basename() {
        "Department" => DepartmentId::parse(uid.id().unescaped()).map_err(|error| error.to_string()),
        _ => Err(r#"the principal must be a department: `principal == Department::"…"`"#.into()),
    }
}

fn resource(uid: &EntityUid) -> Result<Resource, String> {
    let id = uid.id().unescaped();
    match uid.type_name().basename() {
        "ResultType" => ResultTypeId::parse(id).map(Resource::Type).map_err(|error| error.to_string()),
        "Department" => DepartmentId::parse(id).map(Resource::Of).map_err(|error| error.to_string()),
        _ => Err(r#"the resource must be a result type or in a department: `resource == ResultType::"…"`"#.into()),
    }
}

fn action(uid: &EntityUid) -> Result<Action, String> {
    let named = Action::ALL.into_iter().find(|action| action.as_str() == uid.id().unescaped());
    named.ok_or_else(|| r#"the action must be `Action::"verify"` or `Action::"retrieve"`"#.into())
}

/// What the applicable policies say.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A permit holds and no forbid does.
    pub(crate) allowed: bool,
    /// The policies that decided: the forbids that hold, or else the permits.
    pub(crate) reasons: BTreeSet<PolicyId>,
}

/// The policies of a bundle, by what they can apply to.
#[derive(Debug)]
pub(crate) struct SliceIndex {
    authorizer: Authorizer,
    sets: HashMap<Key, PolicySet>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    action: Action,
    principal: Option<DepartmentId>,
    resource: Resource,
}

impl SliceIndex {
    pub(crate) fn new<'p>(policies: impl IntoIterator<Item = &'p Named>) -> Self {
        let mut sets: HashMap<Key, PolicySet> = HashMap::new();
        for Named { policy, scope, .. } in policies {
            for &action in &scope.actions {
                let key = Key { action, principal: scope.principal.clone(), resource: scope.resource.clone() };
                let set = sets.entry(key).or_default();
                set.add(policy.clone()).expect("a bundle holds every id once and every action of a scope is distinct");
            }
        }
        Self { authorizer: Authorizer::new(), sets }
    }

    /// The sets whose policies can apply to the request.
    pub(crate) fn applicable(&self, request: &AccessRequest<'_>) -> impl Iterator<Item = &PolicySet> {
        let principals = [None, Some(request.requester.clone())];
        let resources =
            [Resource::Any, Resource::Of(request.provider.clone()), Resource::Type(request.result_type.clone())];
        let action = request.action;
        principals
            .into_iter()
            .flat_map(move |principal| {
                resources.clone().map(|resource| Key { action, principal: principal.clone(), resource })
            })
            .filter_map(|key| self.sets.get(&key))
    }

    /// Evaluates the applicable policies. Cedar decides each set by itself; over all of them the rule is its own: a permit
    /// must hold, and no forbid may.
    pub(crate) fn evaluate(
        &self,
        access: &AccessRequest<'_>,
        request: &Request,
        entities: &Entities,
    ) -> Result<Verdict, PolicyError> {
        let (mut permits, mut forbids) = (BTreeSet::new(), BTreeSet::new());
        let mut failed = BTreeSet::new();
        for set in self.applicable(access) {
            let response = self.authorizer.is_authorized(request, set, entities);
            let reasons = match response.decision() {
                Decision::Allow => &mut permits,
                Decision::Deny => &mut forbids,
            };
            for id in response.diagnostics().reason() {
                reasons.insert(name(id)?);
            }
            for error in response.diagnostics().errors() {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                failed.insert(name(error.policy_id())?);
            }
        }
        if !failed.is_empty() {
            return Err(PolicyError::Evaluation(failed.into_iter().collect()));
        }
        let allowed = forbids.is_empty() && !permits.is_empty();
        Ok(Verdict { allowed, reasons: if forbids.is_empty() { permits } else { forbids } })
    }
}

fn name(id: &cedar_policy::PolicyId) -> Result<PolicyId, PolicyError> {
    PolicyId::parse(id.as_ref()).map_err(|_| PolicyError::Unnamed)
}
