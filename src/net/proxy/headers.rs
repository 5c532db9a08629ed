//! The header fields that a proxy removes, replaces and corrects.

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_LOCATION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, LINK,
    LOCATION, ORIGIN, REFRESH, SET_COOKIE, TE, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{Method, Request, StatusCode, Version};

use crate::net::proxy::target::Target;
use crate::net::server::{Requester, is_authority, is_forwarding};

/// Counts how often a request has come through.
pub(super) const HOPS: HeaderName = HeaderName::from_static("x-secure-io-hops");

/// The elements of a list, over all its lines.
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The longest line of a head, below which servers take what they are sent.
const MAX_LINE: usize = 16 * 1024;

/// The status by which a request is refused that has a longer line in its head.
pub(super) fn too_long<B>(request: &Request<B>) -> Option<StatusCode> {
    if request.uri().path_and_query().is_some_and(|path| path.as_str().len() > MAX_LINE) {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let mut fields = request.headers().iter();
    let is_long = fields.any(|(name, value)| name.as_str().len() + value.len() > MAX_LINE);
    is_long.then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

/// Returns true if a request asks for a WebSocket. No other protocol is passed: `h2c` would be a tunnel past the proxy.
pub(super) fn is_websocket<B>(request: &Request<B>) -> bool {
    let has = |name, wanted: &str| elements(request.headers(), name).any(|one| one.eq_ignore_ascii_case(wanted));
    request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && has(CONNECTION, "upgrade")
        && has(UPGRADE, "websocket")
        && elements(request.headers(), UPGRADE).count() == 1
}

/// Returns true if an answer that changes the protocol changes it to WebSocket.
pub(super) fn agrees_to_websocket(headers: &HeaderMap) -> bool {
    elements(headers, UPGRADE).any(|one| one.eq_ignore_ascii_case("websocket"))
}

/// Returns true if a client waits for word from the server before it sends the body,
/// [RFC 9110 section 10.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1).
pub(super) fn waits_for_continue<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11
        && elements(request.headers(), EXPECT).any(|one| one.eq_ignore_ascii_case("100-continue"))
}

/// The fields that are for one connection, named or not.
static HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes the fields that are for one connection alone,
/// [RFC 9110 section 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1).
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Heads have one or two of them: a pass over the names costs less than to look for each.
    let mut removed: Vec<HeaderName> = headers.keys().filter(|name| HOP_BY_HOP.contains(name)).cloned().collect();
    if removed.contains(&CONNECTION) {
        // A client could otherwise have these removed behind the proxy's back.
        let is_kept = |name: &HeaderName| {
            ["content-length", "host", "cookie", "set-cookie", "authorization", "origin"].contains(&name.as_str())
                || is_forwarding(name)
        };
        let named = elements(headers, CONNECTION).filter_map(|name| name.parse().ok());
        removed.extend(named.filter(|name| !is_kept(name)));
    }
    for name in &removed {
        headers.remove(name);
    }
}

/// Removes the fields by which a client would describe itself as a proxy does.
pub(super) fn remove_forwarding(headers: &mut HeaderMap) {
    let claimed: Vec<HeaderName> = headers.keys().filter(|name| is_forwarding(name)).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
}

/// The host of a request, as sent to the server.
///
/// The authority of the target wins over Host, [RFC 9112 section 3.2.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2).
/// Empty for a client of HTTP/1.0 that names none, as balancers' probes do. Returns `None` for no host, two hosts, or a
/// malformed one.
pub(super) fn host<B>(request: &Request<B>) -> Option<HeaderValue> {
    let mut lines = request.headers().get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return None;
    }
    let host = match request.uri().authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok()?,
        None if line.is_none() && request.version() < Version::HTTP_11 => return Some(HeaderValue::from_static("")),
        None => line?.clone(),
    };
    is_authority(host.to_str().ok()?).then_some(host)
}

/// Returns true if the end of the body could be read in two ways, which smuggles requests past a proxy,
/// [RFC 9112 section 6.1](https://www.rfc-editor.org/rfc/rfc9112#section-6.1): two lengths, or a coding beside `chunked`.
pub(super) fn is_ambiguous(headers: &HeaderMap) -> bool {
    let has_codings = headers.contains_key(TRANSFER_ENCODING);
    let mut codings = elements(headers, TRANSFER_ENCODING);
    let is_chunked = codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    has_codings && (headers.contains_key(CONTENT_LENGTH) || !is_chunked || codings.next().is_some())
}

/// Returns true if an answer's body is in a transfer coding that this proxy cannot take off: passed on as `chunked` alone, it
/// would be another body.
pub(super) fn is_coded(headers: &HeaderMap) -> bool {
    let is_known = |coding: &str| ["chunked", "identity", ""].iter().any(|one| coding.eq_ignore_ascii_case(one));
    elements(headers, TRANSFER_ENCODING).any(|coding| !is_known(coding))
}

/// Rewrites a request's fields for the server.
pub(super) fn to_server(
    headers: &mut HeaderMap,
    host: &HeaderValue,
    from: &Requester,
    target: &Target,
    upstream_host: Option<&str>,
) {
    let takes_trailers = elements(headers, TE).any(|coding| coding.eq_ignore_ascii_case("trailers"));
    remove_hop_by_hop(headers);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    // HTTP/2 splits the field (RFC 9113 section 8.2.3), which HTTP/1.1 knows as one line.
    let cookies: Vec<&[u8]> = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
    headers.insert(HeaderName::from_static("x-forwarded-for"), from.field.clone());
    let named = match upstream_host {
        Some(named) => HeaderValue::from_str(named).ok(),
        None if host.is_empty() => HeaderValue::from_str(&target.authority()).ok(),
        None => Some(host.clone()),
    };
    if let Some(named) = named {
        headers.insert(HOST, named);
    }
    if !host.is_empty() {
        headers.insert(HeaderName::from_static("x-forwarded-host"), host.clone());
    }
    let scheme = HeaderValue::from_static(if from.is_secure { "https" } else { "http" });
    headers.insert(HeaderName::from_static("x-forwarded-proto"), scheme);
    if let Some(upstream_host) = upstream_host
        && headers
            .get(ORIGIN)
            .is_some_and(|origin| origin.as_bytes().strip_prefix(b"https://") == Some(host.as_bytes()))
        && let Ok(origin) = HeaderValue::from_str(&format!("{}://{upstream_host}", target.scheme()))
    {
        headers.insert(ORIGIN, origin);
    }
}

/// Corrects an answer's fields for the client: its URLs lead to the proxy, its cookies are Secure.
pub(super) fn to_client(headers: &mut HeaderMap, host: &str, target: &Target, upstream_host: Option<&str>) {
    // The body was read by its chunks (RFC 9112 section 6.3): a length beside them would be another end of it.
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    // `2, 2` is one length (RFC 9110 section 8.6), which clients take for none.
    if headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes().contains(&b',')) {
        let length = elements(headers, CONTENT_LENGTH).next().and_then(|length| length.parse::<HeaderValue>().ok());
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length);
        }
    }
    remove_hop_by_hop(headers);
    let corrected = |url: &str| -> Option<String> {
        let (scheme, rest) = match url.strip_prefix("//") {
            Some(rest) => (target.scheme(), rest),
            None => url.split_once("://")?,
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '"', '\'']).unwrap_or(rest.len()));
        let is_here = authority.eq_ignore_ascii_case(host)
            || upstream_host.is_some_and(|own| authority.eq_ignore_ascii_case(own));
        let is_servers = scheme.eq_ignore_ascii_case(target.scheme()) && target.is_at(authority);
        let is_ours = (scheme.eq_ignore_ascii_case("http") && is_here) || is_servers;
        (is_ours && !host.is_empty()).then(|| format!("https://{host}{path}"))
    };
    for name in [LOCATION, CONTENT_LOCATION, REFRESH] {
        let Some(text) = headers.get(&name).and_then(|value| value.to_str().ok()) else { continue };
        let start = if name == REFRESH { refreshed(text) } else { 0 };
        let Some((before, url)) = text.split_at_checked(start) else { continue };
        if let Some(url) = corrected(url)
            && let Ok(value) = HeaderValue::from_str(&format!("{before}{url}"))
        {
            headers.insert(name, value);
        }
    }
    // `</style.css>; rel=preload, <http://…>; rel=next`.
    for link in headers.iter_mut().filter(|(name, _)| **name == LINK).map(|(_, link)| link) {
        let Some(text) = link.to_str().ok() else { continue };
        let parts = text.split('<').map(|part| {
            match part.split_once('>').and_then(|(url, rest)| Some((corrected(url)?, rest))) {
                Some((url, rest)) => format!("{url}>{rest}"),
                None => part.to_owned(),
            }
        });
        if let Ok(value) = HeaderValue::from_str(&parts.collect::<Vec<_>>().join("<")) {
            *link = value;
        }
    }
    let secure = |cookie: &HeaderValue| {
        let mut attributes = cookie.as_bytes().split(|byte| *byte == b';').skip(1);
        if attributes.any(|attribute| attribute.trim_ascii().eq_ignore_ascii_case(b"secure")) {
            return cookie.clone();
        }
        HeaderValue::from_bytes(&[cookie.as_bytes(), b"; Secure"].concat()).unwrap_or_else(|_| cookie.clone())
    };
    for cookie in headers.iter_mut().filter(|(name, _)| **name == SET_COOKIE).map(|(_, cookie)| cookie) {
        *cookie = secure(cookie);
    }
}

/// The place at which the URL of a Refresh begins, as in `5; url='http://…'`.
fn refreshed(text: &str) -> usize {
    let rest = text.trim_start_matches(|digit: char| digit.is_ascii_digit() || ". ".contains(digit));
    let rest = rest.trim_start_matches([';', ',', ' ']);
    let rest = match rest.split_once('=') {
        Some((name, url)) if name.trim_end().eq_ignore_ascii_case("url") => url.trim_start(),
        _ => rest,
    };
    text.len() - rest.trim_start_matches(['"', '\'']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_cannot_take_the_host_or_the_length_away() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("close, X-Secret, Content-Length, Host, X-Forwarded-For"));
        for name in ["x-secret", "content-length", "host", "x-forwarded-for", "keep-alive"] {
            headers.insert(name, HeaderValue::from_static("1"));
        }
        remove_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "host", "x-forwarded-for"]);
    }

    #[test]
    fn answers_lead_to_the_proxy_and_cookies_are_secure() {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static("http://127.0.0.1:5173/login?a=b"));
        headers.insert(REFRESH, HeaderValue::from_static("5; url='http://localhost:3000/x'"));
        headers.insert(CONTENT_LOCATION, HeaderValue::from_static("http://elsewhere.test/"));
        headers.insert(LINK, HeaderValue::from_static("</a.css>; rel=preload, <http://[::1]:5173/2>; rel=next"));
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2; secure; Path=/"));
        to_client(&mut headers, "localhost:3000", &"5173".parse().unwrap(), None);
        assert_eq!(headers[LOCATION], "https://localhost:3000/login?a=b");
        assert_eq!(headers[REFRESH], "5; url='https://localhost:3000/x'");
        assert_eq!(headers[CONTENT_LOCATION], "http://elsewhere.test/");
        assert_eq!(headers[LINK], "</a.css>; rel=preload, <https://localhost:3000/2>; rel=next");
        let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT; Secure", "b=2; secure; Path=/"]);
    }
}
