//! One append: the head is locked, everything is read that decides about the drafts, and all rows leave with the commit.
//!
//! Statements that need nothing of one another are sent without waiting, so that an append takes two journeys to the server.

use std::collections::{HashMap, HashSet};

use futures::future::{self, BoxFuture};
use futures::join;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::session::Session;
use super::{StoreError, removal, signed, tree};
use crate::audit::draft::step::{ALONE, INTENT, Step};
use crate::audit::draft::{Claim, Draft, Place, Sealed};
use crate::audit::sequence::{Head, Opening, Sealer, Sequence, Sequenced, Shard};
use crate::audit::store::{Appended, stored};
use crate::tlog::frontier::Subtree;

const QUESTIONS: &str = "SELECT question, entry.idx, step, content, under, replica FROM entry \
     LEFT JOIN erasure ON erasure.idx = entry.idx LEFT JOIN open_intent ON open_intent.idx = entry.idx \
     WHERE question = ANY($1) AND step IN (1, 2) ORDER BY entry.idx";
const OPEN: &str = "SELECT idx FROM open_intent WHERE idx = ANY($1)";
const LAST_CHECKPOINT: &str = "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1";
const INSERT_SHARD: &str = "INSERT INTO shard (first, origin) VALUES ($1, $2)";
const INSERT_ENTRIES: &str = "INSERT INTO entry (idx, decision, leaf, step, closes, question, content) \
     SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::smallint[], $5::bigint[], $6::bytea[], $7::bytea[])";
const INSERT_BODIES: &str = "INSERT INTO body (idx, sealed, subject_tag, official_tag, case_tag) \
     SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[])";
const INSERT_REPLIES: &str = "INSERT INTO reply (idx, at, sealed) SELECT idx, $2, sealed FROM unnest($1::bigint[], $3::bytea[]) AS new (idx, sealed)";
const INSERT_OPEN: &str =
    "INSERT INTO open_intent (idx, replica) SELECT idx, $2 FROM unnest($1::bigint[]) AS new (idx)";
const DELETE_OPEN: &str = "DELETE FROM open_intent WHERE idx = ANY($1)";
const UPDATE_HEAD: &str = "UPDATE head SET size = $1, last_at = $2, shard = $3, frontier = $4";
const INSERT_CHECKPOINT: &str = "INSERT INTO checkpoint (size, note) VALUES ($1, $2)";
const INSERT_SUBTREES: &str = "INSERT INTO subtree (shard, level, idx, hash) \
     SELECT $1, level, idx, hash FROM unnest($2::smallint[], $3::bigint[], $4::bytea[]) AS new (level, idx, hash)";
/// All that are sent without waiting: they are prepared beforehand, or one could overtake another.
pub(super) const STATEMENTS: [&str; 13] = [
    tree::LOCK,
    tree::STANDING,
    QUESTIONS,
    OPEN,
    LAST_CHECKPOINT,
    INSERT_ENTRIES,
    INSERT_BODIES,
    INSERT_REPLIES,
    INSERT_OPEN,
    DELETE_OPEN,
    UPDATE_HEAD,
    INSERT_CHECKPOINT,
    INSERT_SUBTREES,
];

/// What is recorded of a question.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// What was asked; `None` once it was erased or is past retention.
    pub(super) content: Option<[u8; 32]>,
    /// Its newest entry that was erased.
    pub(super) erased: Option<u64>,
    /// The newest intent.
    pub(super) intent: Option<u64>,
    /// The gateway that answers it, while it is open.
    open_at: Option<i32>,
    pub(super) answer: Option<u64>,
}

/// Reads what is recorded of these questions.
pub(super) async fn questions(session: &Session, keys: &[&[u8]]) -> Result<HashMap<Vec<u8>, Question>, StoreError> {
    read_questions(&session.query(QUESTIONS, &[&keys]).await?)
}

fn read_questions(rows: &[Row]) -> Result<HashMap<Vec<u8>, Question>, StoreError> {
    let mut questions: HashMap<Vec<u8>, Question> = HashMap::new();
    for row in rows {
        let question = questions.entry(row.try_get(0)?).or_default();
        let (index, is_intent) = (tree::number(row, 1)?, row.try_get::<_, i16>(2)? == INTENT);
        question.content = row.try_get::<_, Option<&[u8]>>(3)?.and_then(|content| content.try_into().ok());
        question.erased = row.try_get::<_, Option<i64>>(4)?.map(|_| index).or(question.erased);
        if is_intent {
            (question.intent, question.open_at) = (Some(index), row.try_get(5)?);
        } else {
            question.answer = Some(index);
        }
    }
    Ok(questions)
}

/// Begins a transaction, and waits until the head is this gateway's alone.
pub(super) async fn lock(session: &Session) -> Result<(), StoreError> {
    let (begun, locked) = join!(session.begin(), session.query(tree::LOCK, &[]));
    begun.and(locked).map(drop)
}

/// Appends in one transaction, which is open where the gateway `has_turn`; the outcomes, and where the log stands then.
pub(super) async fn append(
    session: &Session,
    (replica, has_turn): (i32, bool),
    drafts: &[&Draft],
    now: i64,
    sealer: &Sealer<'_>,
) -> Result<(Vec<Appended>, Head), StoreError> {
    let keys: Vec<[u8; 16]> = drafts.iter().filter_map(|draft| Some(draft.step.claim()?.key.digest())).collect();
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
    let closing: Vec<i64> = drafts.iter().filter_map(|draft| abandoned(draft)).collect();
    let (asked, closing): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 1]) = ([&keys], [&closing]);
    let turn = async { if has_turn { Ok(()) } else { lock(session).await } };
    let (turn, standing, asked, open, last) = join!(
        turn,
        session.query(tree::STANDING, &[]),
        session.query(QUESTIONS, &asked),
        session.query(OPEN, &closing),
        session.query(LAST_CHECKPOINT, &[]),
    );
    turn?;
    let (_, head) = tree::standing(standing?.first())?;
    let mut sequence = Sequence::after(head.clone(), now, sealer);
    let questions = read_questions(&asked?)?;
    let open = open?.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_, StoreError>>()?;
    let mut insertion = Insertion { session, replica, now, keys, questions, open, rows: Rows::default() };
    let opened = sequence.open_shard(|| match last?.first() {
        Some(row) => Ok(row.try_get(0)?),
        None => Err(StoreError::Inconsistent { what: "it has entries and no checkpoint" }),
    })?;
    if let Some((shard, opening)) = opened {
        insertion.open_shard(&shard, opening).await?;
    }
    let (mut placed, mut sealed) = (Vec::with_capacity(drafts.len()), Sealed::default());
    for draft in drafts {
        if let Some(without_place) = insertion.refuse(draft).await? {
            placed.push(Err(without_place));
            continue;
        }
        let place = sequence.place(draft, &mut sealed)?;
        insertion.insert(draft, place, &sealed).await?;
        placed.push(Ok((place, sealed.leaf.clone(), sealed.leaf_hash)));
    }
    let Some(Sequenced { head, subtrees, growth }) = sequence.finish() else {
        session.commit().await?;
        return Ok((stored(placed, None)?, head));
    };
    let appended = stored(placed, Some(&growth))?;
    let rows = std::mem::take(&mut insertion.rows);
    // Whatever fails, the server takes the commit for a rollback.
    let (inserted, grown, committed) =
        join!(rows.send(session, replica, now), grow(session, &head, &subtrees, &growth.note), session.commit());
    inserted?;
    grown?;
    committed?;
    Ok((appended, head))
}

/// Writes the new head, its checkpoint and the subtrees that were completed.
async fn grow(session: &Session, head: &Head, subtrees: &[Subtree], note: &str) -> Result<(), StoreError> {
    let (size, first) = (signed(head.size)?, signed(head.shard.first)?);
    let frontier = head.frontier.hashes().as_flattened();
    let levels: Vec<i16> = subtrees.iter().map(|subtree| i16::from(subtree.level)).collect();
    let indices = subtrees.iter().map(|subtree| signed(subtree.index)).collect::<Result<Vec<i64>, _>>()?;
    let hashes: Vec<&[u8]> = subtrees.iter().map(|subtree| subtree.hash.as_slice()).collect();
    let updating: [&(dyn ToSql + Sync); 4] = [&size, &head.last_at, &first, &frontier];
    let noting: [&(dyn ToSql + Sync); 2] = [&size, &note];
    let (updated, noted, completed) =
        join!(session.execute(UPDATE_HEAD, &updating), session.execute(INSERT_CHECKPOINT, &noting), async {
            if subtrees.is_empty() {
                return Ok(0);
            }
            session.execute(INSERT_SUBTREES, &[&first, &levels, &indices, &hashes]).await
        },);
    if updated? != 1 {
        return Err(StoreError::Inconsistent { what: "it has no head" });
    }
    noted.and(completed).map(drop)
}

/// Rows that are not sent yet.
#[derive(Debug, Default)]
struct Rows {
    entries: Entries,
    bodies: Bodies,
    replies: (Vec<i64>, Vec<Vec<u8>>),
    opened: Vec<i64>,
    closed: Vec<i64>,
}

#[derive(Debug, Default)]
struct Entries {
    index: Vec<i64>,
    decision: Vec<Vec<u8>>,
    leaf: Vec<Vec<u8>>,
    step: Vec<i16>,
    closes: Vec<Option<i64>>,
    question: Vec<Option<Vec<u8>>>,
    content: Vec<Option<Vec<u8>>>,
}

#[derive(Debug, Default)]
struct Bodies {
    index: Vec<i64>,
    sealed: Vec<Vec<u8>>,
    tags: [Vec<Option<Vec<u8>>>; 3],
}

impl Rows {
    async fn send(self, session: &Session, replica: i32, now: i64) -> Result<(), StoreError> {
        let Self { entries: e, bodies: b, replies: (replied, replies), opened, closed } = self;
        let mut sent: Vec<BoxFuture<'_, Result<u64, StoreError>>> = Vec::with_capacity(5);
        if !e.index.is_empty() {
            let row = async {
                let Entries { index, decision, leaf, step, closes, question, content } = &e;
                session.execute(INSERT_ENTRIES, &[index, decision, leaf, step, closes, question, content]).await
            };
            sent.push(Box::pin(row));
        }
        if !b.index.is_empty() {
            let [subject, official, case] = &b.tags;
            let row = async { session.execute(INSERT_BODIES, &[&b.index, &b.sealed, subject, official, case]).await };
            sent.push(Box::pin(row));
        }
        if !replied.is_empty() {
            sent.push(Box::pin(async { session.execute(INSERT_REPLIES, &[&replied, &now, &replies]).await }));
        }
        if !opened.is_empty() {
            sent.push(Box::pin(async { session.execute(INSERT_OPEN, &[&opened, &replica]).await }));
        }
        if !closed.is_empty() {
            sent.push(Box::pin(async { session.execute(DELETE_OPEN, &[&closed]).await }));
        }
        future::try_join_all(sent).await.map(drop)
    }
}

/// What an append knows and has to write.
struct Insertion<'s> {
    session: &'s Session,
    replica: i32,
    now: i64,
    keys: Vec<&'s [u8]>,
    questions: HashMap<Vec<u8>, Question>,
    /// Of the intents that drafts close as abandoned, those that are open.
    open: HashSet<i64>,
    rows: Rows,
}

impl<'s> Insertion<'s> {
    /// Sends what waits, so that it can be read in this transaction.
    async fn send(&mut self) -> Result<(), StoreError> {
        std::mem::take(&mut self.rows).send(self.session, self.replica, self.now).await
    }

    /// Opens a shard, with its first entry unless it is the first shard of all.
    async fn open_shard(&mut self, shard: &Shard, opening: Option<Opening>) -> Result<(), StoreError> {
        self.session.execute(INSERT_SHARD, &[&signed(shard.first)?, &shard.origin]).await?;
        if let Some(Opening { place, decision, leaf }) = opening {
            self.add_entry(place, decision.as_bytes(), &leaf, (ALONE, None, None))?;
        }
        Ok(())
    }

    /// Says if the draft gets no place, because its question or its intent is another entry's.
    async fn refuse(&mut self, draft: &Draft) -> Result<Option<Appended>, StoreError> {
        Ok(match &draft.step {
            Step::Alone => None,
            Step::Intent(claim) => (!self.is_free(claim, None)).then_some(Appended::Taken),
            Step::Answer { claim, intent, .. } => (!self.is_free(claim, *intent)).then_some(Appended::Taken),
            Step::Abandoned { intent } => (!self.open.contains(&signed(*intent)?)).then_some(Appended::Closed),
            Step::Erasure { indices } => {
                self.send().await?;
                let first = indices.first().copied();
                let erasable = match first {
                    Some(first) => removal::erasable(self.session, first).await?.is_ok_and(|now| now == *indices),
                    None => false,
                };
                (!erasable).then_some(Appended::Stale)
            }
            Step::Retention { term, range } => {
                (removal::retained(self.session, *term).await? != range.start).then_some(Appended::Stale)
            }
        })
    }

    /// Whether the question is unanswered and the same, and nobody else is at it; where `intent` is to be closed, whether it is the
    /// question's newest and open: another gateway may have taken this one for dead.
    fn is_free(&self, claim: &Claim, intent: Option<u64>) -> bool {
        let key = claim.key.digest();
        let Some(recorded) = self.questions.get(&key[..]) else { return intent.is_none() };
        let is_ours = match intent {
            Some(intent) => recorded.intent == Some(intent) && recorded.open_at.is_some(),
            None => recorded.open_at.is_none_or(|replica| replica == self.replica),
        };
        recorded.answer.is_none()
            && recorded.erased.is_none()
            && recorded.content.is_none_or(|content| content == claim.content)
            && is_ours
    }

    async fn insert(&mut self, draft: &Draft, place: Place, sealed: &Sealed) -> Result<(), StoreError> {
        let (step, closes) = (draft.step.number(), draft.step.closes());
        let (index, closed) = (signed(place.index)?, closes.map(signed).transpose()?);
        self.add_entry(place, draft.leaf.decision.as_bytes(), &sealed.leaf, (step, closed, draft.step.claim()))?;
        if !sealed.body.is_empty() {
            let bodies = &mut self.rows.bodies;
            bodies.index.push(index);
            bodies.sealed.push(sealed.body.clone());
            let tags = [draft.tags.subject, draft.tags.official, draft.tags.case];
            for (column, tag) in bodies.tags.iter_mut().zip(tags) {
                column.push(tag.map(|tag| tag.to_vec()));
            }
        }
        if !sealed.reply.is_empty() {
            self.rows.replies.0.push(index);
            self.rows.replies.1.push(sealed.reply.clone());
        }
        if step == INTENT {
            self.rows.opened.push(index);
        }
        if let Some(closed) = closed {
            self.open.remove(&closed);
            self.rows.closed.push(closed);
        }
        self.note(draft, place.index);
        match &draft.step {
            Step::Erasure { indices } => removal::erase(self.session, indices, place.index).await?,
            Step::Retention { term, range } => {
                removal::retire(self.session, *term, range).await?;
            }
            Step::Alone | Step::Intent(_) | Step::Answer { .. } | Step::Abandoned { .. } => return Ok(()),
        }
        self.questions = questions(self.session, &self.keys).await?;
        Ok(())
    }

    /// Remembers what the draft does to its question.
    fn note(&mut self, draft: &Draft, index: u64) {
        let Some(claim) = draft.step.claim() else { return };
        let question = self.questions.entry(claim.key.digest().to_vec()).or_default();
        question.content = Some(claim.content);
        if matches!(draft.step, Step::Intent(_)) {
            (question.intent, question.open_at) = (Some(index), Some(self.replica));
        } else {
            (question.answer, question.open_at) = (Some(index), None);
        }
    }

    fn add_entry(
        &mut self,
        place: Place,
        decision: &[u8; 16],
        leaf: &[u8],
        (step, closes, claim): (i16, Option<i64>, Option<&Claim>),
    ) -> Result<(), StoreError> {
        let entries = &mut self.rows.entries;
        entries.index.push(signed(place.index)?);
        entries.decision.push(decision.to_vec());
        entries.leaf.push(leaf.to_vec());
        entries.step.push(step);
        entries.closes.push(closes);
        entries.question.push(claim.map(|claim| claim.key.digest().to_vec()));
        entries.content.push(claim.map(|claim| claim.content.to_vec()));
        Ok(())
    }
}

fn abandoned(draft: &Draft) -> Option<i64> {
    match draft.step {
        Step::Abandoned { intent } => intent.try_into().ok(),
        _ => None,
    }
}
