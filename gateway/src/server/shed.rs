//! Calls in work at once are limited; one too many is refused at once, so that those in work keep their time.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use super::fault::Fault;
use crate::telemetry::Metrics;

/// An overloaded gateway still says whether it is healthy: to be restarted would not help it.
const ALWAYS_ANSWERED: &str = "/grpc.health.v1.Health/";

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

pub(super) async fn shed_load(State(room): State<Room>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(ALWAYS_ANSWERED) {
        return next.run(request).await;
    }
    let Ok(_place) = room.places.try_acquire() else {
        room.metrics.count_shed();
        return Fault::Overloaded.refuse(request).await;
    };
    next.run(request).await
}
