//! A plain HTTP port beside a server: it answers HTTP-01 (RFC 8555 section 8.3), and sends everybody else to https.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use axum::http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// The folder of challenges.
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// The most connections at a time; the others wait.
const CONNECTIONS: usize = 256;

/// Time for a request's head.
const HEAD: Duration = Duration::from_secs(10);

/// Time for a connection: nobody needs a plain one for long.
const CONNECTION: Duration = Duration::from_mins(1);

/// The key authorizations that are served, by token.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<HashMap<String, String>>);

impl Tokens {
    pub(super) fn insert(&self, token: &str, authorization: &str) {
        self.map().insert(token.to_owned(), authorization.to_owned());
    }

    pub(super) fn remove(&self, token: &str) {
        self.map().remove(token);
    }

    fn find(&self, token: &str) -> Option<String> {
        self.map().get(token).cloned()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The port.
#[derive(Debug, Clone)]
pub struct HttpPort {
    tokens: Arc<Tokens>,
    /// The port of https.
    https: u16,
}

impl HttpPort {
    /// A port that answers challenges with these tokens, and sends everybody else to https at that port.
    #[must_use]
    pub fn new(tokens: Arc<Tokens>, https: u16) -> Self {
        Self { tokens, https }
    }

    /// Serves for as long as the future is polled.
    pub async fn serve(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // Never closed.
            let place = Arc::clone(&places).acquire_owned().await;
            let Ok((tcp, _)) = listener.accept().await else {
                // Out of descriptors: others give theirs back.
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let port = self.clone();
            tokio::spawn(async move {
                let _place = place;
                let service = service_fn(|request| {
                    let answer = port.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .serve_connection(TokioIo::new(tcp), service);
                // How it ends is the client's affair.
                timeout(CONNECTION, connection).await.ok();
            });
        }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let token = path.strip_prefix(CHALLENGES).filter(|_| reads);
        if let Some(authorization) = token.and_then(|token| self.tokens.find(token)) {
            return text(StatusCode::OK, authorization);
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).and_then(bare);
        let (Some(host), true) = (host, reads) else {
            return text(StatusCode::FORBIDDEN, "This server speaks https.\n".to_owned());
        };
        let port = if self.https == 443 { String::new() } else { format!(":{}", self.https) };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let location = HeaderValue::try_from(format!("https://{host}{port}{path}"));
        let mut response = text(StatusCode::PERMANENT_REDIRECT, String::new());
        if let Ok(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

/// The host of a Host field without its port; nothing if it could be something else in a URL.
fn bare(host: &str) -> Option<&str> {
    let end = host.rfind(':').filter(|colon| !host.get(*colon..).is_some_and(|rest| rest.contains(']')));
    let bare = host.get(..end.unwrap_or(host.len()))?;
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"-._:[]".contains(&octet);
    (!bare.is_empty() && bare.bytes().all(fits)).then_some(bare)
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The redirect's host is the one asked for, and never something that a browser reads otherwise.
    #[test]
    fn hosts_that_are_none_are_not_redirected_to() {
        for (host, expected) in [
            ("app.test", Some("app.test")),
            ("app.test:80", Some("app.test")),
            ("[::1]:80", Some("[::1]")),
            ("a@b", None),
            ("a/b", None),
            (":80", None),
            ("", None),
        ] {
            assert_eq!(bare(host), expected, "{host}");
        }
    }
}
