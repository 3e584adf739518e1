//! The floor: a unary echo as tonic comes, with TLS and client certificates, and nothing of ours.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::{Failure, read};

/// What clients call.
pub(crate) const PATH: &str = "/load.Echo/Echo";

/// Serves until the process that started it ends.
pub(crate) async fn serve(city: &Path, listen: SocketAddr, reply_bytes: usize) -> Result<(), Failure> {
    let keys = city.join("keys");
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(read(&keys.join("gateway.pem"))?, read(&keys.join("gateway.key"))?))
        .client_ca_root(Certificate::from_pem(read(&keys.join("client-ca.pem"))?));
    let unusable = |error: &dyn std::error::Error| Failure(format!("the echo cannot serve on {listen}: {error}"));
    let mut server = Server::builder().tls_config(tls).map_err(|error| unusable(&error))?;
    let incoming = TcpIncoming::bind(listen).map_err(|error| unusable(&error))?.with_nodelay(Some(true));
    println!("serving on {listen}");
    std::thread::spawn(|| {
        // The pipe closes however the other process ends; what is read of it does not matter.
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        std::process::exit(0);
    });
    // A message of one field of bytes, as long as a reply of Verify.
    let reply = Arc::new(vec![0x5a; reply_bytes]);
    server.add_service(Echo { reply }).serve_with_incoming(incoming).await.map_err(|error| unusable(&error))
}

#[derive(Clone)]
struct Echo {
    reply: Arc<Vec<u8>>,
}

impl NamedService for Echo {
    const NAME: &'static str = "load.Echo";
}

impl UnaryService<Vec<u8>> for Echo {
    type Response = Vec<u8>;
    type Future = Ready<Result<Response<Vec<u8>>, Status>>;

    fn call(&mut self, _: Request<Vec<u8>>) -> Self::Future {
        ready(Ok(Response::new(self.reply.as_ref().clone())))
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let echo = self.clone();
        let codec = ProstCodec::<Vec<u8>, Vec<u8>>::default();
        Box::pin(async move { Ok(Grpc::new(codec).unary(echo, request).await) })
    }
}
