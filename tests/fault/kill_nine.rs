//! `kill -9` under load, 100 times on each store; 2,000 times with `HEYAN_LONG`. Failure: any violation that the checker finds.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heyan_tests::{City, Gateway, PostgresServer};
use serde_json::Value;

use crate::checker::{Held, Log, violations};
use crate::load;
use crate::process::ALONE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_entry_and_every_question_its_intent() {
    let city = City::new();
    kill(&city, &Log::File(city.file("state/audit.db")), 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_entry_in_postgresql_too() {
    // It is heavy enough to disturb those that measure.
    let _alone = ALONE.lock().await;
    let server = PostgresServer::start();
    let (city, url) = City::on(&server);
    // Its first commits wait for connections.
    kill(&city, &Log::Server(&server, &url), 120).await;
}

async fn kill(city: &City, log: &Log<'_>, shortest: u64) {
    let kills: u64 = if std::env::var_os("HEYAN_LONG").is_some() { 2_000 } else { 100 };
    let mut held: Vec<Held> = Vec::new();
    let mut asked = HashSet::new();
    let mut unanswered = Vec::new();
    for round in 0..kills {
        let gateway = Gateway::start_with(city, "warn,heyan::departments=debug");
        let stop = Arc::new(AtomicBool::new(false));
        // From just after the start to well into the load, at no pattern of the gateway's own.
        let life = Duration::from_millis(shortest + round * 37 % 180);
        let killer = async {
            tokio::time::sleep(life).await;
            gateway.signal("KILL");
        };
        let (loaded, ()) = tokio::join!(load::ask(&gateway, std::mem::take(&mut unanswered), stop), killer);
        held.extend(loaded.held);
        unanswered = loaded.unanswered;
        asked.extend(asked_decisions(&gateway.wait().1));
    }
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
    println!("{kills} kills, {} answers held, {} questions to departments: no violation", held.len(), asked.len());
}

/// The decisions for which a department was about to be asked.
pub(crate) fn asked_decisions(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let asking = lines.filter(|line| line.get("message").and_then(Value::as_str) == Some("asking"));
    asking.filter_map(|line| Some(line.get("decision_id")?.as_str()?.to_owned())).collect()
}
