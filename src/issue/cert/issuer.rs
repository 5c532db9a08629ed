//! Issuers of certificates, and the limits of their powers.

use time::OffsetDateTime;
use x509_parser::prelude::{ParsedExtension, X509Certificate};

use super::{Error, check_key, validity_of};
use crate::base::validity::{Validity, rfc3339};
use crate::judge::inspect;
use crate::x509::constraints::{self, NameConstraints};
use crate::x509::key::{self, PrivateKey};
use crate::x509::name::{Subject, SubjectAltName};

/// An issuer: a certificate with its key.
pub struct Issuer<'a> {
    pub(super) key: &'a PrivateKey,
    pub(super) subject: Subject,
    pub(super) key_identifier: Vec<u8>,
    /// Absent when a certificate is its own issuer.
    certificate: Option<IssuerCertificate>,
}

/// Properties of an issuer's certificate that limit its powers.
struct IssuerCertificate {
    validity: Validity,
    path_len: Option<u32>,
    /// The value of its nameConstraints extension.
    name_constraints: Option<Vec<u8>>,
}

impl<'a> Issuer<'a> {
    /// The key's own holder: makes a self-signed certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] when the key has no public part.
    pub fn own(key: &'a PrivateKey, subject: &Subject) -> Result<Self, Error> {
        let key_identifier = key::key_identifier(key.spki())?;
        Ok(Self { key, subject: subject.clone(), key_identifier, certificate: None })
    }

    /// A CA by its certificate; its name and key identifier are taken from there, as the bytes they are.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`], [`Error::NotACa`], [`Error::IssuerTime`] when it is not valid at `now`,
    /// [`Error::Inspect`].
    pub fn from_certificate(der: &[u8], key: &'a PrivateKey, now: OffsetDateTime) -> Result<Self, Error> {
        let certificate = inspect::parse(der)?;
        check_key(certificate.public_key().raw, key)?;
        check_ca(&certificate)?;
        let validity = validity_of(&certificate);
        if now > validity.not_after {
            let reason = format!("expired {}", rfc3339(validity.not_after));
            return Err(Error::IssuerTime { reason });
        }
        if now < validity.not_before {
            let reason = format!("is not valid before {}", rfc3339(validity.not_before));
            return Err(Error::IssuerTime { reason });
        }
        let mut limits = IssuerCertificate { validity, path_len: None, name_constraints: None };
        let mut key_identifier = None;
        for extension in certificate.extensions() {
            if extension.oid == x509_parser::oid_registry::OID_X509_EXT_NAME_CONSTRAINTS {
                NameConstraints::parse(extension.value)?;
                limits.name_constraints = Some(extension.value.to_vec());
            }
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(constraints) => limits.path_len = constraints.path_len_constraint,
                ParsedExtension::SubjectKeyIdentifier(identifier) => key_identifier = Some(identifier.0.to_vec()),
                _ => {}
            }
        }
        let key_identifier = key_identifier.map_or_else(|| key::key_identifier(key.spki()), Ok)?;
        let subject = Subject::from_der(certificate.subject().as_raw());
        let subject = subject.map_err(|error| inspect::Error::Malformed { reason: error.reason })?;
        Ok(Self { key, subject, key_identifier, certificate: Some(limits) })
    }

    /// The issuer's name.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Cuts a validity to the issuer's own; says whether its end was cut.
    ///
    /// # Errors
    ///
    /// [`Error::Validity`] when nothing would be left.
    pub fn limit(&self, validity: Validity) -> Result<(Validity, bool), Error> {
        match &self.certificate {
            Some(certificate) => Ok(validity.within(certificate.validity)?),
            None => Ok((validity, false)),
        }
    }

    /// Checks names against the issuer's name constraints (RFC 5280 section 4.2.1.10).
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`].
    pub fn check_names(&self, names: &[SubjectAltName]) -> Result<(), Error> {
        let Some(value) = self.certificate.as_ref().and_then(|certificate| certificate.name_constraints.as_ref())
        else {
            return Ok(());
        };
        let constraints = NameConstraints::parse(value)?;
        let mut refused = Vec::new();
        for name in names {
            match constraints.check([&name.into()], &mut constraints::BUDGET.clone()) {
                Ok(()) => {}
                Err(constraints::Error::Excluded { subtree, .. }) => {
                    return Err(Error::Excluded { name: name.value(), excluded: subtree });
                }
                Err(_) => refused.push(name.value()),
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        Err(Error::NotPermitted { names: refused, permitted: permitted_text(&constraints) })
    }

    /// Checks a subject: its emailAddresses and, as OpenSSL does, its commonName, which counts as a dNSName if no SAN
    /// exists.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`].
    pub fn check_subject(&self, subject: &Subject, names: &[SubjectAltName]) -> Result<(), Error> {
        self.check_names(&subject.emails().into_iter().map(SubjectAltName::Email).collect::<Vec<_>>())?;
        if names.iter().any(|name| matches!(name, SubjectAltName::Dns(_))) {
            return Ok(());
        }
        match subject.last_common_name().and_then(|name| name.parse().ok()) {
            Some(SubjectAltName::Dns(name)) if name.contains('.') => self.check_names(&[SubjectAltName::Dns(name)]),
            _ => Ok(()),
        }
    }
}

/// Checks that a CA may have another CA below it.
///
/// # Errors
///
/// [`Error::NotACa`] when its path length is used up.
pub fn check_path_len(issuer: &Issuer<'_>) -> Result<(), Error> {
    match &issuer.certificate {
        Some(IssuerCertificate { path_len: Some(0), .. }) => {
            Err(Error::NotACa { reason: "its pathLenConstraint of 0 allows no CA below it" })
        }
        _ => Ok(()),
    }
}

fn check_ca(certificate: &X509Certificate<'_>) -> Result<(), Error> {
    let mut is_ca = false;
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(constraints) => is_ca = constraints.ca,
            ParsedExtension::KeyUsage(usage) if !usage.key_cert_sign() => {
                return Err(Error::NotACa { reason: "its keyUsage lacks keyCertSign" });
            }
            _ => {}
        }
    }
    if is_ca { Ok(()) } else { Err(Error::NotACa { reason: "its basicConstraints do not say CA:TRUE" }) }
}

fn permitted_text(constraints: &NameConstraints<'_>) -> String {
    let texts = constraints.permitted_text();
    if texts.is_empty() { "others".to_owned() } else { texts.join(", ") }
}
