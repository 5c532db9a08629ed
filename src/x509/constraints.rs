//! Name constraints: which names a CA may certify.
//!
//! [RFC 5280 section 4.2.1.10](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10). All kinds that it defines are
//! compared: dNSName, iPAddress, rfc822Name, URI and directoryName. A name of a kind that cannot be compared is refused
//! by any constraint on that kind, as the section asks.

mod dns;
mod email;
#[cfg(test)]
mod tests;
mod uri;

use std::borrow::Cow;
use std::net::IpAddr;

use crate::base::hex::hex;
use crate::encoding::asn1::{self, Value, tag};
use crate::x509::name::ip_address;
use crate::x509::name::{Canonical, DistinguishedName, GeneralName, Subject, SubjectAltName, rfc4514_der};

/// Reason why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The extension violates RFC 5280.
    #[error("its name constraints {reason} (RFC 5280 section 4.2.1.10)")]
    Malformed {
        /// Fault in words.
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
    Other(u8, &'a [u8]),
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
    /// SmtpUTF8Mailbox, an otherName: the DER of its UTF8String.
    InternationalEmail(&'a [u8]),
    /// Of a kind that is not compared: its tag, and an otherName's type.
    Other(u8, &'a [u8]),
}

/// Largest number of comparisons of names with subtrees along one path: webpki's own limit.
pub const BUDGET: u32 = 250_000;

const OTHER_NAME: u8 = tag::constructed(0);

/// id-on-SmtpUTF8Mailbox, 1.3.6.1.5.5.7.8.9 (RFC 9598 section 3).
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 9];

/// emailAddress, 1.2.840.113549.1.9.1.
const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

const NOT_DER: Error = Error::Malformed { reason: "are not DER" };

impl<'a> NameConstraints<'a> {
    /// Reads the extension's value.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], also for a single malformed subtree: without it, names of its kind would be
    /// unconstrained.
    pub fn parse(value: &'a [u8]) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed { reason };
        let outer = asn1::only(value, tag::SEQUENCE, "").map_err(|_| malformed("are not a SEQUENCE in DER"))?;
        asn1::der::check(outer, "").map_err(|_| NOT_DER)?;
        let mut fields = outer.reader();
        let mut list = |number| match fields.optional(tag::constructed(number), "") {
            Ok(Some(list)) => {
                list.each(tag::SEQUENCE, "").map_err(|_| NOT_DER)?.into_iter().map(Subtree::parse).collect()
            }
            Ok(None) => Ok(Vec::new()),
            Err(_) => Err(NOT_DER),
        };
        let (permitted, excluded) = (list(0)?, list(1)?);
        fields.finish("").map_err(|_| malformed("have a field that is unknown or in the wrong place"))?;
        Ok(Self { permitted, excluded })
    }

    /// Returns true if no name is constrained, which RFC 5280 forbids.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    /// Returns true if a dNSName begins with a dot, which RFC 5280 does not define and many CAs use for subdomains
    /// only.
    #[must_use]
    pub fn has_leading_dot(&self) -> bool {
        let is_dotted = |subtree: &Subtree<'_>| matches!(subtree, Subtree::Dns(base) if base.starts_with('.'));
        self.permitted.iter().chain(&self.excluded).any(is_dotted)
    }

    /// Returns true if names other than dNSName and iPAddress are constrained.
    #[must_use]
    pub fn has_other_kinds(&self) -> bool {
        let is_other = |subtree: &Subtree<'_>| !matches!(subtree, Subtree::Dns(_) | Subtree::Ip(..));
        self.permitted.iter().chain(&self.excluded).any(is_other)
    }

    /// Returns true if every subject is excluded, which leaves subjectAltName alone.
    #[must_use]
    pub fn excludes_every_subject(&self) -> bool {
        let is_all = |subtree: &Subtree<'_>| matches!(subtree, Subtree::Directory(base, _) if base.is_empty());
        self.excluded.iter().any(is_all)
    }

    /// Returns true if the exclusion of every subject is the only constraint.
    #[must_use]
    pub fn excludes_subjects_alone(&self) -> bool {
        self.permitted.is_empty() && self.excluded.len() == 1 && self.excludes_every_subject()
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

    /// Lists the permitted names in words, without subtrees that match nothing.
    #[must_use]
    pub fn permitted_text(&self) -> Vec<String> {
        self.permitted.iter().filter(|subtree| !subtree.is_nothing()).map(Subtree::text).collect()
    }
}

impl<'a> Subtree<'a> {
    /// `SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }`: only the base may be there.
    fn parse(subtree: Value<'a>) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed { reason };
        let mut fields = subtree.reader();
        let base = fields.value("").map_err(|_| malformed("have a subtree without a base"))?;
        fields.finish("").map_err(|_| malformed("have a minimum or a maximum"))?;
        let text = |octets: &'a [u8]| {
            let text = std::str::from_utf8(octets).ok().filter(|text| text.is_ascii());
            text.ok_or(malformed("hold a name that is not ASCII"))
        };
        match GeneralName::read(base).map_err(|_| malformed("hold something that is no name"))? {
            GeneralName::Dns(octets) => {
                let name = text(octets)?;
                if is_domain(name) { Ok(Self::Dns(name)) } else { Err(malformed("hold a dNSName that is none")) }
            }
            GeneralName::Ip(octets) => {
                Self::ip(octets).ok_or(malformed("hold an iPAddress without a mask that is a prefix"))
            }
            GeneralName::Email(octets) => {
                let name = text(octets)?;
                let is_good = email::is_constraint(name);
                if is_good { Ok(Self::Email(name)) } else { Err(malformed("hold an rfc822Name that is none")) }
            }
            GeneralName::Uri(octets) => {
                let name = text(octets)?;
                if is_domain(name) { Ok(Self::Uri(name)) } else { Err(malformed("hold a URI's host that is none")) }
            }
            GeneralName::Directory(name) => Ok(Self::Directory(Canonical::of_name(&name), rfc4514_der(base.content))),
            GeneralName::Other { kind, .. } => Ok(Self::Other(base.tag, kind)),
            GeneralName::X400Address(_) | GeneralName::EdiPartyName(_) | GeneralName::RegisteredId(_) => {
                Ok(Self::Other(base.tag, &[]))
            }
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
            | (Self::Email(_), Name::Email(_) | Name::InternationalEmail(_))
            | (Self::Uri(_), Name::Uri(_))
            | (Self::Directory(..), Name::Directory(..)) => true,
            (Self::Other(tag, kind), Name::Other(other, other_kind)) => tag == other && kind == other_kind,
            (Self::Other(tag, kind), Name::InternationalEmail(_)) => *tag == OTHER_NAME && *kind == SMTP_UTF8_MAILBOX,
            _ => false,
        }
    }

    /// Returns true if the whole name is in the subtree; `None` if that cannot be decided.
    fn contains(&self, name: &Name<'_>) -> Option<bool> {
        match (self, name) {
            (Self::Dns(base), Name::Dns(name)) => dns::contains(base, name),
            (Self::Ip(base, mask), Name::Ip(address)) => ip_contains(base, mask, address),
            (Self::Email(base), Name::Email(name)) => email::contains(base, name),
            (Self::Email(base), Name::InternationalEmail(value)) => email::contains_international(base, value),
            (Self::Uri(base), Name::Uri(uri)) => Some(dns::host_matches(base, uri::host(uri)?)),
            (Self::Directory(base, _), Name::Directory(name, _)) => Some(name.is_within(base)),
            _ => None,
        }
    }

    /// Returns true if any host that the name stands for is in the subtree; `None` if that cannot be decided.
    fn overlaps(&self, name: &Name<'_>) -> Option<bool> {
        match (self, name) {
            (Self::Dns(base), Name::Dns(name)) => dns::overlaps(base, name),
            _ => self.contains(name),
        }
    }

    /// Returns true if the subtree only serves to forbid its kind: a name or address that nobody has.
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
    ip_address(octets).map_or_else(|| hex(octets), |address| address.to_string())
}

/// Decides whether text is a domain, or all that is below one behind a dot; the empty one has everything.
fn is_domain(text: &str) -> bool {
    text.is_empty() || dns::is_name(text.strip_prefix('.').unwrap_or(text))
}

fn other_text(tag: u8, kind: &[u8]) -> String {
    match tag {
        OTHER_NAME => format!("otherName of the type {}", asn1::oid::name_or_dotted(&asn1::oid::dotted(kind))),
        _ => format!("a name of the kind [{}]", tag & 0x1f),
    }
}

impl<'a> Name<'a> {
    /// All names of a certificate that constraints are held against, from its subject and the content of its
    /// subjectAltName: the subject, the emailAddresses in the subject where the subjectAltName has no rfc822Name, and
    /// the subjectAltName's entries.
    ///
    /// # Errors
    ///
    /// If a name is malformed for its kind.
    pub fn all(subject: &'a [u8], subject_alt_name: Option<&'a [u8]>) -> Result<Vec<Self>, asn1::Error> {
        let mut names = Vec::new();
        let mut entries = asn1::Reader::new(subject_alt_name.unwrap_or_default());
        while !entries.is_empty() {
            names.push(Self::of_general_name(entries.value("subjectAltName")?)?);
        }
        let has_email = names.iter().any(|name| matches!(name, Self::Email(_)));
        let directory = DistinguishedName::read(subject)?;
        if !has_email {
            let emails = directory.attributes().iter().filter(|attribute| attribute.kind.content == EMAIL_ADDRESS);
            names.extend(emails.map(|attribute| Self::Email(attribute.value.content)));
        }
        if !directory.attributes().is_empty() {
            names.push(Self::Directory(Canonical::of_name(&directory), rfc4514_der(subject)));
        }
        Ok(names)
    }

    fn of_general_name(name: Value<'a>) -> Result<Self, asn1::Error> {
        Ok(match GeneralName::read(name)? {
            GeneralName::Dns(octets) => Self::Dns(octets),
            GeneralName::Ip(octets) => Self::Ip(octets.into()),
            GeneralName::Email(octets) => Self::Email(octets),
            GeneralName::Uri(octets) => Self::Uri(octets),
            GeneralName::Directory(directory) => {
                Self::Directory(Canonical::of_name(&directory), rfc4514_der(name.content))
            }
            GeneralName::Other { kind, value } if kind == SMTP_UTF8_MAILBOX => Self::InternationalEmail(value),
            GeneralName::Other { kind, .. } => Self::Other(name.tag, kind),
            GeneralName::X400Address(_) | GeneralName::EdiPartyName(_) | GeneralName::RegisteredId(_) => {
                Self::Other(name.tag, &[])
            }
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Uri(name) => escape(&String::from_utf8_lossy(name)),
            Self::InternationalEmail(value) => match email::international(value) {
                Some(mailbox) => escape(mailbox),
                None => "an SmtpUTF8Mailbox".to_owned(),
            },
            Self::Ip(octets) => ip_text(octets),
            Self::Directory(_, text) => text.clone(),
            Self::Other(tag, kind) => other_text(*tag, kind),
        }
    }
}

fn escape(text: &str) -> String {
    crate::x509::name::escape_unprintable(text)
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
