//! Erasing what is personal about a question, so that the log stays provable.

use heyan_proto::vocabulary::PersonalText;

use super::error::{AuditError, EraseError};
use super::record::Receipt;
use super::{Audit, draft};

/// The longest legal ground, in bytes.
const GROUND_BYTES_MAX: usize = 512;
/// How often an erasure is tried anew because the question changed meanwhile.
const ATTEMPTS: usize = 4;

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The entries whose bodies are gone, in order: those of one question.
    pub erased: Vec<u64>,
    /// The receipt of the entry that states it.
    pub receipt: Receipt,
}

impl Audit {
    /// Erases the entry at `index`, and the others of its question: they hold the same salt and the same personal data. Bodies,
    /// replies, digests of what was asked and tags are deleted in the transaction that appends an entry which states the erasure
    /// and its legal `ground`. Who ordered it, `by`, is in that entry's body. Leaves stay, and nothing can be guessed from them.
    ///
    /// # Errors
    /// [`EraseError`]; nothing has changed then, unless it is unknown whether the erasure became durable: asking again finds out.
    pub async fn erase(&self, index: u64, ground: &str, by: &PersonalText) -> Result<Erasure, EraseError> {
        let is_text = !ground.trim().is_empty() && !ground.chars().any(char::is_control);
        if !is_text || ground.len() > GROUND_BYTES_MAX {
            return Err(EraseError::Ground { max: GROUND_BYTES_MAX });
        }
        let inner = &self.inner;
        for _ in 0..ATTEMPTS {
            // After a commit of unknown outcome the store may show what is not durable.
            inner.check_serving()?;
            let erased = inner.store.erasable(index).await.map_err(|_| AuditError::Unavailable)??;
            let decision = draft::decision_at(inner.clock.now().as_microsecond());
            let draft = inner.drafting(draft::salt()?).erasure(decision, erased.clone(), ground, by)?;
            match inner.append(draft, None, None).await {
                Ok(done) => return Ok(Erasure { erased, receipt: done.receipt }),
                // Another entry of the question came first.
                Err(AuditError::Taken) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AuditError::Unavailable.into())
    }
}
