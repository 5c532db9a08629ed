//! Certificate revocation lists (RFC 5280 section 5), read once and leniently, as certificates are.

use crate::encoding::asn1::{self, Error, Reader, TimeField, Value, tag};
use crate::x509::extension::Extensions;
use crate::x509::key::AlgorithmIdentifier;
use crate::x509::name::Name;
use crate::x509::signed_data::SignedData;

/// A CRL, in place. Its entries are read one at a time: there may be a million.
#[derive(Debug)]
pub struct Crl<'a> {
    /// The outer structure.
    pub signed: SignedData<'a>,
    /// The version, counted from 0; absent for version 1.
    pub version: Option<Value<'a>>,
    /// The signature's algorithm within the signed part.
    pub inner_algorithm: AlgorithmIdentifier<'a>,
    /// The issuer.
    pub issuer: Name<'a>,
    /// thisUpdate.
    pub this_update: TimeField<'a>,
    /// nextUpdate.
    pub next_update: Option<TimeField<'a>>,
    /// revokedCertificates.
    pub revoked: Option<Value<'a>>,
    /// `[0] crlExtensions`, as encoded.
    pub encoded_extensions: Option<Value<'a>>,
    /// crlExtensions.
    pub extensions: Extensions<'a>,
    /// Octets that do not belong there.
    pub excess: Option<Error>,
}

impl<'a> Crl<'a> {
    /// Reads a CRL's DER.
    ///
    /// # Errors
    ///
    /// The field that cannot be told apart.
    pub fn read(der: &'a [u8]) -> Result<Self, Error> {
        let signed = SignedData::read(der, "the CRL", "tbsCertList")?;
        let excess = signed.excess.clone();
        Self::read_fields(signed).map_err(|error| excess.unwrap_or(error))
    }

    fn read_fields(signed: SignedData<'a>) -> Result<Self, Error> {
        let mut fields = signed.content.reader();
        let version = fields.optional(tag::INTEGER, "version")?;
        let inner_algorithm = AlgorithmIdentifier::read(fields.tagged(tag::SEQUENCE, "signature")?);
        let issuer = Name::read(fields.tagged(tag::SEQUENCE, "issuer")?);
        let this_update = TimeField::read(&mut fields, "thisUpdate")?;
        let next_update = TimeField::read_optional(&mut fields, "nextUpdate")?;
        let revoked = fields.optional(tag::SEQUENCE, "revokedCertificates")?;
        let encoded_extensions = fields.optional(tag::constructed(0), "crlExtensions")?;
        let extensions = encoded_extensions.map(Extensions::read_tagged).unwrap_or_default();
        let excess = signed.excess.clone().or_else(|| fields.finish("tbsCertList").err());
        Ok(Self {
            signed,
            version,
            inner_algorithm,
            issuer,
            this_update,
            next_update,
            revoked,
            encoded_extensions,
            extensions,
            excess,
        })
    }

    /// Reads a CRL's DER, each octet of which belongs to a field.
    ///
    /// # Errors
    ///
    /// The first field that cannot be told apart, or is followed by something else.
    pub fn parse(der: &'a [u8]) -> Result<Self, Error> {
        let crl = Self::read(der)?;
        match crl.excess.as_ref().or(crl.extensions.fault()) {
            Some(error) => Err(error.clone()),
            None => Ok(crl),
        }
    }

    /// The entries, up to and with the first that cannot be told apart.
    #[must_use]
    pub fn entries(&self) -> Entries<'a> {
        Entries::of(self.revoked.map_or(&[], |list| list.content))
    }
}

/// Entries of a CRL.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: Reader<'a>,
}

impl<'a> Entries<'a> {
    /// The entries in the content of revokedCertificates.
    #[must_use]
    pub const fn of(der: &'a [u8]) -> Self {
        Self { rest: Reader::new(der) }
    }

    /// The DER of the entries that are still to come.
    #[must_use]
    pub const fn der(&self) -> &'a [u8] {
        self.rest.rest()
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.rest.tagged(tag::SEQUENCE, "a revoked certificate").and_then(Entry::read);
        if entry.is_err() {
            self.rest = Reader::new(&[]);
        }
        Some(entry)
    }
}

/// An entry: a revoked certificate.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// All of it.
    pub value: Value<'a>,
    /// userCertificate: the serial number.
    pub serial: Value<'a>,
    /// revocationDate.
    pub date: Value<'a>,
    /// crlEntryExtensions.
    extensions: Option<Value<'a>>,
}

impl<'a> Entry<'a> {
    fn read(entry: Value<'a>) -> Result<Self, Error> {
        let mut fields = entry.reader();
        let serial = fields.tagged(tag::INTEGER, "userCertificate")?;
        let date = fields.value("revocationDate")?;
        let extensions = fields.optional(tag::SEQUENCE, "crlEntryExtensions")?;
        fields.finish("a revoked certificate")?;
        Ok(Self { value: entry, serial, date, extensions })
    }

    /// The entry's extensions.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'a> {
        self.extensions.map(Extensions::read).unwrap_or_default()
    }

    /// Reads the time of revocation.
    ///
    /// # Errors
    ///
    /// If the value is not a time.
    pub fn time(&self) -> Result<time::OffsetDateTime, Error> {
        asn1::time(self.date, "revocationDate").map(|(time, _)| time)
    }
}
