//! Host and port of a URL.

use std::net::Ipv6Addr;

/// Returns true if a Host header can be part of a URL: a name or an address, and a port.
pub(crate) fn is_authority(host: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    if host.len() > 255 {
        return false;
    }
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    is_name(name) && is_port(port)
}
