//! DER to report; never judges.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use crate::key;
use crate::name::{self, hex};
use crate::report;
use crate::signed::Signed;
use crate::validity::rfc3339;

/// Why the bytes could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a certificate.
    #[error("it is not a certificate (RFC 5280 section 4.1): {reason}")]
    Malformed {
        /// What the parser said.
        reason: String,
    },
    /// Something behind the certificate.
    #[error("{count} octets follow the certificate")]
    TrailingData {
        /// How many.
        count: usize,
    },
}

/// Parses a certificate that must be all there is.
///
/// # Errors
///
/// [`Error::Malformed`], [`Error::TrailingData`].
pub fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Error> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok((rest, _)) => Err(Error::TrailingData { count: rest.len() }),
        Err(error) => Err(Error::Malformed { reason: error.to_string() }),
    }
}

/// Says what is in a certificate.
///
/// # Errors
///
/// As [`parse`].
pub fn certificate(der: &[u8]) -> Result<report::Certificate, Error> {
    let certificate = parse(der)?;
    let mut report = report::Certificate {
        version: certificate.version().0.saturating_add(1),
        serial: hex(certificate.raw_serial()),
        subject: name::rfc4514(certificate.subject()),
        issuer: name::rfc4514(certificate.issuer()),
        not_before: rfc3339(certificate.validity().not_before.to_datetime()),
        not_after: rfc3339(certificate.validity().not_after.to_datetime()),
        subject_alt_names: Vec::new(),
        public_key: key::public_key(certificate.public_key().raw),
        signature_algorithm: signature_algorithm(&certificate),
        is_ca: false,
        path_len: None,
        key_usage: Vec::new(),
        extended_key_usage: Vec::new(),
        subject_key_id: None,
        authority_key_id: None,
        sha256_fingerprint: hex(&key::sha256(der)),
        sha1_fingerprint: hex(&key::sha1(der)),
        spki_sha256: hex(&key::spki_sha256(certificate.public_key().raw)),
        self_signed: is_self_signed(der, &certificate),
    };
    for extension in certificate.extensions() {
        add_extension(&mut report, extension.parsed_extension());
    }
    Ok(report)
}

fn add_extension(report: &mut report::Certificate, extension: &ParsedExtension<'_>) {
    match extension {
        ParsedExtension::SubjectAlternativeName(names) => {
            report.subject_alt_names.extend(names.general_names.iter().map(name::general_name));
        }
        ParsedExtension::BasicConstraints(constraints) => {
            report.is_ca = constraints.ca;
            report.path_len = constraints.path_len_constraint;
        }
        ParsedExtension::KeyUsage(usage) => report.key_usage = key_usages(usage.flags),
        ParsedExtension::ExtendedKeyUsage(usage) => report.extended_key_usage = extended_key_usages(usage),
        ParsedExtension::SubjectKeyIdentifier(identifier) => report.subject_key_id = Some(hex(identifier.0)),
        ParsedExtension::AuthorityKeyIdentifier(identifier) => {
            report.authority_key_id = identifier.key_identifier.as_ref().map(|key| hex(key.0));
        }
        _ => {}
    }
}

fn signature_algorithm(certificate: &X509Certificate<'_>) -> String {
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    key::signature_name(&oid).map_or(oid, str::to_owned)
}

/// The bits of keyUsage by their names (RFC 5280 section 4.2.1.3), the first bit first.
fn key_usages(flags: u16) -> Vec<String> {
    const NAMES: [&str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];
    let set = NAMES.iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
    set.map(|(_, name)| (*name).to_owned()).collect()
}

fn extended_key_usages(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let known = known.iter().filter(|(present, _)| *present).map(|(_, name)| (*name).to_owned());
    known.chain(usage.other.iter().map(x509_parser::asn1_rs::Oid::to_id_string)).collect()
}

/// Whether a certificate names itself as its issuer and its signature verifies with its own key.
fn is_self_signed(der: &[u8], certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
        && Signed::parse(der).is_ok_and(|signed| signed.verify(certificate.public_key().raw).is_ok())
}
