//! One request of HTTP/1.1 over one connection.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};

use super::dial::{Dialer, Undialed};
use super::stream::Stream;
use crate::net::tls::alert_name;

/// The longest body that is read: more than the largest payload of a server that allows a megabyte.
const LONGEST: usize = 16 * 1024 * 1024;

/// The name under which requests are made.
const AGENT: &str = concat!("secure-io/", env!("CARGO_PKG_VERSION"));

/// A request; Host and User-Agent are added unless the fields have them.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) fields: HeaderMap,
    pub(crate) body: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The body's end did not come.
    pub(crate) is_cut: bool,
}

/// The outcome of a request.
pub(crate) enum Answered {
    Answer(Answer),
    /// 101: the connection speaks another protocol from here on; octets that came behind the head are kept.
    Switched(Answer, Box<Stream>, Bytes),
}

/// Reason why no answer came.
#[derive(Debug)]
pub(crate) enum Unanswered {
    Dial(Undialed),
    /// The connection broke, in the words of its error, after these first octets.
    Broken {
        error: String,
        alert: Option<rustls::AlertDescription>,
        first: Vec<u8>,
    },
    /// The answer took too long.
    Timeout,
}

impl Request {
    /// A request without a body.
    pub(crate) fn get(target: impl Into<String>, fields: HeaderMap) -> Self {
        Self { method: Method::GET, target: target.into(), fields, body: String::new() }
    }

    /// The first line, for people.
    pub(crate) fn line(&self) -> String {
        format!("{} {} HTTP/1.1", self.method, self.target)
    }

    /// Sends the request over a new connection.
    pub(crate) async fn send(self, dialer: &Dialer) -> Result<Answered, Unanswered> {
        self.send_within(dialer, dialer.limit).await
    }

    /// Sends the request over a new connection, and waits so long for the answer.
    pub(crate) async fn send_within(self, dialer: &Dialer, limit: Duration) -> Result<Answered, Unanswered> {
        let (stream, first) = dialer.dial().await.map_err(Unanswered::Dial)?;
        self.over(stream, &dialer.authority, limit, || first.octets()).await
    }

    /// Sends the request over a connection; `first` gives the first octets that came, for answers other than HTTP.
    pub(crate) async fn over(
        self,
        stream: Stream,
        authority: &str,
        limit: Duration,
        first: impl Fn() -> Vec<u8>,
    ) -> Result<Answered, Unanswered> {
        match timeout_at(Instant::now() + limit, self.exchange(stream, authority)).await {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(error)) => Err(Unanswered::Broken { alert: alert(&error), error: words(&error), first: first() }),
            Err(_) => Err(Unanswered::Timeout),
        }
    }

    async fn exchange(self, stream: Stream, authority: &str) -> Result<Answered, hyper::Error> {
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .title_case_headers(true)
            .max_buf_size(256 * 1024)
            .handshake(TokioIo::new(stream))
            .await?;
        tokio::spawn(connection.with_upgrades());
        let mut request = hyper::Request::new(Full::new(Bytes::from(self.body)));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.target.parse().unwrap_or_default();
        *request.headers_mut() = self.fields;
        let fields = request.headers_mut();
        if let (false, Ok(host)) = (fields.contains_key(HOST), HeaderValue::from_str(authority)) {
            fields.insert(HOST, host);
        }
        if !fields.contains_key(USER_AGENT) {
            fields.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        }
        let mut response = sender.send_request(request).await?;
        let (status, fields) = (response.status(), response.headers().clone());
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let answer = Answer { status, fields, body: Vec::new(), is_cut: false };
            let upgraded = hyper::upgrade::on(&mut response).await?;
            if let Ok(parts) = upgraded.downcast::<TokioIo<Stream>>() {
                return Ok(Answered::Switched(answer, Box::new(parts.io.into_inner()), parts.read_buf));
            }
            return Ok(Answered::Answer(answer));
        }
        let mut answer = Answer { status, fields, body: Vec::new(), is_cut: false };
        while let Some(frame) = response.frame().await {
            let Ok(frame) = frame else {
                answer.is_cut = true;
                break;
            };
            answer.body.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            if answer.body.len() > LONGEST {
                answer.is_cut = true;
                break;
            }
        }
        Ok(Answered::Answer(answer))
    }
}

impl Answer {
    /// The first value of a field, as text.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(|value| value.to_str().ok())
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.fields.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// The body as text; invalid UTF-8 is replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status with its reason, and how the body begins, for people.
    pub(crate) fn words(&self) -> String {
        let mut words = format!("HTTP {}", self.status);
        for name in ["location", "server", "via", "www-authenticate", "retry-after"] {
            if let Some(value) = self.field(name) {
                words.extend(["; ", name, ": ", value]);
            }
        }
        let text = self.text();
        let begin: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
        if !begin.is_empty() {
            words.extend(["; ", begin.as_str()]);
        }
        words
    }

    /// The cookies that are set, as a client sends them back.
    pub(crate) fn cookies(&self) -> Option<String> {
        let all = self.all("set-cookie");
        let pairs: Vec<_> = all.iter().filter_map(|cookie| cookie.split(';').next()).map(str::trim).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// Header fields from names and values; `None` if one of them is no field.
pub(crate) fn fields<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<HeaderMap> {
    let mut fields = HeaderMap::new();
    for (name, value) in pairs {
        fields.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?);
    }
    Some(fields)
}

/// The words for the end of a connection on which an answer was due.
const CLOSED: &str = "the connection is closed without an answer";

/// An error with its causes.
fn words(error: &hyper::Error) -> String {
    if let Some(alert) = alert(error) {
        return format!("alert {}", alert_name(alert.into()));
    }
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => return CLOSED.to_owned(),
        Some(io::ErrorKind::ConnectionReset) => return "the connection is reset".to_owned(),
        None if error.is_incomplete_message() || error.is_canceled() => return CLOSED.to_owned(),
        _ => {}
    }
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        words.extend([": ", cause.to_string().as_str()]);
        source = cause.source();
    }
    words
}

/// The alert of TLS that ended a connection.
fn alert(error: &hyper::Error) -> Option<rustls::AlertDescription> {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let io = cause.downcast_ref::<io::Error>();
        let inner = io.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = inner {
            return Some(*alert);
        }
        source = cause.source();
    }
    None
}
