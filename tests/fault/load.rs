//! Load for the time that a gateway lives: questions of every kind, over several connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heyan::sample::cases::CASES;
use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{Gateway, questions};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::checker::Held;

/// Questions in flight at once.
const ASKING: usize = 16;

/// No single load goes beyond this.
const QUESTIONS_MAX: usize = 20_000;

/// A question of a system that has got no answer yet, and when it was first sent.
#[derive(Debug)]
pub(crate) struct Open {
    system: &'static str,
    question: v1::VerifyRequest,
    sent: Option<Instant>,
}

/// What a load brought: the receipts, and the questions that got no answer.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) held: Vec<Held>,
    pub(crate) unanswered: Vec<Open>,
}

/// Asks until `stop` is set or the gateway is gone; each asker starts with its share of `again`.
pub(crate) async fn ask(gateway: &Gateway, again: Vec<Open>, stop: Arc<AtomicBool>) -> Loaded {
    let mut askers = JoinSet::new();
    let mut loaded = Loaded::default();
    let mut shares: Vec<Vec<_>> = (0..ASKING).map(|_| Vec::new()).collect();
    for (at, question) in again.into_iter().enumerate() {
        shares[at % ASKING].push(question);
    }
    for (at, share) in shares.into_iter().enumerate() {
        let case = &CASES[at % CASES.len()];
        let Ok(channel) = gateway.try_connect(&format!("system/{}", case.system)).await else {
            // The gateway is gone already.
            loaded.unanswered.extend(share);
            continue;
        };
        askers.spawn(ask_on(at, channel, case.system, share, Arc::clone(&stop)));
    }
    while let Some(asker) = askers.join_next().await {
        let asker = asker.unwrap();
        loaded.held.extend(asker.held);
        loaded.unanswered.extend(asker.unanswered);
    }
    loaded
}

/// One asker: its repetitions first (those of its own system), then new questions of that system's cases.
async fn ask_on(at: usize, channel: Channel, system: &'static str, share: Vec<Open>, stop: Arc<AtomicBool>) -> Loaded {
    let mut client = VerificationServiceClient::new(channel);
    let cases: Vec<_> = CASES.iter().filter(|case| case.system == system).collect();
    let mut loaded = Loaded::default();
    let (mine, others): (Vec<_>, Vec<_>) = share.into_iter().partition(|open| open.system == system);
    loaded.unanswered.extend(others);
    // Every other one may be answered from memory.
    let fresh = (at..).map(|number| {
        let question = questions::of_case(cases[number % cases.len()]);
        if number % 2 == 0 { questions::live(question) } else { question }
    });
    let fresh = fresh.map(|question| Open { system, question, sent: None });
    for open in mine.into_iter().chain(fresh).take(QUESTIONS_MAX / ASKING) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut call = tonic::Request::new(open.question.clone());
        call.set_timeout(Duration::from_secs(5));
        let sent = open.sent.unwrap_or_else(Instant::now);
        match client.verify(call).await {
            Ok(response) => {
                let receipt = response.into_inner().receipt.unwrap();
                let request_id = open.question.request_id;
                loaded.held.push(Held { request_id, receipt, sent, received: Instant::now() });
            }
            // The gateway is gone: whether this was answered nobody knows, until it is asked again.
            Err(_) => {
                loaded.unanswered.push(Open { sent: Some(sent), ..open });
                break;
            }
        }
    }
    loaded
}
