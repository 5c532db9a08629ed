//! An answer of HTTP/1.1, as far as its head says how secure a site is.

use super::grade::Hsts;

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
    pub(super) is_secure: bool,
    pub(super) is_http_only: bool,
    /// In lower case.
    pub(super) same_site: Option<String>,
}

impl Response {
    /// Reads a head; `None` if the octets are none, or not whole.
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

    /// Decides whether the head is there: the body is not looked at.
    pub(super) fn is_whole(octets: &[u8]) -> bool {
        octets.windows(4).any(|window| window == b"\r\n\r\n")
    }

    /// The values of a field, whose name is in lower case.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a field.
    pub(super) fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// What Strict-Transport-Security says; the first field counts (RFC 6797 section 8.1).
    pub(super) fn hsts(&self) -> Hsts {
        self.value("strict-transport-security").map_or(Hsts::Absent, hsts)
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
        assert_eq!(cookies[1], Cookie { name: "a".to_owned(), is_secure: false, is_http_only: false, same_site: None });
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(octets: Vec<u8>, value in "\\PC{0,60}") {
            let _ = Response::read(&octets);
            let _ = hsts(&value);
            let _ = cookie(&value);
        }
    }
}
