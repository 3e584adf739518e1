//! A panic ends one call and nothing else. Its message may quote personal data, so it goes nowhere.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::response::Response;
use futures::FutureExt as _;

use super::fault::Fault;
use super::layers::Next;
use crate::telemetry::Metrics;

pub(super) async fn catch_panic(metrics: &Metrics, request: Request, next: impl Next) -> Response {
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
