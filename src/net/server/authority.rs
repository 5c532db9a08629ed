//! Host and port of a URL.

/// Returns true if a Host header can be part of a URL: a name or an address, and a port.
pub(super) fn is_authority(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !host.is_empty() && host.len() <= 255 && host.bytes().all(allowed)
}
