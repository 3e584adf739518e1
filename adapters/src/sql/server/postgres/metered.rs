use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A stream that ends once more was received than anybody should send: the protocol's client would take a message of any length.
#[derive(Debug)]
pub(super) struct Metered {
    stream: TcpStream,
    received: Arc<AtomicUsize>,
    max: usize,
}

impl Metered {
    /// `received` is set to zero by whoever asks anew.
    pub(super) fn new(stream: TcpStream, received: Arc<AtomicUsize>, max: usize) -> Self {
        Self { stream, received, max }
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buf))?;
        let count = buf.filled().len() - before;
        if self.received.fetch_add(count, Ordering::Relaxed) + count > self.max {
            return Poll::Ready(Err(io::Error::other("more was sent than is read")));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
