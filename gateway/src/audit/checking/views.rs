//! What finds entries again, and what says which intents are open, follows from the log: a row too few hides an entry from whoever
//! looks for it, a row too many shows one that it does not concern.

use std::collections::BTreeSet;

use aws_lc_rs::{digest, rand};

use super::{Break, StoredEntry};
use crate::audit::draft::step::INTENT;

/// What the rows beside the log must be, as the entries so far have it.
#[derive(Debug)]
pub(in crate::audit) struct Views {
    /// So that nobody can choose rows whose sums are alike.
    salt: [u8; 32],
    /// Entries before this one are found by rows of their own.
    filed: u64,
    keys: u128,
    open: BTreeSet<u64>,
    pub(in crate::audit) replies: u64,
}

impl Views {
    pub(super) fn new() -> Self {
        let mut salt = [0; 32];
        if rand::fill(&mut salt).is_err() {
            // Without random numbers sums are still compared.
            salt = [0; 32];
        }
        Self { salt, filed: 0, keys: 0, open: BTreeSet::new(), replies: 0 }
    }

    /// Entries before this one are found by rows of their own.
    pub(in crate::audit) fn file(&mut self, filed: u64) {
        self.filed = filed;
    }

    pub(super) fn entry(&mut self, stored: &StoredEntry<'_>) {
        self.replies += u64::from(stored.reply.is_some());
        if stored.step == INTENT {
            self.open.insert(stored.index);
        }
        if let Some(closed) = stored.closes {
            self.open.remove(&closed.cast_unsigned());
        }
        if stored.index < self.filed {
            let tags = stored.body.as_ref().map_or([None; 3], |body| body.tags);
            for key in [Some(stored.decision), stored.question].into_iter().chain(tags).flatten() {
                self.keys = self.keys.wrapping_add(self.row(key, stored.index));
            }
        }
    }

    /// What one row adds to the sum, in whatever order they come.
    pub(in crate::audit) fn row(&self, key: &[u8], index: u64) -> u128 {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.salt);
        context.update(&index.to_be_bytes());
        context.update(key);
        let digest = context.finish();
        u128::from_be_bytes(*digest.as_ref().first_chunk().expect("SHA-256 gives 32 bytes"))
    }

    /// Whether rows of this sum find what is filed, and nothing else.
    pub(in crate::audit) fn are_found_by(&self, sum: u128) -> bool {
        self.keys == sum
    }

    /// Compares the intents that rows say are open, all of them or those that are filed.
    pub(in crate::audit) fn check_open(&self, rows: &BTreeSet<u64>, only_filed: bool) -> Result<(), Break> {
        let end = if only_filed { self.filed } else { u64::MAX };
        let open: BTreeSet<u64> = self.open.range(..end).copied().collect();
        match open.symmetric_difference(rows).next() {
            None => Ok(()),
            Some(&index) => Err(Break { index, what: "whether it is answered is not what the log says" }),
        }
    }
}
