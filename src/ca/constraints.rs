//! What a local CA may sign for, as nameConstraints (RFC 5280 section 4.2.1.10).

use std::net::IpAddr;

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};

use super::Error;
use crate::name::SubjectAltName;

/// What a local CA may sign for unless told otherwise: names that no public CA may certify, and addresses that are
/// nobody's on the Internet.
pub const DEFAULT_PERMIT: [&str; 12] = [
    "localhost",
    "test",
    "internal",
    "local",
    "home.arpa",
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// The constraints for what is permitted; `None` for `any`.
pub(super) fn name_constraints(permit: &[String]) -> Result<Option<NameConstraints>, Error> {
    if permit.iter().any(|name| name == "any") {
        return Ok(None);
    }
    let default = DEFAULT_PERMIT.map(str::to_owned);
    let permit = if permit.is_empty() { &default[..] } else { permit };
    let mut permitted_subtrees = permit.iter().map(|name| subtree(name)).collect::<Result<Vec<_>, _>>()?;
    // Constraints are by kind (RFC 5280 section 4.2.1.10): a kind without any would be free.
    let nothing = [
        (permitted_subtrees.iter().any(is_dns), GeneralSubtree::DnsName("invalid".to_owned())),
        (permitted_subtrees.iter().any(is_v4), GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [255; 4]))),
        (permitted_subtrees.iter().any(is_v6), GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [255; 16]))),
    ];
    permitted_subtrees.extend(nothing.into_iter().filter(|(present, _)| !present).map(|(_, subtree)| subtree));
    Ok(Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() }))
}

fn is_dns(subtree: &GeneralSubtree) -> bool {
    matches!(subtree, GeneralSubtree::DnsName(_))
}

fn is_v4(subtree: &GeneralSubtree) -> bool {
    matches!(subtree, GeneralSubtree::IpAddress(CidrSubnet::V4(..)))
}

fn is_v6(subtree: &GeneralSubtree) -> bool {
    matches!(subtree, GeneralSubtree::IpAddress(CidrSubnet::V6(..)))
}

/// A domain (`dev.test`, `.test`), a range (`10.0.0.0/8`) or an address.
fn subtree(input: &str) -> Result<GeneralSubtree, Error> {
    let wrong = || Error::Permit { input: input.to_owned() };
    let (address, length) = input.split_once('/').map_or((input, None), |(address, length)| (address, Some(length)));
    if let Ok(address) = address.parse::<IpAddr>() {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(bits), str::parse).ok().filter(|length| *length <= bits).ok_or_else(wrong)?;
        return Ok(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, length)));
    }
    match input.trim_start_matches("*.").trim_start_matches('.').parse() {
        Ok(SubjectAltName::Dns(domain)) if !domain.starts_with('*') => Ok(GeneralSubtree::DnsName(domain)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_constraint_is_refused() {
        for input in ["10.0.0.0/33", "10.0.0.0/x", "a b", "me@example.com", ""] {
            assert!(matches!(subtree(input), Err(Error::Permit { .. })), "{input}");
        }
    }
}
