//! Typed names ("localhost", "::1", "*.dev.test", an email, a URI, `CN=…,O=…`), parsed to subjectAltName and subject;
//! and names in certificates, printed as text.
//!
//! # Example
//!
//! ```
//! use secure_io::name::{self, SubjectAltName};
//!
//! let names = name::parse_all(["app.test", "::1"])?;
//! assert_eq!(names[0], SubjectAltName::Dns("app.test".to_owned()));
//! assert_eq!(names[1].to_string(), "IP:::1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attribute;
mod compare;
mod distinguished;
mod general;
mod place;
mod subject;
#[cfg(test)]
mod tests;
mod text;
mod typed;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

pub(crate) use self::attribute::longest_value;
pub use self::compare::{Canonical, same_name};
pub use self::distinguished::{Attribute, DistinguishedName};
pub use self::general::{Entry, GeneralName, GeneralNames, ip_address};
pub use self::place::Name;
pub use self::subject::Subject;
pub(crate) use self::text::attributes;
pub use self::text::{distinguished_name, escape_unprintable, general_name, is_unprintable, readable, rfc4514_der};
use self::typed::Typed;

/// Longest commonName, in characters (RFC 5280 appendix A.1, `ub-common-name`).
pub const COMMON_NAME_LIMIT: usize = 64;

/// Decides whether a domain is a public suffix: one under which a registry gives out names, not a company to its
/// customers.
///
/// Those are the list's private section, which CA/Browser Forum 3.2.2.6 leaves out.
#[must_use]
pub fn is_public_suffix(domain: &[u8]) -> bool {
    let domain = domain.to_ascii_lowercase();
    listed_suffix(&domain).is_some_and(|suffix| suffix.as_bytes() == domain && suffix.typ() == Some(psl::Type::Icann))
}

/// The longest suffix of a domain in lower case that the public suffix list holds, in either section.
// The list is code: each place that asks it holds its 650 KB once more.
#[inline(never)]
pub(crate) fn listed_suffix(domain: &[u8]) -> Option<psl::Suffix<'_>> {
    psl::suffix(domain).filter(psl::Suffix::is_known)
}

/// Reason why typed text cannot be a name in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` cannot be a name in a certificate: {reason}")]
#[non_exhaustive]
pub struct Error {
    /// Input as typed.
    pub input: String,
    /// The fault.
    pub reason: String,
    /// The words to write instead, if that is clear: one, or several.
    pub instead: Vec<String>,
}

/// Something about a name that is allowed but that hardly anybody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry of a subjectAltName (RFC 5280 section 4.2.1.6), valid by construction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SubjectAltName {
    /// dNSName: lower-case A-labels, perhaps behind `*.`.
    Dns(String),
    /// iPAddress.
    Ip(IpAddr),
    /// rfc822Name: `local@domain`, in ASCII.
    Email(String),
    /// uniformResourceIdentifier, in ASCII.
    Uri(String),
}

/// The names of a certificate if none are given: this machine, as browsers reach it.
#[must_use]
pub fn loopback() -> Vec<SubjectAltName> {
    vec![
        SubjectAltName::Dns("localhost".to_owned()),
        SubjectAltName::Ip(Ipv4Addr::LOCALHOST.into()),
        SubjectAltName::Ip(Ipv6Addr::LOCALHOST.into()),
    ]
}

impl fmt::Display for SubjectAltName {
    /// With its kind in front, as in `DNS:localhost`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
        }
    }
}

impl FromStr for SubjectAltName {
    type Err = Error;

    /// Recognises the kind of a typed name; a prefix `DNS:`, `IP:`, `email:` or `URI:` sets the kind explicitly.
    fn from_str(input: &str) -> Result<Self, Error> {
        Typed::new(input).parse()
    }
}

impl SubjectAltName {
    /// The name without its kind.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) => text.clone(),
            Self::Ip(address) => address.to_string(),
        }
    }

    /// Returns a warning for a name that hardly anybody wants.
    #[must_use]
    pub fn warning(&self) -> Option<Warning> {
        let text = match self {
            Self::Dns(name) if name.starts_with("*.*.") => {
                format!("no client matches `{name}`: a wildcard stands for one label, the leftmost")
            }
            Self::Dns(name) if name.starts_with("*.") && name.matches('.').count() == 1 => {
                format!("`{name}` covers a whole top-level domain, and no browser accepts that")
            }
            Self::Dns(name) if name.strip_prefix("*.").is_some_and(|base| is_public_suffix(base.as_bytes())) => {
                format!(
                    "`{name}` covers a whole public suffix, below which everybody registers domains: no browser accepts that"
                )
            }
            _ => return None,
        };
        Some(Warning(text))
    }

    fn to_rcgen(&self) -> Option<rcgen::SanType> {
        Some(match self {
            Self::Dns(name) => rcgen::SanType::DnsName(name.as_str().try_into().ok()?),
            Self::Ip(address) => rcgen::SanType::IpAddress(*address),
            Self::Email(address) => rcgen::SanType::Rfc822Name(address.as_str().try_into().ok()?),
            Self::Uri(uri) => rcgen::SanType::URI(uri.as_str().try_into().ok()?),
        })
    }
}

/// The entries as rcgen takes them: all are ASCII by construction.
#[must_use]
pub(crate) fn to_rcgen(names: &[SubjectAltName]) -> Vec<rcgen::SanType> {
    names.iter().filter_map(SubjectAltName::to_rcgen).collect()
}

/// Reads several names; the same one twice counts once.
///
/// # Errors
///
/// The first that cannot be in a certificate.
pub fn parse_all<'a>(inputs: impl IntoIterator<Item = &'a str>) -> Result<Vec<SubjectAltName>, Error> {
    let mut names = Vec::new();
    for input in inputs {
        let name = input.parse()?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}
