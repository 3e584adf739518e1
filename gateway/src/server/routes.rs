//! What is mounted on the service port, and behind which layers.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use http::{Method, StatusCode};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;
use tonic_reflection::server::Builder;
use tonic_web::GrpcWebLayer;
use tower::{ServiceBuilder, ServiceExt as _};

use super::authenticate::{Gate, authenticate};
use super::deadline::{Deadlines, keep_deadline};
use super::edge::{Edge, keep_record};
use super::health::Health;
use super::json::{self, Methods};
use super::panic::catch_panic;
use super::published;
use super::shed::{Room, shed_load};
use super::whole::read_whole;
use super::{DECODE_MAX, ENCODE_MAX, ServerError};
use crate::clock::Clock;
use crate::config::Limits;
use crate::identity::Members;
use crate::telemetry::{MethodLabels, Metrics};

/// Services that every server has beside those of the contract, with the methods that metrics name.
const STANDARD: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The services and methods of an encoded file descriptor set.
pub(super) struct Contract {
    descriptor: &'static [u8],
    services: Vec<String>,
    methods: Vec<String>,
}

impl Contract {
    pub(super) fn read(descriptor: &'static [u8]) -> Result<Self, ServerError> {
        let files = FileDescriptorSet::decode(descriptor).map_err(|error| ServerError(error.to_string()))?;
        let (mut services, mut methods) = (Vec::new(), Vec::new());
        for file in &files.file {
            for service in &file.service {
                let name = format!("{}.{}", file.package(), service.name());
                methods.extend(service.method.iter().map(|method| format!("/{name}/{}", method.name())));
                services.push(name);
            }
        }
        Ok(Self { descriptor, services, methods })
    }

    pub(super) fn services(&self) -> &[String] {
        &self.services
    }

    fn labels(&self) -> MethodLabels {
        MethodLabels::of_paths(self.methods.iter().cloned().chain(STANDARD.map(String::from)))
    }
}

/// What the layers are made with.
pub(super) struct Layers<'a> {
    pub(super) limits: &'a Limits,
    pub(super) members: Arc<dyn Members>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
}

/// What the service port serves, by what a request says of its content.
pub(super) struct Doors {
    /// gRPC and gRPC-Web.
    pub(super) grpc: Router,
    /// Everything else: plain JSON, and the pages that describe the services.
    pub(super) plain: Router,
}

/// The services of the contract, health and reflection (v1, and v1alpha for tools that know no other), behind the layers.
pub(super) fn doors(
    services: Routes,
    contract: &Contract,
    health: &Health,
    layers: Layers<'_>,
) -> Result<Doors, ServerError> {
    let methods = Arc::new(Methods::of(contract.descriptor, &STANDARD)?);
    let reflection = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(contract.descriptor)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // The details of errors, without which tools cannot show an error of a batch.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let unread = |error: tonic_reflection::server::Error| ServerError(error.to_string());
    let v1 = reflection().build_v1().map_err(unread)?;
    let v1alpha = reflection().build_v1alpha().map_err(unread)?;
    let health = HealthServer::new(HealthService::from_health_reporter(health.reporter()));
    let routes = services
        .add_service(
            health
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(DECODE_MAX)
                .max_encoding_message_size(ENCODE_MAX),
        )
        .add_service(
            v1.accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(DECODE_MAX)
                .max_encoding_message_size(ENCODE_MAX),
        )
        .add_service(
            v1alpha
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(DECODE_MAX)
                .max_encoding_message_size(ENCODE_MAX),
        );
    let Layers { limits, members, clock, metrics } = layers;
    let deadlines = Deadlines { default: limits.deadline_default, max: limits.deadline_max };
    let edge = Edge { clock: clock.clone(), metrics: metrics.clone(), methods: contract.labels() };
    // The first of these is the outermost. They are one layer to the router, which boxes the service in each layer of its own
    // and copies all of them for every call.
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(edge, keep_record))
        .layer(from_fn_with_state(metrics.clone(), catch_panic))
        .layer(from_fn_with_state(Gate { members, clock, metrics: metrics.clone() }, authenticate))
        .layer(from_fn_with_state(Room::new(limits.in_flight, metrics), shed_load))
        .layer(from_fn_with_state(deadlines, read_whole))
        .layer(from_fn_with_state(deadlines, keep_deadline));
    let routes = routes.prepare().into_axum_router();
    let json = ServiceBuilder::new()
        .layer(from_fn_with_state(methods.clone(), json::translate))
        .layer(layers.clone())
        .layer(from_fn_with_state(methods.clone(), json::read_request));
    let pages = published::router(&methods, contract.descriptor);
    let plain = plain(pages, methods, routes.clone().layer(json));
    Ok(Doors { grpc: routes.layer(layers).layer(GrpcWebLayer::new()), plain })
}

/// What the port says to those who speak neither gRPC nor gRPC-Web: calls go to `json`, the rest are pages.
fn plain(pages: Router, methods: Arc<Methods>, json: Router) -> Router {
    let unknown = (StatusCode::NOT_FOUND, "there is no such page; GET / says what this port serves\n");
    pages.fallback(async move |request: Request| {
        if request.method() == Method::POST || methods.is_method(request.uri().path()) {
            json.oneshot(request).await.into_response()
        } else {
            unknown.into_response()
        }
    })
}
