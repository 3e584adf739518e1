//! What every store must do where a write fails, before it is durable or after.

use super::*;
use crate::audit::retention::Term;

/// The write of this number; each needs those before it.
fn write(bench: &Bench, store: &dyn Store, number: u64) -> Draft {
    let (asked, left) = (claim(1, 1), claim(2, 1));
    match number {
        0 => bench.intent(&left, 1),
        1 => bench.intent(&asked, 2),
        2 => bench.answer(&asked, Some(1), b"yes"),
        3 => bench.abandoned(&store.open_intents(&|_| false, 9).unwrap()[0]),
        4 => bench.erasure(&[1, 2]),
        _ => bench.retention(Term::Technical, 0..4),
    }
}

/// Every kind of write, failed before it is durable: it leaves nothing, and may be made again. Then failed after: it is there,
/// and what may happen once does not happen twice. `fault` breaks the store, or mends it.
pub(in crate::audit) fn survives_faults_around_every_write(store: Box<dyn Store>, fault: impl Fn(bool)) {
    let bench = Bench::new();
    for number in 0..6 {
        let draft = write(&bench, &*store, number);
        fault(true);
        assert!(bench.append(&*store, 10, &[&draft]).is_err(), "write {number}");
        fault(false);
        store.revive().unwrap();
        assert_eq!(store.size(), number, "write {number} failed, and is there");
        assert_eq!(bench.place(&*store, 10, &draft).index, number);
        // Its caller never learns of it, and looks again.
        store.revive().unwrap();
        assert_eq!(store.size(), number + 1, "write {number} is lost");
        let once = match number {
            // An intent that nobody answered may have another.
            0 | 1 => continue,
            2 => Appended::Taken,
            3 => Appended::Closed,
            _ => Appended::Stale,
        };
        assert_eq!(bench.append(&*store, 11, &[&draft]).unwrap(), [once], "write {number}");
    }
}
