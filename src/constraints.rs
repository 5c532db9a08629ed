//! Name constraints: which names a CA may certify.
//!
//! [RFC 5280 section 4.2.1.10](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10). All kinds that it defines are
//! compared: dNSName, iPAddress, rfc822Name, URI and directoryName. A name of a kind that cannot be compared is refused
//! by any constraint on that kind, as the section asks.

mod dns;
mod email;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::asn1_rs::{Any, Class, FromDer};
use x509_parser::prelude::X509Certificate;

use crate::name::{Canonical, Subject, SubjectAltName, hex, rfc4514};

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The extension is not what RFC 5280 has it be.
    #[error("its name constraints {reason} (RFC 5280 section 4.2.1.10)")]
    Malformed {
        /// What is wrong.
        reason: &'static str,
    },
    /// A name in an excluded subtree.
    #[error("`{name}` is in the excluded subtree `{subtree}`")]
    Excluded {
        /// The name.
        name: String,
        /// The subtree.
        subtree: String,
    },
    /// A name in none of the permitted subtrees of its kind.
    #[error("`{name}` is in none of the permitted subtrees")]
    NotPermitted {
        /// The name.
        name: String,
    },
    /// A name that cannot be compared, of a kind that is constrained.
    #[error("`{name}` cannot be compared with the constraints on its kind")]
    Incomparable {
        /// The name.
        name: String,
    },
    /// More comparisons than anybody needs.
    #[error("its name constraints take too many comparisons")]
    TooComplex,
}

/// A nameConstraints extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameConstraints<'a> {
    permitted: Vec<Subtree<'a>>,
    excluded: Vec<Subtree<'a>>,
}

/// The base of a GeneralSubtree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subtree<'a> {
    Dns(&'a str),
    /// Address and mask.
    Ip(&'a [u8], &'a [u8]),
    Email(&'a str),
    Uri(&'a str),
    Directory(Canonical, String),
    /// Of a kind that is not compared: its tag, and an otherName's type.
    Other(u32, &'a [u8]),
}

/// A name that constraints are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name<'a> {
    /// dNSName.
    Dns(&'a [u8]),
    /// iPAddress.
    Ip(Cow<'a, [u8]>),
    /// rfc822Name, or the emailAddress of a subject.
    Email(&'a [u8]),
    /// uniformResourceIdentifier.
    Uri(&'a [u8]),
    /// directoryName or subject, with its RFC 4514 text.
    Directory(Canonical, String),
    /// Of a kind that is not compared: its tag, and an otherName's type.
    Other(u32, &'a [u8]),
}

/// How often names may be compared with subtrees along one path: webpki's own figure.
pub const BUDGET: u32 = 250_000;

const OTHER_NAME: u32 = 0;
const EMAIL: u32 = 1;
const DNS: u32 = 2;
const DIRECTORY: u32 = 4;
const URI: u32 = 6;
const IP: u32 = 7;

impl<'a> NameConstraints<'a> {
    /// Reads the extension's value.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`].
    pub fn parse(value: &'a [u8]) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed { reason };
        let Ok(([], outer)) = Any::from_der(value) else { return Err(malformed("are not DER")) };
        if outer.header.tag().0 != 16 || outer.header.class() != Class::Universal {
            return Err(malformed("are not a SEQUENCE"));
        }
        let mut constraints = Self { permitted: Vec::new(), excluded: Vec::new() };
        let mut last = None;
        for field in elements(outer.data).ok_or(malformed("are not DER"))? {
            let tag = field.header.tag().0;
            if field.header.class() != Class::ContextSpecific || tag > 1 || last.is_some_and(|last| last >= tag) {
                return Err(malformed("have a field that is unknown or in the wrong place"));
            }
            last = Some(tag);
            let subtrees = elements(field.data).ok_or(malformed("are not DER"))?;
            let subtrees = subtrees.into_iter().map(|subtree| Subtree::parse(&subtree)).collect::<Result<_, _>>()?;
            if tag == 0 {
                constraints.permitted = subtrees;
            } else {
                constraints.excluded = subtrees;
            }
        }
        Ok(constraints)
    }

    /// Whether nothing is constrained, which RFC 5280 forbids.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    /// Whether a dNSName begins with a dot, which RFC 5280 does not know and many CAs use for "the names below alone".
    #[must_use]
    pub fn has_leading_dot(&self) -> bool {
        let is_dotted = |subtree: &Subtree<'_>| matches!(subtree, Subtree::Dns(base) if base.starts_with('.'));
        self.permitted.iter().chain(&self.excluded).any(is_dotted)
    }

    /// Whether other names than dNSName and iPAddress are constrained.
    #[must_use]
    pub fn has_other_kinds(&self) -> bool {
        let is_other = |subtree: &Subtree<'_>| !matches!(subtree, Subtree::Dns(_) | Subtree::Ip(..));
        self.permitted.iter().chain(&self.excluded).any(is_other)
    }

    /// Whether every subject is excluded, which leaves subjectAltName alone.
    #[must_use]
    pub fn excludes_every_subject(&self) -> bool {
        let is_all = |subtree: &Subtree<'_>| matches!(subtree, Subtree::Directory(base, _) if base.is_empty());
        self.excluded.iter().any(is_all)
    }

    /// Checks that each name is in no excluded subtree, and in a permitted one where its kind has any. Each comparison
    /// takes one off the budget, which is [`BUDGET`] for a path.
    ///
    /// # Errors
    ///
    /// All but [`Error::Malformed`].
    pub fn check<'n>(&self, names: impl IntoIterator<Item = &'n Name<'n>>, budget: &mut u32) -> Result<(), Error> {
        for name in names {
            let comparisons = u32::try_from(self.permitted.len() + self.excluded.len()).unwrap_or(u32::MAX);
            *budget = budget.checked_sub(comparisons).ok_or(Error::TooComplex)?;
            self.check_one(name)?;
        }
        Ok(())
    }

    fn check_one(&self, name: &Name<'_>) -> Result<(), Error> {
        let incomparable = || Error::Incomparable { name: name.text() };
        for subtree in self.excluded.iter().filter(|subtree| subtree.is_kind_of(name)) {
            if subtree.overlaps(name).ok_or_else(incomparable)? {
                return Err(Error::Excluded { name: name.text(), subtree: subtree.text() });
            }
        }
        let mut of_its_kind = self.permitted.iter().filter(|subtree| subtree.is_kind_of(name)).peekable();
        if of_its_kind.peek().is_none() {
            return Ok(());
        }
        for subtree in of_its_kind {
            if subtree.contains(name).ok_or_else(incomparable)? {
                return Ok(());
            }
        }
        Err(Error::NotPermitted { name: name.text() })
    }

    /// What is permitted, in words; subtrees that hold nothing are left out.
    #[must_use]
    pub fn permitted_text(&self) -> Vec<String> {
        self.permitted.iter().filter(|subtree| !subtree.is_nothing()).map(Subtree::text).collect()
    }
}

/// The elements of a constructed value's content; `None` for what is not DER.
fn elements(mut content: &[u8]) -> Option<Vec<Any<'_>>> {
    let mut elements = Vec::new();
    while !content.is_empty() {
        let (rest, element) = Any::from_der(content).ok()?;
        elements.push(element);
        content = rest;
    }
    Some(elements)
}

impl<'a> Subtree<'a> {
    /// `SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }`: only the base may be there.
    fn parse(subtree: &Any<'a>) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed { reason };
        let fields = elements(subtree.data).ok_or(malformed("are not DER"))?;
        let [base] = &fields[..] else { return Err(malformed("have a minimum or a maximum")) };
        let text = || {
            std::str::from_utf8(base.data)
                .ok()
                .filter(|text| text.is_ascii())
                .ok_or(malformed("hold a name that is not ASCII"))
        };
        if base.header.class() != Class::ContextSpecific {
            return Err(malformed("hold something that is no name"));
        }
        match base.header.tag().0 {
            DNS => {
                let name = text()?;
                let valid = name.is_empty() || dns::is_name(name.strip_prefix('.').unwrap_or(name));
                if valid { Ok(Self::Dns(name)) } else { Err(malformed("hold a dNSName that is none")) }
            }
            IP => Self::ip(base.data).ok_or(malformed("hold an iPAddress without a mask that is a prefix")),
            EMAIL => {
                let name = text()?;
                if email::is_constraint(name) {
                    Ok(Self::Email(name))
                } else {
                    Err(malformed("hold an rfc822Name that is none"))
                }
            }
            URI => {
                let name = text()?;
                let valid = name.is_empty() || dns::is_name(name.strip_prefix('.').unwrap_or(name));
                if valid { Ok(Self::Uri(name)) } else { Err(malformed("hold a URI's host that is none")) }
            }
            DIRECTORY => {
                let parsed = x509_parser::x509::X509Name::from_der(base.data);
                let Ok(([], name)) = parsed else { return Err(malformed("hold a directoryName that is none")) };
                Ok(Self::Directory(Canonical::of_name(&name), rfc4514(&name)))
            }
            tag => Ok(Self::Other(tag, other_name_type(tag, base.data))),
        }
    }

    fn ip(octets: &'a [u8]) -> Option<Self> {
        if octets.len() != 8 && octets.len() != 32 {
            return None;
        }
        let (address, mask) = octets.split_at(octets.len() / 2);
        // RFC 4632: ones, then zeros.
        let ones: u32 = mask.iter().take_while(|octet| **octet == 0xff).map(|octet| octet.count_ones()).sum();
        let partial = mask.get(usize::try_from(ones / 8).ok()?).copied().unwrap_or_default();
        let rest = mask.iter().skip(usize::try_from(ones / 8).ok()? + 1);
        let is_prefix = partial.leading_ones() == partial.count_ones() && rest.into_iter().all(|octet| *octet == 0);
        is_prefix.then_some(Self::Ip(address, mask))
    }

    fn is_kind_of(&self, name: &Name<'_>) -> bool {
        match (self, name) {
            (Self::Dns(_), Name::Dns(_))
            | (Self::Ip(..), Name::Ip(_))
            | (Self::Email(_), Name::Email(_))
            | (Self::Uri(_), Name::Uri(_))
            | (Self::Directory(..), Name::Directory(..)) => true,
            (Self::Other(tag, kind), Name::Other(other, other_kind)) => tag == other && kind == other_kind,
            _ => false,
        }
    }

    /// Whether the whole name is in the subtree; `None` when that cannot be said.
    fn contains(&self, name: &Name<'_>) -> Option<bool> {
        match (self, name) {
            (Self::Dns(base), Name::Dns(name)) => dns::contains(base, name),
            (Self::Ip(base, mask), Name::Ip(address)) => ip_contains(base, mask, address),
            (Self::Email(base), Name::Email(name)) => email::contains(base, name),
            (Self::Uri(base), Name::Uri(uri)) => Some(dns::host_matches(base, dns::uri_host(uri)?)),
            (Self::Directory(base, _), Name::Directory(name, _)) => Some(name.is_within(base)),
            _ => None,
        }
    }

    /// Whether any host that the name stands for is in the subtree; `None` when that cannot be said.
    fn overlaps(&self, name: &Name<'_>) -> Option<bool> {
        match (self, name) {
            (Self::Dns(base), Name::Dns(name)) => dns::overlaps(base, name),
            _ => self.contains(name),
        }
    }

    /// Whether it only stands there so that its kind is not free: a name or address that nobody has.
    fn is_nothing(&self) -> bool {
        match self {
            Self::Dns(base) | Self::Uri(base) | Self::Email(base) => *base == "invalid",
            Self::Ip(address, mask) => {
                address.iter().all(|octet| *octet == 0) && mask.iter().all(|octet| *octet == 255)
            }
            Self::Directory(..) | Self::Other(..) => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Dns(base) | Self::Email(base) | Self::Uri(base) => (*base).to_owned(),
            Self::Ip(address, mask) => {
                let bits: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
                format!("{}/{bits}", ip_text(address))
            }
            Self::Directory(_, text) => text.clone(),
            Self::Other(tag, kind) => other_text(*tag, kind),
        }
    }
}

fn ip_contains(base: &[u8], mask: &[u8], address: &[u8]) -> Option<bool> {
    if address.len() != 4 && address.len() != 16 {
        return None;
    }
    let matches = address.iter().zip(base).zip(mask).all(|((octet, base), mask)| octet & mask == base & mask);
    Some(address.len() == base.len() && matches)
}

fn ip_text(octets: &[u8]) -> String {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| IpAddr::from(Ipv4Addr::from(octets)));
    let address = v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into()));
    address.map_or_else(|_| hex(octets), |address| address.to_string())
}

/// An otherName's type-id, as the octets of its OID.
fn other_name_type(tag: u32, content: &[u8]) -> &[u8] {
    match Any::from_der(content) {
        Ok((_, first)) if tag == OTHER_NAME => first.data,
        _ => &[],
    }
}

fn other_text(tag: u32, kind: &[u8]) -> String {
    match tag {
        OTHER_NAME => format!("otherName of the type {}", hex(kind)),
        _ => format!("a name of the kind [{tag}]"),
    }
}

impl<'a> Name<'a> {
    /// All names of a certificate that constraints are held against: the subject, the emailAddresses in it where the
    /// subjectAltName has no rfc822Name, and the subjectAltName's entries. `None` when the subjectAltName is malformed.
    #[must_use]
    pub fn all(certificate: &'a X509Certificate<'_>) -> Option<Vec<Self>> {
        let mut names = Vec::new();
        for extension in certificate.extensions() {
            if extension.oid == x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME {
                let ([], entries) = Any::from_der(extension.value).ok()? else { return None };
                for entry in elements(entries.data)? {
                    names.push(Self::of_general_name(&entry)?);
                }
            }
        }
        let has_email = names.iter().any(|name| matches!(name, Self::Email(_)));
        let subject = certificate.subject();
        if !has_email {
            names.extend(subject.iter_email().map(|email| Self::Email(email.attr_value().data)));
        }
        if subject.iter_rdn().next().is_some() {
            names.push(Self::Directory(Canonical::of_name(subject), rfc4514(subject)));
        }
        Some(names)
    }

    fn of_general_name(name: &Any<'a>) -> Option<Self> {
        if name.header.class() != Class::ContextSpecific {
            return None;
        }
        Some(match name.header.tag().0 {
            DNS => Self::Dns(name.data),
            IP => Self::Ip(name.data.into()),
            EMAIL => Self::Email(name.data),
            URI => Self::Uri(name.data),
            DIRECTORY => {
                let ([], name) = x509_parser::x509::X509Name::from_der(name.data).ok()? else { return None };
                Self::Directory(Canonical::of_name(&name), rfc4514(&name))
            }
            tag => Self::Other(tag, other_name_type(tag, name.data)),
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Uri(name) => String::from_utf8_lossy(name).into_owned(),
            Self::Ip(octets) => ip_text(octets),
            Self::Directory(_, text) => text.clone(),
            Self::Other(tag, kind) => other_text(*tag, kind),
        }
    }
}

/// A certificate's name constraints, if it has any.
///
/// # Errors
///
/// [`Error::Malformed`].
pub fn of_certificate<'a>(certificate: &'a X509Certificate<'_>) -> Result<Option<NameConstraints<'a>>, Error> {
    let is_constraints = |extension: &&x509_parser::extensions::X509Extension<'_>| {
        extension.oid == x509_parser::oid_registry::OID_X509_EXT_NAME_CONSTRAINTS
    };
    let extension = certificate.extensions().iter().find(is_constraints);
    extension.map(|extension| NameConstraints::parse(extension.value)).transpose()
}

impl From<&Subject> for Name<'_> {
    fn from(subject: &Subject) -> Self {
        Self::Directory(Canonical::of(subject.as_der()).unwrap_or_default(), subject.to_string())
    }
}

impl<'a> From<&'a SubjectAltName> for Name<'a> {
    fn from(name: &'a SubjectAltName) -> Self {
        match name {
            SubjectAltName::Dns(name) => Self::Dns(name.as_bytes()),
            SubjectAltName::Email(name) => Self::Email(name.as_bytes()),
            SubjectAltName::Uri(name) => Self::Uri(name.as_bytes()),
            SubjectAltName::Ip(IpAddr::V4(v4)) => Self::Ip(v4.octets().to_vec().into()),
            SubjectAltName::Ip(IpAddr::V6(v6)) => Self::Ip(v6.octets().to_vec().into()),
        }
    }
}
