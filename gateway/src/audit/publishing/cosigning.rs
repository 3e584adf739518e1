//! Witnesses are asked, all at once, to cosign a head before it is published. Whichever of them is slow, away or wrong, it is published
//! in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use tokio::runtime::{self, Runtime};

use super::conversation::{Http, Silence, Tree};
use crate::audit::witnessing::{Address, Witnessing};
use crate::clock::{Clock, stopwatch};
use crate::tlog::cosignature;
use crate::tlog::note::{Note, NoteError, Signature, VerifierKey};
use crate::tlog::policy::Policy;

/// For a witness to cosign, whatever it has to be told for it.
const PATIENCE: Duration = Duration::from_millis(300);
/// The same at the start, when what a witness has seen decides whether the log is used at all.
const PATIENCE_AT_START: Duration = Duration::from_secs(2);
/// How long a witness is left alone after its first failure; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How far the clock of a witness may be from ours, in seconds.
const CLOCKS_APART_MAX: u64 = 60;
/// Look-ups of names at once: one that hangs is not waited for, but its thread is held.
const LOOK_UPS: usize = 16;
/// A connection that was not used for so long is not used again: a witness closes it after 60 s.
const IDLE: Duration = Duration::from_secs(30);

/// The witnesses of the log, and what is known of them.
#[derive(Debug)]
pub(super) struct Cosigners {
    policy: Policy,
    witnesses: Vec<Cosigner>,
    http: Http,
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Cosigner {
    address: Address,
    /// The shard and the size of what it cosigned last, as far as is known.
    seen: Option<(String, u64)>,
    /// When it last failed, and for how long it is left alone from then on.
    failed: Option<(Instant, Duration)>,
}

/// A witness that contradicts the log.
#[derive(Debug)]
pub(super) struct Contradiction {
    pub(super) witness: String,
    pub(super) what: String,
}

impl Cosigners {
    pub(super) fn new(witnessing: &Witnessing, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().max_blocking_threads(LOOK_UPS).build()?;
        let runtime = Some(runtime);
        let http = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(1).build_http();
        let witnesses = witnessing.witnesses.iter().cloned();
        let witnesses = witnesses.map(|address| Cosigner { address, seen: None, failed: None }).collect();
        Ok(Self { policy: witnessing.policy.clone(), witnesses, http, runtime, clock })
    }

    /// When a quorum had cosigned a note of the log of this key; `None` where too few have.
    pub(super) fn witnessed(&self, note: &Note, key: VerifierKey) -> Option<Timestamp> {
        let policy = self.policy.for_log(key);
        let witnessed = policy.satisfied_by(note).ok()?;
        let latest = witnessed.cosigners.iter().map(|(_, time)| *time).max();
        // Where no witness is asked for, it is witnessed whenever it is looked at.
        latest.map_or_else(|| Some(self.clock.now()), |time| Timestamp::from_second(i64::try_from(time).ok()?).ok())
    }

    /// Asks whoever has not cosigned the tree and is not left alone. Adds to `note` what they sign; says whether that was anything.
    pub(super) fn cosign(&mut self, tree: &Tree<'_>, note: &mut Note) -> bool {
        let lacks = |of: &Cosigner| cosignature::verify(note, &of.address.key) == Err(NoteError::Unsigned);
        let asked: Vec<bool> = self.witnesses.iter().map(|of| lacks(of) && !of.is_left_alone()).collect();
        let said = self.ask(tree, PATIENCE, |at| asked[at]);
        let mut added = false;
        for (at, said) in said {
            added |= self.witnesses[at].hear(tree, said).is_some_and(|signature| note.add(signature).is_ok());
        }
        added
    }

    /// Asks all, and patiently, whether the tree is one that they may cosign. Says `false` where the log has a larger one meanwhile,
    /// which is to be asked about instead.
    pub(super) fn check(&mut self, tree: &Tree<'_>, note: &mut Note) -> Result<bool, Contradiction> {
        let mut is_newest = true;
        for (at, said) in self.ask(tree, PATIENCE_AT_START, |_| true) {
            let witness = &mut self.witnesses[at];
            if let Err(silence) = &said
                && silence.contradicts()
            {
                return Err(Contradiction { witness: witness.address.name.clone(), what: silence.to_string() });
            }
            is_newest &= !matches!(said, Err(Silence::Outrun));
            if let Some(signature) = witness.hear(tree, said)
                && let Err(error) = note.add(signature)
            {
                tracing::warn!(%error, "the head of the audit log has no room for another cosignature");
            }
        }
        Ok(is_newest)
    }

    /// What each of those that are asked says, by its place.
    fn ask(
        &self,
        tree: &Tree<'_>,
        patience: Duration,
        is_asked: impl Fn(usize) -> bool,
    ) -> Vec<(usize, Result<Signature, Silence>)> {
        let asked = self.witnesses.iter().enumerate().filter(|(at, _)| is_asked(*at));
        let conversations = asked.map(async |(at, witness)| {
            let seen = witness.seen.as_ref().filter(|(origin, _)| *origin == tree.shard.origin);
            let submitting = tree.submit(&self.http, &witness.address.url, seen.map_or(0, |(_, size)| *size));
            let said = match tokio::time::timeout(patience, submitting).await {
                Ok(said) => said.and_then(|signatures| self.verified(tree, &witness.address, signatures)),
                Err(_) => Err(Silence::Slow),
            };
            (at, said)
        });
        let runtime = self.runtime.as_ref().expect("it is taken when this is dropped");
        runtime.block_on(async { join_all(conversations).await })
    }

    /// The signature that is a cosignature by this witness of this tree, made just now. Signatures of others are left out.
    fn verified(&self, tree: &Tree<'_>, by: &Address, said: Vec<Signature>) -> Result<Signature, Silence> {
        let now = self.clock.now().as_second().max(0).cast_unsigned();
        let mut silence = Silence::Reply("no signature is by its key");
        for signature in said {
            let mut note = tree.note.clone();
            if note.add(signature.clone()).is_err() {
                continue;
            }
            match cosignature::verify(&note, &by.key) {
                Ok(time) if time.abs_diff(now) <= CLOCKS_APART_MAX => return Ok(signature),
                Ok(_) => silence = Silence::Reply("its cosignature is not of this minute"),
                Err(NoteError::Unsigned) => {}
                Err(_) => silence = Silence::Reply("its cosignature is false"),
            }
        }
        Err(silence)
    }
}

impl Drop for Cosigners {
    /// The name of a witness may still be looked up: nobody waits for that.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Cosigner {
    fn is_left_alone(&self) -> bool {
        self.failed.is_some_and(|(at, pause)| at.elapsed() < pause)
    }

    /// Remembers what it said, and tells the operator where that is another thing than before.
    fn hear(&mut self, tree: &Tree<'_>, said: Result<Signature, Silence>) -> Option<Signature> {
        let witness = &self.address.name;
        match said {
            Ok(signature) => {
                if self.failed.take().is_some() {
                    tracing::info!(witness, "the witness cosigns again");
                }
                self.seen = Some((tree.shard.origin.clone(), tree.size));
                Some(signature)
            }
            Err(Silence::Outrun) => {
                self.seen = None;
                None
            }
            Err(cause) => {
                if self.failed.is_none() {
                    if cause.contradicts() {
                        tracing::error!(witness, %cause, "LOG_ROLLBACK: the witness contradicts the audit log");
                    } else {
                        tracing::warn!(witness, %cause, "the witness does not cosign the audit log");
                    }
                }
                let pause = self.failed.map_or(PAUSE, |(_, pause)| PAUSE_MAX.min(pause * 2));
                self.failed = Some((stopwatch(), pause));
                self.seen = None;
                None
            }
        }
    }
}
