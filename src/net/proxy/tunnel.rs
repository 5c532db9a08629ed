//! A WebSocket through the proxy: octets in both directions, untouched, until either side ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::sync::Notify;
use tokio::time::sleep;

/// The time for the last octets in one direction when the other has ended. Nobody uses half a WebSocket.
const LINGER: Duration = Duration::from_secs(5);

/// Passes octets on until both sides have ended. A side that stays after the other has gone is closed.
pub(super) async fn run(client: Upgraded, server: Upgraded) {
    let ended = Arc::new(Notify::new());
    let [mut client, mut server] = [client, server].map(|io| Half { io: TokioIo::new(io), ended: Arc::clone(&ended) });
    let lingering = async {
        ended.notified().await;
        sleep(LINGER).await;
    };
    tokio::select! {
        // How a tunnel ends, both of its ends see.
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = lingering => {}
    }
}

/// One side, which tells when it has ended.
struct Half {
    io: TokioIo<Upgraded>,
    ended: Arc<Notify>,
}

impl AsyncRead for Half {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before {
            self.ended.notify_one();
        }
        read
    }
}

impl AsyncWrite for Half {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
