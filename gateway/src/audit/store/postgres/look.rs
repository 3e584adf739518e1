//! A look at a log that may be in use: nothing is made, and nothing is changed.

use super::session::Session;
use super::{StoreError, alive, runtime, schema, signed, tree};
use crate::audit::database::Server;
use crate::audit::store::{Kept, Leaf, Look};

/// Looks at the log; `None` where the database has none.
pub(in crate::audit) fn look(server: &Server) -> Result<Option<Look>, StoreError> {
    apart(server, |session| {
        if session.wait(schema::applied(session, server))?.is_none() {
            return Ok(None);
        }
        const IN_USE: &str = concat!("SELECT EXISTS (SELECT FROM ", alive!(), " AS alive (replica) WHERE replica > 0)");
        let is_in_use = session.row(IN_USE, &[])?.ok_or(StoreError::NotOpen)?.try_get(0)?;
        let (_, head) = tree::standing(session.row(tree::STANDING, &[])?.as_ref())?;
        let newest = session.row(
            "SELECT entry.idx, leaf, sealed FROM entry JOIN body ON body.idx = entry.idx ORDER BY body.idx DESC LIMIT 1",
            &[],
        )?;
        let newest = newest.map(|row| {
            Ok::<_, StoreError>((Leaf { index: tree::number(&row, 0)?, bytes: row.try_get(1)? }, row.try_get(2)?))
        });
        Ok(Some(Look { is_in_use, size: head.size, last_at: head.last_at, newest: newest.transpose()? }))
    })
}

/// The leaf and the proof of the entry at `index`, from a log that may be in use.
pub(in crate::audit) fn proof_of(server: &Server, index: u64) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    apart(server, |session| {
        if !schema::is_done(session.wait(schema::applied(session, server))?) {
            return Err(StoreError::Inconsistent {
                what: "it is of another version; `heyan migrate` brings it up to date",
            });
        }
        let row = session.row("SELECT leaf FROM entry WHERE idx = $1", &[&signed(index)?])?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((row.try_get(0)?, tree::proof(session, index)?)))
    })
}

/// The entry at `index`, and what became of its body, at one moment.
pub(super) fn entry_at(session: &Session, index: u64) -> Result<Option<Kept>, StoreError> {
    // No log has a larger index than the database can hold.
    let Ok(at) = i64::try_from(index) else { return Ok(None) };
    const ENTRY: &str = "SELECT leaf, body.idx IS NOT NULL, under FROM entry LEFT JOIN body ON body.idx = entry.idx \
         LEFT JOIN erasure ON erasure.idx = entry.idx WHERE entry.idx = $1";
    let Some(row) = session.row(ENTRY, &[&at])? else { return Ok(None) };
    let erased_under = row.try_get::<_, Option<i64>>(2)?.map(i64::cast_unsigned);
    let (leaf, proof) = (Leaf { index, bytes: row.try_get(0)? }, tree::proof(session, index)?);
    Ok(Some(Kept { leaf, proof, has_body: row.try_get(1)?, erased_under }))
}

/// Runs `work` with a connection of its own, where no task waits.
pub(super) fn apart<T: Send, E: From<StoreError> + Send>(
    server: &Server,
    work: impl FnOnce(&Session) -> Result<T, E> + Send,
) -> Result<T, E> {
    std::thread::scope(|scope| {
        let working = scope.spawn(|| {
            let runtime = runtime()?;
            let session = Session::open(server, runtime.handle())?.for_whole_log();
            work(&session)
        });
        working.join().unwrap_or(Err(StoreError::NotOpen.into()))
    })
}
