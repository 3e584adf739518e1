//! Two gateways are restarted by turns, twenty times in all, while callers call on. Failure: a call that fails, an answer
//! that the log of its gateway does not hold, or any violation that the checker finds.
//!
//! The callers do what gRPC clients do by themselves and nothing else: they follow `grpc.health.v1` on a connection to each
//! gateway, call by turns those that say `SERVING`, and send a call again that its connection closed unsent (GOAWAY). How
//! many such there were is printed: the drain is there to have none, since a gateway says `NOT_SERVING` before it closes.

mod balancer;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heyan_proto::v1::verify_response::Answer;
use heyan_tests::{City, Gateway, questions, until};
use tokio::task::{JoinSet, spawn_blocking};

use self::balancer::{Balancer, GATEWAYS};
use crate::checker::{Held, Log, violations};
use crate::kill_nine::asked_decisions;

const RESTARTS: usize = 20;
const ASKERS: usize = 6;
/// The pause of each asker between two calls.
const PACE: Duration = Duration::from_millis(4);
const LOG: &str = "warn,heyan::departments=debug";

/// What the askers brought, by gateway.
#[derive(Default)]
struct Brought {
    held: [Vec<Held>; GATEWAYS],
    unsent: usize,
    failed: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_rolling_restarts_fail_no_call() {
    // The same in all but the log, with the keys of one authority.
    let cities: [Arc<City>; GATEWAYS] = std::array::from_fn(|_| {
        let city = City::new();
        city.edit("heyan.toml", |text| text.replace("grace = \"25s\"", "grace = \"5s\""));
        Arc::new(city)
    });
    let mut gateways: [Option<Gateway>; GATEWAYS] =
        std::array::from_fn(|number| Some(Gateway::start_with(&cities[number], LOG)));
    let addresses = gateways.each_ref().map(|gateway| gateway.as_ref().unwrap().address().to_owned());
    let balancer = Balancer::start(&cities[0], addresses.clone());
    let ended = Arc::new(AtomicBool::new(false));
    let mut askers = JoinSet::new();
    for asker in 0..ASKERS {
        askers.spawn(ask(balancer.clone(), asker, Arc::clone(&ended)));
    }
    let mut asked: [HashSet<String>; GATEWAYS] = Default::default();
    for restart in 0..RESTARTS {
        let number = restart % GATEWAYS;
        until("both gateways serve", async || balancer.serving() == GATEWAYS).await;
        let gateway = gateways[number].take().unwrap();
        gateway.signal("TERM");
        let (city, address) = (Arc::clone(&cities[number]), addresses[number].clone());
        let (log, next) = spawn_blocking(move || {
            let (ended, log) = gateway.wait();
            assert!(ended, "restart {restart}: the gateway did not end cleanly: {log}");
            (log, Gateway::start_at(&city, LOG, &address))
        })
        .await
        .unwrap();
        asked[number].extend(asked_decisions(&log));
        gateways[number] = Some(next);
    }
    until("both gateways serve", async || balancer.serving() == GATEWAYS).await;
    ended.store(true, Ordering::Relaxed);
    let mut all = Brought::default();
    while let Some(brought) = askers.join_next().await {
        let brought = brought.unwrap();
        for (all, held) in all.held.iter_mut().zip(brought.held) {
            all.extend(held);
        }
        all.unsent += brought.unsent;
        all.failed.extend(brought.failed);
    }
    balancer.stop();
    let answered: usize = all.held.iter().map(Vec::len).sum();
    println!("{RESTARTS} restarts, {answered} calls answered, {} of them sent again unsent", all.unsent);
    assert!(all.failed.is_empty(), "{} calls failed, the first: {}", all.failed.len(), all.failed[0]);
    assert!(all.held.iter().all(|held| held.len() > RESTARTS), "a load that never ran proves nothing");
    for (number, gateway) in gateways.into_iter().enumerate() {
        let gateway = gateway.unwrap();
        gateway.signal("TERM");
        let (ended, log) = gateway.wait();
        assert!(ended, "the gateway did not end cleanly: {log}");
        asked[number].extend(asked_decisions(&log));
        let found = violations(&Log::File(cities[number].file("state/audit.db")), &all.held[number], &asked[number]);
        assert!(found.is_empty(), "gateway {number}: {} violations, the first: {}", found.len(), found[0]);
    }
}

/// Asks without a pause for trouble: every call is made once, and must be answered.
async fn ask(balancer: Balancer, asker: usize, ended: Arc<AtomicBool>) -> Brought {
    let mut brought = Brought::default();
    for number in asker.. {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let (_, question) = questions::named("food-licence-in-force");
        let question = if number % 2 == 0 { questions::live(question) } else { question };
        let (request_id, sent) = (question.request_id.clone(), Instant::now());
        let called = balancer.verify(question).await;
        brought.unsent += called.unsent;
        match called.answer {
            Ok(response) => {
                let response = response.into_inner();
                if !matches!(response.answer, Some(Answer::Determination(_))) {
                    brought.failed.push(format!("{:?}", response.answer));
                }
                let held = Held { request_id, receipt: response.receipt.unwrap(), sent, received: Instant::now() };
                brought.held[called.gateway].push(held);
            }
            Err(status) => brought.failed.push(format!("{status:?}")),
        }
        tokio::time::sleep(PACE).await;
    }
    brought
}
