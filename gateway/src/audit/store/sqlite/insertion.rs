//! The statements of an append.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, Transaction, params};

use super::finding::{Additions, Finding, Key, filed_entries};
use super::{Appended, StoreError, removal, signed};
use crate::audit::draft::step::{ALONE, ANSWER, INTENT, Step};
use crate::audit::draft::{Claim, Draft, Sealed};
use crate::audit::sequence::{Opening, Shard};

/// One append: its statements, prepared once per connection, and what it adds to the finding.
pub(super) struct Insertion<'t> {
    transaction: &'t Transaction<'t>,
    finding: &'t Finding,
    pub(super) additions: Additions,
    entry: CachedStatement<'t>,
    body: CachedStatement<'t>,
    reply: CachedStatement<'t>,
}

/// What is recorded of a question.
#[derive(Debug, Default)]
pub(super) struct Question {
    /// What was asked; `None` where nothing is recorded, or no longer.
    pub(super) content: Option<[u8; 32]>,
    /// Its newest entry that was erased.
    pub(super) erased: Option<u64>,
    /// The newest intent.
    pub(super) intent: Option<u64>,
    pub(super) answer: Option<u64>,
}

impl Question {
    /// Reads what these entries, oldest first, say of it.
    pub(super) fn read(connection: &Connection, key: &Key, indices: Vec<u64>) -> rusqlite::Result<Self> {
        let mut question = Self::default();
        if indices.is_empty() {
            return Ok(question);
        }
        let mut entry = connection.prepare_cached(
            "SELECT step, content, under FROM entry LEFT JOIN erasure ON erasure.idx = entry.idx \
                 WHERE entry.idx = ?1 AND question = ?2",
        )?;
        for index in indices {
            let found = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?));
            let row = entry.query_row(params![index.cast_signed(), key], found).optional()?;
            let Some((step @ (INTENT | ANSWER), content, under)) = row else { continue };
            question.content = content;
            question.erased = under.map(|_| index).or(question.erased);
            if step == INTENT {
                question.intent = Some(index);
            } else {
                question.answer = Some(index);
            }
        }
        Ok(question)
    }

    /// Whether any entry belongs to it.
    pub(super) fn is_recorded(&self) -> bool {
        self.intent.is_some() || self.answer.is_some()
    }
}

impl<'t> Insertion<'t> {
    pub(super) fn prepare(transaction: &'t Transaction<'t>, finding: &'t Finding) -> rusqlite::Result<Self> {
        Ok(Self {
            transaction,
            finding,
            additions: Additions::default(),
            entry: transaction.prepare_cached(
                "INSERT INTO entry (idx, decision, leaf, step, closes, question, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            body: transaction.prepare_cached(
                "INSERT INTO body (idx, sealed, subject_tag, official_tag, case_tag) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            reply: transaction.prepare_cached("INSERT INTO reply (idx, at, sealed) VALUES (?1, ?2, ?3)")?,
        })
    }

    /// Opens a shard, with its first entry unless it is the first shard of all.
    pub(super) fn open_shard(&mut self, shard: &Shard, opening: Option<Opening>) -> Result<(), StoreError> {
        let first = signed(shard.first)?;
        let mut insert = self.transaction.prepare_cached("INSERT INTO shard (first, origin) VALUES (?1, ?2)")?;
        insert.execute(params![first, shard.origin])?;
        if let Some(Opening { place, decision, leaf }) = opening {
            let decision = *decision.as_bytes();
            self.entry.execute(params![first, decision, leaf, ALONE, None::<i64>, None::<Key>, None::<[u8; 32]>])?;
            self.additions.mention([decision], None, place.index);
        }
        Ok(())
    }

    /// Says if the draft gets no place, because its question or its intent is another entry's.
    pub(super) fn refuse(&self, draft: &Draft) -> Result<Option<Appended>, StoreError> {
        let refused = match &draft.step {
            Step::Alone => None,
            Step::Intent(claim) => (!self.is_free(claim, None)?).then_some(Appended::Taken),
            Step::Answer { claim, intent, .. } => (!self.is_free(claim, *intent)?).then_some(Appended::Taken),
            Step::Abandoned { intent } => (!self.finding.is_open(*intent, &self.additions)).then_some(Appended::Closed),
            Step::Erasure { indices } => (!self.can_erase(indices)?).then_some(Appended::Stale),
            Step::Retention { term, range } => {
                (removal::retained(self.transaction, *term)? != range.start).then_some(Appended::Stale)
            }
        };
        Ok(refused)
    }

    /// Whether the question is unanswered and the same; where `intent` is to be closed, whether it is the question's newest.
    fn is_free(&self, claim: &Claim, intent: Option<u64>) -> Result<bool, StoreError> {
        let key = claim.key.digest();
        let mut indices: Vec<u64> = self.finding.entries(&key).chain(self.additions.entries(&key)).collect();
        if indices.is_empty() {
            indices = filed_entries(self.transaction, &key)?;
        } // Else what is filed is older, and was looked at when the oldest of these was let in.
        let recorded = Question::read(self.transaction, &key, indices)?;
        Ok(recorded.answer.is_none()
            && recorded.erased.is_none()
            && recorded.content.is_none_or(|content| content == claim.content)
            && (intent.is_none() || !recorded.is_recorded() || recorded.intent == intent))
    }

    /// Whether these are still the entries that are erased together.
    fn can_erase(&self, indices: &[u64]) -> Result<bool, StoreError> {
        let Some(&first) = indices.first() else { return Ok(false) };
        let mentions = |question: &Key| {
            let mut found = filed_entries(self.transaction, question)?;
            found.extend(self.finding.entries(question).chain(self.additions.entries(question)));
            Ok(found)
        };
        let is_open = |index| self.finding.is_open(index, &self.additions);
        let erasable = removal::erasable(self.transaction, (first, 0), mentions, is_open)?;
        Ok(erasable.is_ok_and(|erasable| erasable == indices))
    }

    pub(super) fn insert(&mut self, draft: &Draft, index: u64, now: i64, sealed: &Sealed) -> Result<(), StoreError> {
        let (step, closes, claim) = (draft.step.number(), draft.step.closes(), draft.step.claim());
        let question = claim.map(|claim| claim.key.digest());
        let (place, closed) = (signed(index)?, closes.map(signed).transpose()?);
        let content = claim.map(|claim| claim.content);
        let decision = draft.leaf.decision.as_bytes();
        self.entry.execute(params![place, decision, sealed.leaf, step, closed, question, content])?;
        if !sealed.body.is_empty() {
            self.body.execute(params![place, sealed.body, draft.tags.subject, draft.tags.official, draft.tags.case])?;
        }
        if !sealed.reply.is_empty() {
            // Not the log's time: a clock that was ahead once holds that back, and replies would be kept as long.
            self.reply.execute(params![place, now, sealed.reply])?;
        }
        let tags = [draft.tags.subject, draft.tags.official, draft.tags.case].into_iter().flatten();
        self.additions.mention([*decision].into_iter().chain(tags), question, index);
        match &draft.step {
            Step::Intent(_) => self.additions.open(index),
            Step::Erasure { indices } => {
                for &erased in indices {
                    removal::erase(self.transaction, erased, index, &mut self.additions)?;
                }
            }
            Step::Retention { term, range } => {
                removal::retire(self.transaction, *term, range, &mut self.additions)?;
            }
            Step::Alone | Step::Answer { .. } | Step::Abandoned { .. } => {}
        }
        if let Some(intent) = closes {
            self.additions.close(intent);
            if self.finding.is_filed(intent) {
                self.transaction.prepare_cached("DELETE FROM open_intent WHERE idx = ?1")?.execute([closed])?;
            }
        }
        Ok(())
    }
}
