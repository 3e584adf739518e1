//! The file changes while it is being read. Failure: an answer that the records do not give, or a gateway that does not
//! live on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use heyan_proto::v1;
use heyan_tests::{Gateway, until};
use tokio::task::JoinSet;
use v1::verify_response::Answer;

use super::one_by_one::{city, client, question};
use super::trouble::{Department, slow};

/// How the file goes.
type Way = (&'static str, fn(&Path));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_goes_while_it_is_read_gives_no_wrong_answer() {
    let ways: [Way; 4] = [
        ("emptied", |file| fs::File::options().write(true).open(file).unwrap().set_len(0).unwrap()),
        ("cut short", |file| fs::File::options().write(true).open(file).unwrap().set_len(5000).unwrap()),
        ("replaced", |file| {
            let next = file.with_extension("next");
            fs::write(&next, "this is no database, whatever its name says").unwrap();
            fs::rename(next, file).unwrap();
        }),
        ("removed", |file| fs::remove_file(file).unwrap()),
    ];
    let city = city();
    let department = Department::of(&city);
    let gateway = Gateway::start(&city);
    let client = client(&gateway).await;
    for (way, go) in ways {
        department.shows(&slow(600_000));
        let mut asking = JoinSet::new();
        for asker in 0..4 {
            let mut client = client.clone();
            asking.spawn(async move {
                tokio::time::sleep(Duration::from_millis(40 * asker)).await;
                client.verify(question(0)).await.unwrap().into_inner().answer.unwrap()
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        go(department.file());
        let mut undetermined = 0;
        while let Some(answer) = asking.join_next().await {
            match answer.unwrap() {
                Answer::Undetermined(_) => undetermined += 1,
                // It was read to the end before, or the file lives on for who had opened it.
                Answer::Determination(of) => assert_eq!(of.finding(), v1::Finding::Confirmed, "{way}"),
                other => panic!("{way}: {other:?}"),
            }
        }
        println!("{way}: {undetermined} of 4 undetermined");
        department.is_mended();
        until("it comes back", || {
            let mut client = client.clone();
            async move {
                let answer = client.verify(question(0)).await.unwrap().into_inner().answer.unwrap();
                matches!(answer, Answer::Determination(of) if of.finding() == v1::Finding::Confirmed)
            }
        })
        .await;
    }
}
