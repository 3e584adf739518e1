//! The audit store fails. Failure: an answer without a durable record, more than a second to refuse, readiness that says
//! yes, more than five seconds to come back, or any violation that the checker finds.

use std::collections::HashSet;
use std::process::Command;
use std::time::{Duration, Instant};

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, heyan, questions};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::checker::{Held, violations};

#[tokio::test]
async fn a_locked_store_fails_closed_and_recovers() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let store = rusqlite::Connection::open(city.file("state/audit.db")).unwrap();
    fails_closed_and_recovers(
        &city,
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
    fails_closed_and_recovers(&city, &gateway, || limit("0"), || limit("unlimited")).await;
}

async fn fails_closed_and_recovers(city: &City, gateway: &Gateway, fail: impl Fn(), mend: impl Fn()) {
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
    assert_eq!(violations(&city.file("state/audit.db"), &held, &HashSet::new()), [""; 0]);
}

async fn ask(client: &mut VerificationServiceClient<Channel>) -> Result<Held, Status> {
    let (_, question) = questions::named("food-licence-in-force");
    let request_id = question.request_id.clone();
    let sent = Instant::now();
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
