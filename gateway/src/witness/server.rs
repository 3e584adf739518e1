//! The witness over plain HTTP: what it gives out is signed, and what it is given is public.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use http::{HeaderValue, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{Verdict, Witness};

/// Connections at once. More wait in the machine's own queue.
const CONNECTIONS: usize = 128;
/// For the headers of a request, the pause before it included: logs keep their connection.
const HEADERS: Duration = Duration::from_secs(60);
/// For the body of a request.
const BODY: Duration = Duration::from_secs(10);
/// For a connection as a whole.
const CONNECTION: Duration = Duration::from_secs(600);
/// For requests in work when it is to end.
const GRACE: Duration = Duration::from_secs(5);
/// The largest body: a checkpoint with many signatures and a proof of 63 hashes.
const BYTES_MAX: usize = 256 * 1_024;
/// After a failed accept, for want of descriptors perhaps.
const PAUSE: Duration = Duration::from_millis(100);
/// How C2SP tlog-witness tells the size of the tree that was cosigned last.
const SIZE: HeaderValue = HeaderValue::from_static("text/x.tlog.size");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A witness that listens.
#[derive(Debug)]
pub struct WitnessServer {
    listener: TcpListener,
    address: SocketAddr,
    witness: Arc<Witness>,
}

impl WitnessServer {
    /// Listens.
    ///
    /// # Errors
    /// What the system says of the address.
    pub async fn bind(address: SocketAddr, witness: Arc<Witness>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, witness })
    }

    /// The address that it listens on; a port 0 has become a real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is done, then finishes what is in work.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, witness, .. } = self;
        let router = Router::new().route("/add-checkpoint", post(add_checkpoint)).with_state(witness);
        let (places, graceful) = (Arc::new(Semaphore::new(CONNECTIONS)), GracefulShutdown::new());
        let accepting = async {
            loop {
                let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the places");
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let answering = answer(stream, router.clone(), graceful.watcher());
                        tokio::spawn(async move {
                            answering.await;
                            drop(place);
                        });
                    }
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = shutdown => {}
        }
        drop(listener);
        if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests were not finished");
        }
    }
}

async fn answer(stream: TcpStream, router: Router, watcher: Watcher) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A peer that goes away or is too slow is no failure of ours.
    drop(tokio::time::timeout(CONNECTION, watcher.watch(connection)).await);
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Body) -> Response {
    let bytes = match tokio::time::timeout(BODY, to_bytes(body, BYTES_MAX)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return said(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or broke off\n"),
        Err(_) => return said(StatusCode::REQUEST_TIMEOUT, "the body was too slow\n"),
    };
    let Ok(body) = String::from_utf8(bytes.into()) else {
        return said(StatusCode::BAD_REQUEST, "the body is not UTF-8\n");
    };
    // It waits for a disk.
    let verdict = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match verdict {
        Ok(Ok(verdict)) => told(verdict),
        Ok(Err(error)) => {
            tracing::error!(%error, "nothing is cosigned");
            said(StatusCode::INTERNAL_SERVER_ERROR, "what was seen cannot be made durable\n")
        }
        Err(_) => said(StatusCode::INTERNAL_SERVER_ERROR, "the witness failed\n"),
    }
}

fn told(verdict: Verdict) -> Response {
    match verdict {
        Verdict::Cosigned(line) => said(StatusCode::OK, line),
        Verdict::Malformed(error) => said(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Verdict::UnknownLog => said(StatusCode::NOT_FOUND, "this log is not watched\n"),
        Verdict::Unsigned => said(StatusCode::FORBIDDEN, "the log did not sign it\n"),
        Verdict::Unproved => said(StatusCode::UNPROCESSABLE_ENTITY, "the consistency proof does not hold\n"),
        Verdict::Conflict { size } => {
            let mut response = said(StatusCode::CONFLICT, format!("{size}\n"));
            response.headers_mut().insert(header::CONTENT_TYPE, SIZE);
            response
        }
    }
}

fn said(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, TEXT);
    response
}
