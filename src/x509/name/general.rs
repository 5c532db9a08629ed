//! GeneralNames taken apart ([RFC 5280 section 4.2.1.6](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6)).

use std::net::IpAddr;

use super::DistinguishedName;
use crate::encoding::asn1::{Error, Value, oid, tag};

/// A GeneralName, by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneralName<'a> {
    /// otherName.
    Other {
        /// The content octets of its type-id.
        kind: &'a [u8],
        /// The DER of its value.
        value: &'a [u8],
    },
    /// rfc822Name.
    Email(&'a [u8]),
    /// dNSName.
    Dns(&'a [u8]),
    /// x400Address.
    X400Address(&'a [u8]),
    /// directoryName.
    Directory(DistinguishedName<'a>),
    /// ediPartyName.
    EdiPartyName(&'a [u8]),
    /// uniformResourceIdentifier.
    Uri(&'a [u8]),
    /// iPAddress, of any length: name constraints have a mask behind it.
    Ip(&'a [u8]),
    /// registeredID.
    RegisteredId(Value<'a>),
}

impl<'a> GeneralName<'a> {
    /// Reads one. The octets of mailboxes, hosts, URIs and addresses are not looked at.
    ///
    /// # Errors
    ///
    /// If its tag is none of the nine kinds, or its content is malformed for its kind.
    pub fn read(name: Value<'a>) -> Result<Self, Error> {
        Ok(match name.tag {
            OTHER => Self::other(name)?,
            EMAIL => Self::Email(name.content),
            DNS => Self::Dns(name.content),
            X400_ADDRESS => Self::X400Address(name.content),
            DIRECTORY => Self::Directory(DistinguishedName::read(name.content)?),
            EDI_PARTY_NAME => Self::EdiPartyName(name.content),
            URI => Self::Uri(name.content),
            IP => Self::Ip(name.content),
            REGISTERED_ID if oid::is_well_formed(name.content) => Self::RegisteredId(name),
            REGISTERED_ID => return Err(Error::new("a registeredID", "is no OBJECT IDENTIFIER")),
            tag => return Err(Error::new("a GeneralName", format!("has the tag {tag:#04x}, which no kind has"))),
        })
    }

    fn other(name: Value<'a>) -> Result<Self, Error> {
        let mut fields = name.reader();
        let kind = fields.tagged(tag::OID, "an otherName's type-id")?.content;
        if !oid::is_well_formed(kind) {
            return Err(Error::new("an otherName's type-id", "is no OBJECT IDENTIFIER"));
        }
        let wrapped = fields.tagged(tag::constructed(0), "an otherName's value")?;
        fields.finish("an otherName")?;
        let mut inner = wrapped.reader();
        let value = inner.value("an otherName's value")?.raw;
        inner.finish("an otherName's value")?;
        Ok(Self::Other { kind, value })
    }
}

/// A GeneralName in its place.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// As it is encoded.
    pub value: Value<'a>,
    /// The name, or the reason why it is none.
    pub name: Result<GeneralName<'a>, Error>,
}

impl<'a> Entry<'a> {
    /// Reads one.
    #[must_use]
    pub fn read(value: Value<'a>) -> Self {
        Self { value, name: GeneralName::read(value) }
    }
}

/// GeneralNames in their order, malformed ones included.
#[derive(Debug, Clone, Default)]
pub struct GeneralNames<'a>(pub Vec<Entry<'a>>);

impl<'a> GeneralNames<'a> {
    /// Reads the names in a list, whatever its tag.
    ///
    /// # Errors
    ///
    /// If an entry is truncated.
    pub fn read(list: Value<'a>) -> Result<Self, Error> {
        let (mut reader, mut names) = (list.reader(), Vec::new());
        while !reader.is_empty() {
            names.push(Entry::read(reader.value("a GeneralName")?));
        }
        Ok(Self(names))
    }

    /// Checks that there is a name, and that each is well-formed.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), Error> {
        if self.0.is_empty() {
            return Err(Error::new("GeneralNames", "are empty"));
        }
        self.0.iter().find_map(|entry| entry.name.as_ref().err()).map_or(Ok(()), |error| Err(error.clone()))
    }

    /// The well-formed names.
    pub fn iter(&self) -> impl Iterator<Item = &GeneralName<'a>> {
        self.0.iter().filter_map(|entry| entry.name.as_ref().ok())
    }

    /// Returns true if a host is among them: a dNSName or an iPAddress.
    #[must_use]
    pub fn has_host(&self) -> bool {
        self.iter().any(|name| matches!(name, GeneralName::Dns(_) | GeneralName::Ip(_)))
    }

    /// The dNSNames.
    pub fn dns(&self) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter_map(|name| if let GeneralName::Dns(name) = name { Some(*name) } else { None })
    }
}

const OTHER: u8 = tag::constructed(0);
const EMAIL: u8 = tag::context(1);
const DNS: u8 = tag::context(2);
const X400_ADDRESS: u8 = tag::constructed(3);
const DIRECTORY: u8 = tag::constructed(4);
const EDI_PARTY_NAME: u8 = tag::constructed(5);
const URI: u8 = tag::context(6);
const IP: u8 = tag::context(7);
const REGISTERED_ID: u8 = tag::context(8);

/// Reads an iPAddress: 4 octets or 16.
#[must_use]
pub fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(octets).ok().map(IpAddr::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::asn1::Reader;

    #[test]
    fn what_is_no_general_name_is_refused() {
        let is_read = |octets: &[u8]| GeneralName::read(Reader::new(octets).value("it").unwrap()).is_ok();
        for good in [
            &b"\x82\x01a"[..],
            b"\xa4\x02\x30\x00",
            b"\xa0\x08\x06\x02\x2a\x03\xa0\x02\x05\x00",
            b"\x88\x02\x2a\x03",
            b"\xa3\x00",
        ] {
            assert!(is_read(good), "{good:x?}");
        }
        for bad in [
            // dNSName in pieces, a tenth kind, a kind of another class, a name that is none.
            &b"\xa2\x01a"[..],
            b"\x89\x01a",
            b"\x02\x01a",
            b"\x84\x02\x30\x00",
            b"\xa4\x03abc",
            b"\xa4\x04\x30\x00\x30\x00",
            // otherName: no value, an untagged value, two of them, no type; registeredID: an open arc.
            b"\xa0\x04\x06\x02\x2a\x03",
            b"\xa0\x06\x06\x02\x2a\x03\x05\x00",
            b"\xa0\x0a\x06\x02\x2a\x03\xa0\x04\x05\x00\x05\x00",
            b"\xa0\x04\xa0\x02\x05\x00",
            b"\x88\x02\x2a\x83",
        ] {
            assert!(!is_read(bad), "{bad:x?}");
        }
        let list =
            |octets: &[u8]| GeneralNames::read(Reader::new(octets).value("it").unwrap()).unwrap().check().is_ok();
        assert!(list(b"\x30\x03\x82\x01a") && !list(b"\x30\x00") && !list(b"\x30\x06\x82\x01a\x89\x01a"));
    }
}
