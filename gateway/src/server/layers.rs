//! The layers of a call as one. Each is a function that is given what comes after it, and all of them together are one
//! future: the router's own layers are boxed and copied for every call, each of them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use tower::{Layer, Service};

use super::authenticate::{Gate, authenticate};
use super::deadline::{Deadlines, keep_deadline};
use super::edge::{Edge, keep_record};
use super::panic::catch_panic;
use super::shed::{Room, shed_load};
use crate::telemetry::Metrics;

/// What comes after a layer: the layers inside it, and the service.
pub(super) trait Next: Send {
    /// Answers the call.
    fn run(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl<F, R> Next for F
where
    F: FnOnce(Request) -> R + Send,
    R: Future<Output = Response> + Send,
{
    fn run(self, request: Request) -> impl Future<Output = Response> + Send {
        self(request)
    }
}

/// The layers, from the outside in.
#[derive(Clone)]
pub(super) struct Layers(pub(super) Arc<Parts>);

/// What each layer needs.
pub(super) struct Parts {
    pub(super) edge: Edge,
    pub(super) metrics: Arc<Metrics>,
    pub(super) gate: Gate,
    pub(super) room: Room,
    pub(super) deadlines: Deadlines,
}

impl Parts {
    async fn pass(&self, request: Request, service: impl Next) -> Response {
        let in_time = |request| keep_deadline(&self.deadlines, request, service);
        let in_turn = |request| shed_load(&self.room, request, in_time);
        let of_a_caller = |request| authenticate(&self.gate, request, in_turn);
        let caught = |request| catch_panic(&self.metrics, request, of_a_caller);
        keep_record(&self.edge, request, caught).await
    }
}

impl<S> Layer<S> for Layers {
    type Service = Layered<S>;

    fn layer(&self, service: S) -> Layered<S> {
        Layered { layers: self.clone(), service }
    }
}

/// The layers around a service.
#[derive(Clone)]
pub(super) struct Layered<S> {
    layers: Layers,
    service: S,
}

impl<S, B> Service<Request<B>> for Layered<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was asked whether it is ready is the one to be called.
        let next = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, next);
        let (Layers(parts), request) = (self.layers.clone(), request.map(Body::new));
        Box::pin(async move {
            let service = move |request| {
                let answer = service.call(request);
                async { answer.await.unwrap_or_else(|never| match never {}) }
            };
            Ok(parts.pass(request, service).await)
        })
    }
}
