//! For how long which answers are used again.

use heyan_adapters::AdapterError;
use jiff::SignedDuration;

use super::*;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What of an answer is used again at once; `None`: nothing of this result type is.
fn is_kept(terms: &str, shown: Disclosure, holdings: &Holdings) -> Option<bool> {
    let bench = Bench::new();
    let (result_type, lookup) = (result_type(&[], terms), lookup());
    let key = bench.cache.key(&sent(0, &result_type, &lookup));
    let reuse = Reuse { key, lifetime: Lifetime::declared(&result_type, shown)?, max_age: Duration::MAX };
    at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Ok(holdings.clone()))).unwrap();
    Some(bench.cache.fresh(&reuse).is_some())
}

#[test]
fn the_declaration_says_what_is_kept() {
    use Disclosure::{Claims, Verdict};
    let one = holdings("one");
    let none = Holdings { records: Vec::new(), ..holdings("") };
    let more = Holdings { more: true, ..holdings("one of several") };
    let terms = |disclosure: &str, sensitivity: u8, freshness: &str| {
        format!("disclosure = \"{disclosure}\"\nsensitivity = {sensitivity}\n[result_type.freshness]\n{freshness}")
    };
    let (aged, negative) = ("max_age = \"1h\"", "max_age = \"1h\"\nnegative_ttl = \"1m\"");
    let sensitive = "max_age = \"1h\"\ncache_sensitive = true";
    let sensitive_negative = "max_age = \"1h\"\nnegative_ttl = \"1m\"\ncache_sensitive = true";
    // Disclosure, sensitivity, freshness, what is shown: whether one record, no record and too many are kept.
    for (disclosure, sensitivity, freshness, shown, kept) in [
        ("fields", 2, "", Claims, None),
        ("fields", 2, aged, Claims, Some([true, false, false])),
        ("claims", 2, negative, Claims, Some([true, true, false])),
        ("claims", 3, aged, Claims, None),
        ("claims", 4, negative, Claims, None),
        ("claims", 3, sensitive, Claims, Some([true, false, false])),
        // A verdict from memory tells by itself what was kept: all or nothing.
        ("verdict", 2, aged, Verdict, None),
        ("verdict", 2, negative, Verdict, Some([true, true, true])),
        ("verdict", 4, sensitive, Verdict, None),
        ("verdict", 4, sensitive_negative, Verdict, Some([true, true, true])),
        // A policy may show less than the declaration does.
        ("claims", 2, negative, Verdict, None),
    ] {
        let terms = terms(disclosure, sensitivity, freshness);
        let found: Vec<Option<bool>> = [&one, &none, &more].map(|of| is_kept(&terms, shown, of)).into();
        let expected: Vec<Option<bool>> = (0..3).map(|index| kept.map(|kept: [bool; 3]| kept[index])).collect();
        assert_eq!(found, expected, "{terms} {shown:?}");
    }
}

/// Asks once, lets time pass, and says whether the answer is used again by a question that takes this age.
fn is_fresh_after(terms: &str, said: &Holdings, passed: SignedDuration, max_age: Duration) -> bool {
    let bench = Bench::new();
    let (result_type, lookup) = (result_type(&[], terms), lookup());
    let reuse = bench.reuse(&sent(0, &result_type, &lookup));
    at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Ok(said.clone()))).unwrap();
    bench.clock.advance(passed);
    bench.cache.fresh(&Reuse { max_age, ..reuse }).is_some()
}

#[test]
fn the_smaller_of_the_two_ages_counts() {
    let (minute, second) = (SignedDuration::from_mins(1), SignedDuration::from_secs(1));
    let one = holdings("one");
    for (passed, max_age, fresh) in [
        (second, Duration::MAX, true),
        (HOUR - second, Duration::MAX, true),
        (HOUR, Duration::MAX, false),
        (minute - second, Duration::from_secs(60), true),
        (minute + second, Duration::from_secs(60), false),
        (HOUR + second, Duration::from_secs(7200), false),
        (SignedDuration::ZERO, Duration::ZERO, false),
        // Nobody knows how old it is when the clock was set back.
        (-second, Duration::MAX, false),
    ] {
        assert_eq!(is_fresh_after(OPEN, &one, passed, max_age), fresh, "{passed} {max_age:?}");
    }
}

#[test]
fn no_record_has_an_age_of_its_own() {
    let terms = format!("{OPEN}\nnegative_ttl = \"1m\"");
    let none = Holdings { records: Vec::new(), ..holdings("") };
    assert!(is_fresh_after(&terms, &none, SignedDuration::from_secs(59), Duration::MAX));
    assert!(!is_fresh_after(&terms, &none, SignedDuration::from_secs(60), Duration::MAX));
    assert!(is_fresh_after(&terms, &holdings("one"), SignedDuration::from_secs(60), Duration::MAX));
}

#[test]
fn an_error_is_never_kept_and_a_newer_answer_takes_the_place_of_an_older() {
    let bench = Bench::new();
    let (result_type, lookup) = (result_type(&[], OPEN), lookup());
    let reuse = bench.reuse(&sent(0, &result_type, &lookup));
    let error = at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Err(AdapterError::Unavailable)));
    assert_eq!(error.unwrap_err(), AdapterError::Unavailable);
    assert!(bench.cache.fresh(&reuse).is_none());
    for what in ["first", "second"] {
        at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Ok(holdings(what)))).unwrap();
        assert_eq!(said(&bench.cache.fresh(&reuse).unwrap()), what);
    }
    assert_eq!((bench.counted("miss"), bench.counted("hit"), bench.counted("flight_joined")), (3, 2, 0));
}

#[test]
fn what_was_read_under_another_declaration_is_forgotten() {
    let bench = Bench::new();
    let (result_type, lookup) = (result_type(&[], OPEN), lookup());
    for generation in [0, 1] {
        let reuse = bench.reuse(&sent(generation, &result_type, &lookup));
        at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Ok(holdings("one")))).unwrap();
    }
    bench.cache.forget(|generation| generation == 0);
    let held = |generation| bench.cache.fresh(&bench.reuse(&sent(generation, &result_type, &lookup))).is_some();
    assert!(!held(0) && held(1));
    assert_eq!(bench.cache.kept.entry_count(), 1, "it no longer takes memory");
}

#[test]
fn memory_is_bounded_by_what_is_held() {
    let bench = Bench::of_bytes(64 << 10);
    let result_type = result_type(&[Input::Reason], OPEN);
    for number in 0..500 {
        let lookup = Lookup { reason: text(&number.to_string()), ..lookup() };
        let reuse = bench.reuse(&sent(0, &result_type, &lookup));
        at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Ok(holdings(&"x".repeat(3000))))).unwrap();
    }
    bench.cache.kept.run_pending_tasks();
    let (entries, bytes) = (bench.cache.kept.entry_count(), bench.cache.kept.weighted_size());
    assert!((5..=20).contains(&entries) && bytes <= 64 << 10 && bytes >= 3000 * entries, "{entries} {bytes}");
    let nothing = Bench::of_bytes(0);
    let lookup = lookup();
    let reuse = nothing.reuse(&sent(0, &result_type, &lookup));
    at_once(nothing.cache.ask(&reuse, PATIENCE, async |_| Ok(holdings("one")))).unwrap();
    assert!(nothing.cache.fresh(&reuse).is_none());
}
