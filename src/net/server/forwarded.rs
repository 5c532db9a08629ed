//! Headers in which proxies name the client, and the proxies to believe.
//!
//! Each proxy adds an address on the right, so the list is read from there: it is passed over as long as the machine that
//! wrote an entry is trusted. Whatever stands further to the left may be the client's own invention. `X-Forwarded-*` and
//! `Forwarded` ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)) are never mixed, because a proxy that writes one of
//! them passes on the other as the client sent it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HeaderMap, HeaderName};

use crate::net::server::authority::is_authority;
use crate::net::server::trusted::Trusted;

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const FORWARDED: &str = "forwarded";

/// Further headers from which servers take the client's address or protocol.
const OTHERS: [&str; 10] = [
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "client-ip",
    "front-end-https",
    "x-url-scheme",
    "x-scheme",
    "x-original-host",
    "x-host",
];

/// The client of a request, as far as trusted proxies have described it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// Its address; port 0 if that is unknown.
    pub(super) client: Option<SocketAddr>,
    /// True for https and wss.
    pub(super) is_secure: Option<bool>,
    /// The host asked for.
    pub(super) host: Option<String>,
    /// True if an untrusted machine claims https.
    pub(super) is_claimed_secure: bool,
}

/// Takes the headers out of a request, and believes them as far as the machine at the other end is trusted.
pub(super) fn take(headers: &mut HeaderMap, peer: IpAddr, trusted: &Trusted) -> Forwarded {
    if !headers.keys().any(is_forwarding) {
        return Forwarded::default();
    }
    let is_x = [FOR, PROTO, HOST].iter().any(|name| headers.contains_key(*name));
    let told = if is_x { from_x(headers, peer, trusted) } else { from_rfc(headers, peer, trusted) };
    remove(headers);
    if trusted.contains(peer) {
        return told;
    }
    Forwarded { is_claimed_secure: told.is_secure == Some(true), ..Forwarded::default() }
}

/// Returns true for a header by which a proxy describes a client. Servers behind CGI and WSGI take `X_Forwarded_For` for
/// the same one.
pub(crate) fn is_forwarding(name: &HeaderName) -> bool {
    let name = name.as_str();
    let name = if name.contains('_') { Cow::Owned(name.replace('_', "-")) } else { Cow::Borrowed(name) };
    name == FORWARDED || name.starts_with("x-forwarded-") || OTHERS.contains(&&*name)
}

/// Removes headers that no server behind this one may read by accident.
fn remove(headers: &mut HeaderMap) {
    let names: Vec<_> = headers.keys().filter(|name| is_forwarding(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn from_x(headers: &HeaderMap, peer: IpAddr, trusted: &Trusted) -> Forwarded {
    let last = |name| elements(headers, name).next().flatten();
    let mut walk = Walk::new(peer, trusted);
    for element in elements(headers, FOR) {
        if !walk.pass(element.and_then(address)) {
            break;
        }
    }
    Forwarded {
        client: walk.client,
        is_secure: last(PROTO).and_then(is_secure),
        host: last(HOST).filter(|host| is_authority(host)).map(str::to_owned),
        is_claimed_secure: false,
    }
}

fn from_rfc(headers: &HeaderMap, peer: IpAddr, trusted: &Trusted) -> Forwarded {
    let mut walk = Walk::new(peer, trusted);
    let mut told = Forwarded::default();
    for element in elements(headers, FORWARDED) {
        let parameter = |name| element.and_then(|element| parameter(element, name));
        // Each element that is reached here was written by a trusted proxy, or by the other end itself.
        told.is_secure = parameter("proto").and_then(|proto| is_secure(&proto));
        told.host = parameter("host").filter(|host| is_authority(host)).map(Cow::into_owned);
        if !walk.pass(parameter("for").and_then(|node| address(&node))) {
            break;
        }
    }
    told.client = walk.client;
    told
}

/// The way from the other end towards the client, from proxy to proxy.
struct Walk<'a> {
    trusted: &'a Trusted,
    /// True if the machine that wrote the next entry is trusted.
    is_believed: bool,
    client: Option<SocketAddr>,
}

impl<'a> Walk<'a> {
    fn new(peer: IpAddr, trusted: &'a Trusted) -> Self {
        Self { trusted, is_believed: trusted.contains(peer), client: None }
    }

    /// Goes on to the address of an entry. Returns false behind the last entry that can be believed.
    fn pass(&mut self, address: Option<SocketAddr>) -> bool {
        let Some(address) = address.filter(|_| self.is_believed) else { return false };
        self.client = Some(address);
        self.is_believed = self.trusted.contains(address.ip());
        self.is_believed
    }
}

/// The elements of a list over all its lines, the last one first. `None` stands for one that is no text.
///
/// Quotes are counted from the right: an opening quote that a client has left on its end must not swallow what a proxy
/// has added.
fn elements<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = Option<&'a str>> {
    let lines = headers.get_all(name).into_iter().rev();
    lines.flat_map(|line| {
        let text = line.to_str().ok();
        let unreadable = text.is_none().then_some(None);
        unreadable.into_iter().chain(text.into_iter().flat_map(|text| unquoted_rsplit(text, ',').map(Some)))
    })
}

/// The parts between separators outside of quotes, the last one first, without those that are empty.
fn unquoted_rsplit(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    let parts = std::iter::from_fn(move || {
        let whole = rest?;
        let mut is_quoted = false;
        let found = whole.char_indices().rev().find(|(_, char)| {
            is_quoted ^= *char == '"';
            *char == separator && !is_quoted
        });
        let Some((at, _)) = found else {
            rest = None;
            return Some(whole);
        };
        rest = whole.get(..at);
        whole.get(at + separator.len_utf8()..)
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// A parameter of an element of `Forwarded`; names are case-insensitive (RFC 7239 section 4).
fn parameter<'a>(element: &'a str, name: &str) -> Option<Cow<'a, str>> {
    unquoted_rsplit(element, ';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| unquoted(value.trim()))
    })
}

fn unquoted(value: &str) -> Cow<'_, str> {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    match inner {
        Some(inner) if inner.contains('\\') => {
            let mut is_escaped = false;
            inner
                .chars()
                .filter(|char| {
                    is_escaped = *char == '\\' && !is_escaped;
                    !is_escaped
                })
                .collect()
        }
        Some(inner) => inner.into(),
        None => value.into(),
    }
}

/// An address, perhaps with a port: `203.0.113.7`, `203.0.113.7:5555`, `2001:db8::7`, `[2001:db8::7]:443`. Names such as
/// `unknown` and `_hidden` (RFC 7239 section 6) are no addresses.
fn address(text: &str) -> Option<SocketAddr> {
    let text = text.trim_matches('"');
    let bare = || text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = text.parse::<SocketAddr>().ok();
    let address = with_port.or_else(|| Some(SocketAddr::new(bare().parse().ok()?, 0)))?;
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}

fn is_secure(proto: &str) -> Option<bool> {
    match proto.trim().to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client that is believed when a balancer at 10.0.0.1 sends these lines.
    fn told(lines: &[(&'static str, &str)]) -> Forwarded {
        told_by("10.0.0.1", lines)
    }

    fn told_by(peer: &str, lines: &[(&'static str, &str)]) -> Forwarded {
        let mut trusted = Trusted::default();
        trusted.allow("10.0.0.0/8").unwrap();
        trusted.allow("fd00::/8").unwrap();
        let mut headers = HeaderMap::new();
        headers.append("host", "kept.test".parse().unwrap());
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let told = take(&mut headers, peer.parse().unwrap(), &trusted);
        assert_eq!(headers.len(), 1, "nobody reads them by accident: {headers:?}");
        told
    }

    #[track_caller]
    fn assert_client(lines: &[(&'static str, &str)], expected: &str) {
        let client = told(lines).client.map(|client| client.to_string());
        assert_eq!(client.as_deref(), Some(expected).filter(|text| !text.is_empty()), "{lines:?}");
    }

    #[test]
    fn the_list_is_read_from_the_right_past_trusted_addresses() {
        for (value, expected) in [
            ("203.0.113.7", "203.0.113.7:0"),
            ("1.1.1.1, 203.0.113.7", "203.0.113.7:0"),
            ("1.1.1.1, 203.0.113.7, 10.0.0.9", "203.0.113.7:0"),
            ("10.0.0.8, 10.0.0.9", "10.0.0.8:0"),
            ("203.0.113.7:5555", "203.0.113.7:5555"),
            ("[2001:db8::7]:443", "[2001:db8::7]:443"),
            ("[2001:db8::7]", "[2001:db8::7]:0"),
            ("2001:db8::7, fd00::1", "[2001:db8::7]:0"),
            ("::ffff:203.0.113.7", "203.0.113.7:0"),
            ("203.0.113.7,,", "203.0.113.7:0"),
            ("1.1.1.1, evil, 10.0.0.9", "10.0.0.9:0"),
            ("203.0.113.7, evil", ""),
            ("", ""),
        ] {
            assert_client(&[(FOR, value)], expected);
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_client(&[(FOR, "1.1.1.1"), (FOR, "203.0.113.7"), (FOR, "10.0.0.9")], "203.0.113.7:0");
        let forwarded = [(FORWARDED, "for=1.1.1.1"), (FORWARDED, "for=203.0.113.7, for=10.0.0.9;proto=http")];
        assert_client(&forwarded, "203.0.113.7:0");
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (value, expected) in [
            ("for=203.0.113.7", "203.0.113.7:0"),
            ("For=\"203.0.113.7:4711\"", "203.0.113.7:4711"),
            ("FOR=\"[2001:db8:cafe::17]:4711\"", "[2001:db8:cafe::17]:4711"),
            ("proto=https;by=10.0.0.1;for=\"[2001:db8::7]\"", "[2001:db8::7]:0"),
            ("for=192.0.2.43, for=198.51.100.17, for=10.0.0.2", "198.51.100.17:0"),
            ("for=1.1.1.1, for=unknown", ""),
            ("for=1.1.1.1, for=_hidden, for=10.0.0.2", "10.0.0.2:0"),
            // A client's quotes swallow nothing that a proxy has added.
            ("for=\", for=203.0.113.7", "203.0.113.7:0"),
            ("for=\"1.1.1.1, for=\"203.0.113.7\"", "203.0.113.7:0"),
            ("for=\"a,b\\\"\", for=203.0.113.7", "203.0.113.7:0"),
        ] {
            assert_client(&[(FORWARDED, value)], expected);
        }
        let chain = told(&[(
            FORWARDED,
            "for=6.6.6.6;proto=https;host=evil.test, for=203.0.113.7;proto=http;host=a.test, for=10.0.0.9;proto=https",
        )]);
        assert_eq!(
            (chain.is_secure, chain.host.as_deref()),
            (Some(false), Some("a.test")),
            "what the client's proxy saw"
        );
    }

    #[test]
    fn the_two_kinds_are_never_mixed() {
        let both = [(FOR, "203.0.113.7"), (FORWARDED, "for=1.1.1.1;proto=https;host=evil.test")];
        let told = told(&both);
        assert_eq!(
            (told.client.map(|client| client.ip().to_string()), told.is_secure, told.host),
            (Some("203.0.113.7".to_owned()), None, None)
        );
    }

    #[test]
    fn the_last_protocol_and_host_are_the_trusted_proxys() {
        for (value, expected) in [
            ("https", Some(true)),
            ("HTTPS", Some(true)),
            ("wss", Some(true)),
            ("http", Some(false)),
            ("https, http", Some(false)),
            ("http,https", Some(true)),
            ("ftp", None),
        ] {
            assert_eq!(told(&[(PROTO, value)]).is_secure, expected, "{value}");
        }
        assert_eq!(told(&[(PROTO, "https"), (PROTO, "http")]).is_secure, Some(false));
        assert_eq!(told(&[(HOST, "evil.test, app.test:8443")]).host.as_deref(), Some("app.test:8443"));
        for host in ["a b", "user@app.test", "app.test/x", "app.test\\x"] {
            assert_eq!(told(&[(HOST, host)]).host, None, "{host}");
        }
    }

    #[test]
    fn a_stranger_is_believed_in_nothing() {
        let lines = [
            (FOR, "1.1.1.1"),
            (PROTO, "https"),
            (HOST, "evil.test"),
            ("x-real-ip", "2.2.2.2"),
            ("x-forwarded-port", "1"),
        ];
        assert_eq!(told_by("203.0.113.9", &lines), Forwarded { is_claimed_secure: true, ..Forwarded::default() });
        let lines = [(FORWARDED, "for=1.1.1.1;proto=https;host=evil.test")];
        assert_eq!(told_by("203.0.113.9", &lines), Forwarded { is_claimed_secure: true, ..Forwarded::default() });
        assert_eq!(told_by("203.0.113.9", &[("front-end-https", "on")]), Forwarded::default());
    }
}
