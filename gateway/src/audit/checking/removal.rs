//! What is no longer there: a body may be missing where a later entry says so, and nowhere else.
//!
//! The store says beforehand what the leaves of later entries will be held to: under which entry another is erased, and how far
//! bodies of each term are past retention. So one pass is enough, and it remembers three numbers per term.

use std::fmt;

use super::{Break, StoredEntry};
use crate::audit::leaf::LeafView;
use crate::audit::record::Class;
use crate::audit::retention::{MICROS_PER_DAY, Term};
use crate::audit::sequence::Shard;
use crate::tlog::frontier::Subtree;

/// What the store has beside the entry that is read.
pub(in crate::audit) trait Beside {
    /// Why something cannot be looked up, or where the log is broken.
    type Error: From<Break>;

    /// Whether it holds this completed subtree.
    fn has_subtree(&mut self, shard: &Shard, subtree: &Subtree) -> Result<bool, Self::Error>;

    /// Under which entry it has the entry at `index` erased.
    fn erased_under(&mut self, index: u64) -> Result<Option<u64>, Self::Error>;

    /// The leaf of an entry that the pass has read.
    fn leaf(&mut self, index: u64) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// What became of the personal part of an entry that is not broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) enum Verdict {
    /// All that it had is there.
    Intact,
    /// It is erased, as the entry at this index states.
    ErasedUnder(u64),
    /// It is past retention, as an entry after it states.
    PastRetention,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intact => f.write_str("intact"),
            Self::ErasedUnder(index) => write!(f, "body erased under #{index}"),
            Self::PastRetention => f.write_str("body past retention"),
        }
    }
}

/// What is gone so far, and who has said so.
#[derive(Debug, Default)]
pub(in crate::audit) struct Removals {
    /// How far bodies of each term are past retention, as the store has it.
    past: [u64; Term::ALL.len()],
    /// The same, as the entries so far have stated it.
    stated: [u64; Term::ALL.len()],
    /// How many entries were named by erasures.
    pub(in crate::audit) named: u64,
    pub(in crate::audit) erased: u64,
    pub(in crate::audit) past_retention: u64,
}

impl Removals {
    /// The store has bodies of `term` past retention so far.
    pub(in crate::audit) fn retained(&mut self, term: Term, past: u64) {
        self.past[term as usize] = past;
    }

    /// Whether what an entry has, and has not, is what the store says was removed.
    pub(super) fn judge(&mut self, stored: &StoredEntry<'_>, leaf: &LeafView) -> Result<Verdict, &'static str> {
        let class = Class::from_word(&leaf.class).ok_or("its class is unknown")?;
        let Some(term) = Term::of(&leaf.ev, class) else {
            let has_none = stored.body.is_none() && stored.reply.is_none() && stored.erased_under.is_none();
            let is_intact = has_none && leaf.body.is_empty();
            return is_intact.then_some(Verdict::Intact).ok_or("it has a body, and none is its own");
        };
        if leaf.body.is_empty() {
            return Err("its leaf commits to no body");
        }
        let is_past = stored.index < self.past[term as usize];
        let verdict = match (stored.erased_under, is_past) {
            (Some(under), _) => Verdict::ErasedUnder(under),
            (None, true) => Verdict::PastRetention,
            (None, false) => Verdict::Intact,
        };
        let is_there = stored.body.is_some();
        let is_left = is_there || stored.reply.is_some() || stored.content.is_some();
        match verdict {
            Verdict::Intact if !is_there => Err("its body is missing"),
            Verdict::ErasedUnder(under) if under <= stored.index => Err("it is erased under an entry before it"),
            Verdict::ErasedUnder(_) if is_there => Err("its body is there although it was erased"),
            Verdict::ErasedUnder(_) if is_left => Err("something personal of it is there although it was erased"),
            Verdict::PastRetention if is_there => Err("its body is there although it is past retention"),
            Verdict::PastRetention if is_left => Err("something personal of it is there although it is past retention"),
            verdict => {
                self.erased += u64::from(matches!(verdict, Verdict::ErasedUnder(_)));
                self.past_retention += u64::from(verdict == Verdict::PastRetention);
                Ok(verdict)
            }
        }
    }

    /// What the entry at `index` says of others is what the store said of them when they were judged.
    pub(super) fn adopt<B: Beside>(
        &mut self,
        index: u64,
        leaf: &LeafView,
        beside: &mut B,
    ) -> Result<Result<(), &'static str>, B::Error> {
        match Class::from_word(&leaf.class) {
            Some(Class::Erasure) => self.adopt_erasure(index, leaf, beside),
            Some(Class::Retention) => self.adopt_retention(index, leaf, beside),
            _ => Ok(Ok(())),
        }
    }

    fn adopt_erasure<B: Beside>(
        &mut self,
        index: u64,
        leaf: &LeafView,
        beside: &mut B,
    ) -> Result<Result<(), &'static str>, B::Error> {
        if leaf.erased.is_empty() || leaf.ground.as_ref().is_none_or(String::is_empty) {
            return Ok(Err("it erases nothing, or without a legal ground"));
        }
        if !leaf.erased.is_sorted_by(|one, next| one < next) {
            return Ok(Err("it erases an entry twice"));
        }
        for &erased in &leaf.erased {
            if erased >= index {
                return Ok(Err("it erases an entry after it"));
            }
            if beside.erased_under(erased)? != Some(index) {
                return Ok(Err("an entry that it erases is not erased under it"));
            }
            self.named += 1;
        }
        Ok(Ok(()))
    }

    /// Ranges of a term follow one another without gaps, so where the last one ends is all there is to know. The newest entry of
    /// a range was made long enough ago, and so was every other.
    fn adopt_retention<B: Beside>(
        &mut self,
        index: u64,
        leaf: &LeafView,
        beside: &mut B,
    ) -> Result<Result<(), &'static str>, B::Error> {
        let term = leaf.term.as_deref().and_then(Term::from_word);
        let (Some(term), Some(days), Some(from), Some(to)) = (term, leaf.days, leaf.from, leaf.to) else {
            return Ok(Err("it does not say which bodies are past retention"));
        };
        if from != self.stated[term as usize] || to <= from || to > index {
            return Ok(Err("the retention that it states does not follow the one before"));
        }
        let newest = beside.leaf(to - 1)?.and_then(|newest| LeafView::parse(&newest).ok());
        let kept = i64::from(days).saturating_mul(MICROS_PER_DAY);
        if newest.is_none_or(|newest| leaf.at.saturating_sub(newest.at) < kept) {
            return Ok(Err("it states bodies as past retention that were to be kept"));
        }
        self.stated[term as usize] = to;
        Ok(Ok(()))
    }

    /// No body was taken as past retention that no entry states.
    pub(super) fn finish(&self) -> Result<(), &'static str> {
        if self.past == self.stated {
            Ok(())
        } else {
            Err("bodies are said to be past retention, and no entry states it")
        }
    }
}
