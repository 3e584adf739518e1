//! What the audit log is told of a call, step by step: who and what at first, the question when it is one, the decision
//! when there is one, the answer at the end.

use std::sync::Arc;

use heyan_policies::{BundleHash, Denial, DenialCause, Permit};
use heyan_proto::vocabulary::{DepartmentId, FieldName, PolicyId};
use serde::Serialize;
use uuid::Uuid;

use super::Call;
use crate::answer::{Answer, Determination};
use crate::audit::{Body, Class, DecisionWord, Event, Record};
use crate::directory::{Asked, AskedWords, Question, Rejection};
use crate::identity::Caller;

/// What is known of a call so far.
pub(super) struct Facts {
    record: Record,
}

/// Who asks behind the calling system, and who says so.
#[derive(Serialize)]
struct OfficialBody<'a> {
    id: &'a str,
    name: &'a str,
    unit: &'a str,
    terminal: &'a str,
    asserted_by: &'a str,
}

#[derive(Serialize)]
struct ClaimBody<'a> {
    field: &'a str,
    operator: &'a str,
}

#[derive(Serialize)]
struct ViolationBody<'a> {
    field: &'a str,
    reason: &'a str,
}

impl Facts {
    /// Who called, before anything else is known.
    pub(super) fn of(call: &Call<'_>) -> Self {
        let event = match (&call.words.asked, call.words.validate_only) {
            (_, true) => Event::ValidateOnly,
            (AskedWords::Claims(_), false) => Event::Verify,
            (AskedWords::Fields(_), false) => Event::Retrieve,
        };
        Self::of_caller(&call.caller, call.decision, event, Arc::clone(&call.request))
    }

    /// As [`Facts::of`], for a call that does not even hold one question.
    pub(super) fn of_caller(caller: &Caller, decision: Uuid, event: Event, request: Arc<[u8]>) -> Self {
        let body = Body::from([("certificate", caller.fingerprint().to_string())]);
        let record = Record {
            decision,
            event,
            caller: Arc::clone(caller.uri()),
            provider: None,
            purpose: None,
            policy: None,
            decision_word: DecisionWord::None,
            class: Class::Rejected,
            subject: None,
            official: None,
            case: None,
            body,
            request,
        };
        Self { record }
    }

    /// The question, now that it is one. Claims are recorded by field and operator, never by value.
    pub(super) fn about(mut self, question: &Question, caller: &Caller, requester: &DepartmentId) -> Self {
        let official = &question.official;
        self.record.provider = Some(question.result_type.provider.clone());
        self.record.purpose = Some(question.purpose.item.code.clone());
        self.record.subject = Some(question.subject.clone());
        self.record.official = Some(official.id.clone());
        self.record.case = Some(question.purpose.case_number.clone());
        self.put("requester", requester.as_str());
        self.put("provider", question.result_type.provider.as_str());
        self.put("item", question.purpose.item.code.as_str());
        self.put("result_type", question.result_type.id.as_str());
        self.put("subject_kind", question.subject.kind().as_str());
        self.put("case_number", question.purpose.case_number.expose());
        self.put("reason", question.purpose.reason.expose());
        self.put("as_of", format_args!("{}", question.as_of));
        self.put(
            "official",
            OfficialBody {
                id: official.id.expose(),
                name: official.name.expose(),
                unit: official.unit.expose(),
                terminal: official.terminal.expose(),
                asserted_by: caller.uri(),
            },
        );
        self.put("action", question.asked.action().as_str());
        self.put("fields", list(question.asked.fields().iter().map(FieldName::as_str)));
        if let Asked::Claims(claims) = &question.asked {
            let claims =
                claims.iter().map(|claim| ClaimBody { field: claim.field.as_str(), operator: claim.operator.as_str() });
            self.put("claims", list(claims));
        }
        self
    }

    /// What policy permitted.
    pub(super) fn permitted(mut self, permit: &Permit) -> Self {
        self.decided(DecisionWord::Permit, permit.bundle());
        self.put("policies", policies(permit.policies()));
        self.put("disclosure", permit.disclosure().as_str());
        if let Some(grant) = permit.grant() {
            self.put("grant", grant.as_str());
        }
        self
    }

    /// What policy refused, and why.
    pub(super) fn denied(mut self, denial: &Denial) -> Self {
        self.decided(DecisionWord::Deny, &denial.bundle);
        self.put("policies", policies(&denial.policies));
        match &denial.cause {
            DenialCause::Exception(facts) => self.put("exception", facts.id.as_str()),
            DenialCause::GrantRequired(_) => {}
            DenialCause::NotPermitted(unmet) => {
                self.put("unmet", list(unmet.iter().map(|condition| condition.as_str())));
            }
        }
        self
    }

    /// The entry of a call whose words are no question: what was wrong where, never what was written.
    pub(super) fn rejected(mut self, rejection: &Rejection) -> Record {
        let violations = rejection.violations.iter();
        let violations = violations.map(|of| ViolationBody { field: of.field.as_ref(), reason: of.reason.as_str() });
        self.put("violations", list(violations));
        Record { class: Class::Rejected, ..self.record }
    }

    /// The entry of what is known so far.
    pub(super) fn record(&self, class: Class) -> Record {
        Record { class, ..self.record.clone() }
    }

    /// The entry of the answer.
    pub(super) fn answered(mut self, answer: &Answer) -> Record {
        self.put("answer", answer.as_str());
        let class = match answer {
            Answer::Determination(of) => self.found(of),
            Answer::Retrieval(of) => self.found(&of.determination),
            Answer::Refusal(_) => Class::Denied,
            Answer::Undetermined(_) => Class::Undetermined,
            Answer::Validation(_) => Class::Answered,
        };
        if !answer.cause().is_empty() {
            self.put("cause", answer.cause());
        }
        Record { class, ..self.record }
    }

    fn decided(&mut self, word: DecisionWord, bundle: &BundleHash) {
        let bundle: Arc<str> = bundle.to_string().into();
        self.put("permitted", word == DecisionWord::Permit);
        self.put("bundle", &*bundle);
        self.record.decision_word = word;
        self.record.policy = Some(bundle);
    }

    fn found(&mut self, determination: &Determination) -> Class {
        self.put("finding", format_args!("{:?}", determination.finding));
        self.put("freshness", format_args!("{:?}", determination.freshness));
        if let Some(detail) = &determination.detail {
            let outcomes = detail.claims.iter().map(|(_, _, outcome)| format!("{outcome:?}"));
            self.put("outcomes", list(outcomes));
        }
        Class::Answered
    }

    fn put(&mut self, key: &str, value: impl Serialize) {
        self.record.body.put(key, value);
    }
}

fn policies(ids: &[PolicyId]) -> impl Serialize {
    list(ids.iter().map(PolicyId::as_str))
}

fn list<T: Serialize>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect()
}
