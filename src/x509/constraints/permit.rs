//! Names that a CA is permitted, as people write it and as subtrees are written.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::encoding::asn1::tag;
use crate::encoding::asn1::write::{sequence, tlv};
use crate::x509::name::SubjectAltName;

/// Something that a CA may sign for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// A domain with its subdomains.
    Domain(String),
    /// A range of addresses.
    Range(IpNet),
    /// A mailbox, or all of a host.
    Email(String),
    /// The URIs of a host.
    UriHost(String),
}

/// Text that is no constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is neither a domain nor a range of addresses (10.0.0.0/8), nor an email or a URI")]
pub struct BadPermit {
    /// Input as typed.
    pub input: String,
    /// The words to write instead, if that is clear: one, or several.
    pub instead: Vec<String>,
}

impl Permit {
    /// A domain (`dev.test`, `.test`), a range (`10.0.0.0/8`), an address, a mailbox (`me@example.com`), all of a mail
    /// host (`@example.com`), or a URI, for all of its host (`spiffe://dev`).
    ///
    /// # Errors
    ///
    /// `BadPermit` for any other input.
    pub fn parse(input: &str) -> Result<Self, BadPermit> {
        let wrong = || BadPermit { input: input.to_owned(), instead: instead(input) };
        let (address, length) =
            input.split_once('/').map_or((input, None), |(address, length)| (address, Some(length)));
        if let Ok(address) = address.parse::<IpAddr>() {
            let network = match length {
                None => Ok(IpNet::from(address)),
                Some(length) => length.parse().map_err(|_| wrong()).map(|length| IpNet::new(address, length))?,
            };
            return network.map(|network| Self::Range(network.trunc())).map_err(|_| wrong());
        }
        if let Some(host) = input.strip_prefix('@') {
            return Ok(Self::Email(domain(host).ok_or_else(wrong)?));
        }
        match input.parse() {
            Ok(SubjectAltName::Email(mailbox)) => Ok(Self::Email(mailbox)),
            Ok(SubjectAltName::Uri(uri)) => {
                let host = uri.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
                Ok(Self::UriHost(host.and_then(domain).ok_or_else(wrong)?))
            }
            _ => Ok(Self::Domain(domain(input.trim_start_matches("*.").trim_start_matches('.')).ok_or_else(wrong)?)),
        }
    }

    /// The GeneralName that is the base of its subtree.
    fn general_name(&self) -> Vec<u8> {
        match self {
            Self::Email(name) => tlv(tag::context(1), &[name.as_bytes()]),
            Self::Domain(name) => tlv(tag::context(2), &[name.as_bytes()]),
            Self::UriHost(name) => tlv(tag::context(6), &[name.as_bytes()]),
            Self::Range(network) => tlv(tag::context(7), &[&octets(network.addr()), &octets(network.netmask())]),
        }
    }

    /// Decides whether constraints on one are constraints on the other.
    fn is_kind_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Range(network), Self::Range(other)) => network.addr().is_ipv4() == other.addr().is_ipv4(),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Display for Permit {
    /// The form that [`Permit::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => f.write_str(domain),
            Self::Range(network) => network.fmt(f),
            Self::Email(mailbox) if mailbox.contains('@') => f.write_str(mailbox),
            Self::Email(host) => write!(f, "@{host}"),
            Self::UriHost(host) => write!(f, "any://{host}"),
        }
    }
}

/// Constraints to write in place of a bad input: the host of a URL, the parts of a list.
fn instead(input: &str) -> Vec<String> {
    let words = input.split([',', ';', ' ']).filter(|word| !word.is_empty() && *word != input);
    let words: Vec<_> = words.map(str::to_owned).collect();
    if !words.is_empty() && words.iter().all(|word| Permit::parse(word).is_ok()) {
        return words;
    }
    if input.split('/').next().is_some_and(|address| address.parse::<IpAddr>().is_ok()) {
        return Vec::new();
    }
    let advised = input.parse::<SubjectAltName>().err().map(|error| error.instead).unwrap_or_default();
    let are_usable = advised.iter().all(|word| word != input && Permit::parse(word).is_ok());
    if are_usable { advised } else { Vec::new() }
}

/// A host name without wildcard, as its A-label.
fn domain(input: &str) -> Option<String> {
    match input.parse() {
        Ok(SubjectAltName::Dns(domain)) if !domain.starts_with('*') => Some(domain),
        _ => None,
    }
}

/// Writes the value of a nameConstraints extension.
pub(crate) fn write(permitted: &[Permit], excluded: &[Permit]) -> Vec<u8> {
    let list = |number: u8, permits: &[Permit]| {
        let subtrees: Vec<Vec<u8>> = permits.iter().map(|permit| sequence(&[&permit.general_name()])).collect();
        let subtrees: Vec<&[u8]> = subtrees.iter().map(Vec::as_slice).collect();
        if subtrees.is_empty() { Vec::new() } else { tlv(tag::constructed(number), &subtrees) }
    };
    sequence(&[&list(0, permitted), &list(1, excluded)])
}

/// The value of a nameConstraints extension that excludes every subject: a directoryName of no RDN.
///
/// `SEQUENCE { [1] excludedSubtrees { SEQUENCE { [4] directoryName { SEQUENCE {} } } } }`.
pub(crate) const NO_SUBJECT: [u8; 10] = [0x30, 0x08, 0xa1, 0x06, 0x30, 0x04, 0xa4, 0x02, 0x30, 0x00];

/// The permitted names, and of each kind without a permitted name one that nobody has: constraints are by kind (RFC 5280
/// section 4.2.1.10), and a kind without any would be free.
pub(crate) fn closed(permits: &[Permit], nothing: impl IntoIterator<Item = Permit>) -> Vec<Permit> {
    let missing = nothing.into_iter().filter(|none| !permits.iter().any(|permit| permit.is_kind_of(none)));
    permits.iter().cloned().chain(missing).collect()
}

/// Unused names, one of each kind: `invalid` is reserved by RFC 6761, and the addresses belong to no host.
pub(crate) fn nothing() -> [Permit; 5] {
    let invalid = || "invalid".to_owned();
    [
        Permit::Domain(invalid()),
        Permit::Range(IpAddr::from([0; 4]).into()),
        Permit::Range(IpAddr::from([0; 16]).into()),
        Permit::Email(invalid()),
        Permit::UriHost(invalid()),
    ]
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_permitted_is_read_as_people_write_it() {
        for (input, text) in [
            (".Dev.test", "dev.test"),
            ("*.dev.test", "dev.test"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("fd00::1/12", "fd00::/12"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("me@example.com", "me@example.com"),
            ("@example.com", "@example.com"),
            ("spiffe://dev/app", "any://dev"),
            ("bücher.test", "xn--bcher-kva.test"),
        ] {
            let permit = Permit::parse(input).unwrap();
            assert_eq!(permit.to_string(), text, "{input}");
            assert_eq!(Permit::parse(text).unwrap(), permit, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_constraint_is_refused() {
        for input in ["10.0.0.0/33", "10.0.0.0/x", "a b", "@", "@a b", "", ".", "spiffe://", "*"] {
            assert!(matches!(Permit::parse(input), Err(BadPermit { .. })), "{input}");
        }
    }

    /// The advice once was to permit `https://localhost:3000`, which was then refused.
    #[test]
    fn what_is_advised_instead_is_a_constraint() {
        for (input, expected) in [
            ("https://localhost:3000", &["localhost"][..]),
            ("dev.test:3000", &["dev.test"]),
            ("dev.test,10.0.0.0/8", &["dev.test", "10.0.0.0/8"]),
            ("dev.test,other.test", &["dev.test", "other.test"]),
            ("10.0.0.0/33", &[]),
            ("*", &[]),
        ] {
            let Err(BadPermit { instead, .. }) = Permit::parse(input) else { panic!("{input} is permitted") };
            assert_eq!(instead, expected, "{input}");
        }
    }
}
