//! The proxy's own answers, and those of dev servers that it understands.

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};

use crate::net::proxy::target::Target;
use crate::net::proxy::trust::Distrust;

/// The octets of a refusal that are looked at.
const REFUSAL: usize = 4096;

/// A sentence.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    own(status, "text/plain; charset=utf-8", text.to_owned())
}

fn own(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// The refusal of a request after which nothing more is read from the connection.
pub(super) fn last(version: Version, text: &str) -> Response<Body> {
    let mut response = plain(StatusCode::BAD_REQUEST, text);
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The page that names the server and the reason, and loads itself again until the server is there.
pub(super) fn unreachable(target: &Target, reason: &str, is_page: bool) -> Response<Body> {
    bad_gateway("Waiting for the server", &format!("{target} does not answer: {reason}"), is_page)
}

/// The same for a server whose TLS is refused, with the code of the reason and its remedy.
pub(super) fn distrusted(target: &Target, distrust: &Distrust, is_page: bool) -> Response<Body> {
    let Distrust { code, reason, fix } = distrust;
    let text = format!("The proxy does not speak to {target}: {reason} ({code}). To fix it: {fix}");
    bad_gateway("The server is not trusted", &text, is_page)
}

fn bad_gateway(title: &str, text: &str, is_page: bool) -> Response<Body> {
    if !is_page {
        return plain(StatusCode::BAD_GATEWAY, &format!("{text}\n"));
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta http-equiv=\"refresh\" content=\"1\">\n\
         <title>{title}</title>\n<h1>{title}</h1>\n<p>{text}.\n\
         <p>This page loads itself again every second.\n</html>\n"
    );
    own(StatusCode::BAD_GATEWAY, "text/html; charset=utf-8", page)
}

/// Looks into a refusal that passes. Calls `found` for the one of Vite or webpack-dev-server about an unknown host.
pub(super) fn look_for_blocked_host(status: StatusCode, body: Incoming, found: impl FnOnce() + Send + 'static) -> Body {
    if status != StatusCode::FORBIDDEN || body.is_end_stream() {
        return Body::new(body);
    }
    // Vite's has no length. What is looked for stands at its beginning.
    let mut found = Some(found);
    Body::new(body.map_frame(move |frame| {
        if let Some(found) = found.take()
            && frame.data_ref().is_some_and(blocks_host)
        {
            found();
        }
        frame
    }))
}

fn blocks_host(data: &Bytes) -> bool {
    let has = |text: &[u8]| data.windows(text.len()).take(REFUSAL).any(|part| part == text);
    has(b"Blocked request") || has(b"Invalid Host header")
}
