//! The name that a certificate must be for (RFC 9525 section 6), never its commonName.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use rustls::pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;

use super::Certificate;
use crate::x509::name::{Entry, GeneralName};

/// Host that a certificate must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A host name: A-labels in lower case, without a dot at the end.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// A mailbox, for certificates of people.
    Email(String),
}

/// Error for input that is not a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is neither a host name nor an address")]
pub struct NoHost {
    /// Input as typed.
    pub input: String,
}

impl FromStr for Host {
    type Err = NoHost;

    /// Reads `app.test`, `bücher.test`, `192.0.2.1`, `::1`, `[::1]`, `fe80::1%eth0` or `me@example.com`.
    fn from_str(input: &str) -> Result<Self, NoHost> {
        let error = || NoHost { input: input.to_owned() };
        let bare = input.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(input);
        if let Some(address) = address(bare) {
            return Ok(Self::Ip(address));
        }
        if let Some((local, domain)) = input.rsplit_once('@') {
            let is_mailbox = !local.is_empty() && local.is_ascii() && matches!(domain.parse(), Ok(Self::Dns(_)));
            return if is_mailbox { Ok(Self::Email(input.to_owned())) } else { Err(error()) };
        }
        let name = input.strip_suffix('.').unwrap_or(input);
        let name = if name.is_ascii() {
            name.to_ascii_lowercase()
        } else {
            idna::domain_to_ascii(name).map_err(|_errors| error())?
        };
        if is_host_name(&name) { Ok(Self::Dns(name)) } else { Err(error()) }
    }
}

/// An address. The zone behind one of IPv6 (RFC 4007 section 11, and `%25` in URLs by RFC 6874) says over which
/// interface of this machine it is reached: no certificate has it.
fn address(text: &str) -> Option<IpAddr> {
    match text.split_once('%') {
        None => text.parse().ok(),
        Some((address, zone)) => {
            let is_zone = !zone.is_empty()
                && zone.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._~%".contains(&octet));
            address.parse::<Ipv6Addr>().ok().filter(|_| is_zone).map(IpAddr::V6)
        }
    }
}

/// Accepts letters, digits, hyphens and, as people use it, underscores; refuses text that only resembles an address.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|octet| octet.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(is_label) && !name.rsplit('.').next().is_some_and(is_number)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) | Self::Email(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl Host {
    /// Returns true if the certificate names the host, and webpki agrees wherever webpki can read the certificate.
    pub(super) fn is_named_by(&self, certificate: &Certificate) -> bool {
        self.name_in(certificate).is_some() && self.webpki_agrees(certificate)
    }

    /// The name of the certificate that is the host, or stands for it.
    pub(super) fn name_in<'c>(&self, certificate: &'c Certificate) -> Option<&'c Entry<'c>> {
        certificate.entries().iter().find(|entry| entry.name.as_ref().is_ok_and(|name| self.matches(name)))
    }

    fn matches(&self, name: &GeneralName<'_>) -> bool {
        match (self, name) {
            (Self::Dns(host), GeneralName::Dns(name)) => dns_matches(host, name),
            (Self::Ip(IpAddr::V4(address)), GeneralName::Ip(octets)) => *octets == address.octets(),
            (Self::Ip(IpAddr::V6(address)), GeneralName::Ip(octets)) => *octets == address.octets(),
            (Self::Email(mailbox), GeneralName::Email(name)) => mailbox_matches(mailbox, name),
            _ => false,
        }
    }

    fn webpki_agrees(&self, certificate: &Certificate) -> bool {
        let name = match self {
            Self::Email(_) => return true,
            Self::Ip(address) => ServerName::IpAddress((*address).into()),
            Self::Dns(name) => match ServerName::try_from(name.as_str()) {
                Ok(name) => name,
                Err(_) => return false,
            },
        };
        let der = CertificateDer::from(certificate.der());
        // One that it cannot read is accepted, if at all, for reasons that have nothing to do with names.
        EndEntityCert::try_from(&der).map_or(true, |leaf| leaf.verify_is_valid_for_subject_name(&name).is_ok())
    }
}

/// A wildcard is the whole of the leftmost label and stands for exactly one (RFC 9525 section 6.3); one below the top
/// level alone stands for nothing, as browsers and webpki have it.
fn dns_matches(name: &str, presented: &[u8]) -> bool {
    let presented = presented.strip_suffix(b".").unwrap_or(presented);
    match presented.strip_prefix(b"*.") {
        Some(suffix) => name
            .split_once('.')
            .is_some_and(|(_, rest)| suffix.contains(&b'.') && rest.as_bytes().eq_ignore_ascii_case(suffix)),
        None => name.as_bytes().eq_ignore_ascii_case(presented),
    }
}

/// The local part is compared as it is, the domain without regard to case (RFC 5280 section 7.5).
fn mailbox_matches(mailbox: &str, presented: &[u8]) -> bool {
    let Some(presented) = std::str::from_utf8(presented).ok().and_then(|text| text.rsplit_once('@')) else {
        return false;
    };
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or_default();
    local == presented.0 && domain.eq_ignore_ascii_case(presented.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// webpki is not asked about certificates that it cannot read.
    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (name, presented, expected) in [
            ("a.example.com", "*.example.com", true),
            ("a.example.com", "*.EXAMPLE.com.", true),
            ("a.b.example.com", "*.example.com", false),
            ("example.com", "*.example.com", false),
            ("example.com", "*.com", false),
            ("a.example.com", "a*.example.com", false),
            ("a.example.com", "*", false),
            ("com", "*.", false),
        ] {
            assert_eq!(dns_matches(name, presented.as_bytes()), expected, "{name} {presented}");
        }
    }

    #[test]
    fn a_zone_is_no_part_of_an_address() {
        for host in ["fe80::1%eth0", "[fe80::1%eth0]", "[fe80::1%25eth0]", "fe80::1%25en0", "fe80::1%2", "FE80::1"] {
            assert_eq!(host.parse::<Host>(), Ok(Host::Ip("fe80::1".parse().unwrap())), "{host}");
        }
        for host in ["fe80::1%", "fe80::1%a b", "192.0.2.1%eth0", "app.test%eth0", "%eth0", "fe80::1%eth0/"] {
            assert!(host.parse::<Host>().is_err(), "{host}");
        }
    }
}
