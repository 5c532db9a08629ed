//! Certification requests (RFC 2986).

use super::certificate::{Signed, Summary, subject_name};
use super::{Error, extension};
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Value, tag};
use crate::judge::report::extension::{Attribute, Extension};
use crate::judge::report::item::Csr;
use crate::x509::key;

/// The attributes that ask for extensions: PKCS#9's (RFC 2985 section 5.4.2), and the one Microsoft had before.
const EXTENSION_REQUESTS: [&str; 2] = ["1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14"];

const CHALLENGE_PASSWORD: &str = "1.2.840.113549.1.9.7";

/// Describes a certification request.
///
/// # Errors
///
/// [`Error::Request`] when it has not the structure of one, or something follows it.
pub fn request(der: &[u8]) -> Result<Csr, Error> {
    read(der).map_err(Error::Request)
}

fn read(der: &[u8]) -> Result<Csr, asn1::Error> {
    let signed = Signed::read(der, "the request")?;
    let mut fields = signed.content.reader();
    let version = fields.tagged(tag::INTEGER, "version")?.small().unwrap_or(u32::MAX);
    let subject = fields.tagged(tag::SEQUENCE, "subject")?;
    let spki = fields.tagged(tag::SEQUENCE, "subjectPKInfo")?;
    let attributes = fields.optional(tag::constructed(0), "attributes")?;
    fields.finish("what is signed")?;
    let mut notes = Vec::new();
    let attributes = attributes.map(|set| Attributes::read(set, &mut notes)).unwrap_or_default();
    let mut summary = Summary::of(&attributes.extensions);
    notes.append(&mut summary.notes);
    Ok(Csr {
        version: version.saturating_add(1),
        subject: subject_name(subject, "subject", &mut notes),
        subject_alt_names: summary.subject_alt_names,
        public_key: key::public_key(spki.raw),
        signature_algorithm: signed.algorithm_name()?,
        signature_valid: signed.verifies(spki.raw),
        is_ca: summary.basic_constraints.is_some_and(|constraints| constraints.ca),
        key_usage: summary.key_usage,
        extended_key_usage: summary.extended_key_usage,
        challenge_password: attributes.challenge_password,
        sha256_fingerprint: hex(&key::sha256(der)),
        spki_sha256: hex(&key::spki_sha256(spki.raw)),
        extensions: attributes.extensions,
        attributes: attributes.others,
        notes,
        lint: None,
    })
}

#[derive(Default)]
struct Attributes {
    extensions: Vec<Extension>,
    challenge_password: Option<String>,
    others: Vec<Attribute>,
}

impl Attributes {
    /// Reads each attribute; one that cannot be read is noted and hides no other.
    fn read(set: Value<'_>, notes: &mut Vec<String>) -> Self {
        let (mut attributes, mut reader) = (Self::default(), set.reader());
        while !reader.is_empty() {
            let read = reader.tagged(tag::SEQUENCE, "an attribute").map(|value| (value, attributes.add(value)));
            match read {
                Ok((_, Ok(()))) => {}
                Ok((value, Err(error))) => {
                    notes.push(format!("an attribute cannot be read: {error} (#{})", hex(value.raw)));
                }
                Err(error) => {
                    notes.push(format!("the attributes cannot be read to their end: {error}"));
                    break;
                }
            }
        }
        attributes
    }

    fn add(&mut self, value: Value<'_>) -> Result<(), asn1::Error> {
        let mut reader = value.reader();
        let oid = reader.tagged(tag::OID, "an attribute's type")?.oid();
        if EXTENSION_REQUESTS.contains(&oid.as_str()) {
            for list in reader.tagged(tag::SET, "extensionRequest")?.each(tag::SEQUENCE, "extensionRequest")? {
                self.extensions.append(&mut extension::extensions(list));
            }
            return Ok(());
        }
        let attribute = extension::attribute(value)?;
        match (oid.as_str(), &attribute.values[..]) {
            (CHALLENGE_PASSWORD, [password]) => self.challenge_password = Some(password.clone()),
            _ => self.others.push(attribute),
        }
        Ok(())
    }
}
