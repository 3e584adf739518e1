use super::*;
use crate::Retry;

const DOWN: AdapterError = AdapterError::Unavailable;

fn retry(department: &Arc<Scripted>) -> (Retry, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    (Retry::new(Arc::clone(department) as Arc<_>, limits().deadline, Arc::clone(&heard) as Arc<_>), heard)
}

#[tokio::test(start_paused = true)]
async fn a_department_that_was_not_reached_is_asked_once_more() {
    let department = Scripted::answering([Err(DOWN), Ok(none())]);
    let (retry, heard) = retry(&department);
    assert_eq!(retry.look_up(&about(0)).await, Ok(none()));
    assert_eq!((department.asked(), *heard.retries.lock().unwrap()), (2, 1));
    department.becomes(Some(DOWN));
    assert_eq!(retry.look_up(&about(0)).await, Err(DOWN));
    assert_eq!(department.asked(), 4, "never a third time");
}

#[tokio::test(start_paused = true)]
async fn what_the_department_may_have_worked_on_is_not_repeated() {
    let misconfigured = AdapterError::Misconfigured { what: "no such column".into() };
    for error in [AdapterError::Timeout, AdapterError::Busy, malformed(), misconfigured] {
        let department = Scripted::answering([Err(error.clone()), Ok(none())]);
        let (retry, _) = retry(&department);
        assert_eq!(retry.look_up(&about(0)).await, Err(error));
        assert_eq!(department.asked(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_never_asked_beyond_the_deadline() {
    for (deadline, took, asked) in [(2000, 900, 2), (2000, 1100, 1), (500, 200, 2), (500, 300, 1), (60_000, 1100, 1)] {
        let department = Scripted::answering([]);
        let took = Duration::from_millis(took);
        department.script.lock().unwrap().extend([(took, Err(DOWN)), (took, Err(DOWN))]);
        let (retry, _) = retry(&department);
        let begun = Instant::now();
        let deadline = Duration::from_millis(deadline);
        assert_eq!(retry.look_up(&Lookup { deadline, ..about(0) }).await, Err(DOWN));
        assert_eq!(department.asked(), asked, "deadline {deadline:?}, took {took:?}");
        assert!(begun.elapsed() <= deadline.min(limits().deadline), "deadline {deadline:?}, took {took:?}");
        if asked == 2 {
            let told = department.asked.lock().unwrap()[1];
            assert_eq!(told, deadline.min(limits().deadline) - took - Duration::from_millis(20));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_try_without_a_turn_says_what_the_first_said() {
    let department = Scripted::answering([Err(DOWN), Err(AdapterError::Busy)]);
    let (retry, _) = retry(&department);
    assert_eq!(retry.look_up(&about(0)).await, Err(DOWN));
}

/// A fifth of the look-ups, and ten a second, over ten seconds. Failure: a storm, or a budget that never comes back.
#[tokio::test(start_paused = true)]
async fn the_budget_bounds_a_storm() {
    let department = Scripted::answering([]);
    department.becomes(Some(DOWN));
    let (retry, heard) = retry(&department);
    let ask = async |count: usize| {
        let lookups: Vec<Lookup> = (0..count).map(about).collect();
        let answers = futures::future::join_all(lookups.iter().map(|lookup| retry.look_up(lookup))).await;
        assert!(answers.iter().all(|answer| *answer == Err(DOWN)));
    };
    ask(1000).await;
    assert_eq!((*heard.retries.lock().unwrap(), department.asked()), (300, 1300));
    tokio::time::advance(Duration::from_secs(10)).await;
    ask(100).await;
    assert_eq!(*heard.retries.lock().unwrap(), 400);
}
