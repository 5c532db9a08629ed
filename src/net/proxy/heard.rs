//! A connection to a server that is read to its end, whatever becomes of what is written to it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that discards what is written to it once the server has stopped reading.
///
/// A server that refuses an upload answers and closes. The octets of the upload that it has not read reset the connection,
/// which would be the end of a request whose answer has come already.
#[derive(Debug)]
pub(super) struct Heard<T> {
    io: T,
    is_unread: bool,
}

impl<T> Heard<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, is_unread: false }
    }

    /// Takes the end of the server's reading for a success, by which `length` octets are written.
    fn written(&mut self, length: usize, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Err(error)) if is_end(&error) => {
                self.is_unread = true;
                Poll::Ready(Ok(length))
            }
            result => result,
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl<T: AsyncRead + Unpin> AsyncRead for Heard<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Heard<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_unread {
            return Poll::Ready(Ok(octets.len()));
        }
        let result = Pin::new(&mut self.io).poll_write(cx, octets);
        self.written(octets.len(), result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        if self.is_unread {
            return Poll::Ready(Ok(length));
        }
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.written(length, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_unread { Poll::Ready(Ok(())) } else { Pin::new(&mut self.io).poll_flush(cx) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_unread { Poll::Ready(Ok(())) } else { Pin::new(&mut self.io).poll_shutdown(cx) }
    }
}
