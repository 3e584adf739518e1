//! A service for tests that says whatever bytes it is told to, as no HTTP library would.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The service; it ends with this value.
pub(crate) struct Canned {
    /// Without a path.
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    running: JoinHandle<()>,
}

impl Canned {
    /// Says to each message what `reply` gives for its text. After a reply that has `connection: close` it closes the connection; an
    /// empty reply is none, ever.
    pub(crate) async fn new(reply: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start("http", None, reply).await
    }

    pub(crate) async fn with_tls(tls: TlsAcceptor, reply: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start("https", Some(tls), reply).await
    }

    async fn start(
        scheme: &str,
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let (hears, reply) = (Arc::clone(&heard), Arc::new(reply));
        let running = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (hears, reply, tls) = (Arc::clone(&hears), Arc::clone(&reply), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, &hears, &*reply).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &hears, &*reply).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { url, heard, running }
    }

    /// The messages that it was sent since it was last asked.
    pub(crate) fn heard(&self) -> Vec<String> {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        heard.iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect()
    }

    /// The body of the last message.
    pub(crate) fn body(&self) -> Vec<u8> {
        let message = self.heard.lock().unwrap().pop().unwrap();
        message[head_end(&message).unwrap()..].to_vec()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// A whole reply.
pub(crate) fn reply(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    hears: &Mutex<Vec<Vec<u8>>>,
    reply: &impl Fn(&str) -> Vec<u8>,
) -> Option<()> {
    loop {
        let mut message = Vec::new();
        while !is_whole(&message) {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
            message.extend_from_slice(&part[..count]);
        }
        let replied = reply(&String::from_utf8_lossy(&message));
        hears.lock().unwrap().push(message);
        if replied.is_empty() {
            std::future::pending::<()>().await;
        }
        stream.write_all(&replied).await.ok()?;
        if String::from_utf8_lossy(&replied).contains("connection: close") {
            return stream.shutdown().await.ok();
        }
    }
}

fn head_end(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

fn is_whole(message: &[u8]) -> bool {
    let Some(end) = head_end(message) else { return false };
    let head = String::from_utf8_lossy(&message[..end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    message.len() >= end + length.unwrap_or(0usize)
}
