//! A collector of traces and metrics that keeps what it receives.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

pub(crate) struct Collector {
    address: String,
    kept: Kept,
}

#[derive(Clone, Default)]
struct Kept {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let kept = Kept::default();
        let routes = Routes::new(TraceServiceServer::new(kept.clone()));
        let router = routes.add_service(MetricsServiceServer::new(kept.clone())).into_axum_router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, kept }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Everything that traces say.
    pub(crate) fn traces(&self) -> String {
        format!("{:?}", self.kept.traces.lock().unwrap())
    }

    /// Everything that metrics say.
    pub(crate) fn metrics(&self) -> String {
        format!("{:?}", self.kept.metrics.lock().unwrap())
    }

    /// Every span.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let traces = self.kept.traces.lock().unwrap();
        let resources = traces.iter().flat_map(|trace| &trace.resource_spans);
        resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Kept {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// A text among attributes.
pub(crate) fn attribute<'a>(of: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match of.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        other => panic!("{key} is no text: {other:?}"),
    }
}

/// `heyan.toml` with this collector.
pub(crate) fn with_collector(text: &str, address: &str) -> String {
    let without: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().trim_start_matches("# ").starts_with("otlp")).collect();
    without.join("\n").replace("\n[telemetry]\n", &format!("\n[telemetry]\notlp = \"{address}\"\n"))
}
