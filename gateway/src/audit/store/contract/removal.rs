//! What every store must do with what is to be deleted.

use super::*;
use crate::audit::error::Unerasable;
use crate::audit::retention::Term;

impl Bench {
    /// Erases these entries.
    pub(in crate::audit) fn erasure(&self, indices: &[u64]) -> Draft {
        let by = PersonalText::parse("officer-1", 64).unwrap();
        self.drafting().erasure(Uuid::from_u128(99), indices.to_vec(), "PIPL art. 47", &by).unwrap()
    }

    pub(super) fn retention(&self, term: Term, range: Range<u64>) -> Draft {
        self.drafting().retention(Uuid::from_u128(98), term, 1, range)
    }
}

/// An erasure takes all entries of a question, once, and leaves its leaves and its place; the question is never asked again.
pub(in crate::audit) async fn erases_whole_questions(store: Box<dyn Store>, reopen: impl Fn() -> Box<dyn Store>) {
    let bench = Bench::new();
    let (asked, open) = (claim(1, 1), claim(2, 1));
    // Let go once, then answered.
    bench.place(&*store, 10, &bench.intent(&asked, 1));
    let first = store.open_intents(&|_| false, 9).unwrap();
    bench.place(&*store, 10, &bench.abandoned(&first[0]));
    bench.place(&*store, 10, &bench.intent(&asked, 1));
    assert_eq!(store.erasable(0).await.unwrap(), Err(Unerasable::Open { index: 2 }));
    bench.place(&*store, 10, &bench.answer(&asked, Some(2), b"yes"));
    bench.place(&*store, 10, &bench.intent(&open, 2));
    bench.place(&*store, 10, &bench.alone(3));
    for index in [0, 2, 3] {
        assert_eq!(store.erasable(index).await.unwrap(), Ok(vec![0, 2, 3]), "entry {index}");
    }
    assert_eq!((store.erasable(1).await.unwrap(), store.erasable(5).await.unwrap()), (Ok(vec![1]), Ok(vec![5])));
    assert_eq!(store.erasable(4).await.unwrap(), Err(Unerasable::Open { index: 4 }));
    assert_eq!(store.erasable(6).await.unwrap(), Err(Unerasable::Unknown { index: 6, size: 6 }));
    for stale in [&[0][..], &[0, 2], &[0, 2, 3, 5], &[4], &[6], &[]] {
        let appended = bench.append(&*store, 11, &[&bench.erasure(stale)]).unwrap();
        assert_eq!(appended, [Appended::Stale], "{stale:?}");
    }
    let erasure = bench.erasure(&[0, 2, 3]);
    let appended = bench.append(&*store, 12, &[&erasure, &erasure]).unwrap();
    assert_eq!((indices(&appended), &appended[1]), (vec![Some(6), None], &Appended::Stale));
    drop(store);
    let store = reopen();
    for index in [0, 2, 3] {
        assert_eq!(store.erasable(index).await.unwrap(), Err(Unerasable::Erased { index, under: 6 }));
    }
    assert_eq!(store.erasable(6).await.unwrap(), Err(Unerasable::Erasure { index: 6 }));
    let (leaf, body) = store.entry(Uuid::from_u128(1)).await.unwrap().unwrap();
    assert_eq!((leaf.index, body), (3, None));
    let recalled = store.recall(&asked.key).await.unwrap().unwrap();
    assert_eq!((recalled.content, recalled.erased), (None, Some(3)));
    assert_eq!(recalled.answer.unwrap().1, None, "the reply is gone");
    for again in [bench.intent(&asked, 7), bench.answer(&asked, None, b"again")] {
        assert_eq!(bench.append(&*store, 13, &[&again]).unwrap(), [Appended::Taken]);
    }
    let others = store.recall(&open.key).await.unwrap().unwrap();
    assert_eq!((others.content, others.erased), (Some(open.content), None));
    assert!(store.entry(Uuid::from_u128(3)).await.unwrap().unwrap().1.is_some());
}

/// Retention takes the bodies of a term in their order, a bounded number at a time and only those from before a time.
pub(in crate::audit) async fn takes_bodies_past_retention(store: Box<dyn Store>, reopen: impl Fn() -> Box<dyn Store>) {
    let bench = Bench::new();
    for n in 0..5 {
        let at = i64::try_from(n).unwrap() * 10;
        bench.place(&*store, at, &bench.alone(n));
        bench.place(&*store, at, &bench.intent(&claim(n, 1), 10 + n));
    }
    let technical = |before, max| store.expiring(Term::Technical, before, max).unwrap();
    assert_eq!((technical(0, 9), technical(1, 9), technical(30, 9)), (None, Some(0..2), Some(0..6)));
    assert_eq!((technical(99, 2), technical(99, 1)), (Some(0..3), Some(0..1)));
    let skipping = bench.retention(Term::Technical, 1..4);
    let step = bench.retention(Term::Technical, 0..4);
    let appended = bench.append(&*store, 50, &[&skipping, &step, &step]).unwrap();
    assert_eq!(indices(&appended), [None, Some(10), None]);
    assert_eq!((&appended[0], &appended[2]), (&Appended::Stale, &Appended::Stale));
    assert_eq!((technical(30, 9), technical(20, 9)), (Some(4..6), None));
    assert_eq!(store.erasable(2).await.unwrap(), Err(Unerasable::NoBody { index: 2 }));
    assert_eq!(store.erasable(10).await.unwrap(), Err(Unerasable::NoBody { index: 10 }), "it never had one");
    drop(store);
    let store = reopen();
    assert_eq!(store.expiring(Term::Technical, 30, 9).unwrap(), Some(4..6));
    assert_eq!(store.expiring(Term::Use, 30, 9).unwrap(), Some(0..6), "each term goes its own way");
    for (decision, is_kept) in [(0, false), (1, false), (2, true), (10, true), (11, true)] {
        let (_, body) = store.entry(Uuid::from_u128(decision)).await.unwrap().unwrap();
        assert_eq!(body.is_some(), is_kept, "decision {decision}");
    }
    assert_eq!(bench.place(&*store, 60, &bench.retention(Term::Use, 0..2)).index, 11);
    let recalled = store.recall(&claim(0, 1).key).await.unwrap().unwrap();
    assert_eq!((recalled.content, recalled.erased, recalled.intent), (None, None, Some(1)));
}
