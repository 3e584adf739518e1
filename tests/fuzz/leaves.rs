//! What the audit log reads back of its own leaves, from a store that somebody may have written to.

use heyan::audit::read_leaf;

use super::harness::{Outcome, Shape, Target, run};

#[test]
fn stored_leaves() {
    run(&Target { name: "leaves", shape: Shape::Text, bytes_max: 70_000, seeds: Vec::new, check: &check });
}

fn check(input: &[u8]) -> Outcome {
    match read_leaf(input) {
        Some((id, at)) => {
            let Ok(leaf) = serde_json::from_slice::<serde_json::Value>(input) else {
                // Members that nobody reads are not looked into: half of a surrogate pair may stand there.
                return Outcome::of("a leaf with a member that is no text");
            };
            assert_eq!(leaf["at"].as_i64(), Some(at), "another time than is written");
            let written = leaf["id"].as_str().unwrap();
            assert_eq!(uuid::Uuid::parse_str(written).unwrap(), id);
            Outcome::of(leaf.as_object().unwrap().len())
        }
        None => Outcome::of(("no leaf", serde_json::from_slice::<serde_json::Value>(input).is_ok())),
    }
}
