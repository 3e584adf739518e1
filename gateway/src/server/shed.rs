//! Calls in work at once are limited, in total and for each caller; one too many is refused at once, so that those in work
//! keep their time.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::Fault;
use super::layers::Next;
use super::share::{Share, Shares};
use crate::config::Limits;
use crate::identity::Caller;
use crate::telemetry::Metrics;

/// An overloaded gateway still says whether it is healthy: to be restarted would not help it.
const ALWAYS_ANSWERED: &str = "/grpc.health.v1.Health/";

/// A call's place among those in work; in the extensions of its request. Work that goes on after its caller has hung up keeps
/// a clone, so that whoever calls and hangs up again and again cannot have more of it done at once than the limit allows.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    _held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    _permit: OwnedSemaphorePermit,
    _share: Share<Arc<str>>,
}

/// How many calls may be in work, of everyone and of one caller.
#[derive(Debug, Clone)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    callers: Shares<Arc<str>>,
    metrics: Arc<Metrics>,
}

impl Room {
    pub(super) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let places = Arc::new(Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS)));
        Self { places, callers: Shares::of(limits.in_flight_per_caller), metrics }
    }

    fn place(&self, caller: &Caller) -> Result<Place, Fault> {
        let permit = self.places.clone().try_acquire_owned().map_err(|_| Fault::Overloaded)?;
        let share = self.callers.take(caller.uri()).ok_or(Fault::TooManyCalls)?;
        Ok(Place { _held: Arc::new(Held { _permit: permit, _share: share }) })
    }
}

pub(super) async fn shed_load(room: &Room, mut request: Request, next: impl Next) -> Response {
    if request.uri().path().starts_with(ALWAYS_ANSWERED) {
        return next.run(request).await;
    }
    let Some(caller) = request.extensions().get::<Caller>() else {
        tracing::error!("a call came to be counted before its caller was known");
        return Fault::Internal.mark();
    };
    let place = match room.place(caller) {
        Ok(place) => place,
        Err(fault) => {
            room.metrics.count_shed(fault == Fault::TooManyCalls);
            return fault.mark();
        }
    };
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    drop(place);
    response
}
