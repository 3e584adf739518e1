//! A panic ends one call and nothing else. Its message may quote personal data, so it goes nowhere.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt as _;

use super::fault::Fault;
use crate::telemetry::Metrics;

pub(super) async fn catch_panic(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    // What the call shared with others is behind locks that tell of a panic, or is not changed by a call.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(message) => {
            drop(message);
            metrics.count_panic();
            Fault::Internal.mark()
        }
    }
}
