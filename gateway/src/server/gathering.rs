//! How the bytes of a connection are written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// A stream that takes one buffer at a time.
///
/// Where a stream takes several, HTTP/2 hands a message of more than 256 bytes over at once, apart from what comes after it:
/// each answer would be two TLS records and two system calls. So it gathers answers of up to a kilobyte in its own buffer,
/// with their headers and trailers and with other answers of the connection, and writes them together.
pub(super) struct Gathering<T>(TokioIo<T>);

impl<T> Gathering<T> {
    pub(super) fn new(stream: T) -> Self {
        Self(TokioIo::new(stream))
    }
}

impl<T: AsyncRead + Unpin> Read for Gathering<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl<T: AsyncWrite + Unpin> Write for Gathering<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }
}
