//! A department is in trouble. Failure: anything but Undetermined with its cause, an answer that comes late, or another
//! department that suffers with it.

mod one_by_one;
mod others;
mod trouble;
mod under_way;

pub(crate) use trouble::{Department, slow};

use std::time::{Duration, Instant};

use heyan_proto::v1;
use heyan_proto::v1::verification_service_client::VerificationServiceClient;
use heyan_tests::{City, Gateway, questions};
use v1::verify_response::Answer;

#[tokio::test]
async fn a_locked_department_is_undetermined_in_time_and_alone() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let department = rusqlite::Connection::open(city.file("state/departments/market-regulation.db")).unwrap();
    department.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let since = Instant::now();
    let causes = [v1::UndeterminedCause::DepartmentTimeout, v1::UndeterminedCause::DepartmentDown];
    assert!(causes.contains(&undetermined(ask(&gateway, "food-licence-in-force").await)));
    assert!(since.elapsed() < Duration::from_secs(4), "it took {:?}", since.elapsed());
    let alone = ask(&gateway, "married-owners-of-a-flat").await;
    assert!(matches!(alone, Answer::Determination(_)), "another department suffers: {alone:?}");
    department.execute_batch("ROLLBACK").unwrap();
    assert!(matches!(ask(&gateway, "food-licence-in-force").await, Answer::Determination(_)), "it does not come back");
}

#[tokio::test]
async fn a_department_that_goes_away_and_returns() {
    let city = City::new();
    let gateway = Gateway::start(&city);
    let (here, away) = (city.file("state/departments/market-regulation.db"), city.file("state/away.db"));
    assert!(matches!(ask(&gateway, "food-licence-in-force").await, Answer::Determination(_)));
    std::fs::rename(&here, &away).unwrap();
    assert_eq!(undetermined(ask(&gateway, "food-licence-in-force").await), v1::UndeterminedCause::DepartmentDown);
    std::fs::write(&here, b"this is no database, whatever its name says").unwrap();
    let garbage = undetermined(ask(&gateway, "food-licence-in-force").await);
    assert_ne!(garbage, v1::UndeterminedCause::Unspecified);
    std::fs::remove_file(&here).unwrap();
    std::fs::rename(&away, &here).unwrap();
    assert!(matches!(ask(&gateway, "food-licence-in-force").await, Answer::Determination(_)), "it does not come back");
}

/// The department answers about somebody else. That is no answer about the subject, neither yes nor no.
#[tokio::test]
async fn an_answer_about_another_subject_is_not_used() {
    let city = City::new();
    city.edit("departments/market-regulation.toml", |text| {
        let query = text.split("id = \"food-licence\"").nth(1).unwrap();
        let condition = query.lines().find(|line| line.contains(":subject_number")).unwrap().to_owned();
        let (before, after) = text.split_once("id = \"food-licence\"").unwrap();
        let widened = condition.replacen(":subject_number", ":subject_number OR 1 = 1", 1);
        format!(
            "{before}id = \"food-licence\"{}",
            after.replacen(&condition, &widened, 1).replacen("max_rows = 8", "max_rows = 100", 1)
        )
    });
    let gateway = Gateway::start(&city);
    let cause = undetermined(ask(&gateway, "food-licence-in-force").await);
    assert_eq!(cause, v1::UndeterminedCause::AnswerMalformed);
}

/// The department's own records say that somebody else is the subject: of a person this time, and without a word of the
/// declaration changed.
#[tokio::test]
async fn the_record_of_another_person_is_never_a_match() {
    let city = City::new();
    let department = rusqlite::Connection::open(city.file("state/departments/natural-resources.db")).unwrap();
    let wrong = "ALTER TABLE BDC_QLR RENAME TO kept;
                 CREATE VIEW BDC_QLR AS SELECT asked.ZJH, other.BDCQZH FROM kept AS asked, kept AS other
                  WHERE other.ZJH <> asked.ZJH AND other.BDCQZH <> asked.BDCQZH;";
    department.execute_batch(wrong).unwrap();
    drop(department);
    let gateway = Gateway::start(&city);
    let cause = undetermined(ask(&gateway, "married-owners-of-a-flat").await);
    assert_eq!(cause, v1::UndeterminedCause::AnswerMalformed);
    let logged = gateway.logs().text();
    assert!(logged.contains("a record of another subject"), "the operator is not told why: {logged}");
}

async fn ask(gateway: &Gateway, case: &str) -> Answer {
    let (case, question) = questions::named(case);
    let mut client = VerificationServiceClient::new(gateway.connect(case.system).await);
    client.verify(questions::live(question)).await.unwrap().into_inner().answer.unwrap()
}

fn undetermined(answer: Answer) -> v1::UndeterminedCause {
    match answer {
        Answer::Undetermined(of) => of.cause(),
        other => panic!("not undetermined: {other:?}"),
    }
}
