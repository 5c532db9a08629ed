//! Certificate revocation lists (RFC 5280 section 5).

use std::borrow::Cow;

use super::certificate::{Signed, noted_time, subject_name};
use super::{Error, extension};
use crate::base::hex::hex;
use crate::base::validity::rfc3339;
use crate::encoding::asn1::{self, Reader, Value, tag};
use crate::judge::report::extension::{Extension, ExtensionValue};
use crate::judge::report::item::{Crl, Revoked};
use crate::x509::key;

/// Describes a certificate revocation list.
///
/// # Errors
///
/// [`Error::Crl`] when it has not the structure of one, or something follows it.
pub fn crl(der: &[u8]) -> Result<Crl, Error> {
    read(der).map_err(Error::Crl)
}

fn read(der: &[u8]) -> Result<Crl, asn1::Error> {
    let signed = Signed::read(der, "the CRL")?;
    let mut fields = signed.content.reader();
    let mut notes = Vec::new();
    let version = fields.optional(tag::INTEGER, "version")?.map_or(Some(0), |version| version.small());
    let version = version.ok_or_else(|| asn1::Error::new("version", "is none that there is"))?;
    fields.tagged(tag::SEQUENCE, "signature")?;
    let issuer = fields.tagged(tag::SEQUENCE, "issuer")?;
    let this_update = noted_time(fields.value("thisUpdate")?, "thisUpdate", &mut notes)?;
    let next_update = match fields.peek() {
        Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => {
            Some(noted_time(fields.value("nextUpdate")?, "nextUpdate", &mut notes)?)
        }
        _ => None,
    };
    let revoked = match fields.optional(tag::SEQUENCE, "revokedCertificates")? {
        Some(list) => revoked_certificates(list)?,
        None => Vec::new(),
    };
    let extensions = extensions(&mut fields)?;
    fields.finish("what is signed")?;
    let unreadable = extensions.iter().filter_map(|extension| Some((extension, extension.error.as_ref()?)));
    notes.extend(unreadable.map(|(extension, error)| {
        format!("the extension {} cannot be read: {error}", extension.name.as_deref().unwrap_or(&extension.oid))
    }));
    let text = |oid: &str| match extensions.iter().find(|extension| extension.oid == oid)?.value.as_ref()? {
        ExtensionValue::Text(text) => Some(text.clone()),
        ExtensionValue::AuthorityKeyId(id) => id.key_id.clone(),
        _ => None,
    };
    Ok(Crl {
        version: version.saturating_add(1),
        issuer: subject_name(issuer, "issuer", &mut notes),
        this_update,
        next_update,
        signature_algorithm: signed.algorithm_name()?,
        crl_number: text("2.5.29.20"),
        delta_of: text("2.5.29.27"),
        authority_key_id: text("2.5.29.35"),
        sha256_fingerprint: hex(&key::sha256(der)),
        revoked_count: revoked.len(),
        extensions,
        revoked,
        notes,
        lint: None,
    })
}

/// `[0] crlExtensions`.
fn extensions(fields: &mut Reader<'_>) -> Result<Vec<Extension>, asn1::Error> {
    let Some(tagged) = fields.optional(tag::constructed(0), "crlExtensions")? else { return Ok(Vec::new()) };
    Ok(extension::extensions(tagged.reader().tagged(tag::SEQUENCE, "crlExtensions")?))
}

fn revoked_certificates(list: Value<'_>) -> Result<Vec<Revoked>, asn1::Error> {
    let (mut reader, mut revoked) = (list.reader(), Vec::new());
    while !reader.is_empty() {
        revoked.push(entry(reader.tagged(tag::SEQUENCE, "a revoked certificate")?)?);
    }
    Ok(revoked)
}

fn entry(value: Value<'_>) -> Result<Revoked, asn1::Error> {
    let mut reader = value.reader();
    let serial = hex(reader.tagged(tag::INTEGER, "userCertificate")?.content);
    let (time, _) = asn1::time(reader.value("revocationDate")?, "revocationDate")?;
    let mut revoked = Revoked {
        serial,
        revoked_at: rfc3339(time),
        reason: None,
        invalid_since: None,
        certificate_issuer: Vec::new(),
        extensions: Vec::new(),
    };
    if let Some(list) = reader.optional(tag::SEQUENCE, "crlEntryExtensions")? {
        for extension in extension::extensions(list) {
            match (extension.oid.as_str(), extension.value) {
                ("2.5.29.21", Some(ExtensionValue::Text(reason))) => revoked.reason = Some(Cow::Owned(reason)),
                ("2.5.29.24", Some(ExtensionValue::Text(time))) => revoked.invalid_since = Some(time),
                ("2.5.29.29", Some(ExtensionValue::Names(names))) => {
                    revoked.certificate_issuer = names.into_iter().map(Cow::into_owned).collect();
                }
                (_, value) => revoked.extensions.push(Extension { value, ..extension }),
            }
        }
    }
    reader.finish("a revoked certificate")?;
    Ok(revoked)
}
