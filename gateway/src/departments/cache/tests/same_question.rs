//! For no two questions that a department would answer differently is the holding of one used for the other. The department
//! is a pure function of all that is sent to it.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

/// What is sent, written so that it can be read back: the answer of the model department.
fn answer(sent: &Sent<'_>) -> String {
    let inputs: Vec<_> =
        sent.result_type.inputs().map(|input| (input.as_str(), sent.lookup.value(input).map(String::from))).collect();
    let credentials = sent.with_credentials.then(|| sent.lookup.requester.as_str());
    format!("{:?}", (sent.generation, sent.result_type.id.as_str(), credentials, inputs))
}

/// Look-ups that differ little, and whose texts run into each other when they are joined.
fn lookups() -> impl Strategy<Value = Lookup> {
    let words = || select(vec!["a", "ab", "b", "ba", "housing"]).prop_map(text);
    let subject = select(vec![
        (SubjectKind::CreditCode, "91500000MA0000015Q"),
        (SubjectKind::CreditCode, "11500000MB0000027A"),
        (SubjectKind::CitizenNumber, "11010119900307803X"),
    ]);
    let optional = || proptest::option::of(words());
    let official = (words(), words(), words(), words());
    let day = select(vec![date(2026, 11, 22), date(2026, 11, 23)]);
    let requester = select(vec!["housing", "health"]);
    (subject, optional(), optional(), day, words(), official, requester).prop_map(
        |((kind, number), subject_name, certificate_number, as_of, reason, (id, name, unit, terminal), requester)| {
            Lookup {
                subject: SubjectNumber::parse(kind, number).unwrap(),
                subject_name,
                certificate_number,
                as_of,
                reason,
                official: OfficialOnCall { id, name, unit, terminal },
                requester: DepartmentId::parse(requester).unwrap(),
                ..lookup()
            }
        },
    )
}

proptest! {
    #[test]
    fn an_answer_is_used_only_where_the_same_is_sent(
        inputs in subsequence(Input::ALL.to_vec(), 0..=Input::ALL.len()),
        with_credentials in any::<bool>(),
        asked in proptest::collection::vec((0..2_u64, lookups()), 2..24),
    ) {
        let bench = Bench::new();
        let result_type = result_type(&inputs, OPEN);
        let mut answers = std::collections::HashSet::new();
        for (generation, lookup) in &asked {
            let sent = Sent { generation: *generation, with_credentials, result_type: &result_type, lookup };
            let reuse = bench.reuse(&sent);
            let right = answer(&sent);
            let cached = bench.cache.fresh(&reuse);
            // Used exactly where the same was sent before: a key that holds too much would keep nothing.
            prop_assert_eq!(cached.is_some(), !answers.insert(right.clone()));
            let reading = match cached {
                Some(cached) => cached,
                None => at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Ok(holdings(&right)))).unwrap(),
            };
            prop_assert_eq!(said(&reading), right);
        }
    }
}

#[test]
fn every_input_makes_a_difference_where_it_is_sent() {
    let bench = Bench::new();
    let first = lookup();
    let others = [
        Lookup { subject: SubjectNumber::parse(SubjectKind::CreditCode, "11500000MB0000027A").unwrap(), ..lookup() },
        Lookup { subject: SubjectNumber::parse(SubjectKind::CitizenNumber, "11010119900307803X").unwrap(), ..lookup() },
        Lookup { subject_name: Some(text("a")), ..lookup() },
        Lookup { certificate_number: Some(text("a")), ..lookup() },
        Lookup { as_of: date(2026, 11, 22), ..lookup() },
        Lookup { reason: text("a"), ..lookup() },
        Lookup { requester: DepartmentId::parse("health").unwrap(), ..lookup() },
        Lookup { official: OfficialOnCall { id: text("a"), ..lookup().official }, ..lookup() },
        Lookup { official: OfficialOnCall { name: text("a"), ..lookup().official }, ..lookup() },
        Lookup { official: OfficialOnCall { unit: text("a"), ..lookup().official }, ..lookup() },
        Lookup { official: OfficialOnCall { terminal: text("a"), ..lookup().official }, ..lookup() },
    ];
    let everything = result_type(&Input::ALL, OPEN);
    for (index, other) in others.iter().enumerate() {
        let keys = [&first, other].map(|lookup| bench.cache.key(&sent(0, &everything, lookup)));
        assert_ne!(keys[0], keys[1], "{index}");
    }
    let number_alone = result_type(&[], OPEN);
    for (index, other) in others.iter().enumerate().skip(2) {
        let keys = [&first, other].map(|lookup| bench.cache.key(&sent(0, &number_alone, lookup)));
        assert_eq!(keys[0], keys[1], "{index}: it is not sent");
    }
}

#[test]
fn nothing_personal_is_shown_by_debug() {
    let bench = Bench::new();
    let number_alone = result_type(&[], OPEN);
    let reuse = bench.reuse(&sent(0, &number_alone, &lookup()));
    let reading = at_once(bench.cache.ask(&reuse, PATIENCE, async |_| Ok(holdings("个人")))).unwrap();
    let shown = format!("{:?} {:?} {:?}", bench.cache, reading, reuse.key);
    assert!(!shown.contains("个人") && !shown.contains("91500000MA0000015Q"), "{shown}");
    let elsewhere = Bench::new().cache.key(&sent(0, &number_alone, &lookup()));
    assert_ne!(elsewhere, reuse.key, "each process has a secret of its own");
}
