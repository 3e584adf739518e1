//! `kill -9` under load, 100 times on each store; 2,000 times with `HEYAN_LONG`. Three times of four it comes at a chosen point, such
//! as between COMMIT and what follows, otherwise at any time. Failure: any violation that the checker finds.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heyan_tests::{City, Gateway, PostgresServer};
use serde_json::Value;

use crate::checker::{Held, Log, violations};
use crate::load;
use crate::preloaded::Preloaded;
use crate::process::ALONE;

/// Where a gateway with a file for its log dies: around whatever it writes and syncs.
const OF_FILES: [&str; 4] = ["before write", "after write", "before sync", "after sync"];
/// Where one with a server does: around the commit, and once it knows of it.
const OF_SERVERS: [&str; 3] = ["before commit", "after commit", "after committed"];
/// A gateway that came to no chosen point by then is killed all the same.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_entry_and_every_question_its_intent() {
    let city = City::new();
    kill(&city, &Log::File(city.file("state/audit.db")), 5, &OF_FILES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_entry_in_postgresql_too() {
    // It is heavy enough to disturb those that measure.
    let _alone = ALONE.lock().await;
    let server = PostgresServer::start();
    let (city, url) = City::on(&server);
    // Its first commits wait for connections.
    kill(&city, &Log::Server(&server, &url), 120, &OF_SERVERS).await;
}

async fn kill(city: &City, log: &Log<'_>, shortest: u64, points: &[&str]) {
    let preloaded = Preloaded::build(city);
    let mut reached = 0;
    let kills: u64 = if std::env::var_os("HEYAN_LONG").is_some() { 2_000 } else { 100 };
    let mut held: Vec<Held> = Vec::new();
    let mut asked = HashSet::new();
    let mut unanswered = Vec::new();
    for round in 0..kills {
        let chosen = (round % 4 != 0).then(|| points[(round - round / 4) as usize % points.len()]);
        // From the first to one well into the load, in no pattern of the gateway's own.
        let point = chosen.map_or(String::new(), |point| format!("{point} {}", 1 + round * 7 % 40));
        preloaded.arm(false);
        let gateway = Gateway::start_in(city, "warn,heyan::departments=debug", &mut preloaded.command(&point));
        preloaded.arm(chosen.is_some());
        let stop = Arc::new(AtomicBool::new(false));
        // As much at any time.
        let life = if chosen.is_some() { PATIENCE } else { Duration::from_millis(shortest + round * 37 % 180) };
        let killer = async {
            let until = Instant::now() + life;
            while Instant::now() < until && !gateway.has_ended() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            reached += u64::from(gateway.has_ended());
            gateway.signal("KILL");
        };
        let (loaded, ()) = tokio::join!(load::ask(&gateway, std::mem::take(&mut unanswered), stop), killer);
        held.extend(loaded.held);
        unanswered = loaded.unanswered;
        asked.extend(asked_decisions(&gateway.wait().1));
    }
    preloaded.arm(false);
    // One clean life: it closes what was left open, and answers what was never known to be answered.
    let gateway = Gateway::start_with(city, "warn,heyan::departments=debug");
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (loaded, ()) = tokio::join!(load::ask(&gateway, unanswered, Arc::clone(&stop)), stopper);
    held.extend(loaded.held);
    gateway.signal("TERM");
    let (ended, logs) = gateway.wait();
    assert!(ended, "the last gateway did not end cleanly: {logs}");
    asked.extend(asked_decisions(&logs));

    let found = violations(log, &held, &asked);
    assert!(found.is_empty(), "{} violations, the first:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    // A load that never ran proves nothing. A busy machine answers fewer in the same lives.
    assert!(held.len() > 300 && asked.len() > 150, "only {} answers and {} questions", held.len(), asked.len());
    let chosen = kills - kills.div_ceil(4);
    assert!(reached >= chosen / 2, "of {chosen} chosen points only {reached} were reached");
    println!(
        "{kills} kills, {reached} at chosen points, {} answers held, {} questions to departments: no violation",
        held.len(),
        asked.len()
    );
}

/// The decisions for which a department was about to be asked.
pub(crate) fn asked_decisions(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let asking = lines.filter(|line| line.get("message").and_then(Value::as_str) == Some("asking"));
    asking.filter_map(|line| Some(line.get("decision_id")?.as_str()?.to_owned())).collect()
}
