//! Certificate revocation lists (RFC 5280 section 5).

use std::borrow::Cow;

use super::certificate::{noted_name, noted_time};
use super::{Error, extension};
use crate::base::hex::hex;
use crate::encoding::asn1;
use crate::judge::report::extension::ExtensionValue as Shown;
use crate::judge::report::item::{Crl, Revoked, RevokedList};
use crate::x509::crl;
use crate::x509::extension::{ExtensionValue, id};
use crate::x509::key;

/// Describes a certificate revocation list.
///
/// # Errors
///
/// [`Error::Crl`] for octets of another structure, and for trailing ones.
pub fn crl(der: &[u8]) -> Result<Crl, Error> {
    crl::Crl::parse(der).and_then(|crl| described(&crl)).map_err(Error::Crl)
}

/// Describes a CRL that was read.
pub(super) fn described(crl: &crl::Crl<'_>) -> Result<Crl, asn1::Error> {
    let mut notes = Vec::new();
    let version = crl.version.map_or(Some(0), |version| version.small());
    let version = version.ok_or_else(|| asn1::Error::new("version", "is none that there is"))?;
    let this_update = noted_time(&crl.this_update, &mut notes);
    let next_update = crl.next_update.as_ref().map(|time| noted_time(time, &mut notes));
    let revoked = RevokedList::new(crl.entries(), revoked)?;
    let extensions = extension::extensions(&crl.extensions);
    let unreadable = extensions.iter().filter_map(|extension| Some((extension, extension.error.as_ref()?)));
    notes.extend(unreadable.map(|(extension, error)| {
        format!("the extension {} cannot be read: {error}", extension.name.as_deref().unwrap_or(&extension.oid))
    }));
    let number = |id| match crl.extensions.first(id)?.value {
        Ok(ExtensionValue::CrlNumber(number) | ExtensionValue::DeltaCrlIndicator(number)) => Some(hex(number)),
        _ => None,
    };
    Ok(Crl {
        version: version.saturating_add(1),
        issuer: noted_name(&crl.issuer, "issuer", &mut notes),
        this_update,
        next_update,
        signature_algorithm: crl.signed.algorithm.signature_name().into_owned(),
        crl_number: number(id::CRL_NUMBER),
        delta_of: number(id::DELTA_CRL_INDICATOR),
        authority_key_id: crl.extensions.authority_key_id().and_then(|id| id.key_id).map(hex),
        sha256_fingerprint: hex(&key::sha256(crl.signed.der)),
        revoked_count: revoked.len(),
        extensions,
        revoked,
        notes,
        lint: None,
    })
}

fn revoked(entry: &crl::Entry<'_>) -> Result<Revoked, asn1::Error> {
    let mut revoked = Revoked {
        serial: hex(entry.serial.content),
        revoked_at: entry.time()?.into(),
        reason: None,
        invalid_since: None,
        certificate_issuer: Vec::new(),
        extensions: Vec::new(),
    };
    for extension in extension::extensions(&entry.extensions()) {
        match (extension.oid.as_str(), extension.value) {
            ("2.5.29.21", Some(Shown::Text(reason))) => revoked.reason = Some(Cow::Owned(reason)),
            ("2.5.29.24", Some(Shown::Text(time))) => revoked.invalid_since = Some(time),
            ("2.5.29.29", Some(Shown::Names(names))) => {
                revoked.certificate_issuer = names.into_iter().map(Cow::into_owned).collect();
            }
            (_, value) => {
                revoked.extensions.push(crate::judge::report::extension::Extension { value, ..extension });
            }
        }
    }
    Ok(revoked)
}
