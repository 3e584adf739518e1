//! The path of one question, readable from top to bottom.
//!
//! Each step takes the proof that the step before it left: no question without a [`Permit`], no department asked without an [`Intent`], no response without a
//! [`Receipt`].

mod entry;
mod explanation;
mod outcome;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use heyan_policies::{AccessRequest, Decision, Permit, PolicyError};
use heyan_proto::vocabulary::{DepartmentId, Freshness};
use uuid::Uuid;

use crate::answer::{Answer, Validation};
use crate::audit::{Audit, AuditError, Begun, Class, Event, Intent, Receipt, RequestKey, Reservation};
use crate::clock::Clock;
use crate::departments::Departments;
use crate::directory::{CurrentDirectory, Directory, Question, Rejection, Words};
use crate::identity::Caller;
use crate::server::Deadline;
use crate::telemetry::Traceparent;

use entry::Facts;
pub use explanation::{Effect, Explained};

/// Answers questions.
#[derive(Debug)]
pub struct Verification {
    /// What can be asked of whom.
    pub directory: Arc<CurrentDirectory>,
    /// Who is asked.
    pub departments: Arc<Departments>,
    /// Where every step is recorded.
    pub audit: Audit,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What is kept of a caller's deadline for recording the answer and sending it back.
const RESERVED: Duration = Duration::from_millis(50);

/// One call: who asks what, until when.
#[expect(missing_debug_implementations, reason = "the words of a call may be personal")]
pub struct Call<'a> {
    /// Who asks, by certificate.
    pub caller: Caller,
    /// The id of this decision, made at the edge.
    pub decision: Uuid,
    /// When the caller stops waiting.
    pub deadline: Deadline,
    /// The trace context, for departments that take one.
    pub traceparent: Option<Traceparent>,
    /// The question, in the caller's words.
    pub words: Words<'a>,
    /// The request's bytes: what "the same content" means for a repeated `request_id`, and what the audit log commits to.
    pub request: Arc<[u8]>,
    /// How an answer is written for a repetition of the question.
    pub write: fn(&Answer) -> Vec<u8>,
}

/// What came of a call.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub given: Given,
    /// Its record.
    pub receipt: Receipt,
}

/// An answer, made now or earlier.
pub enum Given {
    /// Made for this call.
    Fresh(Box<Answer>),
    /// Recorded earlier for the same question, as [`Call::write`] wrote it.
    Recorded(Vec<u8>),
}

impl fmt::Debug for Given {
    /// Shows nothing of a recorded answer: its bytes are about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh(answer) => f.debug_tuple("Fresh").field(answer).finish(),
            Self::Recorded(_) => f.write_str("Recorded(…)"),
        }
    }
}

/// The call was not a question, or our own fault: there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The words make no question.
    #[error("the request is not a question")]
    Rejected(Rejection),
    /// Persons do not ask; systems of departments do.
    #[error("only a department's system may ask")]
    NotASystem,
    /// A policy failed, so nothing is shared.
    #[error(transparent)]
    Policy(PolicyError),
    /// The record could not be made, or the `request_id` was used before.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl Verification {
    /// Answers one question: to verify claims, or to retrieve values.
    ///
    /// # Errors
    /// [`Fault`] where there is no answer. Whatever can be recorded of it is.
    pub async fn answer(&self, call: Call<'_>) -> Result<Answered, Fault> {
        match self.answer_anew(&call).await {
            // It was answered long ago, and nobody was asked again.
            Err(Fault::Audit(AuditError::Taken)) => self.answered_before(&call).await?.ok_or(AuditError::Taken.into()),
            answered => answered,
        }
    }

    async fn answer_anew(&self, call: &Call<'_>) -> Result<Answered, Fault> {
        let directory = self.directory.snapshot();
        let facts = Facts::of(call);
        let Some((_, requester)) = call.caller.system() else {
            self.audit.record(facts.record(Class::Rejected)).await?;
            return Err(Fault::NotASystem);
        };
        let question = match directory.resolve(&call.words, self.clock.today()) {
            Ok(question) => question,
            Err(rejection) => {
                // What was answered stays answered, also where the directory has changed since.
                if let Ok(Some(answered)) = self.answered_before(call).await {
                    return Ok(answered);
                }
                self.audit.record(facts.rejected(&rejection)).await?;
                return Err(Fault::Rejected(rejection));
            }
        };
        let mut place = match self.reserve(call, question.request_id).await? {
            Begun::Fresh(place) => place,
            Begun::Replayed { reply, receipt } => return Ok(Answered { given: Given::Recorded(reply), receipt }),
        };
        let facts = facts.about(&question, &call.caller, requester);
        let permit = match self.authorize(&directory, &question, requester) {
            Ok(Decision::Permitted(permit)) => permit,
            Ok(Decision::Refused(denial)) => {
                let facts = facts.denied(&denial);
                let refusal = outcome::refusal(denial.cause, &question, &directory);
                return conclude(call, place, None, facts, Answer::Refusal(refusal)).await;
            }
            Err(error) => {
                if let Ok(Some(answered)) = self.answered_before(call).await {
                    return Ok(answered);
                }
                self.audit.record(facts.record(Class::Failed)).await?;
                return Err(Fault::Policy(error));
            }
        };
        let facts = facts.permitted(&permit);
        if question.validate_only {
            return conclude(call, place, None, facts, Answer::Validation(Validation::from(&permit))).await;
        }
        if let Some(answer) = outcome::known_without_asking(&permit, &question, self.clock.today()) {
            return conclude(call, place, None, facts, answer).await;
        }
        if let Some(answer) = self.answer_cached(&permit, &directory, &question) {
            return conclude(call, place, None, facts, answer).await;
        }
        let intent = place.intend(facts.record(Class::Intent)).await?;
        let answer = self.ask(call, &permit, &intent, &directory, &question).await;
        conclude(call, place, Some(intent), facts, answer).await
    }

    /// Records a call that holds no questions, or too many, and says why it is refused.
    pub async fn reject(&self, caller: &Caller, decision: Uuid, request: Arc<[u8]>, rejection: Rejection) -> Fault {
        let facts = Facts::of_caller(caller, decision, Event::Verify, request);
        match self.audit.record(facts.rejected(&rejection)).await {
            Ok(_) => Fault::Rejected(rejection),
            Err(error) => Fault::Audit(error),
        }
    }

    async fn answered_before(&self, call: &Call<'_>) -> Result<Option<Answered>, AuditError> {
        let Ok(request_id) = Uuid::try_parse(call.words.request_id) else { return Ok(None) };
        let (key, content) = request_key(call, request_id);
        let recorded = self.audit.recall(&key, content).await?;
        Ok(recorded.map(|(reply, receipt)| Answered { given: Given::Recorded(reply), receipt }))
    }

    async fn reserve(&self, call: &Call<'_>, request_id: Uuid) -> Result<Begun, AuditError> {
        let (key, content) = request_key(call, request_id);
        self.audit.begin(key, content).await
    }

    fn authorize(
        &self,
        directory: &Directory,
        question: &Question,
        requester: &DepartmentId,
    ) -> Result<Decision, PolicyError> {
        let (item, result_type) = (&question.purpose.item, &question.result_type);
        let today = self.clock.today();
        directory.engine().authorize(&AccessRequest {
            action: question.asked.action(),
            requester,
            requester_registered: directory.department(requester).is_some(),
            provider: &result_type.provider,
            result_type: &result_type.id,
            sharing: result_type.sharing,
            disclosure: result_type.disclosure,
            subject_kind: question.subject.kind(),
            item: &item.code,
            item_in_force: item.is_in_force(today),
            item_needs_result: item.needs(&result_type.id),
            item_accepted_by_requester: item.is_accepted_by(requester),
            // A question has one: its constructor refuses an empty case number.
            has_case_number: true,
            fields: &question.asked.fields(),
            today,
        })
    }

    /// Judges what the department said to an earlier question of the same inputs, where that is still fresh.
    fn answer_cached(&self, permit: &Permit, directory: &Directory, question: &Question) -> Option<Answer> {
        let cached = self.departments.cached(permit, question)?;
        let answer = outcome::of_reading(permit, question, &cached, Freshness::Cached, directory);
        // Trouble is never repeated from memory: the department may have mended it.
        Some(answer).filter(|answer| !matches!(answer, Answer::Undetermined(_)))
    }

    /// Asks the department and judges what it holds. Whatever goes wrong there is Undetermined, never "no".
    async fn ask(
        &self,
        call: &Call<'_>,
        permit: &Permit,
        intent: &Intent,
        directory: &Directory,
        question: &Question,
    ) -> Answer {
        let deadline = call.deadline.remaining().saturating_sub(RESERVED);
        let traceparent = call.traceparent.as_ref().map(|traceparent| traceparent.as_str().to_owned());
        match self.departments.ask(permit, intent, question, deadline, traceparent).await {
            Ok(reading) => outcome::of_reading(permit, question, &reading, Freshness::Live, directory),
            Err(error) => outcome::undetermined(question, directory, &error),
        }
    }
}

/// The key under which a question is answered once, and the digest of all that it asks.
fn request_key(call: &Call<'_>, request_id: Uuid) -> (RequestKey, [u8; 32]) {
    let content = digest(&SHA256, &call.request);
    let content = *content.as_ref().first_chunk().expect("SHA-256 gives 32 bytes");
    (RequestKey { caller: Arc::clone(call.caller.uri()), request_id }, content)
}

/// The one door out: the answer is recorded, and only then is there something to return.
async fn conclude(
    call: &Call<'_>,
    place: Reservation,
    intent: Option<Intent>,
    facts: Facts,
    answer: Answer,
) -> Result<Answered, Fault> {
    let receipt = place.answer(intent, facts.answered(&answer), (call.write)(&answer)).await?;
    Ok(Answered { given: Given::Fresh(Box::new(answer)), receipt })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_recorded_answer() {
        assert_eq!(format!("{:?}", Given::Recorded(b"personal".to_vec())), "Recorded(…)");
    }
}
