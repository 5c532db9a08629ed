//! The host of a URI (RFC 3986 section 3), which constraints on URIs are about.

use super::dns::is_name;

/// The domain that a URI's authority names.
///
/// `None` where there is no authority or no domain, and for anything that is not RFC 3986's syntax to the letter: what
/// readers of URIs take apart in different ways (a backslash, a space, a second `@`, a percent sign in the host) could
/// show one host here and lead to another.
pub(super) fn host(uri: &[u8]) -> Option<&str> {
    let uri = std::str::from_utf8(uri).ok()?;
    let (scheme, rest) = uri.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    (is_scheme(scheme) && is_path_query_fragment(rest)).then_some(())?;
    let (user, host) = authority.split_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let is_port = port.bytes().all(|octet| octet.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok());
    let is_user = user.is_none_or(|user| is_made_of(user, b":"));
    (is_port && is_user && is_name(host) && !is_number(host)).then_some(host)
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
}

fn is_path_query_fragment(rest: &str) -> bool {
    let (before, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    is_made_of(before, b":@/?") && is_made_of(fragment, b":@/?")
}

/// Decides whether text is made of unreserved characters, sub-delims, octets behind a percent sign, and these.
fn is_made_of(text: &str, more: &[u8]) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let is_hex = |octet: Option<u8>| octet.is_some_and(|octet| octet.is_ascii_hexdigit());
        let is_good = match octet {
            b'%' => is_hex(octets.next()) && is_hex(octets.next()),
            _ => octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&octet) || more.contains(&octet),
        };
        if !is_good {
            return false;
        }
    }
    true
}

/// Decides whether a host is an address, or would be read as one: the last label of no domain is a number.
fn is_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|octet| octet.is_ascii_digit())
        || hex.is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_taken_by_their_host() {
        for (uri, expected) in [
            ("spiffe://trust.example/app", "trust.example"),
            ("https://user:pass@host.test:8443/?q#f", "host.test"),
            ("HTTPS://EXAMPLE.COM", "EXAMPLE.COM"),
            ("https://host.test:/", "host.test"),
            ("https://host.test?q=a@b", "host.test"),
            ("https://host.test#@other.test", "host.test"),
            ("a+b-c.d://host.test/%2e%2E", "host.test"),
        ] {
            assert_eq!(host(uri.as_bytes()), Some(expected), "{uri}");
        }
    }

    /// `https://evil.com\@example.com/` was once taken for example.com's, and browsers go to evil.com.
    #[test]
    fn what_readers_of_uris_disagree_about_has_no_host() {
        for uri in [
            r"https://evil.com\@example.com/",
            r"https:\\evil.com\@example.com/",
            r"https:/\example.com/",
            r"https://example.com/\",
            "https://evil.com@x@example.com/",
            "https://evil.com/@example.com:x@example.com\u{0}",
            "https://evil.com @example.com/",
            "https:// example.com/",
            "https://example.com /",
            "https://example.com\t/",
            "https://example.com/a b",
            "https://example.com/\r\nHost: evil.com",
            "https://exa%6dple.com/",
            "https://example.com%2eevil.com/",
            "https://b%@example.com/",
            "https://example.com./",
            "https://example.com:port/",
            "https://example.com:65536/",
            "https://example.com:80:80/",
            "https://example.com:-1/",
            "https://example.com/[",
            "https://example.com/#a#b",
            "https://bücher.test/",
            "https://*.example.com/",
            "//example.com/",
            "://example.com/",
            "1a://example.com/",
            "ht tp://example.com/",
            " https://example.com/",
            "https:example.com",
            "https:/example.com",
            "https:///example.com/",
            "https://:80/",
            "https://",
            "urn:uuid:1",
            "mailto:me@example.com",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::1%25eth0]/",
            "https://example.com]/",
            "example.com",
            "",
        ] {
            assert_eq!(host(uri.as_bytes()), None, "{uri}");
        }
        assert_eq!(host(b"https://ex\xffmple.com/"), None);
    }
}
