use super::*;
use crate::{Breaker, Timeout};

struct Bench {
    department: Arc<Scripted>,
    heard: Arc<Heard>,
    breaker: Breaker,
}

impl Bench {
    fn new(otherwise: Option<AdapterError>) -> Self {
        let (department, heard) = (Arc::new(Scripted::default()), Arc::new(Heard::default()));
        department.becomes(otherwise);
        let breaker = Breaker::new(Arc::clone(&department) as Arc<_>, limits(), Arc::clone(&heard) as Arc<_>);
        Self { department, heard, breaker }
    }

    async fn ask(&self, subject: usize) -> Answer {
        self.breaker.look_up(&about(subject)).await
    }

    async fn opened(otherwise: AdapterError) -> Self {
        let bench = Self::new(Some(otherwise.clone()));
        for subject in 0..5 {
            assert_eq!(bench.ask(subject).await, Err(otherwise.clone()));
        }
        assert!(matches!(bench.ask(0).await, Err(AdapterError::Resting { .. })), "five failures open it");
        bench
    }

    fn moves(&self) -> Vec<(BreakerState, BreakerState)> {
        self.heard.moves.lock().unwrap().clone()
    }
}

/// Lets what was spawned run, after so long.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn it_opens_after_five_failures_in_a_row_and_refuses_at_once() {
    for failure in [AdapterError::Unavailable, AdapterError::Timeout] {
        let bench = Bench::opened(failure).await;
        let begun = Instant::now();
        pass(Duration::from_millis(300)).await;
        let rest = AdapterError::Resting { retry_after: Duration::from_millis(700) };
        assert_eq!(bench.ask(0).await, Err(rest.clone()));
        assert_eq!(bench.breaker.check_health().await, Err(rest));
        assert_eq!(begun.elapsed(), Duration::from_millis(300));
        assert_eq!(bench.department.asked(), 5, "it is not asked while the breaker is open");
        assert_eq!(bench.moves(), [(BreakerState::Closed, BreakerState::Open)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_between_failures_keeps_it_closed() {
    let bench = Bench::new(None);
    for _ in 0..4 {
        for subject in 0..4 {
            bench.department.becomes(Some(AdapterError::Unavailable));
            assert_eq!(bench.ask(subject).await, Err(AdapterError::Unavailable));
        }
        bench.department.becomes(None);
        // Four fifths fail, of fewer than twenty in ten seconds.
        assert_eq!(bench.ask(0).await, Ok(none()));
        pass(4 * SECOND).await;
    }
    assert_eq!(bench.moves(), []);
}

#[tokio::test(start_paused = true)]
async fn it_opens_where_most_look_ups_fail() {
    let bench = Bench::new(None);
    for n in 0..20 {
        bench.department.becomes((n % 3 > 0).then_some(AdapterError::Timeout));
        assert!(!matches!(bench.ask(n).await, Err(AdapterError::Resting { .. })), "look-up {n}");
    }
    assert!(matches!(bench.ask(0).await, Err(AdapterError::Resting { .. })), "thirteen of twenty have failed");
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_by_itself_and_closes_with_the_first_answer() {
    let bench = Bench::opened(AdapterError::Unavailable).await;
    // After 1, 2, 4 and 5 seconds, never more.
    for (tried, pause) in [(1, 1), (2, 2), (3, 4), (4, 5), (5, 5)] {
        pass(pause * SECOND).await;
        assert_eq!(*bench.department.tried.lock().unwrap(), tried);
        assert!(matches!(bench.ask(0).await, Err(AdapterError::Resting { .. })));
    }
    bench.department.becomes(None);
    pass(5 * SECOND).await;
    assert_eq!(bench.department.asked(), 5, "no question was asked while it was down");
    assert_eq!(bench.ask(0).await, Ok(none()));
    use BreakerState::{Closed, Open, Trial};
    assert_eq!(bench.moves(), [(Closed, Open), (Open, Trial), (Trial, Closed)]);
    pass(60 * SECOND).await;
    assert_eq!(*bench.department.tried.lock().unwrap(), 6, "nobody tries a department that is well");
}

#[tokio::test(start_paused = true)]
async fn on_trial_one_question_at_a_time_is_asked_and_a_failure_opens_it_again() {
    let bench = Bench::opened(AdapterError::Timeout).await;
    bench.department.becomes(None);
    pass(SECOND).await;
    bench.department.script.lock().unwrap().push_back((SECOND, Err(AdapterError::Timeout)));
    let (subject, beside) = (about(0), about(1));
    let trial = bench.breaker.look_up(&subject);
    let others = async {
        tokio::time::sleep(MOMENT).await;
        bench.breaker.look_up(&beside).await
    };
    let (trial, other) = tokio::join!(trial, others);
    assert_eq!(trial, Err(AdapterError::Timeout));
    assert_eq!(other, Err(AdapterError::Resting { retry_after: limits().pause }));
    // The second pause is twice as long.
    assert_eq!(bench.ask(0).await, Err(AdapterError::Resting { retry_after: 2 * SECOND }));
    pass(2 * SECOND).await;
    assert_eq!(bench.ask(0).await, Ok(none()));
    // After an answer it begins anew with the first pause.
    bench.department.becomes(Some(AdapterError::Unavailable));
    for subject in 0..5 {
        assert_eq!(bench.ask(subject).await, Err(AdapterError::Unavailable));
    }
    assert_eq!(bench.ask(0).await, Err(AdapterError::Resting { retry_after: SECOND }));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_is_no_failure_and_gives_the_trial_back() {
    let bench = Bench::new(None);
    let hang_up = async || {
        bench.department.script.lock().unwrap().push_back((60 * SECOND, Ok(none())));
        assert!(tokio::time::timeout(SECOND, bench.ask(0)).await.is_err(), "it gives up");
    };
    for _ in 0..30 {
        hang_up().await;
    }
    assert_eq!(bench.moves(), []);
    let bench = Bench::opened(AdapterError::Unavailable).await;
    bench.department.becomes(None);
    pass(SECOND).await;
    bench.department.script.lock().unwrap().push_back((60 * SECOND, Ok(none())));
    assert!(tokio::time::timeout(SECOND, bench.ask(0)).await.is_err(), "it gives up");
    assert_eq!(bench.ask(1).await, Ok(none()), "the next one may try");
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_of_the_department_is_not_counted() {
    let busy = Bench::new(Some(AdapterError::Busy));
    let misconfigured = Bench::new(Some(AdapterError::Misconfigured { what: "no such column".into() }));
    for bench in [&busy, &misconfigured] {
        for subject in 0..50 {
            assert!(!matches!(bench.ask(subject).await, Err(AdapterError::Resting { .. })));
        }
    }
    // Callers who give less than half of what the declaration allows.
    let hasty = Bench::new(Some(AdapterError::Timeout));
    for _ in 0..50 {
        let lookup = Lookup { deadline: Duration::from_millis(999), ..about(0) };
        assert_eq!(hasty.breaker.look_up(&lookup).await, Err(AdapterError::Timeout));
    }
    for bench in [busy, misconfigured, hasty] {
        assert_eq!(bench.moves(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn one_record_that_is_malformed_cuts_nobody_off_and_an_answer_that_always_is_does() {
    let bench = Bench::new(Some(malformed()));
    for _ in 0..50 {
        assert_eq!(bench.ask(0).await, Err(malformed()));
    }
    assert_eq!(bench.moves(), []);
    for subject in 1..4 {
        assert_eq!(bench.ask(subject).await, Err(malformed()));
    }
    let other = Lookup { result_type: lookup("endless", SUBJECTS[0]).result_type, ..about(0) };
    assert_eq!(bench.breaker.look_up(&other).await, Err(malformed()));
    assert!(matches!(bench.ask(0).await, Err(AdapterError::Resting { .. })), "five were malformed");
}

#[tokio::test(start_paused = true)]
async fn a_department_that_hangs_is_left_alone_after_one_deadline() {
    let bench = Bench::new(None);
    let hung = (0..8).map(|_| (3600 * SECOND, Ok(none())));
    bench.department.script.lock().unwrap().extend(hung);
    let timed = Timeout::new(Arc::clone(&bench.department) as Arc<_>, limits().deadline);
    let breaker = Breaker::new(Arc::new(timed), limits(), Arc::clone(&bench.heard) as Arc<_>);
    let lookups: Vec<Lookup> = (0..8).map(about).collect();
    let begun = Instant::now();
    let answers = futures::future::join_all(lookups.iter().map(|lookup| breaker.look_up(lookup))).await;
    assert!(answers.iter().all(|answer| *answer == Err(AdapterError::Timeout)));
    assert_eq!(begun.elapsed(), limits().deadline);
    assert!(matches!(breaker.look_up(&about(0)).await, Err(AdapterError::Resting { .. })));
    assert_eq!(bench.moves().len(), 1, "it opens once, however many fail");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_for_an_adapter_that_is_gone() {
    let Bench { department, breaker, .. } = Bench::opened(AdapterError::Unavailable).await;
    drop(breaker);
    pass(60 * SECOND).await;
    assert_eq!(*department.tried.lock().unwrap(), 0);
    assert_eq!(Arc::strong_count(&department), 1);
}
