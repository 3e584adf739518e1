//! A collector of traces that keeps what it receives.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

pub(super) struct Collector {
    address: String,
    received: Arc<Mutex<String>>,
}

struct Keep(Arc<Mutex<String>>);

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::default();
        let router = Routes::new(TraceServiceServer::new(Keep(Arc::clone(&received)))).into_axum_router();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, received }
    }

    pub(super) fn address(&self) -> String {
        self.address.clone()
    }

    pub(super) fn received(&self) -> String {
        self.received.lock().unwrap().clone()
    }
}

#[tonic::async_trait]
impl TraceService for Keep {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push_str(&format!("{:?}\n", request.into_inner()));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
