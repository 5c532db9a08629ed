//! An answer of HTTP/1.1, as far as its head says how secure a site is.

use std::fmt::Write;

use super::grade::Hsts;

/// Socket.IO's default path.
pub(super) const PATH: &str = "/socket.io/";

/// The key of each WebSocket that is asked for, and the accept that belongs to it (RFC 6455 section 4.2.2).
const KEY: &str = "c2VjdXJlLWlvIGNoZWNrIQ==";
pub(super) const ACCEPT: &str = "9cL9B5j5ea7ldXcaK9dU/MyY004=";

/// Header fields that are read; more are more than a server needs.
const FIELDS: usize = 128;

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    fields: Vec<(String, String)>,
}

/// A cookie that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) name: String,
    /// The whole field.
    pub(super) text: String,
    pub(super) is_secure: bool,
    pub(super) is_http_only: bool,
    /// In lower case.
    pub(super) same_site: Option<String>,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: &'static str,
    target: String,
    fields: Vec<(&'static str, String)>,
    body: &'static str,
    is_last: bool,
}

impl Request {
    pub(super) fn get(target: impl Into<String>) -> Self {
        Self { method: "GET", target: target.into(), fields: Vec::new(), body: "", is_last: true }
    }

    pub(super) fn post(target: impl Into<String>, body: &'static str) -> Self {
        let request = Self { method: "POST", body, ..Self::get(target) };
        request.field("Content-Type", "text/plain;charset=UTF-8").field("Content-Length", body.len().to_string())
    }

    /// The request that opens a session of Engine.IO by polling.
    pub(super) fn polling(version: u8) -> Self {
        Self::get(format!("{PATH}?EIO={version}&transport=polling")).field("Accept", "*/*")
    }

    /// The handshake of a WebSocket (RFC 6455 section 4.1).
    pub(super) fn websocket(target: impl Into<String>) -> Self {
        let request = Self { is_last: false, ..Self::get(target) };
        let request = request.field("Upgrade", "websocket").field("Connection", "Upgrade");
        request.field("Sec-WebSocket-Key", KEY).field("Sec-WebSocket-Version", "13")
    }

    pub(super) fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    #[cfg(feature = "serve")]
    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    #[cfg(feature = "serve")]
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The fields but for those that a connection adds.
    #[cfg(feature = "serve")]
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.as_str()))
    }

    #[cfg(feature = "serve")]
    pub(super) fn body(&self) -> &'static str {
        self.body
    }

    /// The first line, for people.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub(super) fn octets(&self, authority: &str) -> Vec<u8> {
        let version = env!("CARGO_PKG_VERSION");
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: secure-io/{version}\r\n",
            self.method, self.target
        );
        for (name, value) in &self.fields {
            // A line's end in a value would be a field of its own.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if self.is_last {
            text.push_str("Connection: close\r\n");
        }
        text.push_str("\r\n");
        text.push_str(self.body);
        text.into_bytes()
    }
}

/// An answer with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) response: Response,
    pub(super) body: Vec<u8>,
}

impl Page {
    /// Reads an answer, whose body may be cut.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let response = Response::read(octets)?;
        let body = octets.get(head_length(octets)?..)?;
        let body = if response.is_chunked() { chunks(body).0 } else { body.to_vec() };
        Some(Self { response, body })
    }

    /// Decides whether the body is there, if its length is known.
    pub(super) fn is_whole(octets: &[u8]) -> bool {
        let (Some(head), Some(response)) = (head_length(octets), Response::read(octets)) else { return false };
        let body = octets.get(head..).unwrap_or_default();
        if matches!(response.status, 204 | 304) {
            return true;
        }
        if response.is_chunked() {
            return chunks(body).1;
        }
        let length = response.value("content-length").and_then(|length| length.parse::<usize>().ok());
        length.is_some_and(|length| body.len() >= length)
    }

    /// The body as text.
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

fn head_length(octets: &[u8]) -> Option<usize> {
    octets.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
}

/// The content of chunks (RFC 9112 section 7.1), and whether the last one was there.
fn chunks(mut octets: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    while let Some(end) = octets.windows(2).position(|window| window == b"\r\n") {
        let size = octets.get(..end).and_then(|line| std::str::from_utf8(line).ok());
        let size = size.and_then(|line| line.split(';').next()).map(str::trim);
        match size.and_then(|size| usize::from_str_radix(size, 16).ok()) {
            None => break,
            Some(0) => return (content, true),
            Some(size) => {
                let rest = octets.get(end + 2..).unwrap_or_default();
                content.extend_from_slice(rest.get(..size.min(rest.len())).unwrap_or_default());
                let Some(next) = size.checked_add(2).and_then(|skipped| rest.get(skipped..)) else { break };
                octets = next;
            }
        }
    }
    (content, false)
}

/// A request of a site's first page, after whose answer the server closes the connection.
pub(super) fn request(authority: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")
}

impl Response {
    /// A head whose fields' names are in lower case.
    #[cfg(feature = "serve")]
    pub(super) fn new(status: u16, fields: Vec<(String, String)>) -> Self {
        Self { status, fields }
    }

    /// All fields, their names in lower case.
    #[cfg(feature = "serve")]
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads a head; `None` if malformed or incomplete.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        if !response.parse(octets).ok()?.is_complete() {
            return None;
        }
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).trim().to_owned();
        let fields =
            response.headers.iter().map(|field| (field.name.to_ascii_lowercase(), text(field.value))).collect();
        Some(Self { status: response.code?, fields })
    }

    fn is_chunked(&self) -> bool {
        self.value("transfer-encoding").is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
    }

    /// The first line and a field, for people.
    pub(super) fn words(&self, name: &str) -> String {
        self.value(name).map_or_else(
            || format!("HTTP {}, no {name}", self.status),
            |value| format!("HTTP {}, {name}: {value}", self.status),
        )
    }

    /// The values of a field, whose name is in lower case.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a field.
    pub(super) fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// The contents of Strict-Transport-Security; the first field counts (RFC 6797 section 8.1).
    pub(super) fn hsts(&self) -> Hsts {
        self.value("strict-transport-security").map_or(Hsts::Absent, hsts)
    }

    /// The cookies that are set, as a client sends them back.
    pub(super) fn cookie_pairs(&self) -> Option<String> {
        let pairs: Vec<_> =
            self.values("set-cookie").filter_map(|cookie| cookie.split(';').next()).map(str::trim).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The cookies that are set.
    pub(super) fn cookies(&self) -> Vec<Cookie> {
        self.values("set-cookie").filter_map(cookie).collect()
    }
}

/// Reads max-age, which must be there once (RFC 6797 section 6.1).
fn hsts(value: &str) -> Hsts {
    let mut ages = value.split(';').filter_map(|directive| {
        let (name, age) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| age.trim().trim_matches('"').to_owned())
    });
    match (ages.next().map(|age| age.parse()), ages.next()) {
        (Some(Ok(age)), None) => Hsts::MaxAge(age),
        _ => Hsts::Invalid,
    }
}

fn cookie(value: &str) -> Option<Cookie> {
    let mut parts = value.split(';').map(str::trim);
    let name = parts.next()?.split('=').next()?.trim().to_owned();
    let attributes: Vec<_> = parts.map(str::to_ascii_lowercase).collect();
    let same_site = attributes.iter().find_map(|attribute| attribute.strip_prefix("samesite="));
    Some(Cookie {
        name,
        text: value.to_owned(),
        is_secure: attributes.iter().any(|attribute| attribute == "secure"),
        is_http_only: attributes.iter().any(|attribute| attribute == "httponly"),
        same_site: same_site.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_as_browsers_read_it() {
        for (value, expected) in [
            ("max-age=31536000; includeSubDomains", Hsts::MaxAge(31_536_000)),
            ("includeSubDomains; Max-Age = \"600\"", Hsts::MaxAge(600)),
            ("max-age=0", Hsts::MaxAge(0)),
            ("includeSubDomains", Hsts::Invalid),
            ("max-age=1; max-age=2", Hsts::Invalid),
            ("max-age=year", Hsts::Invalid),
        ] {
            assert_eq!(hsts(value), expected, "{value}");
        }
    }

    #[test]
    fn cookies_are_taken_apart() {
        let response = Response::read(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=1; Path=/; Secure; HttpOnly; SameSite=Lax\r\nset-cookie: a=b\r\n\r\n",
        )
        .unwrap();
        let cookies = response.cookies();
        assert!(cookies[0].is_secure && cookies[0].is_http_only);
        assert_eq!(cookies[0].same_site.as_deref(), Some("lax"));
        let plain = Cookie {
            name: "a".to_owned(),
            text: "a=b".to_owned(),
            is_secure: false,
            is_http_only: false,
            same_site: None,
        };
        assert_eq!(cookies[1], plain);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(octets: Vec<u8>, value in "\\PC{0,60}") {
            let _ = Response::read(&octets);
            let _ = (Page::read(&octets), Page::is_whole(&octets), chunks(&octets));
            let _ = hsts(&value);
            let _ = cookie(&value);
        }
    }
}
