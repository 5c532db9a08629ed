//! Certificates (RFC 5280 section 4.1), read once and leniently.
//!
//! The reader goes as far as a structure can be told apart and notes what deviates from the standard on the way:
//! [`Certificate::deviations`], the error beside an extension's value, that beside a name. `inspect` shows the
//! deviations, `lint` has rules about them, `verify` refuses what has any that matters.

use crate::encoding::asn1::{self, Error, Reader, TimeField, Value, tag};
use crate::x509::extension::Extensions;
use crate::x509::key::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use crate::x509::name::Name;
use crate::x509::signed_data::SignedData;

/// A certificate, in place.
#[derive(Debug)]
pub struct Certificate<'a> {
    /// The outer structure.
    pub signed: SignedData<'a>,
    /// Counted from 0; `None` for a number beyond 32 bits.
    pub version: Option<u32>,
    /// The version as it is encoded; absent for version 1.
    pub encoded_version: Option<Value<'a>>,
    /// serialNumber.
    pub serial: Value<'a>,
    /// The signature's algorithm within the signed part.
    pub inner_algorithm: AlgorithmIdentifier<'a>,
    /// The issuer.
    pub issuer: Name<'a>,
    /// First second of the validity.
    pub not_before: TimeField<'a>,
    /// Last second of the validity.
    pub not_after: TimeField<'a>,
    /// The subject.
    pub subject: Name<'a>,
    /// The subject's public key.
    pub key: SubjectPublicKeyInfo<'a>,
    /// issuerUniqueID.
    pub issuer_unique_id: Option<Value<'a>>,
    /// subjectUniqueID.
    pub subject_unique_id: Option<Value<'a>>,
    /// The extensions; `None` if their field is absent.
    pub extensions: Option<Extensions<'a>>,
    /// Faults of the structure itself that were stepped over, in their order.
    pub deviations: Vec<Deviation>,
}

/// A fault of a structure that the reader steps over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The fault.
    pub error: Error,
    /// True if there are octets that belong to no field: whoever reads on may read something else.
    pub is_excess: bool,
}

impl Deviation {
    fn excess(error: Error) -> Self {
        Self { error, is_excess: true }
    }

    fn of(field: &'static str, reason: &'static str) -> Self {
        Self { error: Error::new(field, reason), is_excess: false }
    }
}

impl<'a> Certificate<'a> {
    /// Reads a certificate's DER.
    ///
    /// # Errors
    ///
    /// The field that cannot be told apart.
    pub fn read(der: &'a [u8]) -> Result<Self, Error> {
        let signed = SignedData::read(der, "the certificate", "tbsCertificate")?;
        let excess = signed.excess.clone();
        Self::read_fields(signed).map_err(|error| excess.unwrap_or(error))
    }

    fn read_fields(signed: SignedData<'a>) -> Result<Self, Error> {
        let mut deviations: Vec<_> = signed.excess.iter().cloned().map(Deviation::excess).collect();
        if signed.whole_octets().is_none() {
            deviations.push(Deviation::of("signatureValue", "is not made of whole octets"));
        }
        let mut fields = signed.content.reader();
        let encoded_version = version(&mut fields, &mut deviations)?;
        let serial = fields.tagged(tag::INTEGER, "serialNumber")?;
        if serial.content.is_empty() {
            deviations.push(Deviation::of("serialNumber", "is empty"));
        }
        let inner_algorithm = AlgorithmIdentifier::read(fields.tagged(tag::SEQUENCE, "signature")?);
        let issuer = Name::read(fields.tagged(tag::SEQUENCE, "issuer")?);
        let mut validity = fields.tagged(tag::SEQUENCE, "validity")?.reader();
        let mut time = |field| {
            let time = TimeField::read(&mut validity, field)?;
            if !time.is_strict {
                deviations.push(Deviation::of(field, "is not in UTC with seconds and a Z"));
            }
            Ok(time)
        };
        let (not_before, not_after) = (time("notBefore")?, time("notAfter")?);
        deviations.extend(validity.finish("validity").err().map(Deviation::excess));
        let subject = Name::read(fields.tagged(tag::SEQUENCE, "subject")?);
        let key = SubjectPublicKeyInfo::read(fields.tagged(tag::SEQUENCE, "subjectPublicKeyInfo")?);
        let issuer_unique_id = fields.optional(tag::context(1), "issuerUniqueID")?;
        let subject_unique_id = fields.optional(tag::context(2), "subjectUniqueID")?;
        let extensions = fields.optional(tag::constructed(3), "extensions")?.map(Extensions::read_tagged);
        deviations.extend(fields.finish("tbsCertificate").err().map(Deviation::excess));
        Ok(Self {
            signed,
            version: encoded_version.map_or(Some(0), |version| version.small()),
            encoded_version,
            serial,
            inner_algorithm,
            issuer,
            not_before,
            not_after,
            subject,
            key,
            issuer_unique_id,
            subject_unique_id,
            extensions,
            deviations,
        })
    }

    /// Reads a certificate's DER, each octet of which belongs to a field, with a version and a list of extensions that
    /// can be read.
    ///
    /// # Errors
    ///
    /// The first field that cannot be told apart, or is followed by something else.
    pub fn parse(der: &'a [u8]) -> Result<Self, Error> {
        let certificate = Self::read(der)?;
        if let Some(excess) = certificate.deviations.iter().find(|deviation| deviation.is_excess) {
            return Err(excess.error.clone());
        }
        if certificate.version.is_none() {
            return Err(Error::new("version", "is none that there is"));
        }
        match certificate.extensions().fault() {
            Some(error) => Err(error.clone()),
            None => Ok(certificate),
        }
    }

    /// All octets.
    #[must_use]
    pub fn der(&self) -> &'a [u8] {
        self.signed.der
    }

    /// The serial number's octets, without those that do not change the number.
    #[must_use]
    pub fn number(&self) -> &'a [u8] {
        asn1::der::significant(self.serial.content)
    }

    /// The extensions; empty if their field is absent.
    #[must_use]
    pub fn extensions(&self) -> &Extensions<'a> {
        const NONE: &Extensions<'static> = &Extensions::NONE;
        self.extensions.as_ref().unwrap_or(NONE)
    }

    /// Returns true if basicConstraints say cA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.extensions().basic_constraints().is_some_and(|constraints| constraints.ca)
    }

    /// Returns true if subject and issuer are the same name (RFC 5280 section 6.1).
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject.is_same(&self.issuer)
    }

    /// notBefore and notAfter.
    #[must_use]
    pub fn validity(&self) -> crate::base::validity::Validity {
        crate::base::validity::Validity { not_before: self.not_before.at, not_after: self.not_after.at }
    }
}

/// `[0] version DEFAULT v1`.
fn version<'a>(fields: &mut Reader<'a>, deviations: &mut Vec<Deviation>) -> Result<Option<Value<'a>>, Error> {
    let Some(tagged) = fields.optional(tag::constructed(0), "version")? else { return Ok(None) };
    let mut inner = tagged.reader();
    let version = inner.tagged(tag::INTEGER, "version")?;
    deviations.extend(inner.finish("version").err().map(Deviation::excess));
    Ok(Some(version))
}
