//! Which policies can apply to a request at all, so that a decision looks at those only.
//!
//! Every policy is listed by each action it reaches, the principal and the resource it names. A request looks into the
//! lists whose names are its own or left open: six look-ups, however many policies there are.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{ActionConstraint, EntityUid, Policy, PolicySet, PrincipalConstraint, ResourceConstraint};
use heyan_proto::vocabulary::{DepartmentId, ResultTypeId};

use crate::bundle::Named;
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

/// The policies of a bundle, by what they can apply to.
#[derive(Debug)]
pub(crate) struct SliceIndex(HashMap<Key, Vec<Policy>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    action: Action,
    principal: Option<DepartmentId>,
    resource: Resource,
}

impl SliceIndex {
    pub(crate) fn new<'p>(policies: impl IntoIterator<Item = &'p Named>) -> Self {
        let mut index: HashMap<Key, Vec<Policy>> = HashMap::new();
        for Named { policy, scope, .. } in policies {
            for &action in &scope.actions {
                let key = Key { action, principal: scope.principal.clone(), resource: scope.resource.clone() };
                index.entry(key).or_default().push(policy.clone());
            }
        }
        Self(index)
    }

    /// The policies that can apply to the request.
    pub(crate) fn slice(&self, request: &AccessRequest<'_>) -> PolicySet {
        let resources =
            [Resource::Any, Resource::Of(request.provider.clone()), Resource::Type(request.result_type.clone())];
        let action = request.action;
        let mut slice = PolicySet::new();
        for principal in [None, Some(request.requester.clone())] {
            for resource in resources.clone() {
                let applicable = self.0.get(&Key { action, principal: principal.clone(), resource });
                for policy in applicable.into_iter().flatten() {
                    slice
                        .add(policy.clone())
                        .expect("a bundle holds every id once, and a policy is under one key per action");
                }
            }
        }
        slice
    }
}
