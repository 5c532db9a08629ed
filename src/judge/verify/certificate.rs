//! A certificate as path validation reads it: once, strictly, into places in its DER.

use std::ops::Range;
use std::sync::OnceLock;

use rustls::pki_types::CertificateDer;

use super::deviation::Deviation;
use super::extension::{self, Extensions};
use super::host;
use super::public_key;
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Value, tag};
use crate::judge::report::verdict::{self, Code};
use crate::x509::key::sha256;
use crate::x509::name::{Canonical, DistinguishedName, rfc4514_der};

/// A certificate, parsed.
#[derive(Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
    pub(super) parts: Parts,
    canonical_subject: OnceLock<Option<Canonical>>,
    canonical_issuer: OnceLock<Option<Canonical>>,
    fault: OnceLock<Option<Fault>>,
    link: OnceLock<verdict::Link>,
    name: OnceLock<String>,
}

/// Most names that stand for a subject.
const SHOWN_NAMES: usize = 8;

/// Positions and values of a certificate's fields.
#[derive(Debug)]
pub(super) struct Parts {
    to_be_signed: Span,
    signature_algorithm: Span,
    signature: Span,
    serial: Span,
    issuer: Span,
    subject: Span,
    spki: Span,
    /// First second, since 1970.
    pub(super) not_before: i64,
    /// Last second, since 1970.
    pub(super) not_after: i64,
    /// Counted from 0; `None` for an invalid version.
    pub(super) version: Option<u32>,
    pub(super) has_unique_id: bool,
    has_extensions: bool,
    pub(super) extensions: Extensions,
    /// Properties that clients accept but a CA may not issue.
    pub(super) deviations: Vec<Deviation>,
    /// First field or extension whose value is not allowed.
    unfit: Option<Fault>,
}

/// A reason that a certificate carries in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A place in a DER.
pub(super) type Span = Range<usize>;

/// Returns the range of `part` within `whole`.
pub(super) fn span(whole: &[u8], part: &[u8]) -> Span {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

impl Certificate {
    /// Reads a certificate's DER.
    ///
    /// A certificate that is readable but unfit for any path is no error here: the fault is reported when a path is
    /// judged.
    ///
    /// # Errors
    ///
    /// The field that violates RFC 5280 section 4.1.
    pub fn parse(der: impl Into<CertificateDer<'static>>) -> Result<Self, asn1::Error> {
        let der = der.into();
        let parts = Fields::read(&der)?.measure(&der);
        Ok(Self {
            der,
            parts,
            canonical_subject: OnceLock::new(),
            canonical_issuer: OnceLock::new(),
            fault: OnceLock::new(),
            link: OnceLock::new(),
            name: OnceLock::new(),
        })
    }

    /// All its octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn at(&self, span: &Span) -> &[u8] {
        self.der.get(span.clone()).unwrap_or_default()
    }

    /// The subject's DER.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        self.at(&self.parts.subject)
    }

    /// The issuer's DER.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.at(&self.parts.issuer)
    }

    /// The subjectPublicKeyInfo's DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.at(&self.parts.spki)
    }

    /// The serial number's content octets, without those that do not change the number.
    pub(super) fn serial(&self) -> &[u8] {
        asn1::der::significant(self.at(&self.parts.serial))
    }

    /// Returns the fault that keeps the certificate off every path, its version aside.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.get_or_init(|| self.find_fault()).as_ref()
    }

    fn find_fault(&self) -> Option<Fault> {
        let malformed = |error: asn1::Error| Fault::new(Code::Malformed, error.to_string());
        let name = |name, field| {
            let message = |error| format!("its {field} is no name: {error} (RFC 5280 section 4.1.2.4)");
            DistinguishedName::read(name).err().map(|error| Fault::new(Code::Malformed, message(error)))
        };
        let is_der = || asn1::only(&self.der, tag::SEQUENCE, "it").and_then(|all| asn1::der::check(all, "it"));
        let not_der = || is_der().err().map(malformed);
        let names = || name(self.issuer(), "issuer").or_else(|| name(self.subject(), "subject"));
        let key = || public_key::fault(self.spki(), self.parts.extensions.key_usage);
        names().or_else(not_der).or_else(|| self.parts.unfit.clone()).or_else(key)
    }

    /// Returns a fault if the version keeps the certificate off every path; an anchor counts by name and key alone.
    pub(super) fn version_fault(&self) -> Option<Fault> {
        let version = self.parts.version;
        (version != Some(2)).then(|| Fault::new(Code::Version, version_message(version)))
    }

    /// Decides whether the certificate is of version 1 or 2, which have no extensions to limit its purpose.
    pub(super) fn is_old(&self) -> bool {
        matches!(self.parts.version, Some(0 | 1)) && !self.parts.has_extensions
    }

    /// The subjectKeyIdentifier.
    pub(super) fn key_id(&self) -> Option<&[u8]> {
        self.parts.extensions.subject_key_id.as_ref().map(|span| self.at(span))
    }

    /// The keyIdentifier of the authorityKeyIdentifier.
    pub(super) fn authority_key_id(&self) -> Option<&[u8]> {
        self.parts.extensions.authority_key_id.as_ref().map(|span| self.at(span)).filter(|id| !id.is_empty())
    }

    /// Returns the signed octets, the signature's AlgorithmIdentifier, and the signature.
    pub(super) fn signed(&self) -> (&[u8], &[u8], &[u8]) {
        (self.at(&self.parts.to_be_signed), self.at(&self.parts.signature_algorithm), self.at(&self.parts.signature))
    }

    /// Returns true if subject and issuer are the same name (RFC 5280 section 6.1).
    pub(super) fn is_self_issued(&self) -> bool {
        self.names_as_issuer(self)
    }

    /// Decides whether a certificate's subject is this one's issuer after RFC 5280 section 7.1's normalisation.
    pub(super) fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.canonical_issuer().is_some_and(|name| Some(name) == issuer.canonical_subject())
    }

    /// The normalised subject; `None` if it is not a Name, and then equal to no other name.
    pub(super) fn canonical_subject(&self) -> Option<&Canonical> {
        self.canonical_subject.get_or_init(|| Canonical::of(self.subject())).as_ref()
    }

    /// The normalised issuer; `None` if it is not a Name.
    pub(super) fn canonical_issuer(&self) -> Option<&Canonical> {
        self.canonical_issuer.get_or_init(|| Canonical::of(self.issuer())).as_ref()
    }

    /// The subject's text, for messages.
    pub(super) fn name(&self) -> &str {
        self.name.get_or_init(|| self.link().name())
    }

    /// Returns true if the subject is empty: a SEQUENCE of nothing.
    fn is_nameless(&self) -> bool {
        self.subject() == [tag::SEQUENCE, 0]
    }

    /// Describes the certificate as part of a path.
    pub(super) fn link(&self) -> &verdict::Link {
        self.link.get_or_init(|| verdict::Link {
            subject: rfc4514_der(self.subject()),
            subject_alt_names: if self.is_nameless() { host::texts(self, SHOWN_NAMES).0 } else { Vec::new() },
            issuer: rfc4514_der(self.issuer()),
            sha256_fingerprint: hex(&sha256(&self.der)),
        })
    }
}

/// The fields of RFC 5280 section 4.1, in place.
struct Fields<'a> {
    to_be_signed: Value<'a>,
    signature_algorithm: Value<'a>,
    signature: &'a [u8],
    version: Option<u32>,
    serial: Value<'a>,
    inner_algorithm: Value<'a>,
    issuer: Value<'a>,
    not_before: (i64, bool),
    not_after: (i64, bool),
    subject: Value<'a>,
    spki: Value<'a>,
    has_unique_id: bool,
    extensions: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    fn read(der: &'a [u8]) -> Result<Self, asn1::Error> {
        let mut outer = asn1::only(der, tag::SEQUENCE, "the certificate")?.reader();
        let to_be_signed = outer.tagged(tag::SEQUENCE, "tbsCertificate")?;
        let signature_algorithm = outer.tagged(tag::SEQUENCE, "signatureAlgorithm")?;
        let signature = outer.tagged(tag::BIT_STRING, "signatureValue")?;
        outer.finish("signatureValue")?;
        let (0, signature) = signature.content.split_first().map_or((1, &[][..]), |(unused, bits)| (*unused, bits))
        else {
            return Err(asn1::Error::new("signatureValue", "is not made of whole octets"));
        };
        let mut tbs = to_be_signed.reader();
        let version = match tbs.optional(tag::constructed(0), "version")? {
            Some(version) => asn1::only(version.content, tag::INTEGER, "version")?.small(),
            None => Some(0),
        };
        let serial = tbs.tagged(tag::INTEGER, "serialNumber")?;
        if serial.content.is_empty() {
            return Err(asn1::Error::new("serialNumber", "is empty"));
        }
        let inner_algorithm = tbs.tagged(tag::SEQUENCE, "signature")?;
        let issuer = tbs.tagged(tag::SEQUENCE, "issuer")?;
        let mut validity = tbs.tagged(tag::SEQUENCE, "validity")?.reader();
        let mut time = |field| {
            let value = validity.value(field)?;
            let (time, is_strict) = asn1::time(value, field)?;
            if !is_strict {
                return Err(asn1::Error::new(field, "is not in UTC with seconds and a Z"));
            }
            let is_odd = value.tag == tag::GENERALIZED_TIME && (1950..2050).contains(&time.year());
            Ok((time.unix_timestamp(), is_odd))
        };
        let (not_before, not_after) = (time("notBefore")?, time("notAfter")?);
        validity.finish("validity")?;
        let subject = tbs.tagged(tag::SEQUENCE, "subject")?;
        let spki = tbs.tagged(tag::SEQUENCE, "subjectPublicKeyInfo")?;
        let mut has_unique_id = false;
        for number in [1, 2] {
            has_unique_id |= tbs.optional(tag::context(number), "a unique identifier")?.is_some();
        }
        let extensions = tbs.optional(tag::constructed(3), "extensions")?;
        tbs.finish("tbsCertificate")?;
        Ok(Self {
            to_be_signed,
            signature_algorithm,
            signature,
            version,
            serial,
            inner_algorithm,
            issuer,
            not_before,
            not_after,
            subject,
            spki,
            has_unique_id,
            extensions,
        })
    }

    fn measure(&self, der: &[u8]) -> Parts {
        let (extensions, mut deviations, unfit) =
            extension::read(der, self.extensions, self.subject.content.is_empty());
        let place = |part| span(der, part);
        self.note_deviations(&extensions, &mut deviations);
        let unfit = self.contradiction().or(unfit);
        Parts {
            to_be_signed: place(self.to_be_signed.raw),
            signature_algorithm: place(self.signature_algorithm.content),
            signature: place(self.signature),
            serial: place(self.serial.content),
            issuer: place(self.issuer.raw),
            subject: place(self.subject.raw),
            spki: place(self.spki.raw),
            not_before: self.not_before.0,
            not_after: self.not_after.0,
            version: self.version,
            has_unique_id: self.has_unique_id,
            has_extensions: self.extensions.is_some(),
            extensions,
            deviations,
            unfit,
        }
    }

    /// Finds fields that contradict each other.
    fn contradiction(&self) -> Option<Fault> {
        let malformed = |message: &str| Some(Fault::new(Code::Malformed, message));
        if self.inner_algorithm.content != self.signature_algorithm.content {
            return malformed("its two signature algorithms differ (RFC 5280 section 4.1.1.2)");
        }
        if self.not_before.0 > self.not_after.0 {
            return malformed("its notAfter is before its notBefore (RFC 5280 section 4.1.2.5)");
        }
        if self.issuer.content.is_empty() && !self.subject.content.is_empty() {
            return malformed("its issuer is empty (RFC 5280 section 4.1.2.4)");
        }
        if matches!(self.version, Some(0 | 1)) && self.extensions.is_some() {
            return malformed("it has extensions, which only version 3 has (RFC 5280 section 4.1.2.9)");
        }
        None
    }

    fn note_deviations(&self, extensions: &Extensions, deviations: &mut Vec<Deviation>) {
        let is_self_issued = self.subject.content == self.issuer.content;
        let serial = self.serial.content;
        let notes = [
            (self.not_before.1 || self.not_after.1, Deviation::TimeForm),
            (serial.iter().all(|octet| *octet == 0), Deviation::SerialZero),
            (serial.first().is_some_and(|first| first & 0x80 != 0), Deviation::SerialNegative),
            (serial.len() > 20, Deviation::SerialTooLong),
            (extensions.authority_key_id.is_none() && !is_self_issued, Deviation::AkiMissing),
            (extensions.is_ca() && extensions.subject_key_id.is_none(), Deviation::SkiMissing),
            (extensions.is_ca() && self.subject.content.is_empty(), Deviation::CaSubjectEmpty),
        ];
        deviations.extend(notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, deviation)| deviation));
    }
}

fn version_message(version: Option<u32>) -> String {
    let version = version.map_or_else(|| "unknown".to_owned(), |version| (u64::from(version) + 1).to_string());
    format!(
        "it is of version {version}, and only 3 has the extensions that say what it is for (RFC 5280 section 4.1.2.1)"
    )
}
