//! The parameters of Engine.IO requests, and the refusals in the words of Node's server.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{Response, StatusCode, Uri};
use tungstenite::handshake::derive_accept_key;

use crate::net::server::event::Transport;
use crate::net::server::header;

/// The parameters of an Engine.IO request.
pub(super) struct Query<'a> {
    pub(super) protocol: Option<&'a str>,
    pub(super) transport: Option<Transport>,
    pub(super) sid: Option<&'a str>,
    /// True if the client takes bytes as base64 alone, which Engine.IO 3 asks for so.
    pub(super) wants_base64: bool,
}

impl<'a> Query<'a> {
    pub(super) fn of(uri: &'a Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let value = |name| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let transport = match value("transport") {
            Some("polling") => Some(Transport::Polling),
            Some("websocket") => Some(Transport::WebSocket),
            _ => None,
        };
        Self { protocol: value("EIO"), transport, sid: value("sid"), wants_base64: value("b64").is_some() }
    }
}

/// The reason why a request is refused, with Node's codes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    UnknownTransport,
    UnknownSession,
    /// Another server may have the session.
    ForeignSession,
    BadHandshakeMethod,
    BadRequest,
    /// Node's `allowRequest` gives refusals of its own this code.
    ForeignOrigin,
    UnsupportedProtocol,
    TooLarge,
    TooSlow,
    /// There are as many sessions as there may be.
    Full,
}

impl Refusal {
    pub(super) fn into_response(self) -> Response<Body> {
        let (status, json) = match self {
            Self::UnknownTransport => (StatusCode::BAD_REQUEST, r#"{"code":0,"message":"Transport unknown"}"#),
            Self::UnknownSession => (StatusCode::BAD_REQUEST, r#"{"code":1,"message":"Session ID unknown"}"#),
            Self::ForeignSession => (
                StatusCode::BAD_REQUEST,
                r#"{"code":1,"message":"Session ID unknown: it is from another server, or from before a restart. Behind a balancer, all requests of a session must reach the same server (sticky sessions)"}"#,
            ),
            Self::BadHandshakeMethod => (StatusCode::BAD_REQUEST, r#"{"code":2,"message":"Bad handshake method"}"#),
            Self::BadRequest => (StatusCode::BAD_REQUEST, r#"{"code":3,"message":"Bad request"}"#),
            Self::ForeignOrigin => (StatusCode::FORBIDDEN, r#"{"code":4,"message":"Origin not allowed"}"#),
            Self::UnsupportedProtocol => {
                (StatusCode::BAD_REQUEST, r#"{"code":5,"message":"Unsupported protocol version"}"#)
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, ""),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, ""),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, r#"{"code":4,"message":"Too many sessions"}"#),
        };
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = status;
        if !json.is_empty() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if matches!(self, Self::Full) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }
}

/// Checks a WebSocket's opening handshake, [RFC 6455 section
/// 4.2.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1).
pub(super) fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name: HeaderName, token: &str| {
        header::elements(headers, name).any(|element| element.eq_ignore_ascii_case(token))
    };
    let complete = has(CONNECTION, "upgrade") && has(UPGRADE, "websocket") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| complete)?;
    derive_accept_key(key.as_bytes()).try_into().ok()
}

/// An answer of text.
pub(super) fn text(body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().extend([
        (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]);
    response
}
