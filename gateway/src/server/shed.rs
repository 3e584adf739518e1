//! Calls in work at once are limited; one too many is refused at once, so that those in work keep their time.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::Fault;
use super::layers::Next;
use crate::telemetry::Metrics;

/// An overloaded gateway still says whether it is healthy: to be restarted would not help it.
const ALWAYS_ANSWERED: &str = "/grpc.health.v1.Health/";

/// A call's place among those in work; in the extensions of its request. Work that goes on after its caller has hung up keeps
/// a clone, so that whoever calls and hangs up again and again cannot have more of it done at once than the limit allows.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// How many calls may be in work.
#[derive(Debug, Clone)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Room {
    pub(super) fn new(in_flight: usize, metrics: Arc<Metrics>) -> Self {
        Self { places: Arc::new(Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS))), metrics }
    }
}

pub(super) async fn shed_load(room: &Room, mut request: Request, next: impl Next) -> Response {
    if request.uri().path().starts_with(ALWAYS_ANSWERED) {
        return next.run(request).await;
    }
    let Ok(permit) = room.places.clone().try_acquire_owned() else {
        room.metrics.count_shed();
        return Fault::Overloaded.refuse(request).await;
    };
    let place = Place { _permit: Arc::new(permit) };
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    drop(place);
    response
}
