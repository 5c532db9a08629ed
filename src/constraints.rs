//! Name constraints: which names a CA may certify.
//!
//! [RFC 5280 section 4.2.1.10](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10). All kinds that it defines are
//! compared: dNSName, iPAddress, rfc822Name, URI and directoryName. A name of a kind that cannot be compared is refused
//! by any constraint on that kind, as the section asks.

mod dns;
mod email;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::asn1_rs::{Any, Class, FromDer};
use x509_parser::prelude::X509Certificate;

use crate::name::{Canonical, SubjectAltName, hex, rfc4514};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Subject;

    fn wrap(tag: u8, inner: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat()
    }

    /// A nameConstraints extension from the tags and contents of its subtrees' names.
    fn extension(permitted: &[(u8, &[u8])], excluded: &[(u8, &[u8])]) -> Vec<u8> {
        let list = |tag, subtrees: &[(u8, &[u8])]| {
            let all: Vec<u8> = subtrees.iter().flat_map(|(kind, name)| wrap(0x30, &wrap(*kind, name))).collect();
            if all.is_empty() { Vec::new() } else { wrap(tag, &all) }
        };
        wrap(0x30, &[list(0xa0, permitted), list(0xa1, excluded)].concat())
    }

    fn check(permitted: &[(u8, &[u8])], excluded: &[(u8, &[u8])], name: &Name<'_>) -> Result<(), Error> {
        NameConstraints::parse(&extension(permitted, excluded)).unwrap().check([name], &mut BUDGET.clone())
    }

    fn directory(text: &str) -> Name<'static> {
        let subject: Subject = text.parse().unwrap();
        Name::Directory(Canonical::of(subject.as_der()).unwrap(), text.to_owned())
    }

    #[test]
    fn a_kind_without_subtrees_is_free() {
        let permitted: &[(u8, &[u8])] = &[(0x82, b"example.com")];
        assert_eq!(check(permitted, &[], &Name::Dns(b"a.example.com")), Ok(()));
        assert!(matches!(check(permitted, &[], &Name::Dns(b"a.test")), Err(Error::NotPermitted { .. })));
        assert_eq!(check(permitted, &[], &Name::Email(b"me@a.test")), Ok(()));
        assert_eq!(check(permitted, &[], &Name::Ip(vec![10, 0, 0, 1].into())), Ok(()));
    }

    #[test]
    fn what_is_excluded_is_not_permitted() {
        let both: &[(u8, &[u8])] = &[(0x82, b"example.com")];
        assert!(matches!(check(both, both, &Name::Dns(b"example.com")), Err(Error::Excluded { .. })));
        assert_eq!(check(&[], both, &Name::Dns(b"example.org")), Ok(()));
    }

    #[test]
    fn addresses_are_compared_under_their_mask() {
        let permitted: &[(u8, &[u8])] = &[(0x87, &[10, 0, 0, 0, 255, 0, 0, 0])];
        let ip = |octets: &[u8]| check(permitted, &[], &Name::Ip(octets.to_vec().into()));
        assert_eq!(ip(&[10, 1, 2, 3]), Ok(()));
        assert!(matches!(ip(&[11, 1, 2, 3]), Err(Error::NotPermitted { .. })));
        assert!(matches!(ip(&[0; 16]), Err(Error::NotPermitted { .. })), "constraints are by kind: IPv6 is not free");
        assert!(matches!(ip(&[10, 0, 0, 0, 255, 0, 0, 0]), Err(Error::Incomparable { .. })));
    }

    #[test]
    fn directory_names_are_compared_by_rdn() {
        let subject: Subject = "O=Example,C=DE".parse().unwrap();
        let permitted: &[(u8, &[u8])] = &[(0xa4, subject.as_der())];
        assert_eq!(check(permitted, &[], &directory("CN=a,O=EXAMPLE,C=DE")), Ok(()));
        assert!(matches!(check(permitted, &[], &directory("CN=a,C=DE")), Err(Error::NotPermitted { .. })));
        assert!(matches!(check(&[], permitted, &directory("CN=a,O=Example,C=DE")), Err(Error::Excluded { .. })));
    }

    /// RFC 5280 section 4.2.1.10: process the constraint or reject the certificate.
    #[test]
    fn a_constraint_that_is_not_understood_refuses_names_of_its_kind_alone() {
        let other_name = [6, 3, 0x2a, 3, 4, 0xa0, 2, 5, 0];
        let excluded: &[(u8, &[u8])] = &[(0xa0, &other_name)];
        let named = |kind| check(&[], excluded, &Name::Other(OTHER_NAME, kind));
        assert!(matches!(named(&[0x2a, 3, 4]), Err(Error::Incomparable { .. })));
        assert_eq!(named(&[0x2a, 3, 5]), Ok(()));
        assert_eq!(check(&[], excluded, &Name::Dns(b"a.test")), Ok(()));
    }

    #[test]
    fn what_rfc_5280_does_not_have_is_malformed() {
        let refused = |value: &[u8]| matches!(NameConstraints::parse(value), Err(Error::Malformed { .. }));
        for (kind, name) in [
            (0x82, &b"*.example.com"[..]),
            (0x82, b"a b"),
            (0x82, "\u{e4}.test".as_bytes()),
            (0x87, &[127, 0, 0, 1]),
            (0x87, &[10, 0, 0, 0, 255, 0, 255, 0]),
            (0x87, &[0; 9]),
            (0x81, b"a@b@example.com"),
            (0x86, b"https://example.com/"),
            (0xa4, b"x"),
            (0x02, b"x"),
        ] {
            assert!(refused(&extension(&[(kind, name)], &[])), "{kind:x} {name:?}");
        }
        let minimum = wrap(0x30, &wrap(0xa0, &wrap(0x30, &[wrap(0x82, b"a.test"), wrap(0x80, &[1])].concat())));
        assert!(refused(&minimum));
        assert!(refused(b"\x30\x05") && refused(b"\x04\x00") && refused(b"") && refused(b"\x30\x00\x00"));
        assert!(refused(&wrap(0x30, &wrap(0xa2, b""))), "there are two fields");
        assert!(NameConstraints::parse(&extension(&[], &[])).unwrap().is_empty());
    }

    #[test]
    fn comparisons_are_counted() {
        let value = extension(&[(0x82, b"a.test"), (0x82, b"b.test")], &[]);
        let constraints = NameConstraints::parse(&value).unwrap();
        let name = Name::Dns(b"a.test");
        assert_eq!(constraints.check([&name, &name], &mut 4), Ok(()));
        assert_eq!(constraints.check([&name, &name], &mut 3), Err(Error::TooComplex));
    }

    #[test]
    fn what_is_permitted_is_told_without_what_holds_nobody() {
        let subtrees: &[(u8, &[u8])] = &[
            (0x82, b"test"),
            (0x82, b"invalid"),
            (0x87, &[10, 0, 0, 0, 255, 0, 0, 0]),
            (0x87, &[0, 0, 0, 0, 255, 255, 255, 255]),
        ];
        assert_eq!(NameConstraints::parse(&extension(subtrees, &[])).unwrap().permitted_text(), ["test", "10.0.0.0/8"]);
    }

    proptest::proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let _ = NameConstraints::parse(&octets);
            let _ = dns::contains("example.com", &octets);
            let _ = dns::uri_host(&octets);
            let _ = email::contains("example.com", &octets);
        }
    }
}
