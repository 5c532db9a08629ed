//! HTTPS to the CA: one connection for each request, to whose certificate the given roots lead.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::proxy::Trust;

/// Time for a request and its answer.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest answer that is read: a chain has some KiB.
const LONGEST: usize = 1 << 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes the requests.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) trust: Trust,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    fields: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn is_good(&self) -> bool {
        self.status.is_success()
    }

    pub(super) fn field(&self, name: &str) -> Option<String> {
        self.fields.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

impl Transport {
    /// Sends a request, with a signed body if there is one.
    ///
    /// # Errors
    ///
    /// The fault with its causes, in words.
    pub(super) async fn send(&self, method: Method, url: &str, body: Option<String>) -> Result<Answer, String> {
        match timeout(LIMIT, self.exchange(method, url, body)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(words(&*error)),
            Err(_elapsed) => Err(format!("no answer within {} s", LIMIT.as_secs())),
        }
    }

    async fn exchange(&self, method: Method, url: &str, body: Option<String>) -> Result<Answer, Failure> {
        let uri: Uri = url.parse()?;
        if uri.scheme_str() != Some("https") {
            return Err(format!("`{url}` is not https").into());
        }
        let authority = uri.authority().ok_or("the URL names no host")?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tcp = connect(&host, authority.port_u16().unwrap_or(443)).await?;
        tcp.set_nodelay(true).ok();
        let connected = self.trust.connect(&host, tcp).await;
        let stream = connected.map_err(|distrust| format!("{} ({})", distrust.reason, distrust.code))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let target = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let mut request = Request::builder()
            .method(method)
            .uri(Uri::from(target))
            .header(HOST, authority.as_str())
            .header(USER_AGENT, concat!("secure-io/", env!("CARGO_PKG_VERSION")));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/jose+json");
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
        let exchange = async {
            let response = sender.send_request(request).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
            Ok::<_, Failure>(Answer { status: parts.status, fields: parts.headers, body })
        };
        let mut exchange = std::pin::pin!(exchange);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            answer = &mut exchange => answer,
            _ = &mut connection => exchange.await,
        }
    }
}

/// Connects to a host. Not every resolver knows the names below `localhost` (RFC 6761 section 6.3).
async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    if host == "localhost" || host.ends_with(".localhost") {
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        return TcpStream::connect(&loopback.map(|address| SocketAddr::new(address, port))[..]).await;
    }
    TcpStream::connect((host, port)).await
}

/// An error with its causes.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words.extend([": ", cause_words.as_str()]);
        }
        source = cause.source();
    }
    words
}
