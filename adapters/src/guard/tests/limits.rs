//! The rate and the hours of a department.

use super::*;
use crate::guard::{Opening, Rate};
use crate::read_declaration;

/// The limits of the suite's declaration, with these lines more.
fn declared(lines: &str) -> Limits {
    let text = include_str!("../../../tests/data/contract-sql.toml");
    let text = text.replacen("concurrency = 4\n", &format!("concurrency = 4\n{lines}\n"), 1);
    read_declaration("contract-sql.toml", &text).unwrap_or_else(|problems| panic!("{problems}")).limits
}

/// Failure: a department that is asked more often than it allows, or a look-up that waits for longer than half of its deadline.
#[tokio::test(start_paused = true)]
async fn a_department_is_asked_no_more_often_than_it_allows() {
    let limits = declared("rate = \"10/s\"");
    let department = Scripted::answering([]);
    let rate = Arc::new(Rate::new(department.clone(), limits.rate.unwrap(), limits.deadline));
    let asking: Vec<_> = (0..30)
        .map(|_| {
            let rate = Arc::clone(&rate);
            tokio::spawn(async move { rate.look_up(&lookup("licence", SUBJECTS[0])).await })
        })
        .collect();
    let began = Instant::now();
    let mut busy = 0;
    for asked in asking {
        busy += usize::from(asked.await.unwrap() == Err(AdapterError::Busy));
    }
    // Ten at once, and one more each tenth of a second for three quarters of a second.
    assert_eq!((department.asked(), busy), (17, 13));
    assert!(began.elapsed() <= limits.deadline / 2, "{:?}", began.elapsed());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(rate.look_up(&lookup("licence", SUBJECTS[0])).await.is_ok());
}

/// Failure: a department that is asked while it is closed, a check that asks it then, or an opening that is not told.
#[tokio::test]
async fn a_department_that_is_closed_is_not_asked() {
    let limits = declared("hours = [\"Mon-Fri 08:30-17:30\"]");
    let department = Scripted::answering([]);
    let time = Arc::new(Mutex::new("2026-11-23T18:00:00+08:00".parse().unwrap()));
    let now = Arc::clone(&time);
    let opening = Opening::new(department.clone(), limits.hours.unwrap(), Arc::new(move || *now.lock().unwrap()));
    let closed = AdapterError::Closed { opens: "2026-11-24T08:30:00+08:00".parse().unwrap() };
    assert_eq!(opening.look_up(&lookup("licence", SUBJECTS[0])).await, Err(closed.clone()));
    assert_eq!(opening.check_health().await, Err(closed));
    assert_eq!((department.asked(), *department.tried.lock().unwrap()), (0, 0));
    *time.lock().unwrap() = "2026-11-24T08:30:00+08:00".parse().unwrap();
    assert!(opening.look_up(&lookup("licence", SUBJECTS[0])).await.is_ok());
}
