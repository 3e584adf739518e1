//! `VerificationService`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, stream};
use heyan_proto::reason::Reason;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_server::VerificationService;
use heyan_proto::vocabulary::Localized;
use prost::Message;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use uuid::Uuid;

use super::answer::{receipt, retrieve_response, verify_response};
use super::to_the_end::ToTheEnd;
use super::{Edge, error, explain, question};
use crate::answer::Answer;
use crate::directory::{Rejection, Violation};
use crate::server::DecisionId;
use crate::telemetry::{Metrics, current_traceparent};
use crate::verification::{Answered, Call, Given, Verification};

/// The most questions of one batch.
const BATCH_MAX: usize = 100;

/// How many questions of one batch are answered at the same time: one caller's batch must not crowd out the others.
const BATCH_AT_ONCE: usize = 16;

#[derive(Debug)]
pub(super) struct VerificationApi {
    verification: Arc<Verification>,
    metrics: Arc<Metrics>,
}

impl VerificationApi {
    pub(super) fn new(verification: Arc<Verification>, metrics: Arc<Metrics>) -> Self {
        Self { verification, metrics }
    }

    /// Answers one question, to the end: a caller who hangs up must not leave an intent without its answer.
    async fn ask<Q: Asking>(&self, edge: Edge, question: Q) -> Result<Q::Response, Status> {
        let verification = Arc::clone(&self.verification);
        let metrics = Arc::clone(&self.metrics);
        let traceparent = current_traceparent();
        let (decision, language) = (edge.decision.as_uuid(), edge.language);
        let caller = Arc::clone(edge.caller.uri());
        let task = async move {
            // Held until the answer is recorded: a caller who hangs up makes no room for another call.
            let _place = edge.place;
            let call = Call {
                caller: edge.caller,
                decision,
                deadline: edge.deadline,
                traceparent,
                words: question.words(),
                request: question.content(),
                write: |answer| Q::response(answer).encode_to_vec(),
            };
            let answered =
                verification.answer(call).await.map_err(|fault| error::status_of(&fault, decision, language))?;
            respond::<Q>(&answered, &caller, question.result_type(), &metrics)
        };
        // What a question shares with others is behind locks that tell of a panic, or is not changed by it.
        match ToTheEnd::new(AssertUnwindSafe(task).catch_unwind()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.metrics.count_panic();
                tracing::error!(decision_id = %decision, "a question ended in a panic");
                Err(error::plain(Reason::InternalError, decision, language))
            }
        }
    }
}

/// A kind of question on the wire.
trait Asking: Message + Default + 'static {
    type Response: Message + Default + 'static;
    /// Keeps equal bytes of two kinds of request apart.
    const NAME: &'static str;

    fn words(&self) -> crate::directory::Words<'_>;
    fn result_type(&self) -> &str;
    fn response(answer: &Answer) -> Self::Response;
    fn seal(response: &mut Self::Response, receipt: v1::Receipt);

    /// What "the same content" means: the message as this contract writes it, so that unknown fields and the order of
    /// fields do not count.
    fn content(&self) -> Arc<[u8]> {
        let mut bytes = Self::NAME.as_bytes().to_vec();
        self.encode(&mut bytes).expect("a vector grows as needed");
        bytes.into()
    }
}

impl Asking for v1::VerifyRequest {
    type Response = v1::VerifyResponse;
    const NAME: &'static str = "verify:";

    fn words(&self) -> crate::directory::Words<'_> {
        question::verify(self)
    }

    fn result_type(&self) -> &str {
        &self.result_type
    }

    fn response(answer: &Answer) -> v1::VerifyResponse {
        verify_response(answer)
    }

    fn seal(response: &mut v1::VerifyResponse, receipt: v1::Receipt) {
        response.decision_id.clone_from(&receipt.decision_id);
        response.receipt = Some(receipt);
    }
}

impl Asking for v1::RetrieveResultRequest {
    type Response = v1::RetrieveResultResponse;
    const NAME: &'static str = "retrieve:";

    fn words(&self) -> crate::directory::Words<'_> {
        question::retrieve(self)
    }

    fn result_type(&self) -> &str {
        &self.result_type
    }

    fn response(answer: &Answer) -> v1::RetrieveResultResponse {
        retrieve_response(answer)
    }

    fn seal(response: &mut v1::RetrieveResultResponse, receipt: v1::Receipt) {
        response.decision_id.clone_from(&receipt.decision_id);
        response.receipt = Some(receipt);
    }
}

/// A response is made of an answer and the receipt of its record, and of nothing else. What was answered once was a question
/// about a result type of the directory, so its name may be told.
fn respond<Q: Asking>(
    answered: &Answered,
    caller: &str,
    result_type: &str,
    metrics: &Metrics,
) -> Result<Q::Response, Status> {
    let mut response = match &answered.given {
        Given::Fresh(answer) => {
            metrics.count_decision(answer.as_str(), answer.cause(), result_type);
            Q::response(answer)
        }
        Given::Recorded(written) => {
            metrics.count_decision("recorded", "", result_type);
            Q::Response::decode(written.as_slice()).map_err(|_| Status::internal("a recorded answer cannot be read"))?
        }
    };
    Q::seal(&mut response, receipt(&answered.receipt, caller));
    Ok(response)
}

#[tonic::async_trait]
impl VerificationService for VerificationApi {
    async fn verify(&self, request: Request<v1::VerifyRequest>) -> Result<Response<v1::VerifyResponse>, Status> {
        let edge = Edge::of(&request);
        self.ask(edge, request.into_inner()).await.map(Response::new)
    }

    async fn batch_verify(
        &self,
        request: Request<v1::BatchVerifyRequest>,
    ) -> Result<Response<v1::BatchVerifyResponse>, Status> {
        use v1::batch_verify_item::Result as Item;
        let edge = Edge::of(&request);
        let batch = request.into_inner();
        if let Some(rejection) = rejected(batch.requests.len()) {
            let (decision, content) = (edge.decision.as_uuid(), batch.encode_to_vec().into());
            // Thousands of questions are not held while their refusal is recorded.
            drop(batch);
            let fault = self.verification.reject(&edge.caller, decision, content, rejection).await;
            return Err(error::status_of(&fault, decision, edge.language));
        }
        let requests = batch.requests;
        // Each question is a decision of its own: it has its own entries, and its own id in them.
        let now = self.verification.clock.now();
        let answers = stream::iter(requests).map(|question| {
            let edge = Edge { decision: DecisionId::new(now), ..edge.clone() };
            let span = tracing::info_span!("question", decision_id = %edge.decision);
            self.ask(edge, question).instrument(span)
        });
        let items = answers
            .buffered(BATCH_AT_ONCE)
            .map(|outcome| v1::BatchVerifyItem {
                result: Some(match outcome {
                    Ok(response) => Item::Response(response),
                    Err(status) => Item::Status(as_message(&status)),
                }),
            })
            .collect()
            .await;
        Ok(Response::new(v1::BatchVerifyResponse { items }))
    }

    async fn retrieve_result(
        &self,
        request: Request<v1::RetrieveResultRequest>,
    ) -> Result<Response<v1::RetrieveResultResponse>, Status> {
        let edge = Edge::of(&request);
        self.ask(edge, request.into_inner()).await.map(Response::new)
    }

    async fn explain_decision(
        &self,
        request: Request<v1::ExplainDecisionRequest>,
    ) -> Result<Response<v1::ExplainDecisionResponse>, Status> {
        let edge = Edge::of(&request);
        let (looking, language) = (edge.decision.as_uuid(), edge.language);
        let unknown = || error::plain(Reason::DecisionUnknown, looking, language);
        // What is no id is nobody's decision either; the look is recorded all the same.
        let decision = Uuid::parse_str(&request.get_ref().decision_id).unwrap_or_default();
        let explained = self.verification.explain(&edge.caller, looking, decision).await;
        match explained.map_err(|fault| error::status_of(&fault, looking, language))? {
            Some(explained) => Ok(Response::new(explain::response(decision, explained))),
            None => Err(unknown()),
        }
    }
}

/// What is wrong with a batch of so many questions.
fn rejected(questions: usize) -> Option<Rejection> {
    let reason = match questions {
        0 => Reason::FieldInvalid,
        1..=BATCH_MAX => return None,
        _ => Reason::TooManyRequestsInBatch,
    };
    let expected = Localized {
        zh: format!("应有 1 至 {BATCH_MAX} 个核验请求"),
        en: format!("must hold 1 to {BATCH_MAX} questions"),
    };
    Some(Rejection { reason, violations: vec![Violation { field: "requests".into(), reason, expected }] })
}

/// A status with its details, as an item of a batch.
fn as_message(status: &Status) -> tonic_types::Status {
    tonic_types::Status::decode(status.details()).unwrap_or_else(|_| tonic_types::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}
