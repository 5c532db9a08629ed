//! Extensions (RFC 5280 sections 4.2 and 5.2): each that anything is decided by is read here, and nowhere else.
//!
//! A value is read leniently, into what its octets say; the error of one that cannot be read stands in its place. The
//! extensions that are only printed (timestamps, templates, statements and the like) are left as octets.

mod access;
mod key_id;
mod point;
mod usage;

pub use self::access::{Access, InfoAccess};
pub use self::key_id::AuthorityKeyId;
pub use self::point::{DistributionPoint, IssuingDistributionPoint, PointName, ReasonFlags};
pub use self::usage::{BasicConstraints, ExtKeyUsage, KeyPurpose, KeyUsage};
use crate::encoding::asn1::{self, Error, Value, tag};
use crate::x509::constraints::NameConstraints;
use crate::x509::name::GeneralNames;

/// Extensions by the content octets of their identifiers.
#[expect(missing_docs, reason = "RFC 5280's names")]
pub mod id {
    pub const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
    pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub const ISSUER_ALT_NAME: &[u8] = &[0x55, 0x1d, 18];
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
    pub const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
    pub const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
    pub const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
    pub const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];
    pub const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
    pub const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 32];
    pub const POLICY_MAPPINGS: &[u8] = &[0x55, 0x1d, 33];
    pub const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];
    pub const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
    pub const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub const INHIBIT_ANY_POLICY: &[u8] = &[0x55, 0x1d, 54];
    pub const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
    pub const SUBJECT_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 11];
    pub const TIMESTAMPS: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
    pub const CT_POISON: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3];
}

/// An extension.
#[derive(Debug, Clone)]
pub struct Extension<'a> {
    /// All of it.
    pub raw: &'a [u8],
    /// The content octets of its identifier.
    pub id: &'a [u8],
    /// `critical` as it is encoded; absent for its default, FALSE.
    pub critical: Option<Value<'a>>,
    /// The octets of its value.
    pub octets: &'a [u8],
    /// The value, or the reason why it cannot be read.
    pub value: Result<ExtensionValue<'a>, Error>,
}

/// Value of an extension, by its identifier.
#[derive(Debug, Clone)]
pub enum ExtensionValue<'a> {
    /// subjectKeyIdentifier.
    SubjectKeyId(&'a [u8]),
    /// keyUsage.
    KeyUsage(KeyUsage),
    /// subjectAltName.
    SubjectAltName(GeneralNames<'a>),
    /// issuerAltName.
    IssuerAltName(GeneralNames<'a>),
    /// basicConstraints.
    BasicConstraints(BasicConstraints),
    /// cRLNumber: the octets of the number.
    CrlNumber(&'a [u8]),
    /// cRLReason: its number.
    ReasonCode(Option<u32>),
    /// deltaCRLIndicator: the octets of the number.
    DeltaCrlIndicator(&'a [u8]),
    /// issuingDistributionPoint.
    IssuingDistributionPoint(Box<IssuingDistributionPoint<'a>>),
    /// certificateIssuer.
    CertificateIssuer(GeneralNames<'a>),
    /// nameConstraints.
    NameConstraints(NameConstraints<'a>),
    /// cRLDistributionPoints.
    CrlDistributionPoints(Vec<DistributionPoint<'a>>),
    /// authorityKeyIdentifier.
    AuthorityKeyId(AuthorityKeyId<'a>),
    /// extKeyUsage.
    ExtKeyUsage(ExtKeyUsage<'a>),
    /// authorityInfoAccess.
    AuthorityInfoAccess(InfoAccess<'a>),
    /// subjectInfoAccess.
    SubjectInfoAccess(InfoAccess<'a>),
    /// Any other: nothing is decided by it.
    Other,
}

impl<'a> ExtensionValue<'a> {
    fn read(id: &[u8], octets: &'a [u8]) -> Result<Self, Error> {
        let names = |field| GeneralNames::read(asn1::only(octets, tag::SEQUENCE, field)?);
        let number = || Ok(asn1::only(octets, tag::INTEGER, "the number")?.content);
        Ok(match id {
            id::SUBJECT_KEY_ID => Self::SubjectKeyId(asn1::only(octets, tag::OCTET_STRING, "the value")?.content),
            id::KEY_USAGE => Self::KeyUsage(KeyUsage::read(octets)?),
            id::SUBJECT_ALT_NAME => Self::SubjectAltName(names("subjectAltName")?),
            id::ISSUER_ALT_NAME => Self::IssuerAltName(names("issuerAltName")?),
            id::BASIC_CONSTRAINTS => Self::BasicConstraints(BasicConstraints::read(octets)?),
            id::CRL_NUMBER => Self::CrlNumber(number()?),
            id::REASON_CODE => Self::ReasonCode(asn1::only(octets, tag::ENUMERATED, "cRLReason")?.small()),
            id::DELTA_CRL_INDICATOR => Self::DeltaCrlIndicator(number()?),
            id::ISSUING_DISTRIBUTION_POINT => {
                Self::IssuingDistributionPoint(Box::new(IssuingDistributionPoint::read(octets)?))
            }
            id::CERTIFICATE_ISSUER => Self::CertificateIssuer(names("certificateIssuer")?),
            id::NAME_CONSTRAINTS => Self::NameConstraints(NameConstraints::read(octets)?),
            id::CRL_DISTRIBUTION_POINTS => Self::CrlDistributionPoints(DistributionPoint::read_all(octets)?),
            id::AUTHORITY_KEY_ID => Self::AuthorityKeyId(AuthorityKeyId::read(octets)?),
            id::EXT_KEY_USAGE => Self::ExtKeyUsage(ExtKeyUsage::read(octets)?),
            id::AUTHORITY_INFO_ACCESS => Self::AuthorityInfoAccess(InfoAccess::read(octets, "authorityInfoAccess")?),
            id::SUBJECT_INFO_ACCESS => Self::SubjectInfoAccess(InfoAccess::read(octets, "subjectInfoAccess")?),
            _ => Self::Other,
        })
    }
}

impl<'a> Extension<'a> {
    /// `SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }`.
    fn read(extension: Value<'a>) -> Result<Self, Error> {
        let mut fields = extension.reader();
        let id = fields.tagged(tag::OID, "extnID")?.content;
        let critical = fields.optional(tag::BOOLEAN, "critical")?;
        let octets = fields.tagged(tag::OCTET_STRING, "extnValue")?.content;
        fields.finish("the extension")?;
        Ok(Self { raw: extension.raw, id, critical, octets, value: ExtensionValue::read(id, octets) })
    }

    /// Returns true if a client that does not understand the extension must refuse the certificate.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.critical.is_some_and(|critical| critical.content != [0])
    }

    /// The identifier in dots.
    #[must_use]
    pub fn dotted_id(&self) -> String {
        asn1::oid::dotted(self.id)
    }

    /// The extension's name; its identifier in dots if it has none here.
    #[must_use]
    pub fn name(&self) -> String {
        asn1::oid::name_or_dotted(&self.dotted_id())
    }
}

/// Octets in a list of extensions that are no extension.
#[derive(Debug, Clone)]
pub struct Unreadable<'a> {
    /// The octets.
    pub raw: &'a [u8],
    /// The reason.
    pub error: Error,
}

/// An entry of a list of extensions.
pub type Entry<'a> = Result<Extension<'a>, Unreadable<'a>>;

/// Extensions in their order.
#[derive(Debug, Clone, Default)]
pub struct Extensions<'a> {
    /// Each of them, also those that cannot be told apart. Behind a broken end, nothing follows.
    pub entries: Vec<Entry<'a>>,
    /// The reason why there is no list, or why something stands beside it.
    fault: Option<Error>,
}

/// Reads the value of the first extension of a kind.
macro_rules! first {
    ($extensions:expr, $variant:ident, $id:expr) => {
        match &$extensions.first($id)?.value {
            Ok(ExtensionValue::$variant(value)) => Some(value),
            _ => None,
        }
    };
}

impl<'a> Extensions<'a> {
    /// No extension.
    pub(crate) const NONE: Self = Self { entries: Vec::new(), fault: None };

    /// Reads a SEQUENCE of extensions in a tag of its own.
    pub(crate) fn read_tagged(tagged: Value<'a>) -> Self {
        let mut inner = tagged.reader();
        match inner.tagged(tag::SEQUENCE, "extensions") {
            Ok(list) => Self { fault: inner.finish("extensions").err(), ..Self::read(list) },
            Err(error) => Self { entries: Vec::new(), fault: Some(error) },
        }
    }

    /// Reads a SEQUENCE of extensions.
    pub(crate) fn read(list: Value<'a>) -> Self {
        let mut reader = list.reader();
        let mut entries = Vec::new();
        while !reader.is_empty() {
            let rest = reader.rest();
            match reader.tagged(tag::SEQUENCE, "an extension") {
                Ok(value) => {
                    entries.push(Extension::read(value).map_err(|error| Unreadable { raw: value.raw, error }));
                }
                Err(error) => {
                    entries.push(Err(Unreadable { raw: rest, error }));
                    break;
                }
            }
        }
        Self { entries, fault: None }
    }

    /// The reason why there is no list, or why something stands beside it.
    #[must_use]
    pub const fn fault(&self) -> Option<&Error> {
        self.fault.as_ref()
    }

    /// The extensions that could be told apart.
    pub fn iter(&self) -> impl Iterator<Item = &Extension<'a>> {
        self.entries.iter().filter_map(|entry| entry.as_ref().ok())
    }

    /// The first extension of a kind.
    #[must_use]
    pub fn first(&self, id: &[u8]) -> Option<&Extension<'a>> {
        self.iter().find(|extension| extension.id == id)
    }

    /// basicConstraints, if they can be read.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<&BasicConstraints> {
        first!(self, BasicConstraints, id::BASIC_CONSTRAINTS)
    }

    /// keyUsage, if it can be read.
    #[must_use]
    pub fn key_usage(&self) -> Option<&KeyUsage> {
        first!(self, KeyUsage, id::KEY_USAGE)
    }

    /// Returns true if keyUsage is absent or has these bits.
    #[must_use]
    pub fn may(&self, usage: KeyUsage) -> bool {
        self.key_usage().is_none_or(|usages| usages.has(usage))
    }

    /// extKeyUsage, if it can be read.
    #[must_use]
    pub fn ext_key_usage(&self) -> Option<&ExtKeyUsage<'a>> {
        first!(self, ExtKeyUsage, id::EXT_KEY_USAGE)
    }

    /// subjectAltName, if it can be read.
    #[must_use]
    pub fn subject_alt_name(&self) -> Option<&GeneralNames<'a>> {
        first!(self, SubjectAltName, id::SUBJECT_ALT_NAME)
    }

    /// nameConstraints, if they can be read.
    #[must_use]
    pub fn name_constraints(&self) -> Option<&NameConstraints<'a>> {
        first!(self, NameConstraints, id::NAME_CONSTRAINTS)
    }

    /// cRLDistributionPoints, if they can be read.
    #[must_use]
    pub fn distribution_points(&self) -> &[DistributionPoint<'a>] {
        let points = || first!(self, CrlDistributionPoints, id::CRL_DISTRIBUTION_POINTS);
        points().map(Vec::as_slice).unwrap_or_default()
    }

    /// subjectKeyIdentifier, if it can be read.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&'a [u8]> {
        first!(self, SubjectKeyId, id::SUBJECT_KEY_ID).copied()
    }

    /// authorityKeyIdentifier, if it can be read.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&AuthorityKeyId<'a>> {
        first!(self, AuthorityKeyId, id::AUTHORITY_KEY_ID)
    }

    /// authorityInfoAccess, if it can be read.
    #[must_use]
    pub fn authority_info_access(&self) -> Option<&InfoAccess<'a>> {
        first!(self, AuthorityInfoAccess, id::AUTHORITY_INFO_ACCESS)
    }

    /// issuingDistributionPoint, if it can be read.
    #[must_use]
    pub fn issuing_distribution_point(&self) -> Option<&IssuingDistributionPoint<'a>> {
        first!(self, IssuingDistributionPoint, id::ISSUING_DISTRIBUTION_POINT).map(Box::as_ref)
    }
}
