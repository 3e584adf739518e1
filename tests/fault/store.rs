//! The audit store fails. Failure: an answer without a durable record, more than a second to refuse, readiness that says
//! yes, more than five seconds to come back, or any violation that the checker finds.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, PostgresServer, heyan, questions};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::checker::{Held, Log, violations};
use crate::kill_nine::asked_decisions;
use crate::preloaded::Preloaded;

#[tokio::test]
async fn a_locked_store_fails_closed_and_recovers() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let store = rusqlite::Connection::open(city.file("state/audit.db")).unwrap();
    fails_closed_and_recovers(
        &file(&city),
        &gateway,
        || store.execute_batch("BEGIN EXCLUSIVE").unwrap(),
        || {
            store.execute_batch("ROLLBACK").unwrap();
        },
    )
    .await;
}

/// The disk is full for this process: it may not make any file larger than it is.
#[tokio::test]
async fn a_full_disk_fails_closed_and_recovers() {
    let city = City::new();
    let program = heyan();
    let mut command = Command::new("env");
    command.arg("--ignore-signal=XFSZ").arg(program.get_program());
    let gateway = Gateway::start_in(&city, "info", &mut command);
    let limit = |size: &str| {
        let pid = gateway.pid().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={size}:unlimited")]).status().unwrap();
        assert!(set.success());
    };
    fails_closed_and_recovers(&file(&city), &gateway, || limit("0"), || limit("unlimited")).await;
}

/// The disk fails for this process: writing and syncing is EIO (A26).
#[tokio::test]
async fn a_disk_that_fails_fails_closed_and_recovers() {
    let city = City::new();
    let disk = Preloaded::build(&city);
    let gateway = Gateway::start_in(&city, "info", &mut disk.command(""));
    fails_closed_and_recovers(&file(&city), &gateway, || disk.fail(true), || disk.fail(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_crashes_fails_closed_and_recovers() {
    let server = PostgresServer::start();
    let (city, url) = City::on(&server);
    let gateway = Gateway::start(&city);
    fails_closed_and_recovers(&Log::Server(&server, &url), &gateway, || server.stop(), || server.resume()).await;
}

/// Somebody else holds the head of a shared log, longer than anybody waits (A26).
#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_locked_fails_closed_and_recovers() {
    let server = PostgresServer::start();
    let (city, url) = City::on(&server);
    let gateway = Gateway::start(&city);
    let sleeping = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    std::thread::scope(|scope| {
        let lock = || {
            scope.spawn(|| server.psql(&url, "BEGIN; SELECT size FROM head FOR UPDATE; SELECT pg_sleep(60)"));
            while server.sql(&url, &format!("SELECT count(*) {sleeping}")) == "0" {
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let unlock = || drop(server.sql(&url, &format!("SELECT pg_terminate_backend(pid) {sleeping}")));
        let log = Log::Server(&server, &url);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(fails_closed_and_recovers(&log, &gateway, lock, unlock));
        });
    });
}

/// Somebody else holds the log's lock for a while, as a backup does that stops half-way, while many ask. What was asked
/// meanwhile is asked again afterwards, with the same ids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_pauses_under_load_loses_nothing() {
    const ASKERS: usize = 8;
    let city = City::new();
    let gateway = Gateway::start_with(&city, "warn,heyan::departments=debug");
    let (case, _) = questions::named("food-licence-in-force");
    let (paused, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut askers = JoinSet::new();
    for _ in 0..ASKERS {
        let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
        let (paused, ended) = (Arc::clone(&paused), Arc::clone(&ended));
        askers.spawn(async move {
            let (mut held, mut refused) = (Vec::new(), Vec::new());
            while !ended.load(Ordering::Relaxed) {
                let (_, question) = questions::named("food-licence-in-force");
                let question = questions::live(question);
                let (first, was_paused) = (Instant::now(), paused.load(Ordering::Relaxed));
                loop {
                    let sent = Instant::now();
                    match ask_this(&mut client, question.clone(), first).await {
                        Ok(answered) => {
                            // One that was sent in the pause and was answered in it has no durable record.
                            let is_paused = paused.load(Ordering::Relaxed);
                            assert!(!(was_paused && is_paused), "it was answered without a record");
                            held.push(answered);
                            break;
                        }
                        Err(status) => {
                            assert_eq!(
                                status.get_details_error_info().unwrap().reason,
                                "AUDIT_UNAVAILABLE",
                                "{status}"
                            );
                            refused.push(sent.elapsed());
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            }
            (held, refused)
        });
    }
    let store = rusqlite::Connection::open(city.file("state/audit.db")).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The gateway commits without a pause: the lock is taken between two of its batches.
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    paused.store(true, Ordering::Relaxed);
    within(Duration::from_secs(2), || gateway.admin("/readyz").0 == 503, "readiness still says yes").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    paused.store(false, Ordering::Relaxed);
    store.execute_batch("ROLLBACK").unwrap();
    within(Duration::from_secs(5), || gateway.admin("/readyz").0 == 200, "it does not come back").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    ended.store(true, Ordering::Relaxed);
    let (mut held, mut refused) = (Vec::new(), Vec::new());
    while let Some(asker) = askers.join_next().await {
        let asker = asker.unwrap();
        held.extend(asker.0);
        refused.extend(asker.1);
    }
    gateway.signal("TERM");
    let (clean, log) = gateway.wait();
    assert!(clean, "the gateway did not end cleanly: {log}");
    refused.sort();
    println!("{} answers, {} refusals, the slowest after {:?}", held.len(), refused.len(), refused.last());
    assert!(refused.len() >= ASKERS, "only {} refusals: everybody who asks in the pause is refused", refused.len());
    assert!(refused[refused.len() / 2] < Duration::from_secs(1), "it takes {:?} to refuse", refused[refused.len() / 2]);
    let asked = asked_decisions(&log).into_iter().collect();
    assert_eq!(violations(&file(&city), &held, &asked), [""; 0]);
}

/// The log becomes read-only to a gateway that is no superuser: after its lock was held by another, it opens the file anew
/// and may not write it.
#[tokio::test]
async fn a_store_that_becomes_read_only_fails_closed_and_recovers() {
    const NOBODY: u32 = 65_534;
    let city = City::new();
    // A file that may not be written can be written by the superuser, so that the gateway must be another.
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let gateway = if is_root {
        let program = city.file("heyan");
        std::fs::copy(heyan().get_program(), &program).unwrap();
        give(city.path(), NOBODY);
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]).arg(program);
        Gateway::start_in(&city, "info", &mut command)
    } else {
        Gateway::start(&city)
    };
    let files = ["audit.db", "audit.db-wal", "audit.db-shm"].map(|file| city.file("state").join(file));
    let mode = |mode| {
        for file in &files {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    let store = rusqlite::Connection::open(&files[0]).unwrap();
    let fail = || {
        store.execute_batch("BEGIN IMMEDIATE").unwrap();
        mode(0o400);
    };
    let mend = || {
        // The lock is not what keeps it closed now.
        store.execute_batch("ROLLBACK").unwrap();
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(gateway.admin("/readyz").0, 503, "it writes a file that it may not write");
        mode(0o600);
    };
    fails_closed_and_recovers(&file(&city), &gateway, fail, mend).await;
}

/// The disk hangs: the thread that writes stands still in the middle of whatever it does, and everything else goes on.
#[tokio::test]
async fn a_store_that_hangs_fails_closed_and_recovers() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    // Where one process may not hold a thread of another, this cannot be tried.
    match hold(&gateway) {
        Ok(holder) => let_go(holder),
        Err(why) => return println!("skipped: {why}"),
    }
    let holder = RefCell::new(None);
    let fail = || drop(holder.replace(Some(hold(&gateway).unwrap())));
    fails_closed_and_recovers(&file(&city), &gateway, fail, || let_go(holder.take().unwrap())).await;
}

/// Has the thread that writes held, or says why it cannot be.
fn hold(gateway: &Gateway) -> Result<Child, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fault/hold_thread.py");
    let mut command = Command::new("python3");
    command.arg(script).args([&gateway.pid().to_string(), "audit-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = command.spawn().map_err(|error| format!("python3 does not run: {error}"))?;
    let mut said = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
    if said.trim() == "holds" { Ok(holder) } else { Err(said.trim().to_owned()) }
}

/// It lets go when its input ends.
fn let_go(mut holder: Child) {
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
}

/// Makes a folder and everything in it another user's.
fn give(folder: &Path, user: u32) {
    std::os::unix::fs::chown(folder, Some(user), Some(user)).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            give(&path, user);
        } else {
            std::os::unix::fs::chown(&path, Some(user), Some(user)).unwrap();
        }
    }
}

async fn fails_closed_and_recovers(log: &Log<'_>, gateway: &Gateway, fail: impl Fn(), mend: impl Fn()) {
    let (case, _) = questions::named("food-licence-in-force");
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    let mut held = vec![ask(&mut client).await.unwrap()];
    fail();
    let since = Instant::now();
    let refused = ask(&mut client).await.unwrap_err();
    let took = since.elapsed();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert_eq!(refused.get_details_error_info().unwrap().reason, "AUDIT_UNAVAILABLE");
    assert!(took < Duration::from_secs(1), "it took {took:?} to refuse");
    within(Duration::from_secs(1), || gateway.admin("/readyz").0 == 503, "readiness still says yes").await;
    assert_eq!(ask(&mut client).await.unwrap_err().code(), Code::Unavailable);
    mend();
    within(Duration::from_secs(5), || gateway.admin("/readyz").0 == 200, "it does not come back").await;
    held.push(ask(&mut client).await.unwrap());
    assert_eq!(violations(log, &held, &HashSet::new()), [""; 0]);
}

/// The log of a city that has it in a file.
fn file(city: &City) -> Log<'static> {
    Log::File(city.file("state/audit.db"))
}

async fn ask(client: &mut VerificationServiceClient<Channel>) -> Result<Held, Status> {
    let (_, question) = questions::named("food-licence-in-force");
    ask_this(client, question, Instant::now()).await
}

/// Asks a question that was first sent at `sent`.
async fn ask_this(
    client: &mut VerificationServiceClient<Channel>,
    question: v1::VerifyRequest,
    sent: Instant,
) -> Result<Held, Status> {
    let request_id = question.request_id.clone();
    let response: v1::VerifyResponse = client.verify(question).await?.into_inner();
    Ok(Held { request_id, receipt: response.receipt.unwrap(), sent, received: Instant::now() })
}

async fn within(limit: Duration, is_so: impl Fn() -> bool, what: &str) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < limit, "{what} after {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
