//! One look-up for all who ask the same at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use heyan_adapters::AdapterError;
use jiff::SignedDuration;
use tokio::time::sleep;

use super::*;

/// A department that takes its time, and counts.
#[derive(Default)]
struct Slow {
    asked: AtomicUsize,
}

impl Slow {
    const TAKES: Duration = Duration::from_millis(100);

    /// Answers with the number of the look-up, or not in time.
    async fn answer(&self, deadline: Duration) -> Result<Holdings, AdapterError> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        if deadline < Self::TAKES {
            sleep(deadline).await;
            return Err(AdapterError::Timeout);
        }
        sleep(Self::TAKES).await;
        Ok(holdings(&number.to_string()))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn patience(millis: u64) -> Patience {
    Patience { caller: Duration::from_millis(millis), declared: Duration::from_secs(1) }
}

#[tokio::test]
async fn sixty_four_questions_are_one_look_up() {
    let (bench, slow, result_type) = (Bench::new(), Slow::default(), result_type(&[], OPEN));
    let lookup = lookup();
    let reuse = bench.reuse(&sent(0, &result_type, &lookup));
    let asking = (0..64).map(|_| bench.cache.ask(&reuse, PATIENCE, |deadline| slow.answer(deadline)));
    for reading in futures::future::join_all(asking).await {
        assert_eq!(said(&reading.unwrap()), "0");
    }
    assert_eq!(slow.asked(), 1);
    assert_eq!((bench.counted("miss"), bench.counted("flight_joined")), (1, 63));
}

#[tokio::test]
async fn an_error_of_the_department_is_told_to_all_who_wait() {
    let (bench, result_type, asked) = (Bench::new(), result_type(&[], OPEN), AtomicUsize::new(0));
    let lookup = lookup();
    let reuse = bench.reuse(&sent(0, &result_type, &lookup));
    let down = async |_| {
        asked.fetch_add(1, Ordering::Relaxed);
        sleep(Slow::TAKES).await;
        Err(AdapterError::Unavailable)
    };
    let asking = (0..8).map(|_| bench.cache.ask(&reuse, PATIENCE, &down));
    for reading in futures::future::join_all(asking).await {
        assert_eq!(reading.unwrap_err(), AdapterError::Unavailable);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_callers_short_deadline_is_nobody_elses() {
    let (bench, slow, result_type) = (Bench::new(), Slow::default(), result_type(&[], OPEN));
    let lookup = lookup();
    let reuse = bench.reuse(&sent(0, &result_type, &lookup));
    let ask = |millis| bench.cache.ask(&reuse, patience(millis), |deadline| slow.answer(deadline));
    let (hasty, waits, gives_up) = tokio::join!(ask(10), ask(5000), ask(60));
    assert_eq!(hasty.unwrap_err(), AdapterError::Timeout);
    assert!(waits.is_ok());
    assert_eq!(gives_up.unwrap_err(), AdapterError::Timeout);
    // Either of the two may be the next who asks for both.
    assert!((2..=3).contains(&slow.asked()));
}

#[tokio::test]
async fn who_waits_for_one_that_is_gone_asks() {
    let (bench, slow, result_type) = (Bench::new(), Slow::default(), result_type(&[], OPEN));
    let lookup = lookup();
    let reuse = bench.reuse(&sent(0, &result_type, &lookup));
    let ask = || bench.cache.ask(&reuse, PATIENCE, |deadline| slow.answer(deadline));
    let (gone, waits) = tokio::join!(tokio::time::timeout(Duration::from_millis(50), ask()), ask());
    assert!(gone.is_err());
    assert_eq!(said(&waits.unwrap()), "1");
    assert_eq!(slow.asked(), 2);
}

#[tokio::test]
async fn a_look_up_that_began_too_early_is_not_joined() {
    let (bench, slow, result_type) = (Bench::new(), Slow::default(), result_type(&[], OPEN));
    let lookup = lookup();
    let ask = async |max_age| {
        let reuse = Reuse { max_age, ..bench.reuse(&sent(0, &result_type, &lookup)) };
        let reading = bench.cache.ask(&reuse, PATIENCE, |deadline| slow.answer(deadline)).await.unwrap();
        said(&reading).to_owned()
    };
    let later = async |max_age| {
        sleep(Duration::from_millis(20)).await;
        bench.clock.advance(SignedDuration::from_secs(2));
        ask(max_age).await
    };
    let (first, live, recent, any) = tokio::join!(
        ask(Duration::MAX),
        ask(Duration::ZERO),
        later(Duration::from_secs(1)),
        ask(Duration::from_secs(1)),
    );
    assert_eq!((first.as_str(), any.as_str()), ("0", "0"));
    assert_eq!((live.as_str(), recent.as_str()), ("1", "2"));
}
