//! Interim answers (1xx) of an application to an HTTP/1.1 client, which hyper's server does not send: `103 Early Hints`.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;

use axum::http::{HeaderMap, StatusCode};
use futures_util::task::AtomicWaker;

/// The way to send interim answers on a connection, as long as the request has no final one. It is among the request's
/// extensions where the client understands them.
#[derive(Debug, Clone, Default)]
pub struct Interim(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    has_some: AtomicBool,
    octets: Mutex<Vec<u8>>,
    waker: AtomicWaker,
}

/// The most octets that wait: a client that reads nothing gets no more hints.
const WAITING: usize = 16 * 1024;

impl Interim {
    /// Sends one. Statuses that are not interim, and `101`, which is not for everyone to send, are passed over.
    pub fn send(&self, status: StatusCode, headers: &HeaderMap) {
        if !status.is_informational() || matches!(status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::CONTINUE) {
            return;
        }
        let mut head = String::new();
        // Writing to a text does not fail.
        let _ = write!(head, "HTTP/1.1 {status}\r\n");
        let mut head = head.into_bytes();
        for (name, value) in headers {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        head.extend(b"\r\n");
        let mut octets = self.0.octets.lock().unwrap_or_else(PoisonError::into_inner);
        if octets.len() + head.len() <= WAITING {
            octets.extend(head);
            self.0.has_some.store(true, Ordering::Release);
            drop(octets);
            self.0.waker.wake();
        }
    }

    /// Octets to send. The task is woken when there are more.
    pub(super) fn take(&self, cx: &Context<'_>) -> Option<Vec<u8>> {
        self.0.waker.register(cx.waker());
        if !self.0.has_some.swap(false, Ordering::AcqRel) {
            return None;
        }
        Some(std::mem::take(&mut *self.0.octets.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
