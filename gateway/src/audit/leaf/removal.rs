//! The leaves of entries that say what is no longer there. They name entries by their places alone.

use std::io::Write as _;
use std::ops::Range;

use uuid::Uuid;

use super::{Commitments, LeafDraft, Text};
use crate::audit::record::{Class, DecisionWord, Event};
use crate::audit::retention::Term;

impl LeafDraft {
    /// These entries are erased, on this legal ground.
    pub(in crate::audit) fn erasure(
        decision: Uuid,
        erased: &[u64],
        ground: &str,
        epoch: &str,
        commitments: &Commitments,
    ) -> Self {
        let mut leaf = begin(Event::Erase, Class::Erasure);
        let erased: Vec<String> = erased.iter().map(u64::to_string).collect();
        write!(leaf.0, ",\"erased\":[{}]", erased.join(",")).expect("writing to memory never fails");
        leaf.field("ground", ground);
        leaf.finish(decision, None, epoch, commitments)
    }

    /// Bodies of this term in this range are past the retention of so many days. It has no body itself.
    pub(in crate::audit) fn retention(decision: Uuid, term: Term, days: u32, range: &Range<u64>) -> Self {
        let mut leaf = begin(Event::Retain, Class::Retention);
        leaf.field("term", term.as_str());
        write!(leaf.0, ",\"days\":{days},\"from\":{},\"to\":{}}}", range.start, range.end)
            .expect("writing to memory never fails");
        Self { decision, tail: leaf.0 }
    }
}

fn begin(event: Event, class: Class) -> Text {
    let mut leaf = Text(Vec::with_capacity(640));
    leaf.field("ev", event.as_str());
    leaf.field("class", class.as_str());
    leaf.field("decision", DecisionWord::None.as_str());
    leaf.field("caller", "");
    leaf.raw(b",\"providers\":[]");
    leaf.field("service", concat!("heyan/", env!("CARGO_PKG_VERSION")));
    leaf
}
