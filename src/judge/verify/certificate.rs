//! A certificate for path validation: the values that `x509` read, and the faults that keep the certificate off every
//! path.

use std::sync::OnceLock;

use rustls::pki_types::CertificateDer;
use self_cell::self_cell;

use super::deviation::{self, Deviation};
use super::extension;
use super::fault::Fault;
use super::public_key;
use crate::base::hex::hex;
use crate::encoding::asn1::{self, tag};
use crate::judge::report::verdict::{self, Code};
use crate::x509::certificate;
use crate::x509::extension::Extensions;
use crate::x509::key::sha256;
use crate::x509::name::{Canonical, Entry, GeneralName, Name};
use crate::x509::signed_data::SignedData;

/// A certificate, parsed.
#[derive(Debug)]
pub struct Certificate(Cell);

self_cell!(
    /// A certificate's octets with the values in them.
    struct Cell {
        owner: CertificateDer<'static>,
        #[covariant]
        dependent: Reading,
    }

    impl {Debug}
);

/// A certificate as read, with values that are worked out once.
#[derive(Debug)]
struct Reading<'a> {
    certificate: certificate::Certificate<'a>,
    /// Properties that clients accept but a CA may not issue.
    deviations: Vec<Deviation>,
    fault: OnceLock<Option<Fault>>,
    link: OnceLock<verdict::Link>,
    name: OnceLock<String>,
}

/// Most names that stand for a subject.
const SHOWN_NAMES: usize = 8;

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
        let cell = Cell::try_new(der.into(), |der| {
            let certificate = certificate::Certificate::read(der)?;
            // One reader of DER may take another path through these than the next.
            if let Some(deviation) = certificate.deviations.first() {
                return Err(deviation.error.clone());
            }
            Ok(Reading {
                deviations: deviation::of(&certificate),
                certificate,
                fault: OnceLock::new(),
                link: OnceLock::new(),
                name: OnceLock::new(),
            })
        });
        cell.map(Self)
    }

    fn reading(&self) -> &Reading<'_> {
        self.0.borrow_dependent()
    }

    /// The certificate as it was read.
    #[must_use]
    pub fn read(&self) -> &certificate::Certificate<'_> {
        &self.reading().certificate
    }

    pub(super) fn extensions(&self) -> &Extensions<'_> {
        self.read().extensions()
    }

    pub(super) fn deviations(&self) -> &[Deviation] {
        &self.reading().deviations
    }

    /// All its octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.0.borrow_owner()
    }

    /// The subject's DER.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        self.read().subject.as_raw()
    }

    /// The issuer's DER.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        self.read().issuer.as_raw()
    }

    /// The subjectPublicKeyInfo's DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        self.read().key.as_raw()
    }

    /// The serial number's content octets, without those that do not change the number.
    pub(super) fn serial(&self) -> &[u8] {
        self.read().number()
    }

    /// Returns the fault that keeps the certificate off every path, its version aside.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.reading().fault.get_or_init(|| find_fault(self.read())).as_ref()
    }

    /// Returns a fault if the version keeps the certificate off every path; an anchor counts by name and key alone.
    pub(super) fn version_fault(&self) -> Option<Fault> {
        let version = self.read().version;
        (version != Some(2)).then(|| Fault::new(Code::Version, version_message(version)))
    }

    /// Decides whether the certificate is of version 1 or 2, which have no extensions to limit its purpose.
    pub(super) fn is_old(&self) -> bool {
        matches!(self.read().version, Some(0 | 1)) && self.read().extensions.is_none()
    }

    /// Returns true if basicConstraints say cA.
    pub(super) fn is_ca(&self) -> bool {
        self.read().is_ca()
    }

    /// First and last second, since 1970.
    pub(super) fn times(&self) -> (i64, i64) {
        (self.read().not_before.at.unix_timestamp(), self.read().not_after.at.unix_timestamp())
    }

    /// The subjectKeyIdentifier.
    pub(super) fn key_id(&self) -> Option<&[u8]> {
        // Critical ones are faults of the certificate.
        self.extensions().subject_key_id()
    }

    /// The keyIdentifier of the authorityKeyIdentifier.
    pub(super) fn authority_key_id(&self) -> Option<&[u8]> {
        self.extensions().authority_key_id()?.key_id.filter(|id| !id.is_empty())
    }

    /// Returns the signed octets, the signature's AlgorithmIdentifier, and the signature.
    pub(super) fn signed(&self) -> (&[u8], &[u8], &[u8]) {
        parts(&self.read().signed)
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
        self.read().subject.canonical()
    }

    /// The normalised issuer; `None` if it is not a Name.
    pub(super) fn canonical_issuer(&self) -> Option<&Canonical> {
        self.read().issuer.canonical()
    }

    /// The subject's text, for messages.
    pub(super) fn name(&self) -> &str {
        self.reading().name.get_or_init(|| self.link().name())
    }

    /// The subjectAltName's entries.
    pub(super) fn entries(&self) -> &[Entry<'_>] {
        self.extensions().subject_alt_name().map(|names| names.0.as_slice()).unwrap_or_default()
    }

    /// The subjectAltName's names.
    pub(super) fn names(&self) -> impl Iterator<Item = &GeneralName<'_>> {
        self.entries().iter().filter_map(|entry| entry.name.as_ref().ok())
    }

    /// The subjectAltName's entries as text, at most this many, and how many more there are.
    pub(super) fn name_texts(&self, limit: usize) -> (Vec<String>, usize) {
        let entries = self.entries();
        (entries.iter().take(limit).map(ToString::to_string).collect(), entries.len().saturating_sub(limit))
    }

    /// Describes the certificate as part of a path.
    pub(super) fn link(&self) -> &verdict::Link {
        let certificate = self.read();
        self.reading().link.get_or_init(|| verdict::Link {
            subject: certificate.subject.text(),
            subject_alt_names: if certificate.subject.is_empty() { self.name_texts(SHOWN_NAMES).0 } else { Vec::new() },
            issuer: certificate.issuer.text(),
            sha256_fingerprint: hex(&sha256(self.der())),
        })
    }
}

/// The signed octets of a structure, the content of its AlgorithmIdentifier, and its signature.
pub(super) fn parts<'a>(signed: &SignedData<'a>) -> (&'a [u8], &'a [u8], &'a [u8]) {
    let signature = signed.whole_octets().unwrap_or_default();
    (signed.content.raw, signed.algorithm.value.content, signature)
}

fn find_fault(certificate: &certificate::Certificate<'_>) -> Option<Fault> {
    let name = |name: &Name<'_>, field| {
        let message = |error| format!("its {field} is no name: {error} (RFC 5280 section 4.1.2.4)");
        name.read.as_ref().err().map(|error| Fault::malformed(message(error)))
    };
    let is_der = || asn1::only(certificate.der(), tag::SEQUENCE, "it").and_then(|all| asn1::der::check(all, "it"));
    let not_der = || is_der().err().map(|error| Fault::malformed(error.to_string()));
    let names = || name(&certificate.issuer, "issuer").or_else(|| name(&certificate.subject, "subject"));
    names()
        .or_else(not_der)
        .or_else(|| contradiction(certificate))
        .or_else(|| extension::fault(certificate))
        .or_else(|| public_key::fault(&certificate.key, certificate.extensions().key_usage().copied()))
}

/// Finds fields that contradict each other.
fn contradiction(certificate: &certificate::Certificate<'_>) -> Option<Fault> {
    let malformed = |message: &str| Some(Fault::malformed(message));
    if certificate.inner_algorithm.value.content != certificate.signed.algorithm.value.content {
        return malformed("its two signature algorithms differ (RFC 5280 section 4.1.1.2)");
    }
    if certificate.not_before.at > certificate.not_after.at {
        return malformed("its notAfter is before its notBefore (RFC 5280 section 4.1.2.5)");
    }
    if certificate.issuer.is_empty() && !certificate.subject.is_empty() {
        return malformed("its issuer is empty (RFC 5280 section 4.1.2.4)");
    }
    if matches!(certificate.version, Some(0 | 1)) && certificate.extensions.is_some() {
        return malformed("it has extensions, which only version 3 has (RFC 5280 section 4.1.2.9)");
    }
    None
}

fn version_message(version: Option<u32>) -> String {
    let version = version.map_or_else(|| "unknown".to_owned(), |version| (u64::from(version) + 1).to_string());
    format!(
        "it is of version {version}, and only 3 has the extensions that say what it is for (RFC 5280 section 4.1.2.1)"
    )
}
