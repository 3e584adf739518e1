//! `kill -9` under load, 100 times. Failure: any violation that the checker finds.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heyan_tests::{City, Gateway};
use serde_json::Value;

use crate::checker::{Held, violations};
use crate::load;

const KILLS: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_entry_and_every_question_its_intent() {
    let city = City::new();
    let mut held: Vec<Held> = Vec::new();
    let mut asked = HashSet::new();
    let mut unanswered = Vec::new();
    for round in 0..KILLS {
        let gateway = Gateway::start_with(&city, "warn,heyan::departments=debug");
        let stop = Arc::new(AtomicBool::new(false));
        // From just after the start to well into the load, at no pattern of the gateway's own.
        let life = Duration::from_millis(5 + round * 37 % 180);
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
    let gateway = Gateway::start_with(&city, "warn,heyan::departments=debug");
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (loaded, ()) = tokio::join!(load::ask(&gateway, unanswered, Arc::clone(&stop)), stopper);
    held.extend(loaded.held);
    gateway.signal("TERM");
    let (ended, log) = gateway.wait();
    assert!(ended, "the last gateway did not end cleanly: {log}");
    asked.extend(asked_decisions(&log));

    let found = violations(&city.file("state/audit.db"), &held, &asked);
    assert!(found.is_empty(), "{} violations, the first:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    // A load that never ran proves nothing. A busy machine answers fewer in the same lives.
    assert!(held.len() > 300 && asked.len() > 150, "only {} answers and {} questions", held.len(), asked.len());
    println!("{KILLS} kills, {} answers held, {} questions to departments: no violation", held.len(), asked.len());
}

/// The decisions for which a department was about to be asked.
pub(crate) fn asked_decisions(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let asking = lines.filter(|line| line.get("message").and_then(Value::as_str) == Some("asking"));
    asking.filter_map(|line| Some(line.get("decision_id")?.as_str()?.to_owned())).collect()
}
