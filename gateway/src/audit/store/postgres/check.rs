//! Reading a whole log for whoever checks it. Gateways may be writing meanwhile: one reading transaction sees one state.

use tokio_postgres::Row;

use super::look::apart;
use super::session::Session;
use super::{StoreError, removal, schema, signed, tree};
use crate::audit::checking::{Beside, CheckError, Pass, StoredBody, StoredEntry, Verified};
use crate::audit::database::Server;
use crate::audit::retention::Term;
use crate::audit::sequence::Shard;
use crate::tlog::frontier::Subtree;

/// Entries that are read at a time.
const READ: i64 = 2_048;

const ENTRIES: &str = "SELECT entry.idx, leaf, decision, step, closes, question, content, body.sealed, subject_tag, \
     official_tag, case_tag, reply.sealed, note, under FROM entry LEFT JOIN body ON body.idx = entry.idx \
     LEFT JOIN reply ON reply.idx = entry.idx LEFT JOIN checkpoint ON checkpoint.size = entry.idx + 1 \
     LEFT JOIN erasure ON erasure.idx = entry.idx WHERE entry.idx >= $1 ORDER BY entry.idx LIMIT $2";

/// Leads `pass` over the log. `told` learns how many entries of how many are done.
pub(in crate::audit) fn check(
    server: &Server,
    pass: Pass<'_>,
    told: impl FnMut(u64, u64) + Send,
) -> Result<Verified, CheckError> {
    apart(server, |session| {
        if !schema::is_done(session.wait(schema::applied(session, server))?) {
            let what = "it is of another version; `heyan migrate` brings it up to date";
            return Err(StoreError::Inconsistent { what }.into());
        }
        session
            .wait(session.batch(
                "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ))?;
        read(session, pass, told)
    })
}

fn read(session: &Session, mut pass: Pass<'_>, mut told: impl FnMut(u64, u64)) -> Result<Verified, CheckError> {
    let (_, head) = tree::standing(session.row(tree::STANDING, &[])?.as_ref()).map_err(|e| unless_broken(e, &pass))?;
    let mut shards = shards(session)?.into_iter().peekable();
    for term in Term::ALL {
        let past = session.wait(removal::retained(session, term)).map_err(|e| unless_broken(e, &pass))?;
        pass.removals.retained(term, past);
    }
    let (mut done, mut from) = (0, i64::MIN);
    loop {
        let rows = session.rows(ENTRIES, &[&from, &READ])?;
        for row in &rows {
            while let Some(shard) = shards.next_if(|shard| shard.first <= done) {
                pass.shard(shard.first, &shard.origin)?;
            }
            let entry = entry(row).map_err(|_| pass.broken("a column of it is not what it should be"))?;
            from = entry.index.cast_signed().saturating_add(1);
            pass.entry(&entry, &mut Rows { session })?;
            done += 1;
        }
        told(done, head.size);
        if rows.is_empty() {
            break;
        }
    }
    for (count, seen) in [
        ("SELECT count(*) FROM entry", done),
        ("SELECT count(*) FROM body", pass.bodies_seen),
        ("SELECT count(*) FROM checkpoint", pass.checkpoints_seen),
        ("SELECT count(*) FROM subtree", pass.subtrees_seen),
        ("SELECT count(*) FROM shard", pass.shards_seen),
        ("SELECT count(*) FROM erasure", pass.removals.named),
        ("SELECT count(*) FROM reply", pass.views.replies),
    ] {
        let row = session.row(count, &[])?.ok_or(StoreError::NotOpen)?;
        if tree::number(&row, 0)? != seen {
            return Err(pass.broken("something is stored that belongs to no entry").into());
        }
    }
    let open = session.rows("SELECT idx FROM open_intent", &[])?;
    let open = open.iter().map(|row| tree::number(row, 0)).collect::<Result<_, _>>()?;
    pass.views.check_open(&open, false)?;
    Ok(pass.finish(&head)?)
}

/// What is looked up beside the entries, each by its key.
struct Rows<'s> {
    session: &'s Session,
}

impl Beside for Rows<'_> {
    type Error = CheckError;

    fn has_subtree(&mut self, shard: &Shard, subtree: &Subtree) -> Result<bool, CheckError> {
        let row = self.session.row(
            "SELECT hash FROM subtree WHERE shard = $1 AND level = $2 AND idx = $3",
            &[&signed(shard.first)?, &i16::from(subtree.level), &signed(subtree.index)?],
        )?;
        Ok(row.is_some_and(|row| row.try_get::<_, &[u8]>(0).is_ok_and(|hash| hash == subtree.hash)))
    }

    fn erased_under(&mut self, index: u64) -> Result<Option<u64>, CheckError> {
        let row = self.session.row("SELECT under FROM erasure WHERE idx = $1", &[&signed(index)?])?;
        Ok(row.map(|row| row.try_get::<_, i64>(0)).transpose().map_err(StoreError::from)?.map(i64::cast_unsigned))
    }

    fn leaf(&mut self, index: u64) -> Result<Option<Vec<u8>>, CheckError> {
        let row = self.session.row("SELECT leaf FROM entry WHERE idx = $1", &[&signed(index)?])?;
        Ok(row.map(|row| row.try_get(0)).transpose().map_err(StoreError::from)?)
    }
}

/// A head that contradicts itself is a broken log; a database that cannot be read is not.
fn unless_broken(error: StoreError, pass: &Pass<'_>) -> CheckError {
    match error {
        StoreError::Inconsistent { what } => pass.broken(what).into(),
        error => error.into(),
    }
}

fn shards(session: &Session) -> Result<Vec<Shard>, StoreError> {
    let rows = session.rows("SELECT first, origin FROM shard ORDER BY first", &[])?;
    let shard = |row: &Row| Ok(Shard { first: row.try_get::<_, i64>(0)?.cast_unsigned(), origin: row.try_get(1)? });
    rows.iter().map(shard).collect()
}

fn entry(row: &Row) -> Result<StoredEntry<'_>, tokio_postgres::Error> {
    let sealed: Option<&[u8]> = row.try_get(7)?;
    let tags = [row.try_get(8)?, row.try_get(9)?, row.try_get(10)?];
    Ok(StoredEntry {
        index: row.try_get::<_, i64>(0)?.cast_unsigned(),
        leaf: row.try_get(1)?,
        decision: row.try_get(2)?,
        step: row.try_get(3)?,
        closes: row.try_get(4)?,
        question: row.try_get(5)?,
        content: row.try_get(6)?,
        body: sealed.map(|sealed| StoredBody { sealed, tags }),
        reply: row.try_get(11)?,
        erased_under: row.try_get::<_, Option<i64>>(13)?.map(i64::cast_unsigned),
        checkpoint: row.try_get(12)?,
    })
}
