use heyan_proto::vocabulary::{FieldName, GrantId, Localized};

use super::Grant;
use crate::request::AccessRequest;

/// How a requester stands with the grants for a conditional result type. The order is the distance from being live, so
/// that of several grants the nearest is reported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GrantStanding {
    /// This grant covers the question.
    Live(GrantId),
    /// This grant would cover it, but is suspended.
    Suspended(GrantId),
    /// This grant will cover it from a later day.
    NotYet(GrantId),
    /// This grant covered it until an earlier day.
    Ended(GrantId),
    /// This grant is for the requester and the result type, but does not reach so far.
    OutsideScope(GrantId, ScopeGap),
    /// There is no grant for the requester and the result type.
    None,
}

/// What a grant does not reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScopeGap {
    /// These fields.
    Fields(Vec<FieldName>),
    /// The service item.
    Item,
}

impl ScopeGap {
    /// What the grant does not reach, for users.
    pub fn describe(&self) -> Localized {
        match self {
            Self::Fields(fields) => {
                let names: Vec<&str> = fields.iter().map(FieldName::as_str).collect();
                Localized {
                    zh: format!("授权范围不含数据项 {}", names.join("、")),
                    en: format!("the grant does not reach the fields {}", names.join(", ")),
                }
            }
            Self::Item => Localized {
                zh: "授权范围不含该政务服务事项".into(),
                en: "the grant does not reach this service item".into(),
            },
        }
    }
}

impl GrantStanding {
    /// The word that policies read.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Live(_) => "live",
            Self::Suspended(_) => "suspended",
            Self::NotYet(_) => "not_yet",
            Self::Ended(_) => "ended",
            Self::OutsideScope(..) => "outside_scope",
            Self::None => "none",
        }
    }

    /// The grant in question.
    pub fn grant(&self) -> Option<&GrantId> {
        match self {
            Self::Live(id) | Self::Suspended(id) | Self::NotYet(id) | Self::Ended(id) | Self::OutsideScope(id, _) => {
                Some(id)
            }
            Self::None => None,
        }
    }

    /// How one grant for the request's requester and result type stands to the request.
    pub(super) fn of(grant: &Grant, request: &AccessRequest<'_>) -> Self {
        let id = grant.id.clone();
        if !grant.items.contains(request.item) {
            return Self::OutsideScope(id, ScopeGap::Item);
        }
        let reaches = |field: &&FieldName| grant.fields.is_empty() || grant.fields.contains(*field);
        let beyond: Vec<_> = request.fields.iter().filter(|field| !reaches(field)).cloned().collect();
        if !beyond.is_empty() {
            return Self::OutsideScope(id, ScopeGap::Fields(beyond));
        }
        if request.today < grant.from {
            Self::NotYet(id)
        } else if grant.until < request.today {
            Self::Ended(id)
        } else if grant.suspended {
            Self::Suspended(id)
        } else {
            Self::Live(id)
        }
    }
}
