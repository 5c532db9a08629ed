//! Certification requests (PKCS#10, RFC 2986), read once and leniently, as certificates are.

use crate::encoding::asn1::{Error, Value, tag};
use crate::x509::extension::Extensions;
use crate::x509::key::SubjectPublicKeyInfo;
use crate::x509::name::Name;
use crate::x509::signed_data::SignedData;

/// A certification request, in place.
#[derive(Debug)]
pub(crate) struct CertificationRequest<'a> {
    /// The outer structure.
    pub signed: SignedData<'a>,
    /// The version, counted from 0.
    pub version: Value<'a>,
    /// The subject asked for.
    pub subject: Name<'a>,
    /// The key it is for.
    pub key: SubjectPublicKeyInfo<'a>,
    /// The attributes, in their order.
    pub attributes: Vec<Attribute<'a>>,
    /// The reason why the attributes cannot be read to their end.
    pub attributes_fault: Option<Error>,
    /// Octets that do not belong there.
    pub excess: Option<Error>,
}

/// An attribute of a request.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    /// All of it.
    pub value: Value<'a>,
    /// The content octets of its type; `None` if there is none.
    pub kind: Option<&'a [u8]>,
    /// The extensions that it asks for, or the reason why they cannot be read; `None` for an attribute of another type.
    pub extensions: Option<Result<Vec<Extensions<'a>>, Error>>,
}

/// The attributes that ask for extensions: PKCS#9's (RFC 2985 section 5.4.2), and the one Microsoft had before.
const EXTENSION_REQUESTS: [&[u8]; 2] =
    [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14], &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 14]];

impl<'a> CertificationRequest<'a> {
    /// Reads a request's DER.
    ///
    /// # Errors
    ///
    /// The field that cannot be told apart.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Error> {
        let signed = SignedData::read(der, "the request", "certificationRequestInfo")?;
        let excess = signed.excess.clone();
        Self::read_fields(signed).map_err(|error| excess.unwrap_or(error))
    }

    fn read_fields(signed: SignedData<'a>) -> Result<Self, Error> {
        let mut fields = signed.content.reader();
        let version = fields.tagged(tag::INTEGER, "version")?;
        let subject = Name::read(fields.tagged(tag::SEQUENCE, "subject")?);
        let key = SubjectPublicKeyInfo::read(fields.tagged(tag::SEQUENCE, "subjectPKInfo")?);
        let set = fields.optional(tag::constructed(0), "attributes")?;
        let excess = signed.excess.clone().or_else(|| fields.finish("certificationRequestInfo").err());
        let (mut attributes, mut attributes_fault) = (Vec::new(), None);
        if let Some(set) = set {
            let mut reader = set.reader();
            while !reader.is_empty() && attributes_fault.is_none() {
                match reader.tagged(tag::SEQUENCE, "an attribute") {
                    Ok(value) => attributes.push(Attribute::read(value)),
                    Err(error) => attributes_fault = Some(error),
                }
            }
        }
        Ok(Self { signed, version, subject, key, attributes, attributes_fault, excess })
    }

    /// Reads a request's DER, each octet of which belongs to a field.
    ///
    /// # Errors
    ///
    /// The first field that cannot be told apart, or is followed by something else.
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, Error> {
        let request = Self::read(der)?;
        match &request.excess {
            Some(error) => Err(error.clone()),
            None => Ok(request),
        }
    }
}

impl<'a> Attribute<'a> {
    fn read(value: Value<'a>) -> Self {
        let mut fields = value.reader();
        let kind = fields.tagged(tag::OID, "an attribute's type").ok().map(|kind| kind.content);
        let is_request = kind.is_some_and(|kind| EXTENSION_REQUESTS.contains(&kind));
        let read = || -> Result<_, Error> {
            let lists = fields.tagged(tag::SET, "extensionRequest")?.each(tag::SEQUENCE, "extensionRequest")?;
            Ok(lists.into_iter().map(Extensions::read).collect())
        };
        Self { value, kind, extensions: is_request.then(read) }
    }
}
