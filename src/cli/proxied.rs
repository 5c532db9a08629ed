//! The proxy that the environment names for a URL.

use std::net::IpAddr;

use base64_simd::STANDARD;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use secure_io::connect::Proxy;
use secure_io::probe::Endpoint;

/// The proxy of `HTTPS_PROXY` for an https URL, unless `NO_PROXY` has its host. Loopback is never asked through a proxy.
fn for_url(url: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Proxy> {
    let rest = url.split_once("://").map_or(Some(url), |(scheme, rest)| {
        ["https", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
    })?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback || host == "localhost" || host.ends_with(".localhost") {
        return None;
    }
    let either = |upper: &str| variable(upper).or_else(|| variable(&upper.to_ascii_lowercase()));
    let proxy = either("HTTPS_PROXY").filter(|proxy| !proxy.is_empty())?;
    let excluded = either("NO_PROXY").unwrap_or_default();
    if excluded.split(',').map(str::trim).any(|entry| covers(entry, host, &authority)) {
        return None;
    }
    Some(read(&proxy))
}

/// The same, with the variables of this process.
pub(crate) fn of_environment(url: &str) -> Option<Proxy> {
    for_url(url, |name| std::env::var(name).ok())
}

/// Words about a proxy that clients would go through, for commands that ask the server itself.
pub(crate) fn unused(endpoint: &Endpoint) -> Option<String> {
    let proxy = of_environment(&endpoint.to_string())?;
    Some(format!("the proxy {} of HTTPS_PROXY is not used: the server itself is asked", proxy.authority))
}

fn covers(entry: &str, host: &str, authority: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    let name = entry.trim_start_matches("*.").trim_start_matches('.');
    // As curl takes them: networks, and IPv6 in brackets or without.
    let is_within = || entry.parse::<IpNet>().is_ok_and(|net| host.parse().is_ok_and(|ip: IpAddr| net.contains(&ip)));
    let is_same = name.trim_matches(['[', ']']) == host;
    let is_below = host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    entry == "*" || !name.is_empty() && (is_same || authority == name || is_below || is_within())
}

/// Reads `http://user:password@proxy:3128`.
fn read(proxy: &str) -> Proxy {
    let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
    let rest = rest.split('/').next().unwrap_or_default();
    let (user, authority) = rest.rsplit_once('@').map_or((None, rest), |(user, authority)| (Some(user), authority));
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Proxy {
        authority: if has_port { authority.to_owned() } else { format!("{authority}:80") },
        // As in any URL, other characters than letters and digits may be escaped.
        credentials: user.map(|user| STANDARD.encode_to_string(percent_decode_str(user).collect::<Vec<u8>>())),
        scheme: scheme.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_proxy() {
        let with = |url: &str, no: &str| {
            let no = no.to_owned();
            for_url(url, move |name| match name {
                "HTTPS_PROXY" => Some("http://me:pw@proxy.test:3128/".to_owned()),
                "NO_PROXY" => Some(no.clone()),
                _ => None,
            })
            .map(|proxy| proxy.authority)
        };
        assert_eq!(with("https://app.test:3000/chat", "").as_deref(), Some("proxy.test:3128"));
        for (url, no) in [("https://11.1.2.3", "10.0.0.0/8"), ("https://app.test", "10.0.0.0/8,test.app")] {
            assert_eq!(with(url, no).as_deref(), Some("proxy.test:3128"), "{url} {no}");
        }
        for (url, no) in [
            ("http://app.test", ""),
            ("https://localhost:3000", ""),
            ("wss://a.localhost", ""),
            ("https://[::1]:3000", ""),
            ("https://app.test", "other, app.test"),
            ("https://a.app.test", ".app.test"),
            ("https://app.test:3000", "app.test:3000"),
            ("https://app.test", "*"),
            ("https://10.1.2.3:3000", "10.0.0.0/8"),
            ("https://[fd00::1]:3000", "fd00::/8"),
            ("https://[fd00::1]:3000", "[fd00::1]"),
        ] {
            assert_eq!(with(url, no), None, "{url} {no}");
        }
    }

    #[test]
    fn credentials_are_those_of_a_url() {
        let read = read("socks5://me%40corp:p%3Aw@proxy.test");
        assert_eq!((read.scheme.as_str(), read.authority.as_str()), ("socks5", "proxy.test:80"));
        assert_eq!(read.credentials, Some(STANDARD.encode_to_string("me@corp:p:w")));
    }
}
