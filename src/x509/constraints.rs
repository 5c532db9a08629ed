//! Name constraints, the names that a CA may certify: read, printed and held against names.
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
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::base::hex::hex;
use crate::encoding::asn1::{self, Value, tag};
use crate::x509::name::{self, Canonical, Entry, GeneralName, GeneralNames, Subject, SubjectAltName, ip_address};

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
    /// permittedSubtrees.
    pub permitted: Vec<Subtree<'a>>,
    /// excludedSubtrees.
    pub excluded: Vec<Subtree<'a>>,
    /// True if one of the two is there and empty, which its ASN.1 forbids.
    pub has_empty_list: bool,
}

/// A GeneralSubtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtree<'a> {
    /// Its base as it is encoded.
    pub value: Value<'a>,
    /// The names that its base stands for, or the base's fault in words.
    base: Result<Base<'a>, &'static str>,
    /// minimum and maximum, which no verifier reads.
    pub distances: [Option<&'a [u8]>; 2],
}

/// The base of a GeneralSubtree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Base<'a> {
    Dns(&'a str),
    Ip(IpNet),
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
const DNS_NAME: u8 = tag::context(2);
const IP_ADDRESS: u8 = tag::context(7);

/// id-on-SmtpUTF8Mailbox, 1.3.6.1.5.5.7.8.9 (RFC 9598 section 3).
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 9];

/// emailAddress, 1.2.840.113549.1.9.1.
const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

const NOT_DER: &str = "are not DER";

impl<'a> NameConstraints<'a> {
    /// Reads the extension's value leniently: a base that is none keeps its octets, with the fault.
    ///
    /// # Errors
    ///
    /// If the value has another structure.
    pub fn read(octets: &'a [u8]) -> Result<Self, asn1::Error> {
        let mut fields = asn1::only(octets, tag::SEQUENCE, "nameConstraints")?.reader();
        let mut has_empty_list = false;
        let mut list = |number, field| -> Result<Vec<_>, asn1::Error> {
            let Some(list) = fields.optional(tag::constructed(number), field)? else { return Ok(Vec::new()) };
            has_empty_list |= list.content.is_empty();
            list.each(tag::SEQUENCE, SUBTREE)?.into_iter().map(Subtree::read).collect()
        };
        let (permitted, excluded) = (list(0, "permittedSubtrees")?, list(1, "excludedSubtrees")?);
        fields.finish("nameConstraints")?;
        Ok(Self { permitted, excluded, has_empty_list })
    }

    /// Reads the extension's value, which must be DER, and each subtree of which must be one.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`].
    pub fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed { reason };
        let outer = asn1::only(octets, tag::SEQUENCE, "").map_err(|_| malformed("are not a SEQUENCE in DER"))?;
        asn1::der::check(outer, "").map_err(|_| malformed(NOT_DER))?;
        let constraints = Self::read(octets).map_err(|error| {
            malformed(match error.field {
                "nameConstraints" => "have a field that is unknown or in the wrong place",
                "base" => "have a subtree without a base",
                _ => NOT_DER,
            })
        })?;
        constraints.check_form().map(|()| constraints)
    }

    /// Checks that each subtree is one that names can be held against.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for a single malformed subtree: without it, names of its kind would be unconstrained.
    pub fn check_form(&self) -> Result<(), Error> {
        self.subtrees().try_for_each(|subtree| match &subtree.base {
            _ if subtree.has_distance() => Err(Error::Malformed { reason: "have a minimum or a maximum" }),
            Ok(_) => Ok(()),
            Err(reason) => Err(Error::Malformed { reason }),
        })
    }

    /// All subtrees, the permitted ones first.
    pub fn subtrees(&self) -> impl Iterator<Item = &Subtree<'a>> {
        self.permitted.iter().chain(&self.excluded)
    }

    fn bases(&self) -> impl Iterator<Item = &Base<'a>> {
        self.subtrees().filter_map(|subtree| subtree.base.as_ref().ok())
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
        self.bases().any(|base| matches!(base, Base::Dns(base) if base.starts_with('.')))
    }

    /// Returns true if names other than dNSName and iPAddress are constrained.
    #[must_use]
    pub fn has_other_kinds(&self) -> bool {
        self.bases().any(|base| !matches!(base, Base::Dns(_) | Base::Ip(_)))
    }

    /// Returns true if every subject is excluded, which leaves subjectAltName alone.
    #[must_use]
    pub fn excludes_every_subject(&self) -> bool {
        let is_all = |subtree: &Subtree<'_>| matches!(&subtree.base, Ok(Base::Directory(base, _)) if base.is_empty());
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
        // A base that is none is a constraint on whatever it was meant for.
        if self.subtrees().any(|subtree| subtree.base.is_err()) {
            return Err(incomparable());
        }
        for base in of_kind(&self.excluded, name) {
            if base.overlaps(name).ok_or_else(incomparable)? {
                return Err(Error::Excluded { name: name.text(), subtree: base.text() });
            }
        }
        let mut of_its_kind = of_kind(&self.permitted, name).peekable();
        if of_its_kind.peek().is_none() {
            return Ok(());
        }
        for base in of_its_kind {
            if base.contains(name).ok_or_else(incomparable)? {
                return Ok(());
            }
        }
        Err(Error::NotPermitted { name: name.text() })
    }

    /// Lists the permitted names in words, without subtrees that match nothing.
    #[must_use]
    pub fn permitted_text(&self) -> Vec<String> {
        let bases = self.permitted.iter().filter_map(|subtree| subtree.base.as_ref().ok());
        bases.filter(|base| !base.is_nothing()).map(Base::text).collect()
    }
}

/// The bases that a name is held against.
fn of_kind<'s, 'a>(subtrees: &'s [Subtree<'a>], name: &'s Name<'_>) -> impl Iterator<Item = &'s Base<'a>> {
    subtrees.iter().filter_map(|subtree| subtree.base.as_ref().ok()).filter(|base| base.is_kind_of(name))
}

const SUBTREE: &str = "a GeneralSubtree";

impl<'a> Subtree<'a> {
    /// `SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }`.
    fn read(subtree: Value<'a>) -> Result<Self, asn1::Error> {
        let mut fields = subtree.reader();
        let value = fields.value("base")?;
        let minimum = fields.optional(tag::context(0), "minimum")?.map(|distance| distance.content);
        let maximum = fields.optional(tag::context(1), "maximum")?.map(|distance| distance.content);
        fields.finish(SUBTREE)?;
        Ok(Self { value, base: Base::read(value), distances: [minimum, maximum] })
    }

    /// Returns true if it has a minimum or a maximum: RFC 5280 has them 0 and absent.
    #[must_use]
    pub fn has_distance(&self) -> bool {
        self.distances.iter().any(Option::is_some)
    }

    /// Returns true if its base is a dNSName that begins with a dot.
    #[must_use]
    pub fn has_leading_dot(&self) -> bool {
        self.value.tag == DNS_NAME && self.value.content.starts_with(b".")
    }

    /// Returns true if its base is an iPAddress that is no address with a contiguous mask.
    #[must_use]
    pub fn has_bad_mask(&self) -> bool {
        self.value.tag == IP_ADDRESS && self.base.is_err()
    }
}

impl fmt::Display for Subtree<'_> {
    /// The base with its kind, an address with its mask; minimum and maximum, if they are there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match masked(self.value) {
            Some(network) => f.write_str(&network)?,
            None => Entry::read(self.value).fmt(f)?,
        }
        for (distance, name) in self.distances.iter().zip(["minimum", "maximum"]) {
            if let Some(distance) = distance {
                write!(f, " ({name} #{})", hex(distance))?;
            }
        }
        Ok(())
    }
}

/// An iPAddress with its mask, as `IP:10.0.0.0/8`, or with a mask in numbers if that is no prefix.
fn masked(name: Value<'_>) -> Option<String> {
    if name.tag != IP_ADDRESS {
        return None;
    }
    if let Some(network) = network(name.content) {
        return Some(format!("IP:{network}"));
    }
    let (base, mask) = name.content.split_at_checked(name.content.len() / 2)?;
    Some(format!("IP:{}/{}", ip_address(base)?, ip_address(mask)?))
}

/// An address and a mask of ones, then zeros (RFC 4632).
fn network(octets: &[u8]) -> Option<IpNet> {
    if octets.len() != 8 && octets.len() != 32 {
        return None;
    }
    let (address, mask) = octets.split_at(octets.len() / 2);
    IpNet::with_netmask(ip_address(address)?, ip_address(mask)?).ok()
}

impl<'a> Base<'a> {
    fn read(base: Value<'a>) -> Result<Self, &'static str> {
        let text = |octets: &'a [u8]| {
            let text = std::str::from_utf8(octets).ok().filter(|text| text.is_ascii());
            text.ok_or("hold a name that is not ASCII")
        };
        match GeneralName::read(base).map_err(|_| "hold something that is no name")? {
            GeneralName::Dns(octets) => {
                let name = text(octets)?;
                if is_domain(name) { Ok(Self::Dns(name)) } else { Err("hold a dNSName that is none") }
            }
            GeneralName::Ip(octets) => {
                network(octets).map(Self::Ip).ok_or("hold an iPAddress without a mask that is a prefix")
            }
            GeneralName::Email(octets) => {
                let name = text(octets)?;
                if email::is_constraint(name) { Ok(Self::Email(name)) } else { Err("hold an rfc822Name that is none") }
            }
            GeneralName::Uri(octets) => {
                let name = text(octets)?;
                if is_domain(name) { Ok(Self::Uri(name)) } else { Err("hold a URI's host that is none") }
            }
            GeneralName::Directory(name) => Ok(Self::Directory(Canonical::of_name(&name), name.to_string())),
            GeneralName::Other { kind, .. } => Ok(Self::Other(base.tag, kind)),
            GeneralName::X400Address(_) | GeneralName::EdiPartyName(_) | GeneralName::RegisteredId(_) => {
                Ok(Self::Other(base.tag, &[]))
            }
        }
    }

    fn is_kind_of(&self, name: &Name<'_>) -> bool {
        match (self, name) {
            (Self::Dns(_), Name::Dns(_))
            | (Self::Ip(_), Name::Ip(_))
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
            (Self::Ip(network), Name::Ip(address)) => Some(network.contains(&ip_address(address)?)),
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
            Self::Ip(network) => network.addr().is_unspecified() && network.prefix_len() == network.max_prefix_len(),
            Self::Directory(..) | Self::Other(..) => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Dns(base) | Self::Email(base) | Self::Uri(base) => (*base).to_owned(),
            Self::Ip(network) => network.to_string(),
            Self::Directory(_, text) => text.clone(),
            Self::Other(tag, kind) => other_text(*tag, kind),
        }
    }
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
    /// All names of a certificate that constraints are held against, from its subject and its subjectAltName: the
    /// subject, the emailAddresses in the subject where the subjectAltName has no rfc822Name, and the subjectAltName's
    /// entries.
    ///
    /// # Errors
    ///
    /// If a name is malformed for its kind.
    pub fn all(
        subject: &name::Name<'a>,
        subject_alt_name: Option<&GeneralNames<'a>>,
    ) -> Result<Vec<Self>, asn1::Error> {
        let entries = subject_alt_name.iter().flat_map(|names| &names.0);
        let mut names = entries.map(Self::of_general_name).collect::<Result<Vec<_>, _>>()?;
        let has_email = names.iter().any(|name| matches!(name, Self::Email(_)));
        let directory = subject.read.as_ref().map_err(Clone::clone)?;
        if !has_email {
            let emails = directory.attributes().iter().filter(|attribute| attribute.kind.content == EMAIL_ADDRESS);
            names.extend(emails.map(|attribute| Self::Email(attribute.value.content)));
        }
        if !directory.attributes().is_empty() {
            names.push(Self::Directory(Canonical::of_name(directory), directory.to_string()));
        }
        Ok(names)
    }

    fn of_general_name(entry: &Entry<'a>) -> Result<Self, asn1::Error> {
        Ok(match entry.name.as_ref().map_err(Clone::clone)? {
            GeneralName::Dns(octets) => Self::Dns(octets),
            GeneralName::Ip(octets) => Self::Ip((*octets).into()),
            GeneralName::Email(octets) => Self::Email(octets),
            GeneralName::Uri(octets) => Self::Uri(octets),
            GeneralName::Directory(directory) => Self::Directory(Canonical::of_name(directory), directory.to_string()),
            GeneralName::Other { kind, value } if *kind == SMTP_UTF8_MAILBOX => Self::InternationalEmail(value),
            GeneralName::Other { kind, .. } => Self::Other(entry.value.tag, kind),
            GeneralName::X400Address(_) | GeneralName::EdiPartyName(_) | GeneralName::RegisteredId(_) => {
                Self::Other(entry.value.tag, &[])
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
