//! One connection, from accept to close, and every time and size that bounds it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use futures::future::Either;
use http::{HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use uuid::Uuid;

use super::authenticate::Peer;
use super::gathering::Gathering;
use super::routes::Grpc;
use super::tls::{HandshakeFailure, Tls};
use crate::config::Limits;
use crate::identity::PeerCertificate;
use crate::telemetry::Metrics;

/// A connection is closed in an orderly way at this age, which also has its certificate checked anew. It varies by a tenth,
/// so that connections opened together are not closed together.
const AGE_MAX: Duration = Duration::from_secs(15 * 60);
/// A connection that has made no request this long after its handshake is closed in an orderly way.
const FIRST_REQUEST: Duration = Duration::from_secs(60);
/// How long the headers of an HTTP/1.1 request may take, the pause before it included.
const HEADERS: Duration = Duration::from_secs(30);
/// A silent HTTP/2 connection is asked for a sign of life this often, and closed when none comes in time.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));
/// All headers of one request together, in bytes.
const HEADER_LIST_MAX: u32 = 16 * 1024;

/// What every connection is served with.
pub(super) struct Connections {
    tls: Tls,
    limits: Limits,
    metrics: Arc<Metrics>,
    http1: auto::Builder<TokioExecutor>,
    http2: auto::Builder<TokioExecutor>,
    grpc: Grpc,
    pages: Router,
}

impl Connections {
    pub(super) fn new(tls: Tls, limits: Limits, metrics: Arc<Metrics>, grpc: Grpc, pages: Router) -> Self {
        // ALPN says which of the two a peer speaks, so neither waits for a first byte to find out.
        let mut http1 = auto::Builder::new(TokioExecutor::new()).http1_only();
        http1.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(64 * 1024);
        let mut http2 = auto::Builder::new(TokioExecutor::new()).http2_only();
        // The limit on resets that errors of the peer cause stays at hyper's default; it must never be off.
        http2
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(usize::try_from(limits.streams).unwrap_or(usize::MAX))
            .max_header_list_size(HEADER_LIST_MAX)
            .keep_alive_interval(KEEP_ALIVE.0)
            .keep_alive_timeout(KEEP_ALIVE.1);
        Self { tls, limits, metrics, http1, http2, grpc, pages }
    }

    /// Serves one connection until it ends, is too old, or `stop` is called and its calls have been answered.
    pub(super) async fn serve(&self, stream: TcpStream, address: SocketAddr, stop: CancellationToken) {
        let _open = self.metrics.connection();
        let stream = match self.shake_hands(stream).await {
            Ok(stream) => stream,
            Err(failure) => return self.refuse(address, failure),
        };
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first).map(|der| PeerCertificate::read(der));
        let certificate = match certificate {
            Some(Ok(certificate)) => certificate,
            Some(Err(_)) => return self.refuse(address, HandshakeFailure::BadCertificate),
            None => return self.refuse(address, HandshakeFailure::NoCertificate),
        };
        let speaks_http2 = session.alpn_protocol() == Some(b"h2");
        let builder = if speaks_http2 { &self.http2 } else { &self.http1 };
        self.answer(builder, stream, Arc::new(Peer::new(address, certificate)), stop).await;
    }

    /// One line for the operator, and a count.
    pub(super) fn refuse(&self, address: SocketAddr, failure: HandshakeFailure) {
        let reason = failure.as_str();
        self.metrics.count_handshake_failure(reason);
        if failure == HandshakeFailure::Closed {
            // Port scans and balancers' probes connect and leave; nothing was refused.
            tracing::debug!(peer = %address, reason, "{failure}");
        } else {
            tracing::warn!(peer = %address, reason, "connection refused: {failure}");
        }
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, HandshakeFailure> {
        stream.set_nodelay(true).map_err(|_| HandshakeFailure::Closed)?;
        let handshake = TlsAcceptor::from(self.tls.config()).accept(stream);
        match tokio::time::timeout(self.limits.handshake, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(HandshakeFailure::of(&error)),
            Err(_) => Err(HandshakeFailure::Slow),
        }
    }

    async fn answer(
        &self,
        builder: &auto::Builder<TokioExecutor>,
        stream: TlsStream<TcpStream>,
        peer: Arc<Peer>,
        stop: CancellationToken,
    ) {
        let used = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let used = used.clone();
            move |request| {
                used.store(true, Ordering::Relaxed);
                self.route(request, peer.clone())
            }
        });
        let mut connection = std::pin::pin!(builder.serve_connection(Gathering::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => return log_end(ended),
            () = stop.cancelled() => {}
            () = tokio::time::sleep(age_max()) => {}
            () = unused(&used) => {}
        }
        connection.as_mut().graceful_shutdown();
        match tokio::time::timeout(self.limits.grace, connection).await {
            Ok(ended) => log_end(ended),
            Err(_) => tracing::info!("a connection was cut: its calls did not end in time (`limits.grace`)"),
        }
    }

    /// gRPC and gRPC-Web go to the services, everything else to the pages.
    fn route(
        &self,
        mut request: Request<Incoming>,
        peer: Arc<Peer>,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send + use<> {
        let content = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_grpc = content.starts_with(b"application/grpc");
        // What is neither, gRPC over HTTP/1.1 for one, gRPC-Web refuses.
        let is_web = content.starts_with(b"application/grpc-web") || request.version() != Version::HTTP_2;
        request.extensions_mut().insert(peer);
        match (is_grpc, is_web) {
            (false, _) => Either::Left(self.pages.clone().call(request)),
            (true, true) => Either::Left(self.grpc.web.clone().call(request)),
            (true, false) => Either::Right(self.grpc.services.clone().call(request)),
        }
    }
}

async fn unused(used: &AtomicBool) {
    tokio::time::sleep(FIRST_REQUEST).await;
    if used.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn age_max() -> Duration {
    let tenth = AGE_MAX / 10;
    let share = u32::from(Uuid::new_v4().as_bytes()[0]);
    AGE_MAX - tenth * share / 255
}

fn log_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
