//! `ExplainDecision` on the wire.

use heyan_policies::Action;
use heyan_proto::v1;
use uuid::Uuid;

use super::answer::{legal_basis, wire_condition};
use super::words::{localized, timestamp};
use crate::verification::{Effect, Explained};

pub(super) fn response(decision: Uuid, of: Explained) -> v1::ExplainDecisionResponse {
    let action = match of.action {
        Action::Verify => v1::DecisionAction::Verify,
        Action::Retrieve => v1::DecisionAction::Retrieve,
    };
    let conditions = of.conditions.into_iter().map(|(condition, met)| v1::ConditionCheck {
        condition: wire_condition(condition).into(),
        met,
        text: (!met).then(|| localized(&condition.describe())),
    });
    v1::ExplainDecisionResponse {
        decision_id: decision.to_string(),
        permitted: of.permitted,
        action: action.into(),
        result_type: of.result_type.to_string(),
        provider: of.provider.to_string(),
        item: of.item.to_string(),
        conditions: conditions.collect(),
        policies: of.policies.iter().map(effect).collect(),
        grant: of.grant.unwrap_or_default(),
        policy_bundle: of.bundle,
        decided_at: Some(timestamp(of.decided_at)),
        index: of.index,
    }
}

fn effect(of: &Effect) -> v1::PolicyEffect {
    let effect = if of.forbids { v1::Effect::Forbid } else { v1::Effect::Permit };
    v1::PolicyEffect {
        policy: of.policy.clone(),
        effect: effect.into(),
        applied: of.applied,
        title: of.title.as_ref().map(localized),
        legal_basis: of.legal_basis.as_ref().map(legal_basis),
    }
}
