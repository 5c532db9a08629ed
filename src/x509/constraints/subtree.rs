//! Subtrees of names: read, printed, and compared with names.

use std::fmt;

use ipnet::IpNet;

use super::name::{Name, OTHER_NAME, SMTP_UTF8_MAILBOX, other_text};
use super::permit::Permit;
use super::{dns, email, uri};
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Value, tag};
use crate::x509::name::{Canonical, Entry, GeneralName, ip_address};

const DNS_NAME: u8 = tag::context(2);
const IP_ADDRESS: u8 = tag::context(7);

/// A GeneralSubtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtree<'a> {
    /// Its base as it is encoded.
    pub value: Value<'a>,
    /// The names that its base stands for, or the base's fault in words.
    pub(super) base: Result<Base<'a>, &'static str>,
    /// minimum and maximum, which no verifier reads.
    pub distances: [Option<&'a [u8]>; 2],
}

/// The base of a GeneralSubtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base<'a> {
    Dns(&'a str),
    Ip(IpNet),
    Email(&'a str),
    Uri(&'a str),
    Directory(Canonical, String),
    /// Of a kind that is not compared: its tag, and an otherName's type.
    Other(u8, &'a [u8]),
}

pub(super) const SUBTREE: &str = "a GeneralSubtree";

impl<'a> Subtree<'a> {
    /// `SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }`.
    pub(super) fn read(subtree: Value<'a>) -> Result<Self, asn1::Error> {
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

    pub(super) fn is_kind_of(&self, name: &Name<'_>) -> bool {
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
    pub(super) fn contains(&self, name: &Name<'_>) -> Option<bool> {
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
    pub(super) fn overlaps(&self, name: &Name<'_>) -> Option<bool> {
        match (self, name) {
            (Self::Dns(base), Name::Dns(name)) => dns::overlaps(base, name),
            _ => self.contains(name),
        }
    }

    /// Returns true if the subtree only serves to forbid its kind: a name or address that nobody has.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Dns(base) | Self::Uri(base) | Self::Email(base) => *base == "invalid",
            Self::Ip(network) => network.addr().is_unspecified() && network.prefix_len() == network.max_prefix_len(),
            Self::Directory(..) | Self::Other(..) => false,
        }
    }

    /// The names that the subtree permits, in the form that people write; `None` for kinds that have none.
    pub(super) fn permit(&self) -> Option<Permit> {
        let named = |base: &str| Some(base.trim_start_matches('.').to_owned()).filter(|base| !base.is_empty());
        match self {
            Self::Dns(base) => named(base).map(Permit::Domain),
            Self::Ip(network) => Some(Permit::Range(*network)),
            Self::Email(base) => named(base).map(Permit::Email),
            Self::Uri(base) => named(base).map(Permit::UriHost),
            Self::Directory(..) | Self::Other(..) => None,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Dns(base) | Self::Email(base) | Self::Uri(base) => (*base).to_owned(),
            Self::Ip(network) => network.to_string(),
            Self::Directory(_, text) => text.clone(),
            Self::Other(tag, kind) => other_text(*tag, kind),
        }
    }
}

/// Decides whether text is a domain, or all that is below one behind a dot; the empty one has everything.
fn is_domain(text: &str) -> bool {
    text.is_empty() || dns::is_name(text.strip_prefix('.').unwrap_or(text))
}
