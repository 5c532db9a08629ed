//! Certificates (RFC 5280 section 4.1).

use std::borrow::Cow;

use super::{Error, extension};
use crate::asn1::{self, Reader, Value, tag};
use crate::key;
use crate::name::{self, hex};
use crate::report::extension::{AuthorityKeyId, BasicConstraints, Extension, ExtensionValue};
use crate::report::{self, Certificate};
use crate::validity::rfc3339;

/// Something signed: the content, the algorithm and the signature (RFC 5280 section 4.1.1, RFC 2986 section 4.2).
pub(super) struct Signed<'a> {
    /// What is signed.
    pub(super) content: Value<'a>,
    algorithm: Value<'a>,
    signature: Value<'a>,
}

impl<'a> Signed<'a> {
    pub(super) fn read(der: &'a [u8], field: &'static str) -> Result<Self, asn1::Error> {
        let mut reader = asn1::only(der, tag::SEQUENCE, field)?.reader();
        let signed = Self {
            content: reader.tagged(tag::SEQUENCE, "what is signed")?,
            algorithm: reader.tagged(tag::SEQUENCE, "signatureAlgorithm")?,
            signature: reader.tagged(tag::BIT_STRING, "the signature")?,
        };
        reader.finish("the signature")?;
        Ok(signed)
    }

    pub(super) fn algorithm_name(&self) -> Result<String, asn1::Error> {
        algorithm_name(self.algorithm)
    }

    /// Whether the signature is that of a key; `None` when that cannot be checked here.
    pub(super) fn verifies(&self, spki: &[u8]) -> Option<bool> {
        let signature = self.signature.bits().unwrap_or_default();
        match key::verify_signature(spki, self.algorithm.raw, self.content.raw, signature) {
            Ok(()) => Some(true),
            Err(key::Error::BadSignature) => Some(false),
            Err(_) => None,
        }
    }
}

/// An AlgorithmIdentifier's name; its dotted OID when it has none here.
fn algorithm_name(identifier: Value<'_>) -> Result<String, asn1::Error> {
    let oid = identifier.reader().tagged(tag::OID, "the algorithm")?.oid();
    Ok(key::signature_name(&oid).map_or(oid, str::to_owned))
}

/// Says what is in a certificate.
///
/// # Errors
///
/// [`Error::Malformed`] when it has not the structure of one, or something follows it.
pub fn certificate(der: &[u8]) -> Result<Certificate, Error> {
    read(der).map_err(|error| Error::Malformed { reason: error.to_string() })
}

fn read(der: &[u8]) -> Result<Certificate, asn1::Error> {
    let signed = Signed::read(der, "the certificate")?;
    let mut fields = signed.content.reader();
    let mut notes = Vec::new();
    let version = version(&mut fields)?;
    let serial = fields.tagged(tag::INTEGER, "serialNumber")?;
    let inner_algorithm = fields.tagged(tag::SEQUENCE, "signature")?;
    let issuer = fields.tagged(tag::SEQUENCE, "issuer")?;
    let (not_before, not_after) = validity(fields.tagged(tag::SEQUENCE, "validity")?, &mut notes)?;
    let subject = fields.tagged(tag::SEQUENCE, "subject")?;
    let spki = fields.tagged(tag::SEQUENCE, "subjectPublicKeyInfo")?;
    let issuer_unique_id = fields.optional(tag::context(1), "issuerUniqueID")?;
    let subject_unique_id = fields.optional(tag::context(2), "subjectUniqueID")?;
    let extensions = extensions(&mut fields)?;
    fields.finish("what is signed")?;
    note_serial(serial, &mut notes);
    if inner_algorithm.raw != signed.algorithm.raw {
        let inner = algorithm_name(inner_algorithm)?;
        notes
            .push(format!("the two signature algorithms differ; the one within is {inner} (RFC 5280 section 4.1.1.2)"));
    }
    if !extensions.is_empty() && version != 3 {
        notes.push(format!("version {version} has no extensions (RFC 5280 section 4.1.2.9)"));
    }
    let is_self_signed = issuer.raw == subject.raw && signed.verifies(spki.raw) == Some(true);
    let mut summary = Summary::of(&extensions);
    notes.append(&mut summary.notes);
    Ok(Certificate {
        version,
        serial: hex(serial.content),
        subject: subject_name(subject, "subject", &mut notes),
        issuer: subject_name(issuer, "issuer", &mut notes),
        not_before,
        not_after,
        subject_alt_names: summary.subject_alt_names,
        public_key: key::public_key(spki.raw),
        signature_algorithm: signed.algorithm_name()?,
        is_ca: summary.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca),
        path_len: summary.basic_constraints.and_then(|constraints| constraints.path_len),
        key_usage: summary.key_usage,
        extended_key_usage: summary.extended_key_usage,
        subject_key_id: summary.subject_key_id,
        authority_key_id: summary.authority_key_id,
        sha256_fingerprint: hex(&key::sha256(der)),
        sha1_fingerprint: hex(&key::sha1(der)),
        spki_sha256: hex(&key::spki_sha256(spki.raw)),
        self_signed: is_self_signed,
        issuer_unique_id: issuer_unique_id.map(|id| hex(id.bits().unwrap_or(id.content))),
        subject_unique_id: subject_unique_id.map(|id| hex(id.bits().unwrap_or(id.content))),
        extensions,
        notes,
        lint: None,
    })
}

/// `[0] version DEFAULT v1`, counted from 1.
fn version(fields: &mut Reader<'_>) -> Result<u32, asn1::Error> {
    let Some(tagged) = fields.optional(tag::constructed(0), "version")? else { return Ok(1) };
    let number = tagged.reader().tagged(tag::INTEGER, "version")?.small();
    number.map(|version| version.saturating_add(1)).ok_or_else(|| asn1::Error::new("version", "is none that there is"))
}

fn validity(value: Value<'_>, notes: &mut Vec<String>) -> Result<(String, String), asn1::Error> {
    let mut times = value.reader();
    let not_before = noted_time(times.value("notBefore")?, "notBefore", notes)?;
    let not_after = noted_time(times.value("notAfter")?, "notAfter", notes)?;
    times.finish("validity")?;
    Ok((not_before, not_after))
}

/// A time in RFC 3339; how it is written is noted when it is not as RFC 5280 section 4.1.2.5 has it.
pub(super) fn noted_time(
    value: Value<'_>,
    field: &'static str,
    notes: &mut Vec<String>,
) -> Result<String, asn1::Error> {
    let (time, is_strict) = asn1::time(value, field)?;
    if !is_strict {
        let written = name::escape_unprintable(&String::from_utf8_lossy(value.content));
        notes.push(format!(
            "{field} is written as {written}, not in UTC with seconds and a Z (RFC 5280 section 4.1.2.5)"
        ));
    }
    Ok(rfc3339(time))
}

/// `[3] extensions`.
fn extensions(fields: &mut Reader<'_>) -> Result<Vec<Extension>, asn1::Error> {
    match fields.optional(tag::constructed(3), "extensions")? {
        Some(tagged) => {
            let mut inner = tagged.reader();
            let list = inner.tagged(tag::SEQUENCE, "extensions")?;
            inner.finish("extensions")?;
            Ok(extension::extensions(list))
        }
        None => Ok(Vec::new()),
    }
}

fn note_serial(serial: Value<'_>, notes: &mut Vec<String>) {
    let rule = "(RFC 5280 section 4.1.2.2)";
    match serial.content {
        [] => notes.push(format!("the serial number is empty {rule}")),
        [first, ..] if first & 0x80 != 0 => notes.push(format!("the serial number is negative {rule}")),
        octets if octets.iter().all(|octet| *octet == 0) => notes.push(format!("the serial number is zero {rule}")),
        octets if asn1::der::significant(octets).len() != octets.len() => {
            notes.push(
                "the serial number has octets that it does not need, and is no DER INTEGER (X.690 section 8.3.2)"
                    .to_owned(),
            );
        }
        octets if octets.len() > 20 => {
            notes.push(format!("the serial number has {} octets, more than 20 {rule}", octets.len()));
        }
        _ => {}
    }
}

/// A name as an RFC 4514 string; as hex, with a note, when it is none.
pub(super) fn subject_name(name: Value<'_>, field: &str, notes: &mut Vec<String>) -> String {
    name::distinguished_name(name.raw).unwrap_or_else(|error| {
        notes.push(format!("{field} is no distinguished name: {error}"));
        format!("#{}", hex(name.raw))
    })
}

/// What the extensions say that has a field of its own in a report.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) subject_alt_names: Vec<String>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Vec<Cow<'static, str>>,
    pub(super) extended_key_usage: Vec<Cow<'static, str>>,
    pub(super) subject_key_id: Option<String>,
    pub(super) authority_key_id: Option<String>,
    pub(super) notes: Vec<String>,
}

impl Summary {
    pub(super) fn of(extensions: &[Extension]) -> Self {
        let mut summary = Self::default();
        for (index, extension) in extensions.iter().enumerate() {
            let name = extension.name.as_deref().unwrap_or(&extension.oid);
            if let Some(error) = &extension.error {
                summary.notes.push(format!("the extension {name} cannot be read: {error}"));
            }
            let earlier = extensions.get(..index).unwrap_or_default();
            if !extension.oid.is_empty() && earlier.iter().any(|other| other.oid == extension.oid) {
                summary.notes.push(format!("the extension {name} is there twice (RFC 5280 section 4.2)"));
                // The first counts, but for names: all are shown.
                if extension.oid != "2.5.29.17" {
                    continue;
                }
            }
            summary.add(extension);
        }
        summary
    }

    fn add(&mut self, extension: &Extension) {
        match (extension.oid.as_str(), &extension.value) {
            ("2.5.29.17", Some(ExtensionValue::Names(names))) => {
                let invalid = names.iter().filter(|name| name.starts_with("invalid:"));
                self.notes.extend(invalid.map(|name| format!("a subjectAltName is not what its tag says: {name}")));
                self.subject_alt_names.extend(names.iter().map(|name| name.as_ref().to_owned()));
            }
            ("2.5.29.30", Some(ExtensionValue::NameConstraints(constraints))) => {
                let subtrees = constraints.permitted.iter().chain(&constraints.excluded);
                let invalid = subtrees.filter(|subtree| subtree.starts_with("invalid:"));
                self.notes
                    .extend(invalid.map(|subtree| format!("a name constraint is not what its tag says: {subtree}")));
            }
            ("2.5.29.19", Some(ExtensionValue::BasicConstraints(constraints))) => {
                self.basic_constraints = Some(constraints.clone());
            }
            ("2.5.29.15", Some(ExtensionValue::Names(usages))) => self.key_usage.clone_from(usages),
            ("2.5.29.37", Some(ExtensionValue::Names(purposes))) => self.extended_key_usage.clone_from(purposes),
            ("2.5.29.14", Some(ExtensionValue::Text(id))) => self.subject_key_id = Some(id.clone()),
            ("2.5.29.35", Some(ExtensionValue::AuthorityKeyId(AuthorityKeyId { key_id, .. }))) => {
                self.authority_key_id.clone_from(key_id);
            }
            _ => {}
        }
    }
}

/// Says what a DER subjectPublicKeyInfo holds.
///
/// # Errors
///
/// [`Error::PublicKey`].
pub(super) fn bare_key(spki: &[u8]) -> Result<report::item::BareKey, Error> {
    asn1::only(spki, tag::SEQUENCE, "subjectPublicKeyInfo").map_err(Error::PublicKey)?;
    Ok(report::item::BareKey { public_key: key::public_key(spki), spki_sha256: hex(&key::spki_sha256(spki)) })
}
