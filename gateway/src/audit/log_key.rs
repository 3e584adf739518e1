//! The key that signs the heads of the log: one for all replicas and all shards.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::tlog::checkpoint::Checkpoint;
use crate::tlog::note::{Note, SigningKey, VerifierKey};

/// The log's Ed25519 key (RFC 8032). In each shard it has the name of that shard, as C2SP tlog-checkpoint asks.
pub(super) struct LogKey {
    /// What the names of all shards begin with: `city.example/audit`.
    name: String,
    seed: [u8; 32],
    /// The key under the name that was used last.
    current: Mutex<Option<Arc<SigningKey>>>,
}

impl LogKey {
    pub(super) fn new(name: String, seed: [u8; 32]) -> Self {
        Self { name, seed, current: Mutex::new(None) }
    }

    /// The name of the shard of a quarter.
    pub(super) fn origin(&self, quarter: String) -> String {
        format!("{}/{quarter}", self.name)
    }

    /// The signed note of a checkpoint.
    pub(super) fn sign(&self, checkpoint: &Checkpoint) -> String {
        Note::sign(checkpoint.to_string(), &self.key(checkpoint.origin())).to_string()
    }

    /// What verifies the checkpoints of the shard of this origin.
    pub(super) fn verifier(&self, origin: &str) -> VerifierKey {
        self.key(origin).verifier()
    }

    fn key(&self, origin: &str) -> Arc<SigningKey> {
        let mut current = self.current.lock().expect("no holder of this lock can panic");
        match &*current {
            Some(key) if key.name() == origin => Arc::clone(key),
            _ => {
                let key = SigningKey::from_seed(origin, &self.seed).expect("names of shards are names of keys");
                Arc::clone(current.insert(Arc::new(key)))
            }
        }
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogKey").field("name", &self.name).finish_non_exhaustive()
    }
}
