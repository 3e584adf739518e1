//! Three times as many calls as the gateway can do, in rounds between those with as many as it can. Failure: accepted calls
//! that take much longer than they do without the overload, or that come to the end of their deadline; fewer of them than
//! [`SHARE`] of what it can do; a refusal that is not `RESOURCE_EXHAUSTED` with both forms of push-back, or that takes as long
//! as an answer; an answer that the log does not hold, an entry for a refused call, or any violation that the checker finds.
//! The figures are printed.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, classes_from, questions};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::checker::{Held, Log, violations};
use crate::departments::{Department, slow};
use crate::process::ALONE;

/// Calls that the gateway takes at once.
const IN_FLIGHT: usize = 8;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1200);
/// What a busy machine may leave of the calls that are answered without the overload, and how much longer they may take.
const SHARE: f64 = 0.4;
const SLOWER: u32 = 8;

type Client = VerificationServiceClient<Channel>;

#[derive(Default)]
struct Seen {
    held: Vec<Held>,
    refused: Vec<Duration>,
}

impl Seen {
    fn add(&mut self, more: Self) {
        self.held.extend(more.held);
        self.refused.extend(more.refused);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_times_overload_is_refused_at_once_and_the_rest_is_answered_in_time() {
    let city = City::new();
    city.edit("heyan.toml", |text| {
        text.replace("in_flight = 1024", &format!("in_flight = {IN_FLIGHT}\nin_flight_per_caller = {IN_FLIGHT}"))
    });
    city.edit("departments/market-regulation.toml", |text| text.replacen("\"800ms\"", "\"5s\"", 1));
    Department::of(&city).shows(&slow(60_000));
    let gateway = Gateway::start_with(&city, "warn");
    let (case, _) = questions::named("food-licence-in-force");
    let mut clients = Vec::new();
    for _ in 0..IN_FLIGHT {
        clients.push(VerificationServiceClient::new(gateway.connect(case.system).await));
    }
    let _alone = ALONE.lock().await;
    let (mut able, mut over) = (Seen::default(), Seen::default());
    for _ in 0..ROUNDS {
        let now = as_much_as_it_can(&clients).await;
        let per_second = now.held.len() as f64 / ROUND.as_secs_f64();
        able.add(now);
        over.add(three_times(&clients, 3.0 * per_second).await);
    }
    is_bounded(&able, &over);
    gateway.signal("TERM");
    assert!(gateway.wait().0, "the gateway did not end cleanly");
    let held: Vec<Held> = able.held.into_iter().chain(over.held).collect();
    let found = violations(&Log::File(city.file("state/audit.db")), &held, &HashSet::new());
    assert!(found.is_empty(), "{found:?}");
    let answered = classes_from(&city, 0).iter().filter(|class| *class != "intent").count();
    assert_eq!(answered, held.len(), "entries other than those of accepted calls");
}

fn is_bounded(able: &Seen, over: &Seen) {
    let (able_p99, over_p99) = (percentile(99, took(able)), percentile(99, took(over)));
    let refused = [50, 99].map(|percent| percentile(percent, over.refused.clone()));
    println!(
        "able: {} calls, p99 {able_p99:.1?}; offered three times that: {} calls, p99 {over_p99:.1?} ({:.1} times), {} \
         refused, p50 {:.1?}, p99 {:.1?}",
        able.held.len(),
        over.held.len(),
        over_p99.as_secs_f64() / able_p99.as_secs_f64(),
        over.refused.len(),
        refused[0],
        refused[1],
    );
    assert!(over.held.len() as f64 > SHARE * able.held.len() as f64, "too few calls are answered");
    assert!(over.refused.len() > over.held.len() / 2, "the excess is not refused");
    assert!(over_p99 < SLOWER * able_p99, "accepted calls take {over_p99:?} instead of {able_p99:?}");
    let answered = percentile(50, took(over));
    assert!(refused[0] < answered, "it takes {:?} to refuse, and {answered:?} to answer", refused[0]);
}

/// As many callers as the gateway takes, each one call after the other.
async fn as_much_as_it_can(clients: &[Client]) -> Seen {
    let ends = Instant::now() + ROUND;
    let mut callers = JoinSet::new();
    for client in clients {
        let mut client = client.clone();
        callers.spawn(async move {
            let mut seen = Seen::default();
            while Instant::now() < ends {
                ask(&mut client, &mut seen).await;
            }
            seen
        });
    }
    together(callers).await
}

/// At a steady pace, whether or not earlier calls were answered.
async fn three_times(clients: &[Client], per_second: f64) -> Seen {
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0.. {
        let due = begun + Duration::from_secs_f64(f64::from(number) / per_second);
        if due > begun + ROUND {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        let mut client = clients[number as usize % clients.len()].clone();
        callers.spawn(async move {
            let mut seen = Seen::default();
            ask(&mut client, &mut seen).await;
            seen
        });
    }
    together(callers).await
}

async fn together(mut callers: JoinSet<Seen>) -> Seen {
    let mut all = Seen::default();
    while let Some(seen) = callers.join_next().await {
        all.add(seen.unwrap());
    }
    all
}

async fn ask(client: &mut Client, seen: &mut Seen) {
    let (_, question) = questions::named("food-licence-in-force");
    let question = questions::live(question);
    let request_id = question.request_id.clone();
    let sent = Instant::now();
    match client.verify(question).await {
        Ok(response) => {
            let receipt = response.into_inner().receipt.unwrap();
            seen.held.push(Held { request_id, receipt, sent, received: Instant::now() });
        }
        Err(status) => {
            seen.refused.push(sent.elapsed());
            pushes_back(&status);
        }
    }
}

fn pushes_back(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let pushback =
        status.metadata().get("grpc-retry-pushback-ms").unwrap_or_else(|| panic!("no push-back: {status:?}"));
    let millis: u64 = pushback.to_str().unwrap().parse().unwrap();
    let info = status.get_details_retry_info().and_then(|info| info.retry_delay);
    assert_eq!(info, Some(Duration::from_millis(millis)), "both say the same");
    assert!(millis > 0);
}

fn took(seen: &Seen) -> Vec<Duration> {
    seen.held.iter().map(|held| held.received - held.sent).collect()
}

fn percentile(percent: usize, mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[(times.len() - 1) * percent / 100]
}
