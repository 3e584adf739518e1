//! Makes files of entries, and shows heads that witnesses have cosigned.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;

use super::conversation::Tree;
use super::cosigning::Cosigners;
use super::shelf::{self, Shelf};
use super::vigil::Vigil;
use super::{Printing, PublishError, Shard, Signed, Source};
use crate::audit::log_key::LogKey;
use crate::audit::queue::Queue;
use crate::audit::sequence::quarter;
use crate::clock::Clock;
use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::Note;
use crate::tlog::tree::EMPTY_ROOT;

/// Entries that are read at a time: a bundle.
const READ: u64 = crate::tlog::tile::WIDTH;
/// The newest head that had its witnesses, beside `checkpoint`, which may be newer.
const WITNESSED: &str = "witnessed";
/// How often the head is looked at anew at the start, where other gateways of the log are faster.
const CHECKS: usize = 5;
/// Held by the one process that publishes into a folder; the others go on when it ends.
const LOCK: &str = ".publisher.lock";

/// What publishes.
pub(super) struct Press {
    folder: PathBuf,
    /// Kept for as long as this process publishes.
    lock: Option<File>,
    source: Arc<dyn Source>,
    log_key: Arc<LogKey>,
    clock: Arc<dyn Clock>,
    cosigners: Option<Cosigners>,
    vigil: Vigil,
    /// The shard that grows; `None` before the first entry.
    shelf: Option<Shelf>,
    /// The head that is shown of it.
    head: Option<Note>,
}

impl Press {
    pub(super) fn new(printing: Printing<'_>) -> Result<Self, PublishError> {
        let Printing { folder, source, log_key, witnessing, clock } = printing;
        let now = clock.now();
        if let Some(witnessing) = witnessing {
            let logs = witnessing.policy.logs();
            let own = log_key.verifier(&log_key.origin(quarter(now.as_microsecond())));
            if !logs.is_empty() && !logs.iter().any(|log| log.key.in_shard(own.name()).as_ref() == Some(&own)) {
                return Err(PublishError::OtherLog(own.name().to_owned()));
            }
        }
        let cosigners = witnessing.map(|witnessing| Cosigners::new(witnessing, Arc::clone(&clock)));
        let cosigners = cosigners.transpose().map_err(PublishError::Runtime)?;
        let vigil = Vigil::new(now, witnessing.and_then(|witnessing| witnessing.strict));
        Ok(Self {
            folder: folder.to_owned(),
            lock: None,
            source,
            log_key,
            clock,
            cosigners,
            vigil,
            shelf: None,
            head: None,
        })
    }

    /// Finds what was published and what witnesses have seen, and holds the store to it.
    pub(super) fn open(&mut self, queue: &Queue) -> Result<(), PublishError> {
        let path = self.folder.join("checkpoint");
        let shown = shelf::read_if_there(&path)?;
        let shown = match &shown {
            None => None,
            Some(note) => {
                let unfit = |what: String| PublishError::Checkpoint { path: path.clone(), what };
                let note = Note::parse(note).map_err(|error| unfit(error.to_string()))?;
                let checkpoint = Checkpoint::parse(note.text()).map_err(|error| unfit(error.to_string()))?;
                let (origin, size) = (checkpoint.origin(), checkpoint.size());
                note.verified_by(&self.log_key.verifier(origin)).map_err(|error| unfit(error.to_string()))?;
                if !self.source.holds(origin, size, checkpoint.root())? {
                    return Err(PublishError::Rollback { path, origin: origin.to_owned(), size });
                }
                Some(note)
            }
        };
        if self.cosigners.is_some() {
            let is_witnessed = self.check()?;
            if !is_witnessed
                && shown.is_some_and(|shown| !self.is_witnessed(&shown))
                && let Some(last) = self.last_witnessed()?
            {
                self.vigil.keep(last);
            }
            self.vigil.look(self.clock.now(), queue);
        }
        Ok(())
    }

    /// Publishes until `ends`, and then once more.
    pub(super) fn run(mut self, ends: impl Fn() -> bool, queue: &Queue) {
        let mut was_well = true;
        loop {
            let is_last = ends();
            match self.publish() {
                Ok(published) => {
                    was_well = true;
                    if let Some((size, observer)) = published.zip(queue.observer()) {
                        observer.published(size);
                    }
                    if self.head.as_ref().is_none_or(|head| self.is_witnessed(head)) {
                        self.vigil.keep(self.clock.now());
                    }
                }
                Err(error) => {
                    if was_well {
                        tracing::warn!(%error, "the audit log is not published; answers go on");
                    }
                    was_well = false;
                    // What is in memory may be ahead of the files: they are read again.
                    self.shelf = None;
                }
            }
            self.vigil.look(self.clock.now(), queue);
            if is_last {
                return;
            }
        }
    }

    /// Publishes all that is durable by now; says up to which entry, if there was something.
    fn publish(&mut self) -> Result<Option<u64>, PublishError> {
        if !self.is_ours()? {
            // What another gateway shows needs its witnesses as well.
            if self.cosigners.is_some() {
                let shown = shelf::read_if_there(&self.folder.join("checkpoint"))?;
                self.head = shown.and_then(|note| Note::parse(&note).ok());
            }
            return Ok(None);
        }
        let mut published = None;
        loop {
            let shelf = self.shelf.take();
            let next = shelf.as_ref().map_or(0, Shelf::next);
            let Some(signed) = self.source.newest(next)? else {
                self.shelf = shelf;
                self.complete()?;
                return Ok(published);
            };
            let mut shelf = match shelf {
                Some(shelf) if *shelf.shard() == signed.shard => shelf,
                _ => Shelf::open(&self.folder, &signed.shard, &self.log_key.verifier(&signed.shard.origin))?,
            };
            while shelf.next() < signed.size {
                // Up to the end of a bundle, so that every full one is written once.
                let to = signed.size.min(shelf.next() + READ - shelf.width());
                for leaf in self.source.leaves(shelf.next(), to)? {
                    shelf.add(&leaf)?;
                }
            }
            shelf.fill()?;
            let note = parsed(&signed)?;
            // After a restart the cosignatures that are there stay.
            let mut head = shelf.shown(&note)?.unwrap_or_else(|| note.clone());
            self.cosign(&shelf, &mut head);
            self.show(&mut shelf, head)?;
            published = Some(signed.size);
            self.shelf = Some(shelf);
        }
    }

    /// Whether this process is the one that publishes: gateways on one machine may share the folder.
    fn is_ours(&mut self) -> Result<bool, PublishError> {
        if self.lock.is_some() {
            return Ok(true);
        }
        let path = self.folder.join(LOCK);
        let locked = std::fs::create_dir_all(&self.folder).and_then(|()| {
            let file = File::options().write(true).create(true).truncate(false).open(&path)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(file)),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        });
        self.lock = locked.map_err(|source| PublishError::File { path, source })?;
        Ok(self.lock.is_some())
    }

    /// Asks again for what the head that is shown lacks.
    fn complete(&mut self) -> Result<(), PublishError> {
        let Some(mut head) = self.head.clone().filter(|head| !self.is_witnessed(head)) else { return Ok(()) };
        let Some(mut shelf) = self.shelf.take() else { return Ok(()) };
        if self.cosign(&shelf, &mut head) {
            self.show(&mut shelf, head)?;
        }
        self.shelf = Some(shelf);
        Ok(())
    }

    /// Asks witnesses for the head of all that was added, unless it has enough; says whether one cosigned.
    fn cosign(&mut self, shelf: &Shelf, head: &mut Note) -> bool {
        if self.is_witnessed(head) {
            return false;
        }
        let Some(cosigners) = &mut self.cosigners else { return false };
        let note = head.clone();
        let tree = Tree { source: &*self.source, shard: shelf.shard(), size: shelf.size(), note: &note };
        cosigners.cosign(&tree, head)
    }

    fn show(&mut self, shelf: &mut Shelf, head: Note) -> Result<(), PublishError> {
        let text = head.to_string();
        shelf.show(&text)?;
        if self.cosigners.is_some() && self.is_witnessed(&head) {
            shelf::replace(&self.folder.join(WITNESSED), text.as_bytes())?;
        }
        self.head = Some(head);
        Ok(())
    }

    /// Whether a head has the witnesses that the policy asks for; without a policy every one has.
    fn is_witnessed(&self, head: &Note) -> bool {
        let origin = head.text().lines().next().unwrap_or_default();
        let witnessed = |cosigners: &Cosigners| cosigners.witnessed(head, self.log_key.verifier(origin)).is_some();
        self.cosigners.as_ref().is_none_or(witnessed)
    }

    /// When the newest head that had its witnesses had them.
    fn last_witnessed(&self) -> Result<Option<jiff::Timestamp>, PublishError> {
        let kept = shelf::read_if_there(&self.folder.join(WITNESSED))?;
        let kept = kept.and_then(|note| Note::parse(&note).ok());
        let when = |note: Note| {
            let origin = note.text().lines().next().unwrap_or_default();
            self.cosigners.as_ref()?.witnessed(&note, self.log_key.verifier(origin))
        };
        Ok(kept.and_then(when))
    }

    /// Holds the store to what witnesses have seen; says whether a quorum has cosigned its head.
    fn check(&mut self) -> Result<bool, PublishError> {
        for _ in 0..CHECKS {
            if let Some(is_witnessed) = self.check_head()? {
                return Ok(is_witnessed);
            }
        }
        // Other gateways let it grow all the time, and witnesses follow them.
        Ok(false)
    }

    /// Holds the store to what witnesses have seen of the shard that grows, and of this quarter's; nothing where it has grown meanwhile.
    fn check_head(&mut self) -> Result<Option<bool>, PublishError> {
        let (mut newest, mut next) = (None, 0);
        while let Some(signed) = self.source.newest(next)? {
            next = signed.size;
            newest = Some(signed);
        }
        let origin = self.log_key.origin(quarter(self.clock.now().as_microsecond()));
        if newest.as_ref().is_none_or(|signed| signed.shard.origin != origin) {
            // The store has nothing of this quarter: neither has a witness, or the store is an old one.
            let note = self.log_key.sign(&Checkpoint::new(origin.clone(), 0, EMPTY_ROOT));
            let empty = Signed { shard: Shard { first: next, origin }, size: next, note };
            if self.hold_to(&empty)?.is_none() {
                return Ok(None);
            }
        }
        newest.map_or(Ok(Some(true)), |signed| self.hold_to(&signed))
    }

    /// Whether a quorum has cosigned a head; nothing where the log has a newer one meanwhile.
    fn hold_to(&mut self, signed: &Signed) -> Result<Option<bool>, PublishError> {
        let note = parsed(signed)?;
        let mut head = note.clone();
        let size = signed.size - signed.shard.first;
        let tree = Tree { source: &*self.source, shard: &signed.shard, size, note: &note };
        if let Some(cosigners) = &mut self.cosigners {
            let checked = cosigners.check(&tree, &mut head);
            let is_newest = checked.map_err(|by| PublishError::Contradicted { witness: by.witness, what: by.what })?;
            if !is_newest {
                return Ok(None);
            }
        }
        Ok(Some(self.is_witnessed(&head)))
    }
}

fn parsed(signed: &Signed) -> Result<Note, PublishError> {
    let unfit =
        |_| PublishError::Store(crate::audit::store::StoreError::Inconsistent { what: "a checkpoint is no note" });
    Note::parse(&signed.note).map_err(unfit)
}
