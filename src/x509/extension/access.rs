//! authorityInfoAccess and subjectInfoAccess (RFC 5280 section 4.2.2).

use crate::encoding::asn1::{self, Error, tag};
use crate::x509::name::Entry;

/// Access descriptions in their order.
#[derive(Debug, Clone)]
pub struct InfoAccess<'a>(pub Vec<Access<'a>>);

/// An AccessDescription.
#[derive(Debug, Clone)]
pub struct Access<'a> {
    /// The content octets of accessMethod.
    pub method: &'a [u8],
    /// accessLocation.
    pub location: Entry<'a>,
}

impl Access<'_> {
    /// id-ad-ocsp.
    pub const OCSP: &'static [u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
    /// id-ad-caIssuers.
    pub const CA_ISSUERS: &'static [u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];
}

impl<'a> InfoAccess<'a> {
    /// Reads the value of the extension of this name.
    ///
    /// # Errors
    ///
    /// If the value is not a list of pairs of an identifier and a value.
    pub fn read(octets: &'a [u8], field: &'static str) -> Result<Self, Error> {
        let list = asn1::only(octets, tag::SEQUENCE, field)?.each(tag::SEQUENCE, "an AccessDescription")?;
        let descriptions = list.into_iter().map(|description| {
            let mut fields = description.reader();
            let method = fields.tagged(tag::OID, "accessMethod")?.content;
            let location = Entry::read(fields.value("accessLocation")?);
            fields.finish("an AccessDescription")?;
            Ok(Access { method, location })
        });
        descriptions.collect::<Result<_, _>>().map(Self)
    }

    /// The locations of a method.
    pub fn of<'s>(&'s self, method: &'s [u8]) -> impl Iterator<Item = &'s Entry<'a>> {
        self.0.iter().filter(move |access| access.method == method).map(|access| &access.location)
    }
}
