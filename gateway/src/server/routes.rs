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
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};

use super::authenticate::Gate;
use super::deadline::Deadlines;
use super::edge::Edge;
use super::health::Health;
use super::json::{self, Methods, Reading};
use super::layers::{Layered, Layers, Parts};
use super::published;
use super::shed::Room;
use super::{ENCODE_MAX, ServerError};
use crate::clock::Clock;
use crate::config::Limits;
use crate::identity::Members;
use crate::telemetry::{MethodMeters, Metrics};

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

    fn meters(&self, metrics: &Metrics) -> MethodMeters {
        metrics.methods(self.methods.iter().cloned().chain(STANDARD.map(String::from)))
    }
}

/// What the layers are made with.
pub(super) struct Needs<'a> {
    pub(super) limits: &'a Limits,
    pub(super) members: Arc<dyn Members>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
}

/// What the service port serves, by what a request says of its content.
pub(super) struct Doors {
    pub(super) grpc: Grpc,
    /// Everything else: plain JSON, and the pages that describe the services.
    pub(super) plain: Router,
}

/// The services behind the layers, for gRPC and for gRPC-Web.
#[derive(Clone)]
pub(super) struct Grpc {
    pub(super) services: Layered<Router>,
    pub(super) web: Router,
}

/// The services of the contract, health and reflection (v1, and v1alpha for tools that know no other), behind the layers.
pub(super) fn doors(
    services: Routes,
    contract: &Contract,
    health: &Health,
    needs: Needs<'_>,
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
    let message_max = needs.limits.message_bytes;
    let health = HealthServer::new(HealthService::from_health_reporter(health.reporter()));
    let routes = services
        .add_service(
            health
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(message_max)
                .max_encoding_message_size(ENCODE_MAX),
        )
        .add_service(
            v1.accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(message_max)
                .max_encoding_message_size(ENCODE_MAX),
        )
        .add_service(
            v1alpha
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(message_max)
                .max_encoding_message_size(ENCODE_MAX),
        );
    let Needs { limits, members, clock, metrics } = needs;
    let layers = Layers(Arc::new(Parts {
        edge: Edge { clock: clock.clone(), metrics: metrics.clone(), methods: contract.meters(&metrics) },
        metrics: metrics.clone(),
        gate: Gate { members, clock, metrics: metrics.clone() },
        room: Room::new(limits, metrics),
        deadlines: Deadlines { default: limits.deadline_default, max: limits.deadline_max },
    }));
    let routes = routes.prepare().into_axum_router();
    let json = ServiceBuilder::new()
        .layer(from_fn_with_state(methods.clone(), json::translate))
        .layer(layers.clone())
        .layer(from_fn_with_state(Reading { methods: methods.clone(), message_max }, json::read_request));
    let pages = published::router(&methods, contract.descriptor);
    let plain = plain(pages, methods, routes.clone().layer(json));
    let services = layers.layer(routes);
    let web = Router::new().fallback_service(services.clone()).layer(GrpcWebLayer::new());
    Ok(Doors { grpc: Grpc { services, web }, plain })
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
