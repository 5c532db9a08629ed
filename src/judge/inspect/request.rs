//! Certification requests (RFC 2986).

use super::certificate::{Summary, noted_name};
use super::{Error, extension};
use crate::base::hex::hex;
use crate::encoding::asn1;
use crate::judge::report::extension::Attribute;
use crate::judge::report::item::Csr;
use crate::x509::key;
use crate::x509::request::{self, CertificationRequest};

/// challengePassword, 1.2.840.113549.1.9.7.
const CHALLENGE_PASSWORD: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7];

/// Describes a certification request.
///
/// # Errors
///
/// [`Error::Request`] for octets of another structure, and for trailing ones.
pub fn request(der: &[u8]) -> Result<Csr, Error> {
    CertificationRequest::parse(der).map(|request| described(&request)).map_err(Error::Request)
}

/// Describes a request that was read.
pub(super) fn described(request: &CertificationRequest<'_>) -> Csr {
    let mut notes = Vec::new();
    let attributes = Attributes::of(request, &mut notes);
    let lists = || {
        let readable = request.attributes.iter().filter_map(|attribute| attribute.extensions.as_ref()?.as_ref().ok());
        readable.flatten()
    };
    let mut summary = Summary::of(lists());
    notes.append(&mut summary.notes);
    let spki = request.key.as_raw();
    Csr {
        version: request.version.small().unwrap_or(u32::MAX).saturating_add(1),
        subject: noted_name(&request.subject, "subject", &mut notes),
        subject_alt_names: summary.subject_alt_names,
        public_key: (&request.key.key).into(),
        signature_algorithm: request.signed.algorithm.signature_name().into_owned(),
        signature_valid: request.signed.is_signed_by(spki),
        is_ca: summary.basic_constraints.ca,
        key_usage: summary.key_usage,
        extended_key_usage: summary.extended_key_usage,
        challenge_password: attributes.challenge_password,
        sha256_fingerprint: hex(&key::sha256(request.signed.der)),
        spki_sha256: hex(&key::spki_sha256(spki)),
        extensions: lists().flat_map(extension::extensions).collect(),
        attributes: attributes.others,
        notes,
        lint: None,
    }
}

#[derive(Default)]
struct Attributes {
    challenge_password: Option<String>,
    others: Vec<Attribute>,
}

impl Attributes {
    /// Describes each attribute but those that ask for extensions; one that cannot be read is noted and hides no other.
    fn of(request: &CertificationRequest<'_>, notes: &mut Vec<String>) -> Self {
        let mut attributes = Self::default();
        for attribute in &request.attributes {
            if let Err(error) = attributes.add(attribute) {
                notes.push(format!("an attribute cannot be read: {error} (#{})", hex(attribute.value.raw)));
            }
        }
        if let Some(error) = &request.attributes_fault {
            notes.push(format!("the attributes cannot be read to their end: {error}"));
        }
        attributes
    }

    fn add(&mut self, attribute: &request::Attribute<'_>) -> Result<(), asn1::Error> {
        if let Some(extensions) = &attribute.extensions {
            return extensions.as_ref().map(|_| ()).map_err(Clone::clone);
        }
        let described = extension::attribute(attribute.value)?;
        match (attribute.kind, &described.values[..]) {
            (Some(CHALLENGE_PASSWORD), [password]) => self.challenge_password = Some(password.clone()),
            _ => self.others.push(described),
        }
        Ok(())
    }
}
