//! The kind `files`: a department drops files into a folder; what they hold is kept in an indexed snapshot and looked up there.

mod declaration;
mod read;
mod snapshot;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use heyan_proto::vocabulary::ResultTypeId;

pub(crate) use self::declaration::FilesAsk;
pub use self::declaration::FilesSource;
use self::snapshot::Snapshot;
use self::watch::{Feed, Standing, Watch};
use crate::declaration::{DepartmentDeclaration, ResultType};
use crate::sql::pool::Pool;
use crate::{Adapter, AdapterError, GuardListener, Holdings, Lookup, sql};

/// Looks up what a department's files held when they were last read.
///
/// A thread looks at the folder and loads the newest file of each result type into a snapshot of its own, a SQLite file
/// that replaces the last one in one step; look-ups read snapshots and never files. The thread starts with the first
/// question and ends when this is dropped; files of one department are loaded one after the other.
///
/// - No file yet, and a snapshot that is older than `stale_after`, are [`AdapterError::Unavailable`]: the department has
///   delivered nothing that could be relied on, nothing was done, and asking again is safe.
/// - A file that does not fit its declaration ([`AdapterError::Malformed`]), or that cannot be read or kept
///   ([`AdapterError::Misconfigured`]), leaves the last snapshot as it is and is what [`Adapter::check_health`] reports; where
///   there is no snapshot, look-ups are told the same.
/// - A look-up that finds a file still being written or loaded, and no snapshot that it could be answered from, waits for it,
///   and is [`AdapterError::Timeout`] at its deadline.
pub struct Files {
    watch: Watch,
    result_types: BTreeMap<ResultTypeId, (Arc<Feed>, Pool)>,
    deadline: Duration,
}

impl Files {
    /// Prepares to look; reads nothing yet. `listener` hears how far files are loaded.
    pub fn new(
        source: &FilesSource,
        declaration: &DepartmentDeclaration,
        city_folder: &Path,
        listener: Arc<dyn GuardListener>,
    ) -> Self {
        let folder = city_folder.join(&source.folder);
        let kept_in = city_folder.join("state/adapters").join(declaration.department.id.as_str());
        let with_pool = |result_type: &Arc<ResultType>| {
            let ask = result_type.ask.files()?;
            let snapshot = Snapshot::new(&kept_in, &folder, result_type, ask);
            let pool = Pool::new(snapshot.path().to_owned(), declaration.limits.concurrency, 2);
            let feed = Arc::new(Feed::new(Arc::clone(result_type), folder.clone(), snapshot, source.stale_after));
            Some((result_type.id.clone(), (feed, pool)))
        };
        let result_types: BTreeMap<_, _> = declaration.result_types.iter().filter_map(with_pool).collect();
        let feeds = result_types.values().map(|(feed, _)| Arc::clone(feed)).collect();
        let watch = Watch::new(feeds, source.settle, listener);
        Self { watch, result_types, deadline: declaration.limits.deadline }
    }

    /// What is known of a result type's file once `enough` is.
    async fn standing(
        &self,
        feed: &Feed,
        within: Duration,
        enough: impl Fn(&Standing) -> bool,
    ) -> Result<Standing, AdapterError> {
        self.watch.start()?;
        let mut standing = feed.standing.subscribe();
        let waited = tokio::time::timeout(within, standing.wait_for(enough)).await;
        let known = waited.map_err(|_| AdapterError::Timeout)?;
        Ok(known.expect("the feed holds the sender").clone())
    }
}

#[async_trait]
impl Adapter for Files {
    async fn look_up(&self, lookup: &Lookup) -> Result<Holdings, AdapterError> {
        let Some((feed, pool)) = self.result_types.get(&lookup.result_type) else {
            return Err(AdapterError::undeclared(&lookup.result_type));
        };
        let bound = sql::bind(lookup, &feed.result_type)?;
        let standing = self.standing(feed, lookup.deadline, |standing| standing.can_answer(feed.stale_after)).await?;
        if standing.snapshot.is_none() {
            return Err(standing.refused.unwrap_or(AdapterError::Unavailable));
        }
        let feed = Arc::clone(feed);
        pool.run(move |connection| feed.snapshot.ask(connection, &feed.result_type, &bound, feed.stale_after)).await
    }

    async fn check_health(&self) -> Result<(), AdapterError> {
        for (feed, pool) in self.result_types.values() {
            let standing = self.standing(feed, self.deadline, |standing| standing.looked).await?;
            if let Some(why) = standing.refused {
                return Err(why);
            }
            if standing.snapshot.is_some() {
                let feed = Arc::clone(feed);
                pool.run(move |connection| snapshot::check(connection, feed.stale_after)).await?;
            } else if !standing.loading {
                return Err(AdapterError::Unavailable);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("result_types", &self.result_types.keys()).finish_non_exhaustive()
    }
}
