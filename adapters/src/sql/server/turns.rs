use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Connection;
use crate::AdapterError;

/// How much longer than a query may run a server is waited for to end what nobody waits for.
const GRACE: Duration = Duration::from_secs(2);

/// The connections to one server: at most so many, each kept for the next look-up.
pub(super) struct Turns<C: Connection> {
    server: Arc<C::Server>,
    idle: Arc<Mutex<Vec<C>>>,
    places: Arc<Semaphore>,
}

/// What is done on a connection.
#[async_trait]
pub(super) trait Work<C: Connection>: Sync {
    type Done: Send;

    async fn run(&self, connection: &mut C) -> Result<Self::Done, AdapterError>;
}

/// A connection in use, and the place that it takes. Where the look-up is dropped, what it asked ends at the server as well, and only
/// then is the place free.
struct InUse<C: Connection> {
    connection: Option<C>,
    place: Arc<OwnedSemaphorePermit>,
    server: Arc<C::Server>,
}

/// Why work has failed, and whether it was the connection that was gone.
struct Lost {
    error: AdapterError,
    is_closed: bool,
}

impl<C: Connection> Drop for InUse<C> {
    fn drop(&mut self) {
        let (Some(connection), Ok(runtime)) = (self.connection.take(), Handle::try_current()) else { return };
        let (server, place) = (Arc::clone(&self.server), Arc::clone(&self.place));
        runtime.spawn(async move {
            // A server that does not listen has ended the query by then.
            drop(tokio::time::timeout(C::patience(&server) + GRACE, connection.abandon(&server)).await);
            drop(place);
        });
    }
}

impl<C: Connection> Turns<C> {
    pub(super) fn new(server: C::Server, most: usize) -> Self {
        Self { server: Arc::new(server), idle: Arc::default(), places: Arc::new(Semaphore::new(most)) }
    }

    /// Does the work on a connection of its own. A connection that was idle may have been closed by the server meanwhile, or by
    /// anything on the way: then it is done once more, on a new one. Nothing but reading is done twice.
    pub(super) async fn run<W: Work<C>>(&self, work: &W) -> Result<W::Done, AdapterError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| AdapterError::Unavailable)?;
        let place = Arc::new(place);
        let kept = self.idle().pop().filter(Connection::is_open);
        if let Some(connection) = kept {
            match self.run_on(connection, &place, work).await {
                Err(Lost { is_closed: true, .. }) => self.idle().clear(),
                done => return done.map_err(|lost| lost.error),
            }
        }
        let connection = C::open(&self.server).await?;
        self.run_on(connection, &place, work).await.map_err(|lost| lost.error)
    }

    async fn run_on<W: Work<C>>(
        &self,
        connection: C,
        place: &Arc<OwnedSemaphorePermit>,
        work: &W,
    ) -> Result<W::Done, Lost> {
        let (place, server) = (Arc::clone(place), Arc::clone(&self.server));
        let mut in_use = InUse { connection: Some(connection), place, server };
        let unavailable = || Lost { error: AdapterError::Unavailable, is_closed: false };
        let connection = in_use.connection.as_mut().ok_or_else(unavailable)?;
        let done = work.run(connection).await.map_err(|error| {
            let is_closed = error == AdapterError::Unavailable && !connection.is_open();
            Lost { error, is_closed }
        })?;
        // After an error the connection is abandoned: a transaction may be open on it.
        if let Some(connection) = in_use.connection.take().filter(Connection::is_open) {
            self.idle().push(connection);
        }
        Ok(done)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
