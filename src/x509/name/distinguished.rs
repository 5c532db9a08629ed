//! Distinguished names taken apart: the one reader of [RFC 5280 section
//! 4.1.2.4](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.4)'s `Name`.

use crate::encoding::asn1::{self, Error, Value, oid, tag};

/// A distinguished name, each attribute in its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DistinguishedName<'a> {
    attributes: Vec<Attribute<'a>>,
}

/// An AttributeTypeAndValue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The type, an OBJECT IDENTIFIER.
    pub kind: Value<'a>,
    /// The value, of any type.
    pub value: Value<'a>,
    /// The number of the RelativeDistinguishedName that it belongs to.
    rdn: usize,
}

impl<'a> DistinguishedName<'a> {
    /// Reads a name's DER, which must be all there is.
    ///
    /// # Errors
    ///
    /// If the value is not a SEQUENCE of SETs, each of at least one SEQUENCE of an OBJECT IDENTIFIER and a value, and
    /// nothing else.
    pub fn read(der: &'a [u8]) -> Result<Self, Error> {
        let mut rdns = asn1::only(der, tag::SEQUENCE, "the name")?.reader();
        let mut attributes = Vec::new();
        let mut rdn = 0;
        while !rdns.is_empty() {
            let set = rdns.tagged(tag::SET, RDN)?;
            read_attributes(set, rdn, &mut attributes)?;
            rdn += 1;
        }
        Ok(Self { attributes })
    }

    /// Reads one RelativeDistinguishedName, whatever its tag.
    ///
    /// # Errors
    ///
    /// If the RDN is empty, or holds something else than attributes.
    pub fn read_relative(rdn: Value<'a>) -> Result<Vec<Attribute<'a>>, Error> {
        let mut attributes = Vec::new();
        read_attributes(rdn, 0, &mut attributes)?;
        Ok(attributes)
    }

    /// The RelativeDistinguishedNames, from the root down.
    #[must_use]
    pub fn rdns(&self) -> impl DoubleEndedIterator<Item = &[Attribute<'a>]> {
        self.attributes.chunk_by(|a, b| a.rdn == b.rdn)
    }

    /// The attributes, from the root down.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }
}

const RDN: &str = "a RelativeDistinguishedName";

fn read_attributes<'a>(set: Value<'a>, rdn: usize, attributes: &mut Vec<Attribute<'a>>) -> Result<(), Error> {
    let mut pairs = set.reader();
    if pairs.is_empty() {
        return Err(Error::new(RDN, "is empty"));
    }
    while !pairs.is_empty() {
        let mut pair = pairs.tagged(tag::SEQUENCE, "an attribute")?.reader();
        let kind = pair.tagged(tag::OID, "an attribute's type")?;
        if !oid::is_well_formed(kind.content) {
            return Err(Error::new("an attribute's type", "is no OBJECT IDENTIFIER"));
        }
        let value = pair.value("an attribute's value")?;
        pair.finish("an attribute")?;
        attributes.push(Attribute { kind, value, rdn });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(tag: u8, inner: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat()
    }

    fn name(rdns: &[Vec<u8>]) -> Vec<u8> {
        wrap(0x30, &rdns.concat())
    }

    #[test]
    fn only_a_name_is_read_as_a_name() {
        let kind = [6, 3, 0x55, 4, 3];
        let value = wrap(12, b"A");
        let pair = wrap(0x30, &[&kind[..], &value].concat());
        let rdn = wrap(0x31, &pair);
        for good in [name(&[]), name(std::slice::from_ref(&rdn)), name(&[rdn.clone(), rdn.clone()])] {
            assert!(DistinguishedName::read(&good).is_ok(), "{good:x?}");
        }
        let attribute = |inner: &[&[u8]]| name(&[wrap(0x31, &wrap(0x30, &inner.concat()))]);
        for bad in [
            vec![],
            wrap(0x31, &rdn),
            [name(std::slice::from_ref(&rdn)), vec![0]].concat(),
            name(&[wrap(0x30, &pair)]),
            name(&[wrap(0x31, &[])]),
            name(&[rdn.clone(), wrap(12, b"garbage")]),
            name(&[wrap(0x31, &wrap(12, b"garbage"))]),
            attribute(&[&[2, 3, 0x55, 4, 3], &value]),
            attribute(&[&[6, 3, 0x55, 0x84, 0x83], &value]),
            attribute(&[&[6, 0], &value]),
            attribute(&[&kind]),
            attribute(&[&kind, &value, &value]),
            attribute(&[&kind, &[12, 3, b'A']]),
        ] {
            assert!(DistinguishedName::read(&bad).is_err(), "{bad:x?}");
        }
    }
}
