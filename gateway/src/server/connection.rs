//! One connection, from accept to close, bounded at every step by `[limits]` of `heyan.toml`.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use futures::future::Either;
use http::{HeaderValue, Request, Response, Version, header};
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
use super::pace::{self, Exchange, Overstay, Traffic};
use super::routes::Grpc;
use super::share::{Shares, site};
use super::tls::{HandshakeFailure, Tls};
use crate::clock;
use crate::config::Limits;
use crate::identity::PeerCertificate;
use crate::telemetry::Metrics;

/// What every connection is served with. All accept loops share one.
pub(super) struct Connections {
    tls: Tls,
    limits: Limits,
    metrics: Arc<Metrics>,
    http1: auto::Builder<TokioExecutor>,
    http2: auto::Builder<TokioExecutor>,
    grpc: Grpc,
    pages: Router,
    /// Connections of each caller, by what its certificate names.
    callers: Shares<Arc<str>>,
    /// Connections of each address whose handshake is not finished.
    addresses: Shares<IpAddr>,
    /// The second, since `started`, in which a line about a crowd was last written.
    told: AtomicU64,
    started: Instant,
}

impl Connections {
    pub(super) fn new(tls: Tls, limits: Limits, metrics: Arc<Metrics>, grpc: Grpc, pages: Router) -> Self {
        let header_max = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
        // ALPN says which of the two a peer speaks, so neither waits for a first byte to find out.
        let mut http1 = auto::Builder::new(TokioExecutor::new()).http1_only();
        http1.http1().timer(TokioTimer::new()).header_read_timeout(limits.headers).max_buf_size(header_max);
        let mut http2 = auto::Builder::new(TokioExecutor::new()).http2_only();
        // The limit on resets that errors of the peer cause stays at hyper's default; it must never be off.
        http2
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(usize::try_from(limits.streams).unwrap_or(usize::MAX))
            .max_header_list_size(limits.header_bytes)
            .keep_alive_interval(limits.keep_alive)
            .keep_alive_timeout(limits.keep_alive_reply);
        let callers = Shares::of(limits.connections_per_caller);
        let addresses = Shares::of(limits.handshakes_per_address);
        let (told, started) = (AtomicU64::new(0), clock::stopwatch());
        Self { tls, limits, metrics, http1, http2, grpc, pages, callers, addresses, told, started }
    }

    /// Serves one connection until it ends, has stayed too long, or `stop` is called and its calls have been answered.
    pub(super) async fn serve(&self, stream: TcpStream, address: SocketAddr, stop: CancellationToken) {
        let _open = self.metrics.connection();
        let (stream, certificate) = match self.let_in(stream, address).await {
            Ok(entered) => entered,
            Err(failure) => return self.refuse(address, failure),
        };
        let Some(_share) = self.callers.take(&caller_of(&certificate)) else {
            return self.refuse(address, HandshakeFailure::TooManyOfCaller);
        };
        let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let builder = if speaks_http2 { &self.http2 } else { &self.http1 };
        self.answer(builder, stream, Arc::new(Peer::new(address, certificate)), stop).await;
    }

    /// One line for the operator, and a count.
    pub(super) fn refuse(&self, address: SocketAddr, failure: HandshakeFailure) {
        let reason = failure.as_str();
        self.metrics.count_handshake_failure(reason);
        // Port scans and balancers' probes connect and leave; nothing was refused. A crowd is told of once a second.
        if failure == HandshakeFailure::Closed || (failure.is_a_crowd() && !self.may_tell()) {
            tracing::debug!(peer = %address, reason, "{failure}");
        } else {
            tracing::warn!(peer = %address, reason, "connection refused: {failure}");
        }
    }

    fn may_tell(&self) -> bool {
        let second = self.started.elapsed().as_secs() + 1;
        self.told.swap(second, Ordering::Relaxed) != second
    }

    /// The handshake, and the certificate that was shown in it.
    async fn let_in(
        &self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Result<(TlsStream<TcpStream>, PeerCertificate), HandshakeFailure> {
        let _share = self.addresses.take(&site(address.ip())).ok_or(HandshakeFailure::TooManyOfAddress)?;
        let stream = self.shake_hands(stream).await?;
        let (_, session) = stream.get_ref();
        let der = session.peer_certificates().and_then(<[_]>::first).ok_or(HandshakeFailure::NoCertificate)?;
        let certificate = PeerCertificate::read(der).map_err(|_| HandshakeFailure::BadCertificate)?;
        Ok((stream, certificate))
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
        let traffic = Traffic::new();
        let service = service_fn(|request| self.route(request, peer.clone(), traffic.begin()));
        let mut connection = std::pin::pin!(builder.serve_connection(Gathering::new(stream), service));
        let reason = tokio::select! {
            ended = connection.as_mut() => return log_end(ended),
            () = stop.cancelled() => "stopping",
            () = tokio::time::sleep(age_of(self.limits.age)) => "age",
            overstay = traffic.overstay(&self.limits) => overstay.as_str(),
        };
        self.metrics.count_connection_ended(reason);
        if reason == Overstay::ReplyNotTaken.as_str() {
            // Whoever takes no reply takes no goodbye either.
            return tracing::info!(reason, "a connection was cut (`limits.reply`)");
        }
        connection.as_mut().graceful_shutdown();
        match tokio::time::timeout(self.limits.grace, connection).await {
            Ok(ended) => log_end(ended),
            Err(_) => tracing::info!(reason, "a connection was cut: its calls did not end in time (`limits.grace`)"),
        }
    }

    /// gRPC and gRPC-Web go to the services, everything else to the pages.
    fn route(
        &self,
        mut request: Request<Incoming>,
        peer: Arc<Peer>,
        exchange: Exchange,
    ) -> impl Future<Output = Result<Response<pace::Reply>, Infallible>> + Send + use<> {
        let content = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_grpc = content.starts_with(b"application/grpc");
        // What is neither, gRPC over HTTP/1.1 for one, gRPC-Web refuses.
        let is_web = content.starts_with(b"application/grpc-web") || request.version() != Version::HTTP_2;
        request.extensions_mut().insert(peer);
        let request = request.map(|body| exchange.request(body, self.limits.body));
        let response = match (is_grpc, is_web) {
            (false, _) => Either::Left(self.pages.clone().call(request)),
            (true, true) => Either::Left(self.grpc.web.clone().call(request)),
            (true, false) => Either::Right(self.grpc.services.clone().call(request)),
        };
        async move {
            let Ok(response) = response.await;
            Ok(response.map(|body| exchange.reply(body)))
        }
    }
}

/// For whom a connection counts: whoever its certificate names, or the certificate itself where it names nobody.
fn caller_of(certificate: &PeerCertificate) -> Arc<str> {
    match certificate.uris() {
        [uri] => uri.clone(),
        _ => certificate.fingerprint().to_string().into(),
    }
}

/// The age at which a connection is closed: up to a tenth less than the limit, so that connections opened together are not
/// closed together. It also has certificates checked anew.
fn age_of(max: Duration) -> Duration {
    let share = u32::from(Uuid::new_v4().as_bytes()[0]);
    max - max / 10 * share / 255
}

fn log_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
