//! Names a local CA may sign for, as nameConstraints (RFC 5280 section 4.2.1.10).

use std::fmt;
use std::net::IpAddr;

use der::asn1::Any;
use der::{Encode, Tag, TagNumber};

use super::Error;
use crate::issue::cert;
use crate::x509::csr::Extension;
use crate::x509::name::ip_address;
use crate::x509::name::{self, SubjectAltName};

/// Names a local CA may sign for by default: names that no public CA may certify, and addresses that are
/// not routed on the Internet.
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

/// Something that a local CA may sign for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// A domain with its subdomains.
    Domain(String),
    /// A range of addresses: the first, and the length of the prefix.
    Range(IpAddr, u8),
    /// A mailbox, or all of a host.
    Email(String),
    /// The URIs of a host.
    UriHost(String),
}

impl Permit {
    /// A domain (`dev.test`, `.test`), a range (`10.0.0.0/8`), an address, a mailbox (`me@example.com`), all of a mail
    /// host (`@example.com`), or a URI, for all of its host (`spiffe://dev`).
    ///
    /// # Errors
    ///
    /// [`Error::Permit`] for any other input.
    pub fn parse(input: &str) -> Result<Self, Error> {
        let wrong = || Error::Permit { input: input.to_owned(), instead: instead(input) };
        let (address, length) =
            input.split_once('/').map_or((input, None), |(address, length)| (address, Some(length)));
        if let Ok(address) = address.parse::<IpAddr>() {
            let bits = bits(address);
            let length = length.map_or(Ok(bits), str::parse).ok().filter(|length| *length <= bits).ok_or_else(wrong)?;
            return Ok(Self::Range(masked(address, length), length));
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

    /// A warning about more names than one person owns: those below a public suffix, or all addresses.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let (what, is_public) = match self {
            Self::Domain(name) | Self::Email(name) | Self::UriHost(name) => {
                let is_local = DEFAULT_PERMIT.contains(&name.as_str());
                ("every domain below it", !is_local && name::is_public_suffix(name.as_bytes()))
            }
            Self::Range(_, length) => ("every address", *length == 0),
        };
        is_public.then(|| format!("`{self}` is permitted: whoever steals this CA's key can sign for {what}, for you"))
    }

    /// The GeneralName that is the base of its subtree.
    fn general_name(&self) -> Result<Any, der::Error> {
        let of_kind = |number, octets: &[u8]| Any::new(context(number, false), octets);
        match self {
            Self::Email(name) => of_kind(1, name.as_bytes()),
            Self::Domain(name) => of_kind(2, name.as_bytes()),
            Self::UriHost(name) => of_kind(6, name.as_bytes()),
            Self::Range(address, length) => of_kind(7, &[octets(*address), mask(*address, *length)].concat()),
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

impl fmt::Display for Permit {
    /// The form that [`Permit::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => f.write_str(domain),
            Self::Range(address, length) => write!(f, "{address}/{length}"),
            Self::Email(mailbox) if mailbox.contains('@') => f.write_str(mailbox),
            Self::Email(host) => write!(f, "@{host}"),
            Self::UriHost(host) => write!(f, "any://{host}"),
        }
    }
}

/// Reads the permitted names; `default`, or an empty list, stands for [`DEFAULT_PERMIT`]. `None` for `any`.
///
/// # Errors
///
/// As [`Permit::parse`].
pub(super) fn permits(asked: &[String]) -> Result<Option<Vec<Permit>>, Error> {
    if asked.iter().any(|name| name == "any") {
        return Ok(None);
    }
    let default = ["default".to_owned()];
    let mut permits = Vec::new();
    for name in if asked.is_empty() { &default } else { asked } {
        if name == "default" {
            permits.extend(DEFAULT_PERMIT.map(Permit::parse).into_iter().collect::<Result<Vec<_>, _>>()?);
        } else {
            permits.push(Permit::parse(name)?);
        }
    }
    Ok(Some(unique(permits)))
}

/// Reads an intermediate's permitted names back from the constraints written here; `None` if any name is permitted.
pub(super) fn permitted(report: &crate::judge::report::Certificate) -> Option<Vec<Permit>> {
    use crate::judge::report::extension::ExtensionValue;
    let constraints = report.extensions.iter().find_map(|extension| match extension.value.as_ref()? {
        ExtensionValue::NameConstraints(constraints) => Some(constraints),
        _ => None,
    })?;
    let read = |text: &String| {
        let (kind, name) = text.split_once(':')?;
        match kind {
            "email" if !name.contains('@') => Permit::parse(&format!("@{name}")).ok(),
            "URI" => Permit::parse(&format!("any://{name}")).ok(),
            _ => Permit::parse(name).ok(),
        }
    };
    Some(constraints.permitted.iter().filter_map(read).filter(|permit| !nothing().contains(permit)).collect())
}

/// The nameConstraints extension, critical; a kind without a permitted name gets one that nobody has.
///
/// Constraints are by kind (RFC 5280 section 4.2.1.10): a kind without any would be free. directoryName is left to
/// [`no_subject`]: Go refuses every certificate below a CA whose critical constraints speak of it.
pub(super) fn extension(permits: &[Permit]) -> Result<Extension, Error> {
    let kind = |permit: &Permit| match permit {
        Permit::Email(_) => 1,
        Permit::Domain(_) => 2,
        Permit::UriHost(_) => 6,
        Permit::Range(IpAddr::V4(_), _) => 4,
        Permit::Range(IpAddr::V6(_), _) => 16,
    };
    let missing = nothing().into_iter().filter(|none| !permits.iter().any(|permit| kind(permit) == kind(none)));
    let encode = || -> Result<Vec<u8>, der::Error> {
        let mut subtrees = Vec::new();
        for permit in permits.iter().cloned().chain(missing) {
            vec![permit.general_name()?].encode_to_vec(&mut subtrees)?;
        }
        vec![Any::new(context(0, true), subtrees)?].to_der()
    };
    let value = encode().map_err(|error| Error::from(cert::Error::from(crate::x509::signed::Error::from(error))))?;
    Ok(Extension { oid: "2.5.29.30".to_owned(), critical: true, value })
}

/// The nameConstraints extension that excludes every subject: a directoryName of no RDN.
///
/// The extension is not critical, because Go refuses every certificate below a critical one that has a directoryName.
pub(super) fn no_subject() -> Extension {
    // SEQUENCE { [1] excludedSubtrees { SEQUENCE { [4] directoryName { SEQUENCE {} } } } }
    let value = vec![0x30, 0x08, 0xa1, 0x06, 0x30, 0x04, 0xa4, 0x02, 0x30, 0x00];
    Extension { oid: "2.5.29.30".to_owned(), critical: false, value }
}

/// Unused names, one of each kind: `invalid` is reserved by RFC 6761, and the addresses belong to no host.
fn nothing() -> [Permit; 5] {
    let invalid = || "invalid".to_owned();
    [
        Permit::Domain(invalid()),
        Permit::Range(IpAddr::from([0; 4]), 32),
        Permit::Range(IpAddr::from([0; 16]), 128),
        Permit::Email(invalid()),
        Permit::UriHost(invalid()),
    ]
}

pub(super) fn unique(permits: Vec<Permit>) -> Vec<Permit> {
    let mut seen = Vec::new();
    for permit in permits {
        if !seen.contains(&permit) {
            seen.push(permit);
        }
    }
    seen
}

/// The tag of a context-specific element.
fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}

/// A host name without wildcard, as its A-label.
fn domain(input: &str) -> Option<String> {
    match input.parse() {
        Ok(SubjectAltName::Dns(domain)) if !domain.starts_with('*') => Some(domain),
        _ => None,
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn mask(address: IpAddr, length: u8) -> Vec<u8> {
    let octet = |index: u8| {
        let ones = length.saturating_sub(index * 8).min(8);
        u8::try_from(0xff00_u16 >> ones & 0xff).unwrap_or(0xff)
    };
    (0..bits(address) / 8).map(octet).collect()
}

/// The first address of a range.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    let first = octets(address).into_iter().zip(mask(address, length)).map(|(octet, mask)| octet & mask);
    let first: Vec<u8> = first.collect();
    ip_address(&first).unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::constraints::NameConstraints;

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
            assert!(matches!(Permit::parse(input), Err(Error::Permit { .. })), "{input}");
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
            let Err(Error::Permit { instead, .. }) = Permit::parse(input) else { panic!("{input} is permitted") };
            assert_eq!(instead, expected, "{input}");
        }
    }

    #[test]
    fn more_than_one_person_owns_is_warned_about() {
        let warning = |input: &str| Permit::parse(input).unwrap().warning();
        for input in ["com", "co.uk", "*.com", "@com", "spiffe://com", "0.0.0.0/0", "::/0"] {
            assert!(warning(input).is_some(), "{input}");
        }
        for input in DEFAULT_PERMIT.into_iter().chain(["example.com", "github.io", "corp", "me@example.com"]) {
            assert_eq!(warning(input), None, "{input}");
        }
    }

    /// Constraints apply per kind: a kind without a permitted name was unconstrained.
    #[test]
    fn every_kind_is_constrained() {
        let extension = extension(&[Permit::parse("dev.test").unwrap()]).unwrap();
        assert!(extension.critical);
        let constraints = NameConstraints::parse(&extension.value).unwrap();
        assert_eq!(constraints.permitted_text()[0], "dev.test");
        for name in ["a.dev.test", "test", "10.0.0.1", "::1", "me@dev.test", "spiffe://dev.test/a"] {
            let name: SubjectAltName = name.parse().unwrap();
            let permitted = constraints.check([&(&name).into()], &mut crate::x509::constraints::BUDGET.clone()).is_ok();
            assert_eq!(permitted, name.value() == "a.dev.test", "{name}");
        }
    }
}
