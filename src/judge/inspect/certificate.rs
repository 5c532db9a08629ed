//! Certificates (RFC 5280 section 4.1).

use std::borrow::Cow;

use super::{Error, extension};
use crate::base::hex::hex;
use crate::encoding::asn1::{self, TimeField};
use crate::judge::report::{self, Certificate, Time};
use crate::x509::certificate;
use crate::x509::extension::{BasicConstraints, ExtensionValue, Extensions, id};
use crate::x509::key::{self, SubjectPublicKeyInfo};
use crate::x509::name::{self, Name};

/// Describes a certificate.
///
/// # Errors
///
/// [`Error::Malformed`] for octets of another structure, and for trailing ones.
pub fn certificate(der: &[u8]) -> Result<Certificate, Error> {
    super::parse(der).map(|certificate| described(&certificate, is_self_signed(&certificate)))
}

/// Describes a certificate that was read.
pub(super) fn described(certificate: &certificate::Certificate<'_>, self_signed: bool) -> Certificate {
    let mut notes = Vec::new();
    let der = certificate.der();
    let spki = certificate.key.as_raw();
    let version = certificate.version.map_or(u32::MAX, |version| version.saturating_add(1));
    let (not_before, not_after) =
        (noted_time(&certificate.not_before, &mut notes), noted_time(&certificate.not_after, &mut notes));
    note_serial(certificate.serial.content, &mut notes);
    if certificate.inner_algorithm.value.raw != certificate.signed.algorithm.value.raw {
        let inner = certificate.inner_algorithm.signature_name();
        notes
            .push(format!("the two signature algorithms differ; the one within is {inner} (RFC 5280 section 4.1.1.2)"));
    }
    if !certificate.extensions().entries.is_empty() && version != 3 {
        notes.push(format!("version {version} has no extensions (RFC 5280 section 4.1.2.9)"));
    }
    let mut summary = Summary::of([certificate.extensions()]);
    notes.append(&mut summary.notes);
    Certificate {
        version,
        serial: hex(certificate.serial.content),
        subject: noted_name(&certificate.subject, "subject", &mut notes),
        issuer: noted_name(&certificate.issuer, "issuer", &mut notes),
        not_before,
        not_after,
        subject_alt_names: summary.subject_alt_names,
        public_key: (&certificate.key.key).into(),
        signature_algorithm: certificate.signed.algorithm.signature_name().into_owned(),
        is_ca: summary.basic_constraints.ca,
        path_len: summary.basic_constraints.path_len,
        key_usage: summary.key_usage,
        extended_key_usage: summary.extended_key_usage,
        subject_key_id: certificate.extensions().subject_key_id().map(hex),
        authority_key_id: certificate.extensions().authority_key_id().and_then(|id| id.key_id).map(hex),
        sha256_fingerprint: hex(&key::sha256(der)),
        sha1_fingerprint: hex(&key::sha1(der)),
        spki_sha256: hex(&key::spki_sha256(spki)),
        self_signed,
        issuer_unique_id: certificate.issuer_unique_id.map(|id| hex(id.bits().unwrap_or(id.content))),
        subject_unique_id: certificate.subject_unique_id.map(|id| hex(id.bits().unwrap_or(id.content))),
        extensions: extension::extensions(certificate.extensions()),
        notes,
        lint: None,
    }
}

/// Decides whether a certificate names itself as its issuer, octet by octet, and is signed with its own key.
#[must_use]
pub fn is_self_signed(certificate: &certificate::Certificate<'_>) -> bool {
    certificate.issuer.as_raw() == certificate.subject.as_raw()
        && certificate.signed.is_signed_by(certificate.key.as_raw()) == Some(true)
}

/// A time in RFC 3339; a form other than that of RFC 5280 section 4.1.2.5 is noted.
pub(super) fn noted_time(time: &TimeField<'_>, notes: &mut Vec<String>) -> Time {
    if !time.is_strict {
        let written = name::escape_unprintable(&String::from_utf8_lossy(time.value.content));
        notes.push(format!(
            "{} is written as {written}, not in UTC with seconds and a Z (RFC 5280 section 4.1.2.5)",
            time.field
        ));
    }
    time.at.into()
}

fn note_serial(serial: &[u8], notes: &mut Vec<String>) {
    let rule = "(RFC 5280 section 4.1.2.2)";
    match serial {
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

/// A name as an RFC 4514 string; as hex, with a note, if it is not a Name.
pub(super) fn noted_name(name: &Name<'_>, field: &str, notes: &mut Vec<String>) -> String {
    if let Err(error) = &name.read {
        notes.push(format!("{field} is no distinguished name: {error}"));
    }
    name.text()
}

/// Values of extensions that have a field of their own in a report.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) subject_alt_names: Vec<String>,
    pub(super) basic_constraints: BasicConstraints,
    pub(super) key_usage: Vec<Cow<'static, str>>,
    pub(super) extended_key_usage: Vec<Cow<'static, str>>,
    pub(super) notes: Vec<String>,
}

impl Summary {
    pub(super) fn of<'e, 'a: 'e>(lists: impl IntoIterator<Item = &'e Extensions<'a>>) -> Self {
        let mut summary = Self::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        for entry in lists.into_iter().flat_map(|list| &list.entries) {
            let extension = match entry {
                Ok(extension) => extension,
                Err(unreadable) => {
                    summary.notes.push(format!("an extension cannot be read: {}", unreadable.error));
                    continue;
                }
            };
            if let Some(error) = extension::extension_error(extension) {
                summary.notes.push(format!("the extension {} cannot be read: {error}", extension.name()));
            }
            let is_again = seen.contains(&extension.id);
            seen.push(extension.id);
            if is_again {
                summary.notes.push(format!("the extension {} is there twice (RFC 5280 section 4.2)", extension.name()));
            }
            // The first counts, but for names: all are shown.
            if let Ok(value) = &extension.value
                && (!is_again || extension.id == id::SUBJECT_ALT_NAME)
            {
                summary.add(value);
            }
        }
        summary
    }

    fn add(&mut self, value: &ExtensionValue<'_>) {
        match value {
            ExtensionValue::SubjectAltName(names) => {
                for name in names.0.iter().map(ToString::to_string) {
                    if name.starts_with("invalid:") {
                        self.notes.push(format!("a subjectAltName is not what its tag says: {name}"));
                    }
                    self.subject_alt_names.push(name);
                }
            }
            ExtensionValue::NameConstraints(constraints) => {
                let subtrees = constraints.subtrees().map(ToString::to_string);
                let invalid = subtrees.filter(|subtree| subtree.starts_with("invalid:"));
                self.notes
                    .extend(invalid.map(|subtree| format!("a name constraint is not what its tag says: {subtree}")));
            }
            ExtensionValue::BasicConstraints(constraints) => self.basic_constraints = *constraints,
            ExtensionValue::KeyUsage(usage) => self.key_usage = usage.names().collect(),
            ExtensionValue::ExtKeyUsage(usage) => {
                self.extended_key_usage = usage.0.iter().map(|purpose| purpose.name()).collect();
            }
            _ => {}
        }
    }
}

/// Describes a DER subjectPublicKeyInfo.
///
/// # Errors
///
/// [`Error::PublicKey`].
pub(super) fn bare_key(spki: &[u8]) -> Result<report::item::BareKey, Error> {
    let read = SubjectPublicKeyInfo::from_der(spki).map_err(Error::PublicKey)?;
    Ok(report::item::BareKey { public_key: (&read.key).into(), spki_sha256: hex(&key::spki_sha256(spki)) })
}
