//! What is said between the publisher and one witness (C2SP tlog-witness).

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;

use super::{Shard, Source};
use crate::audit::store::StoreError;
use crate::tlog::Hash;
use crate::tlog::note::{Note, Signature};
use crate::tlog::submission::Submission;

pub(super) type Http = Client<HttpConnector, Full<Bytes>>;

/// The largest reply that is read, in bytes.
const REPLY_MAX: usize = 64 * 1_024;
/// How often a witness is told what it asks for: once without knowing what it has seen, once knowing, and once more where another
/// process of this log came between.
const ATTEMPTS: usize = 3;

/// The tree that is to be cosigned.
pub(super) struct Tree<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) shard: &'a Shard,
    /// Entries of the shard.
    pub(super) size: u64,
    /// Its checkpoint, with the signature of the log.
    pub(super) note: &'a Note,
}

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    #[error("it cannot be asked: {0}")]
    Unreachable(String),
    #[error("it does not answer in time")]
    Slow,
    #[error("it answers with the status {0}")]
    Status(StatusCode),
    #[error("it answers wrongly: {0}")]
    Reply(&'static str),
    #[error("no proof can be made for it: {0}")]
    Source(#[from] StoreError),
    #[error("it has cosigned {seen} entries of {origin}, and the log has {size}")]
    Larger { origin: String, seen: u64, size: u64 },
    /// Another gateway of the same log was faster.
    #[error("it has cosigned a larger tree, which the log has meanwhile")]
    Outrun,
    #[error("it has cosigned other entries of {origin} among the first {seen}")]
    Differs { origin: String, seen: u64 },
}

impl Silence {
    /// Whether it contradicts what the log says of itself.
    pub(super) fn contradicts(&self) -> bool {
        matches!(self, Self::Larger { .. } | Self::Differs { .. })
    }
}

impl Tree<'_> {
    /// Asks for a cosignature; `seen` is what the witness cosigned last, as far as is known. None of the signatures is verified yet.
    pub(super) async fn submit(&self, http: &Http, url: &Uri, seen: u64) -> Result<Vec<Signature>, Silence> {
        let origin = || self.shard.origin.clone();
        let mut old = seen.min(self.size);
        for _ in 0..ATTEMPTS {
            let submission = Submission::new(old, self.proof(old)?, self.note.clone());
            let submission = submission.map_err(|_| Silence::Reply("the log's own head is no checkpoint"))?;
            let (status, text) = post(http, url, submission.to_string()).await?;
            match status {
                StatusCode::OK => return signatures(&text).ok_or(Silence::Reply("no lines of signatures")),
                StatusCode::UNPROCESSABLE_ENTITY if old > 0 => {
                    return Err(Silence::Differs { origin: origin(), seen: old });
                }
                StatusCode::CONFLICT => {
                    let size = text.strip_suffix('\n').and_then(|size| size.parse().ok());
                    let size: u64 = size.ok_or(Silence::Reply("a conflict without a size"))?;
                    if self.has_grown_to(size)? {
                        return Err(Silence::Outrun);
                    }
                    if size > self.size {
                        return Err(Silence::Larger { origin: origin(), seen: size, size: self.size });
                    }
                    // Of the tree without leaves there is one; whoever says otherwise is only wrong.
                    if size == old && old == self.size && old > 0 {
                        return Err(Silence::Differs { origin: origin(), seen: size });
                    }
                    old = size;
                }
                other => return Err(Silence::Status(other)),
            }
        }
        Err(Silence::Reply("it says each time that it has seen another tree"))
    }

    /// Whether the log has by now a larger tree of this size.
    fn has_grown_to(&self, size: u64) -> Result<bool, Silence> {
        if size <= self.size {
            return Ok(false);
        }
        let newest = self.source.newest(self.shard.first)?.filter(|newest| newest.shard.origin == self.shard.origin);
        Ok(newest.is_some_and(|newest| newest.size - newest.shard.first >= size))
    }

    fn proof(&self, old: u64) -> Result<Vec<Hash>, Silence> {
        // The empty tree and the same one need none.
        if old == 0 || old == self.size {
            return Ok(Vec::new());
        }
        Ok(self.source.consistency(self.shard.first, old, self.size)?)
    }
}

async fn post(http: &Http, url: &Uri, body: String) -> Result<(StatusCode, String), Silence> {
    let request = Request::builder().method(Method::POST).uri(url).body(Full::from(body));
    let request = request.map_err(|error| Silence::Unreachable(error.to_string()))?;
    let response = http.request(request).await.map_err(|error| Silence::Unreachable(chain(&error)))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), REPLY_MAX).collect().await;
    let body = body.map_err(|_| Silence::Reply("too much, or broken off"))?.to_bytes();
    let text = String::from_utf8(body.into()).map_err(|_| Silence::Reply("no UTF-8"))?;
    Ok((status, text))
}

fn signatures(text: &str) -> Option<Vec<Signature>> {
    text.strip_suffix('\n')?.split('\n').map(Signature::parse).collect()
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
