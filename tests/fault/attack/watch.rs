//! What must hold while somebody attacks: another caller is served, and the server's memory is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{Gateway, questions, until};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// By how much resident memory may grow over an attack, in KiB.
pub(crate) const GROWTH_MAX: u64 = 64 * 1024;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// How many calls the victim still makes when the attack is over.
const AFTER: usize = 3;

/// A victim that calls all the time, and an eye on the server's memory.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    victim: JoinHandle<Vec<String>>,
    calls: Arc<AtomicUsize>,
    memory: JoinHandle<u64>,
    before: u64,
}

impl Watch {
    /// Begins, once the victim has been answered.
    pub(crate) async fn over(gateway: &Gateway) -> Self {
        let channel = gateway.connect("housing-intake").await;
        for number in 0..8 {
            ask(&channel, number).await.unwrap();
        }
        let (stop, pid) = (Arc::new(AtomicBool::new(false)), gateway.pid());
        let before = resident(pid);
        let calls = Arc::new(AtomicUsize::new(0));
        let victim = tokio::spawn(call_on(channel, Arc::clone(&calls), Arc::clone(&stop)));
        let stopped = Arc::clone(&stop);
        let memory = tokio::spawn(async move {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(resident(pid));
                tokio::time::sleep(LOOK).await;
            }
            most
        });
        Self { stop, victim, calls, memory, before }
    }

    /// Ends. The victim has been served throughout, and memory has stayed within its bound.
    pub(crate) async fn end(self, attack: &str) {
        let during = self.calls.load(Ordering::Relaxed);
        until("the victim goes on", async || self.calls.load(Ordering::Relaxed) > during + AFTER).await;
        self.stop.store(true, Ordering::Relaxed);
        let outcomes = self.victim.await.unwrap();
        let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.is_empty()).collect();
        assert!(failed.is_empty(), "{attack}: {} of {} calls failed: {:?}", failed.len(), outcomes.len(), failed[0]);
        let growth = self.memory.await.unwrap().saturating_sub(self.before);
        println!("{attack}: {during} calls of the victim answered meanwhile, memory grew by {growth} KiB");
        assert!(growth <= GROWTH_MAX, "{attack}: memory grew by {growth} KiB from {} KiB", self.before);
    }
}

/// What each call brought: nothing when it was answered, else the error.
async fn call_on(channel: Channel, calls: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut outcomes = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        outcomes.push(ask(&channel, outcomes.len()).await.err().unwrap_or_default());
        calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    outcomes
}

/// Every other question goes to the department.
pub(crate) async fn ask(channel: &Channel, number: usize) -> Result<(), String> {
    let question = questions::named("married-owners-of-a-flat").1;
    let question = if number.is_multiple_of(2) { questions::live(question) } else { question };
    let answered = VerificationServiceClient::new(channel.clone()).verify(question).await;
    match answered.map_err(|status| status.to_string())?.into_inner().answer {
        Some(v1::verify_response::Answer::Determination(_)) => Ok(()),
        other => Err(format!("no determination: {other:?}")),
    }
}

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
