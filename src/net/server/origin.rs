//! Decides which pages may use Socket.IO here, by the origin that browsers send with each request.
//!
//! A browser lets any page open a WebSocket to any server, and leaves it to the server to refuse. The answers to those
//! that are let in bear the headers that npm's `cors` gives Node's server.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_LENGTH, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use axum::http::{Response, StatusCode};

/// The origins of pages that may use Socket.IO.
///
/// Those of this machine always may: `localhost` and the names below it, loopback and private addresses, and the host
/// that the page and the request have in common, as far as the certificate or the local CA is for it, or a trusted proxy
/// has ended TLS for it. An attacker can make a name of his own lead to this machine, but has no certificate for it.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    is_any: bool,
    listed: Vec<String>,
    domains: Vec<String>,
}

/// The reason why a text names no origin.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an origin is a scheme, a host and perhaps a port, as http://localhost:5173, or * for any")]
pub struct OriginError;

impl Origins {
    /// Allows an origin; `*` allows all, `null` those of sandboxed pages and of files.
    ///
    /// # Errors
    ///
    /// If the text is no origin.
    pub fn allow(&mut self, text: &str) -> Result<(), OriginError> {
        match text.trim() {
            "*" => self.is_any = true,
            "null" => self.listed.push("null".to_owned()),
            text => {
                let text = text.strip_suffix('/').unwrap_or(text);
                self.listed.push(Origin::parse(text).ok_or(OriginError)?.normal());
            }
        }
        Ok(())
    }

    /// Allows pages to use the server under the name that they came from, for a name or those below a domain that the
    /// server can show a certificate for.
    pub fn cover(&mut self, domain: &str) {
        self.domains.push(domain.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase());
    }

    /// Decides on a request that was sent to a host. It is vouched for if it came by https through a trusted proxy, which had
    /// a certificate for the host.
    pub(super) fn check(&self, headers: &HeaderMap, host: Option<&str>, is_vouched: bool) -> Access {
        let mut values = headers.get_all(ORIGIN).into_iter();
        let access = |allowed| Access { allowed, is_listing: !self.listed.is_empty() };
        if self.is_any {
            return access(Allowed::Any);
        }
        let Some(value) = values.next() else { return access(Allowed::Unasked) };
        let is_allowed = values.next().is_none()
            && value.to_str().is_ok_and(|text| match Origin::parse(text) {
                Some(origin) => {
                    self.listed.contains(&origin.normal())
                        || origin.is_local()
                        || self.is_own(&origin, host, is_vouched)
                }
                None => text == "null" && self.listed.iter().any(|listed| listed == "null"),
            });
        access(if is_allowed { Allowed::Origin(value.clone()) } else { Allowed::None(value.clone()) })
    }

    /// Decides whether a page came from the host asked for, under a name that no attacker can have.
    fn is_own(&self, origin: &Origin<'_>, host: Option<&str>, is_vouched: bool) -> bool {
        let is_proven = is_vouched && origin.scheme.eq_ignore_ascii_case("https");
        let is_asked = host.and_then(split_port).is_some_and(|(host, _)| host.eq_ignore_ascii_case(origin.host));
        let name = origin.name();
        let is_covered = || {
            self.domains.iter().any(|domain| {
                name == *domain || name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
            })
        };
        // Names without a dot and addresses cannot be made to lead here by somebody on the Internet.
        is_asked && (is_proven || origin.address().is_some() || !name.contains('.') || is_covered())
    }
}

/// An origin in the form of [RFC 6454 section 6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2).
#[derive(Debug)]
struct Origin<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
        let (host, port) = split_port(rest)?;
        let origin = Self { scheme, host, port };
        let is_host = |char: char| char.is_ascii_alphanumeric() || "-._~".contains(char);
        (is_scheme && (origin.host.chars().all(is_host) || origin.address().is_some())).then_some(origin)
    }

    /// The origin in the form in which equal ones are the same text.
    fn normal(&self) -> String {
        let (scheme, host) = (self.scheme.to_ascii_lowercase(), self.host.to_ascii_lowercase());
        let default = match &*scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        match self.port.filter(|port| Some(*port) != default) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }

    fn name(&self) -> String {
        self.host.strip_suffix('.').unwrap_or(self.host).to_ascii_lowercase()
    }

    fn address(&self) -> Option<IpAddr> {
        match self.host.strip_prefix('[') {
            Some(v6) => v6.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
            None => self.host.parse().ok().map(IpAddr::V4),
        }
    }

    /// Decides whether a host is this machine or in its private network.
    fn is_local(&self) -> bool {
        if let Some(address) = self.address() {
            return match address.to_canonical() {
                IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
                IpAddr::V6(v6) => {
                    v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified()
                }
            };
        }
        let name = self.name();
        name == "localhost" || name.ends_with(".localhost")
    }
}

/// Takes the port from the end of an authority without user information.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let colon = authority.rfind(':').filter(|at| authority.get(*at..).is_some_and(|port| !port.contains(']')));
    let (host, port) = match colon {
        Some(at) => (authority.get(..at)?, Some(authority.get(at + 1..)?)),
        None => (authority, None),
    };
    let is_number = |port: &&str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match port {
        Some(port) => Some(Some(port).filter(is_number)?.parse().ok()?),
        None => None,
    };
    (!host.is_empty()).then_some((host, port))
}

/// The decision on a request.
#[derive(Debug)]
pub(super) struct Access {
    allowed: Allowed,
    /// True if origins were listed, so that answers differ by origin even for requests without one.
    is_listing: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Allowed {
    Any,
    Origin(HeaderValue),
    /// No page sent the request.
    Unasked,
    None(HeaderValue),
}

impl Access {
    /// The origin that is refused.
    pub(super) fn refused(&self) -> Option<String> {
        match &self.allowed {
            Allowed::None(origin) => Some(String::from_utf8_lossy(origin.as_bytes()).into_owned()),
            _ => None,
        }
    }

    /// The answer to a browser that asks whether a page may send a request: npm's `cors` answers so.
    pub(super) fn preflight(&self, headers: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let to = response.headers_mut();
        to.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        self.mark(to);
        if self.refused().is_none() {
            to.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE"));
            to.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
            if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|asked| !asked.is_empty()) {
                to.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
            }
        }
        response
    }

    /// Adds the headers that let the page read the answer.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        let origin = match &self.allowed {
            Allowed::Any => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                return;
            }
            Allowed::Origin(origin) => Some(origin),
            Allowed::Unasked if self.is_listing => None,
            Allowed::Unasked => return,
            Allowed::None(_) => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                return;
            }
        };
        headers.append(VARY, HeaderValue::from_static("Origin"));
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(origins: &Origins, origin: &str, host: &str) -> bool {
        let headers = [(ORIGIN, HeaderValue::from_str(origin).unwrap())].into_iter().collect();
        origins.check(&headers, Some(host), false).refused().is_none()
    }

    #[test]
    fn pages_of_this_machine_are_let_in() {
        for origin in [
            "http://localhost",
            "http://localhost:5173",
            "https://LOCALHOST:3000",
            "https://a.b.localhost",
            "http://localhost.:80",
            "capacitor://localhost",
            "http://127.0.0.1:8000",
            "http://127.8.9.10",
            "http://[::1]:3000",
            "http://[::ffff:127.0.0.1]",
            "http://10.1.2.3",
            "http://172.31.0.1",
            "http://192.168.1.10:8080",
            "http://169.254.1.1",
            "http://[fd00::1]:1",
            "http://[fe80::1]",
            "http://0.0.0.0:8000",
        ] {
            assert!(is_allowed(&Origins::default(), origin, "localhost:3000"), "{origin}");
        }
    }

    #[test]
    fn pages_of_others_are_not() {
        for origin in [
            "https://example.com",
            "null",
            "",
            "localhost",
            "http://",
            "http:///",
            "http://localhost.evil.com",
            "http://evillocalhost",
            "http://localhost@evil.com",
            "http://evil.com/localhost",
            "http://evil.com#.localhost",
            "http://evil.com\\.localhost",
            "http://evil.com?.localhost",
            "http://evil%2elocalhost",
            "http://[::1]evil.com",
            "http://[::1].localhost",
            "http://[2001:db8::1]",
            "http://172.32.0.1",
            "http://192.0.2.1",
            "http://127.0.0.1.evil.com",
            "http://localhost:80:80",
            "http://localhost:",
            "http://localhost:99999",
            "http://localhost, http://evil.com",
            "http://a.localhost http://evil.com",
            "chrome-extension://abcdefgh",
            "://localhost",
        ] {
            assert!(!is_allowed(&Origins::default(), origin, "localhost:3000"), "{origin}");
        }
    }

    #[test]
    fn the_host_asked_for_is_let_in_when_only_we_can_be_it() {
        let mut origins = Origins::default();
        origins.cover("app.test");
        origins.cover("*.Example.com");
        for (origin, host, allowed) in [
            ("https://app.test:3000", "app.test:3000", true),
            ("http://APP.test", "app.test:3000", true),
            ("https://sub.app.test", "sub.app.test", true),
            ("https://www.example.com", "www.example.com", true),
            ("https://app.test", "localhost:3000", false),
            ("https://other.test", "app.test", false),
            ("https://notapp.test", "notapp.test", false),
            // The name of an attacker that leads to this machine.
            ("http://evil.com:3000", "evil.com:3000", false),
            ("https://mybox:3000", "mybox:3000", true),
            ("https://mybox:3000", "yourbox:3000", false),
            ("https://203.0.113.7:3000", "203.0.113.7:3000", true),
            ("https://[2001:db8::1]:3000", "[2001:db8::1]:3000", true),
            ("https://[2001:db8::1]:3000", "[2001:db8::2]:3000", false),
        ] {
            assert_eq!(is_allowed(&origins, origin, host), allowed, "{origin} {host}");
        }
    }

    #[test]
    fn listed_origins_are_compared_as_browsers_write_them() {
        let mut origins = Origins::default();
        for origin in ["https://App.example:443/", "http://example.com:8080", "chrome-extension://abc"] {
            origins.allow(origin).unwrap();
        }
        for (origin, allowed) in [
            ("https://app.example", true),
            ("http://app.example", false),
            ("https://app.example:8443", false),
            ("https://sub.app.example", false),
            ("http://example.com:8080", true),
            ("http://example.com", false),
            ("chrome-extension://abc", true),
            ("null", false),
        ] {
            assert_eq!(is_allowed(&origins, origin, "localhost"), allowed, "{origin}");
        }
        origins.allow("null").unwrap();
        assert!(is_allowed(&origins, "null", "localhost"));
        origins.allow("*").unwrap();
        assert!(is_allowed(&origins, "https://anything.example", "localhost"));
        for bad in ["", "localhost:5173", "example.com", "http://", "http://a/b", "https://*.example.com", "http://a b"]
        {
            assert_eq!(Origins::default().allow(bad), Err(OriginError), "{bad}");
        }
    }
}
