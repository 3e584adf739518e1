//! Why a decision came about, from what the audit log keeps of it.
//!
//! The log names what decided. While the same policies are in force, the question is put to them once more for what could
//! have applied and did not; the decision itself is never made anew.

use std::str::FromStr;

use heyan_policies::{AccessRequest, Action, Condition, ExceptionFacts};
use heyan_proto::identifier::{ItemCode, SubjectKind};
use heyan_proto::vocabulary::{DepartmentId, FieldName, LegalBasis, Localized, ResultTypeId};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Fault, Verification};
use crate::audit::{Body, Class, DecisionWord, Event, Found, Record};
use crate::clock::day_of;
use crate::directory::Directory;
use crate::identity::Caller;

/// A decision, explained. It names no subject.
#[derive(Debug)]
pub struct Explained {
    /// Where it is in the log.
    pub index: u64,
    /// When it was made.
    pub decided_at: Timestamp,
    /// Whether the question was permitted.
    pub permitted: bool,
    /// What was to be done.
    pub action: Action,
    /// What was asked about.
    pub result_type: ResultTypeId,
    /// Who issues it.
    pub provider: DepartmentId,
    /// The service item that was the purpose.
    pub item: ItemCode,
    /// Each condition of the one permit, and whether it was met.
    pub conditions: Vec<(Condition, bool)>,
    /// The policies that decided, and those that could have.
    pub policies: Vec<Effect>,
    /// The grant that was used.
    pub grant: Option<String>,
    /// The hash of the policies that decided.
    pub bundle: String,
}

/// A policy's part in a decision.
#[derive(Debug)]
pub struct Effect {
    /// Its name.
    pub policy: String,
    /// Whether it forbids; otherwise it permits.
    pub forbids: bool,
    /// Whether it applied.
    pub applied: bool,
    /// What it is about, where that is known.
    pub title: Option<Localized>,
    /// The law behind an exception.
    pub legal_basis: Option<LegalBasis>,
}

impl Verification {
    /// Explains one of the caller's own decisions; `None` where it has no such decision. `looking` is the id of this call,
    /// which is recorded before anything is shown.
    ///
    /// # Errors
    /// [`Fault::Audit`] while the log cannot be read or written.
    pub async fn explain(&self, caller: &Caller, looking: Uuid, decision: Uuid) -> Result<Option<Explained>, Fault> {
        self.audit.record(look(caller, looking, decision)).await?;
        let found = self.audit.find(caller.uri(), decision).await?;
        Ok(found.and_then(|found| explained(&self.directory.snapshot(), &found)))
    }
}

fn look(caller: &Caller, looking: Uuid, decision: Uuid) -> Record {
    Record {
        decision: looking,
        event: Event::Explain,
        caller: std::sync::Arc::clone(caller.uri()),
        provider: None,
        purpose: None,
        policy: None,
        decision_word: DecisionWord::None,
        class: Class::Answered,
        subject: None,
        official: None,
        case: None,
        body: Body::from([("explained", decision.to_string())]),
        request: decision.as_bytes().as_slice().into(),
    }
}

/// `None` for an entry that never got as far as policy: it was no question.
fn explained(directory: &Directory, found: &Found) -> Option<Explained> {
    let body = found.body.as_ref()?;
    let unmet = words(body, "unmet");
    let permitted = body.get("permitted")?.as_bool()?;
    let result_type = parsed(body, "result_type")?;
    let provider = parsed(body, "provider")?;
    let mut explained = Explained {
        index: found.index,
        decided_at: found.at,
        permitted,
        action: Action::ALL.into_iter().find(|action| Some(action.as_str()) == text(body, "action"))?,
        conditions: Condition::ALL.map(|condition| (condition, !unmet.contains(&condition.as_str()))).to_vec(),
        policies: Vec::new(),
        grant: text(body, "grant").map(str::to_owned),
        bundle: text(body, "bundle")?.to_owned(),
        item: ItemCode::parse(text(body, "item")?).ok()?,
        result_type,
        provider,
    };
    explained.policies = effects(directory, found, body, &explained);
    Some(explained)
}

fn effects(directory: &Directory, found: &Found, body: &Value, of: &Explained) -> Vec<Effect> {
    let exceptions = directory.engine().exceptions_of(&of.provider, &of.result_type);
    let law = |id: &str| exceptions.iter().find(|facts: &&&ExceptionFacts| facts.id.as_str() == id);
    // A refusal for an unmet condition names the permit that did not apply; every other refusal names forbids.
    let unmet = of.conditions.iter().any(|(_, met)| !met);
    // What withholds every result type that is not shared is one policy; the exception of this one has the law.
    let exception = text(body, "exception").filter(|id| !words(body, "policies").contains(id));
    let decided = words(body, "policies").into_iter().chain(exception).map(|id| Effect {
        policy: id.to_owned(),
        forbids: !of.permitted && !unmet,
        applied: !unmet,
        title: law(id).map(|facts| facts.title.clone()),
        legal_basis: law(id).map(|facts| facts.legal_basis.clone()),
    });
    let mut effects: Vec<Effect> = decided.collect();
    let could_have = explain_again(directory, found, body, of).unwrap_or_default();
    for (id, title, holds) in could_have {
        if let Some(effect) = effects.iter_mut().find(|effect| effect.policy == id) {
            effect.title.get_or_insert(title);
        } else {
            let legal_basis = law(&id).map(|facts| facts.legal_basis.clone());
            effects.push(Effect { policy: id, forbids: true, applied: holds, title: Some(title), legal_basis });
        }
    }
    effects
}

/// What could have applied, as long as the same policies are in force and the result type still exists.
fn explain_again(
    directory: &Directory,
    found: &Found,
    body: &Value,
    of: &Explained,
) -> Option<Vec<(String, Localized, bool)>> {
    if directory.engine().bundle().to_string() != of.bundle {
        return None;
    }
    let declared = directory.result_type(of.result_type.as_str())?;
    let fields: Option<Vec<FieldName>> =
        words(body, "fields").into_iter().map(|name| FieldName::parse(name).ok()).collect();
    let met = |condition| of.conditions.iter().any(|&(known, met)| known == condition && met);
    let explanation = directory.engine().explain(&AccessRequest {
        action: of.action,
        requester: &parsed(body, "requester")?,
        requester_registered: met(Condition::RequesterRegistered),
        provider: &of.provider,
        result_type: &of.result_type,
        sharing: declared.sharing,
        disclosure: declared.disclosure,
        subject_kind: SubjectKind::ALL.into_iter().find(|kind| Some(kind.as_str()) == text(body, "subject_kind"))?,
        item: &of.item,
        item_in_force: met(Condition::ItemInForce),
        item_needs_result: met(Condition::ItemNeedsResult),
        item_accepted_by_requester: met(Condition::ItemAcceptedByRequester),
        has_case_number: met(Condition::CaseNumberGiven),
        fields: &fields?,
        today: day_of(found.at),
    });
    let withholdings = explanation.ok()?.withholdings.into_iter();
    Some(withholdings.map(|withholding| (withholding.id.to_string(), withholding.title, withholding.holds)).collect())
}

fn text<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body.get(key)?.as_str()
}

fn parsed<T: FromStr>(body: &Value, key: &str) -> Option<T> {
    text(body, key)?.parse().ok()
}

fn words<'a>(body: &'a Value, key: &str) -> Vec<&'a str> {
    body.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
