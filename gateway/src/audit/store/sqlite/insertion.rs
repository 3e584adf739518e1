//! The statements of an append.

use rusqlite::{CachedStatement, Transaction, params};

use super::{Appended, StoreError};
use crate::audit::draft::{Draft, Sealed, Step};

/// The statements of an append, prepared once per connection.
pub(super) struct Insertion<'t> {
    intent: CachedStatement<'t>,
    answer: CachedStatement<'t>,
    open: CachedStatement<'t>,
    close: CachedStatement<'t>,
    entry: CachedStatement<'t>,
    body: CachedStatement<'t>,
    reply: CachedStatement<'t>,
}

impl<'t> Insertion<'t> {
    pub(super) fn prepare(transaction: &'t Transaction<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            intent: transaction.prepare_cached(
                "INSERT INTO request (caller, request_id, content, intent) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET intent = excluded.intent WHERE answer IS NULL AND content = excluded.content",
            )?,
            answer: transaction.prepare_cached(
                "INSERT INTO request (caller, request_id, content, intent, answer) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT DO UPDATE SET answer = excluded.answer WHERE answer IS NULL AND content = excluded.content \
                 AND (excluded.intent IS NULL OR intent = excluded.intent)",
            )?,
            open: transaction.prepare_cached("INSERT INTO open_intent (idx) VALUES (?1)")?,
            close: transaction.prepare_cached("DELETE FROM open_intent WHERE idx = ?1")?,
            entry: transaction.prepare_cached("INSERT INTO entry (idx, decision, leaf) VALUES (?1, ?2, ?3)")?,
            body: transaction.prepare_cached(
                "INSERT INTO body (idx, sealed, subject_tag, official_tag, case_tag) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            reply: transaction.prepare_cached("INSERT INTO reply (idx, at, sealed) VALUES (?1, ?2, ?3)")?,
        })
    }

    /// Reserves the question and turns its intent over; says so if the draft gets no place.
    pub(super) fn reserve(&mut self, draft: &Draft, index: u64) -> Result<Option<Appended>, StoreError> {
        let index = signed(index)?;
        match &draft.step {
            Step::Alone => {}
            Step::Intent(claim) => {
                let key = &claim.key;
                if self.intent.execute(params![&*key.caller, key.request_id.as_bytes(), claim.content, index])? == 0 {
                    return Ok(Some(Appended::Taken));
                }
                self.open.execute([index])?;
            }
            Step::Answer { claim, intent, .. } => {
                let key = &claim.key;
                let intent = intent.map(signed).transpose()?;
                let reserved = self.answer.execute(params![
                    &*key.caller,
                    key.request_id.as_bytes(),
                    claim.content,
                    intent,
                    index
                ])?;
                if reserved == 0 {
                    return Ok(Some(Appended::Taken));
                }
                if let Some(intent) = intent {
                    self.close.execute([intent])?;
                }
            }
            Step::Abandoned { intent } => {
                if self.close.execute([signed(*intent)?])? == 0 {
                    return Ok(Some(Appended::Closed));
                }
            }
        }
        Ok(None)
    }

    pub(super) fn insert(&mut self, draft: &Draft, index: u64, now: i64, sealed: &Sealed) -> Result<(), StoreError> {
        let index = signed(index)?;
        self.entry.execute(params![index, draft.leaf.decision.as_bytes(), sealed.leaf])?;
        self.body.execute(params![index, sealed.body, draft.tags.subject, draft.tags.official, draft.tags.case])?;
        if let Some(reply) = &sealed.reply {
            // Not the log's time: a clock that was ahead once holds that back, and replies would be kept as long.
            self.reply.execute(params![index, now, reply])?;
        }
        Ok(())
    }
}

/// SQLite integers are signed.
pub(super) fn signed(index: u64) -> Result<i64, StoreError> {
    i64::try_from(index).map_err(|_| StoreError::Inconsistent { what: "an index is past 2^63" })
}
