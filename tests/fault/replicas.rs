//! Three gateways on one PostgreSQL: killed, stopped for a while, with clocks that step, over a server that crashes. Failure: any
//! violation that the checker finds, or a log that is not whole.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heyan_tests::{City, Gateway, PostgresServer, heyan};
use serde_json::Value;

use crate::checker::{Held, Log, violations};
use crate::kill_nine::asked_decisions;
use crate::load::{self, Open};
use crate::process::ALONE;

const LOG: &str = "warn,heyan::departments=debug";
/// Where Debian has it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// What goes wrong in a round, beside a load on every gateway.
#[derive(Debug, Clone, Copy)]
enum Nemesis {
    /// One gateway is killed, and started anew.
    Kill,
    /// One gateway stands still for longer than the server waits for it.
    Pause,
    /// The server crashes and recovers.
    Crash,
    /// One gateway is started anew with a clock that is so many seconds ahead.
    Step(&'static str),
    Nothing,
}

const ROUNDS: [Nemesis; 8] = [
    Nemesis::Kill,
    Nemesis::Pause,
    Nemesis::Crash,
    Nemesis::Step("-1.5"),
    Nemesis::Kill,
    Nemesis::Step("+1.5"),
    Nemesis::Pause,
    Nemesis::Nothing,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_gateways_are_one_log_whatever_happens() {
    // It is heavy enough to disturb those that measure.
    let _alone = ALONE.lock().await;
    let is_long = std::env::var_os("HEYAN_LONG").is_some();
    let questions = if is_long { 100_000 } else { 0 };
    let server = PostgresServer::start();
    let (city, url) = City::on(&server);
    let mut gateways: Vec<Gateway> = (0..3).map(|_| Gateway::start_with(&city, LOG)).collect();
    let (mut held, mut asked, mut unanswered) = (Vec::<Held>::new(), HashSet::new(), Vec::<Open>::new());
    let mut rounds = 0;
    while rounds < ROUNDS.len() || held.len() < questions {
        let nemesis = ROUNDS[rounds % ROUNDS.len()];
        let victim = rounds % gateways.len();
        let stop = Arc::new(AtomicBool::new(false));
        // What got no answer of one gateway is asked of another.
        let mut again = std::mem::take(&mut unanswered).into_iter();
        let third = again.len().div_ceil(3);
        let shares = [(); 3].map(|()| again.by_ref().take(third).collect::<Vec<_>>());
        let harm = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            strike(nemesis, &gateways[victim], &server).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            stop.store(true, Ordering::Relaxed);
        };
        let [first, second, third] = shares;
        let loads = async {
            tokio::join!(
                load::ask(&gateways[0], first, Arc::clone(&stop)),
                load::ask(&gateways[1], second, Arc::clone(&stop)),
                load::ask(&gateways[2], third, Arc::clone(&stop)),
            )
        };
        let ((first, second, third), ()) = tokio::join!(loads, harm);
        for loaded in [first, second, third] {
            held.extend(loaded.held);
            unanswered.extend(loaded.unanswered);
        }
        if let Nemesis::Kill | Nemesis::Step(_) = nemesis {
            let gateway = gateways.remove(victim);
            asked.extend(asked_decisions(&gateway.wait().1));
            let mut command = heyan();
            if let Nemesis::Step(seconds) = nemesis {
                command.env("LD_PRELOAD", FAKETIME).env("FAKETIME", seconds).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
            }
            gateways.insert(victim, Gateway::start_in(&city, LOG, &mut command));
        }
        rounds += 1;
    }
    for gateway in gateways {
        gateway.signal("TERM");
        let (ended, logs) = gateway.wait();
        assert!(ended, "a gateway did not end cleanly: {logs}");
        asked.extend(asked_decisions(&logs));
    }
    // One clean life closes what those left open that were killed.
    let last = Gateway::start_with(&city, LOG);
    tokio::time::sleep(Duration::from_secs(3)).await;
    last.signal("TERM");
    assert!(last.wait().0);

    let found = violations(&Log::Server(&server, &url), &held, &asked);
    assert!(found.is_empty(), "{} violations, the first:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    let verified = heyan().args(["audit", "verify", "--output", "json", "--city"]).arg(city.path()).output().unwrap();
    let told: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!((verified.status.code(), told["verdict"].as_str()), (Some(0), Some("intact")), "{told}");
    let entries = told["size"].as_u64().unwrap();
    // A load that never ran proves nothing.
    assert!(held.len() > 400 && asked.len() > 200, "only {} answers and {} questions", held.len(), asked.len());
    println!(
        "{rounds} rounds, {} answers held, {} questions asked, {entries} entries: no violation",
        held.len(),
        asked.len()
    );
}

async fn strike(nemesis: Nemesis, victim: &Gateway, server: &PostgresServer) {
    match nemesis {
        Nemesis::Kill => victim.signal("KILL"),
        Nemesis::Step(_) => victim.signal("TERM"),
        Nemesis::Pause => {
            victim.signal("STOP");
            tokio::time::sleep(Duration::from_millis(2_600)).await;
            victim.signal("CONT");
        }
        Nemesis::Crash => {
            server.stop();
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.resume();
        }
        Nemesis::Nothing => {}
    }
    tokio::time::sleep(Duration::from_millis(800)).await;
}
