//! The public log: checkpoint and tiles at their C2SP paths, plain HTTP, read-only. It reads files that never change and nothing else, so
//! that whoever fetches the whole log costs the gateway's store nothing.
//!
//! `/checkpoint`, `/vkey` and `/tile/…` are those of the newest shard; before each of them may stand the name of a shard: `/2026q4/tile/0/000`.
//! `/witnessed` is the newest checkpoint that had its witnesses.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections at once. More wait in the machine's own queue.
const CONNECTIONS: usize = 256;
/// For the headers of a request.
const HEADERS: Duration = Duration::from_secs(10);
/// For a connection as a whole, however fast its peer takes what it asked for.
const CONNECTION: Duration = Duration::from_secs(60);
/// After a failed accept, for want of descriptors perhaps.
const PAUSE: Duration = Duration::from_millis(100);

/// The listener of the public log.
#[derive(Debug)]
pub struct PublicLog {
    listener: TcpListener,
    address: SocketAddr,
    folder: Arc<Path>,
}

impl PublicLog {
    /// Listens, for the files in `folder`.
    ///
    /// # Errors
    /// What the system says of the address.
    pub async fn bind(address: SocketAddr, folder: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, folder: folder.into() })
    }

    /// The address that it listens on; a port 0 has become a real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped.
    pub async fn serve(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the places");
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let folder = Arc::clone(&self.folder);
                    tokio::spawn(async move {
                        answer(stream, folder).await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

async fn answer(stream: TcpStream, folder: Arc<Path>) {
    let service = service_fn(move |request| respond(Arc::clone(&folder), request));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    // A peer that goes away or is too slow is no failure of ours.
    drop(tokio::time::timeout(CONNECTION, connection).await);
}

async fn respond(folder: Arc<Path>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let only_status = |status| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        response
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = only_status(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(response);
    }
    let Some((file, kind)) = file(request.uri().path()) else { return Ok(only_status(StatusCode::NOT_FOUND)) };
    let bytes = match tokio::fs::read(folder.join(file)).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(only_status(StatusCode::NOT_FOUND)),
        Err(error) => {
            tracing::warn!(%error, "a file of the public log cannot be read");
            return Ok(only_status(StatusCode::INTERNAL_SERVER_ERROR));
        }
    };
    let (content, cache) = match kind {
        Kind::Text => ("text/plain; charset=utf-8", "no-cache"),
        Kind::Tile => ("application/octet-stream", "public, max-age=31536000, immutable"),
    };
    let mut response = Response::new(Full::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Replaced as the log grows.
    Text,
    /// Never changed.
    Tile,
}

/// The file of a path, relative to the folder; `None` for what is no path of a log.
fn file(path: &str) -> Option<(PathBuf, Kind)> {
    let path = path.strip_prefix('/')?;
    let segments: Vec<&str> = path.split('/').collect();
    // Letters, digits and a dot within: nothing leads out of the folder, to a draft or to a hidden file.
    let fits = |segment: &&str| {
        let plain = segment.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.');
        plain && !segment.is_empty() && !segment.starts_with('.') && !segment.ends_with(".new")
    };
    if !segments.iter().all(fits) {
        return None;
    }
    let of_shard = match segments[..] {
        [shard, ref rest @ ..] if shard.starts_with(|c: char| c.is_ascii_digit()) => rest,
        ref rest => rest,
    };
    let kind = match of_shard {
        ["checkpoint" | "vkey" | "witnessed"] => Kind::Text,
        ["tile", level, .., last] if last.starts_with(|c: char| c.is_ascii_digit()) && !level.is_empty() => Kind::Tile,
        _ => return None,
    };
    Some((PathBuf::from(path), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_log_consists_of_is_a_path() {
        for (path, kind) in [
            ("/checkpoint", Kind::Text),
            ("/vkey", Kind::Text),
            ("/witnessed", Kind::Text),
            ("/2026q4/checkpoint", Kind::Text),
            ("/tile/0/000", Kind::Tile),
            ("/tile/entries/x001/234.p/56", Kind::Tile),
            ("/2026q4/tile/2/x001/000", Kind::Tile),
        ] {
            assert_eq!(file(path), Some((path[1..].into(), kind)), "{path}");
        }
        for path in [
            "",
            "/",
            "checkpoint",
            "/..",
            "/../keys/audit/log.key",
            "/tile/../checkpoint",
            "/tile/0/..",
            "/.checkpoint.new",
            "/checkpoint.new",
            "/2026q4/checkpoint.new",
            "/tile/0/000.new",
            "/tile",
            "/tile/0",
            "/tile/0/",
            "//checkpoint",
            "/tile/0/%2e%2e",
            "/2026q4/2026q3/checkpoint",
            "/receipt.json",
            "/tile/0/000/",
            "/Tile/0/000",
            "/checkpoint/",
        ] {
            assert_eq!(file(path), None, "{path}");
        }
    }
}
