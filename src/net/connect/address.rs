//! The URL of a Socket.IO server: scheme, host, port, namespace and query.

use crate::net::probe::{Endpoint, EndpointHost};

/// A URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// True for https:// and wss://.
    pub(super) is_secure: bool,
    pub(super) endpoint: Endpoint,
    /// As in `/` or `/chat`: the URL's path, as socket.io-client reads it.
    pub(super) namespace: String,
    /// The query, without the question mark.
    pub(super) query: String,
}

/// Top-level domains for which browsers force https (the HSTS preload list).
const PRELOADED: [&str; 20] = [
    "app", "dev", "page", "new", "day", "foo", "zip", "mov", "nexus", "dad", "phd", "prof", "esq", "meme", "ing",
    "boo", "rsvp", "channel", "bank", "google",
];

impl Address {
    /// Reads `https://host[:port][/namespace][?query]`, the same with http, ws and wss, or a bare `host:port`.
    ///
    /// # Errors
    ///
    /// The reason, and the nearest URL that can be used if there is one.
    pub(super) fn read(input: &str) -> Result<Self, (String, Option<String>)> {
        let (scheme, rest) = match input.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => match without_colon(input) {
                Some(nearest) => {
                    let reason =
                        format!("`{input}` is not a URL that can be used: `://` has to stand behind its scheme");
                    return Err((reason, Some(nearest)));
                }
                None => ("https".to_owned(), input),
            },
        };
        let is_secure = match scheme.as_str() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            other => {
                let nearest = if matches!(other, "htp" | "htttp" | "htpp") { "http" } else { "https" };
                let reason =
                    format!("`{input}` is not a URL that can be used: its scheme is not https, wss, http or ws");
                return Err((reason, Some(format!("{nearest}://{rest}"))));
            }
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at(end);
        let behind = behind.split('#').next().unwrap_or_default();
        let (path, query) = behind.split_once('?').unwrap_or((behind, ""));
        let endpoint = format!("https://{authority}").parse::<Endpoint>();
        let mut endpoint = endpoint.map_err(|error| {
            let host: String = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
            let nearest =
                format!("https://{host}").parse::<Endpoint>().is_ok().then(|| format!("{scheme}://{host}:3000"));
            (format!("`{input}` is not a URL that can be used: {}", error.reason), nearest)
        })?;
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && !port.contains(']'));
        if !has_port && !is_secure {
            endpoint.port = 80;
        }
        let namespace = if path.is_empty() { "/" } else { path };
        Ok(Self { is_secure, endpoint, namespace: namespace.to_owned(), query: query.to_owned() })
    }

    /// The origin in a browser's form.
    pub(super) fn origin(&self) -> String {
        let (scheme, usual) = if self.is_secure { ("https", 443) } else { ("http", 80) };
        if self.endpoint.port == usual {
            format!("{scheme}://{}", self.endpoint.host)
        } else {
            format!("{scheme}://{}", self.endpoint)
        }
    }

    /// The host and port for the Host field.
    pub(super) fn authority(&self) -> String {
        self.origin().split_once("://").map(|(_, authority)| authority.to_owned()).unwrap_or_default()
    }

    /// Decides whether the host is this machine by its name or address.
    pub(super) fn is_loopback(&self) -> bool {
        match &self.endpoint.host {
            EndpointHost::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            EndpointHost::Address(address) => address.is_loopback(),
            EndpointHost::Zoned(..) => false,
        }
    }

    /// The top-level domain, if browsers force https on all below it.
    pub(super) fn preloaded(&self) -> Option<&str> {
        let EndpointHost::Name(name) = &self.endpoint.host else { return None };
        let top = name.rsplit('.').next()?;
        PRELOADED.contains(&top).then_some(top).filter(|top| *top != name)
    }
}

/// The URL that is meant by one whose `://` is not whole, as in `https//localhost`, `https:localhost` and `//localhost`.
fn without_colon(input: &str) -> Option<String> {
    let schemes = ["https", "http", "wss", "ws", ""];
    let (scheme, rest) = schemes.iter().find_map(|scheme| Some((*scheme, input.strip_prefix(scheme)?)))?;
    let host = rest.trim_start_matches([':', '/']);
    // `https:3000` is a host with a port, and `ws/chat` one with a namespace.
    let is_mark = match rest.get(..rest.len() - host.len())? {
        "//" => true,
        "" | "/" => false,
        _ => !scheme.is_empty() && !host.starts_with(|first: char| first.is_ascii_digit()),
    };
    let scheme = if scheme.is_empty() { "https" } else { scheme };
    (is_mark && !host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_as_socket_io_client_does() {
        for (input, origin, namespace, query) in [
            ("https://localhost:3000", "https://localhost:3000", "/", ""),
            ("wss://App.test/chat?token=1#x", "https://app.test", "/chat", "token=1"),
            ("http://localhost", "http://localhost", "/", ""),
            ("ws://[::1]:80/", "http://[::1]", "/", ""),
            ("localhost:3000", "https://localhost:3000", "/", ""),
            ("https:3000", "https://https:3000", "/", ""),
            ("ws/chat", "https://ws", "/chat", ""),
        ] {
            let address = Address::read(input).unwrap();
            let read = (address.origin(), address.namespace.as_str(), address.query.as_str());
            assert_eq!(read, (origin.to_owned(), namespace, query), "{input}");
        }
    }

    #[test]
    fn what_is_no_url_has_the_nearest_one() {
        for (input, nearest) in [
            ("htps://localhost:3000", Some("https://localhost:3000")),
            ("https://localhost:99999", Some("https://localhost:3000")),
            ("https://", None),
            ("https://me@host", None),
            ("https//localhost:3000", Some("https://localhost:3000")),
            ("https:/localhost/chat", Some("https://localhost/chat")),
            ("wss:localhost", Some("wss://localhost")),
            ("//localhost:3000", Some("https://localhost:3000")),
        ] {
            assert_eq!(Address::read(input).unwrap_err().1.as_deref(), nearest, "{input}");
        }
    }

    #[test]
    fn top_level_domains_of_browsers_are_known() {
        assert_eq!(Address::read("http://my.dev:3000").unwrap().preloaded(), Some("dev"));
        assert_eq!(Address::read("http://my.test").unwrap().preloaded(), None);
    }
}
