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
    /// The values of the nameConstraints extensions of the issuer and the CAs above.
    name_constraints: Vec<Vec<u8>>,
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
    /// [`Error::KeyMismatch`], [`Error::NotACa`], [`Error::IssuerTime`] if the issuer is not valid at `now`,
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
        let mut limits = IssuerCertificate { validity, path_len: None, name_constraints: Vec::new() };
        let mut key_identifier = None;
        for extension in certificate.extensions() {
            if is_name_constraints(extension) {
                NameConstraints::parse(extension.value)?;
                limits.name_constraints.push(extension.value.to_vec());
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

    /// Holds the issuer to the name constraints of a CA above, too (RFC 5280 section 6.1.4 g).
    ///
    /// # Errors
    ///
    /// [`Error::NameConstraints`], [`Error::Inspect`].
    pub fn below(mut self, above: &[u8]) -> Result<Self, Error> {
        let parsed = inspect::parse(above)?;
        for extension in parsed.extensions().iter().filter(|extension| is_name_constraints(extension)) {
            NameConstraints::parse(extension.value)?;
            if let Some(certificate) = &mut self.certificate {
                certificate.name_constraints.push(extension.value.to_vec());
            }
        }
        Ok(self)
    }

    /// Returns true if every subject is excluded, so that certificates of this issuer have none.
    #[must_use]
    pub fn excludes_every_subject(&self) -> bool {
        self.constraints().any(|constraints| constraints.excludes_every_subject())
    }

    fn constraints(&self) -> impl Iterator<Item = NameConstraints<'_>> {
        let values = self.certificate.iter().flat_map(|certificate| &certificate.name_constraints);
        // Each was parsed before it was taken.
        values.filter_map(|value| NameConstraints::parse(value).ok())
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
        for constraints in self.constraints() {
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
            if !refused.is_empty() {
                return Err(Error::NotPermitted { names: refused, permitted: permitted_text(&constraints) });
            }
        }
        Ok(())
    }

    fn check_directory(&self, subject: &Subject) -> Result<(), Error> {
        for constraints in self.constraints() {
            let refused = constraints.check([&subject.into()], &mut constraints::BUDGET.clone()).err();
            match refused {
                None => {}
                Some(constraints::Error::Excluded { subtree, .. }) => {
                    return Err(Error::Excluded { name: subject.to_string(), excluded: subtree });
                }
                Some(_) => {
                    let names = vec![subject.to_string()];
                    return Err(Error::NotPermitted { names, permitted: permitted_text(&constraints) });
                }
            }
        }
        Ok(())
    }

    /// Checks a subject: its emailAddresses, itself as a directoryName and, as OpenSSL does, its commonName, which counts
    /// as a dNSName if no SAN exists.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::Excluded`], [`Error::SubjectExcluded`].
    pub fn check_subject(&self, subject: &Subject, names: &[SubjectAltName]) -> Result<(), Error> {
        self.check_names(&subject.emails().into_iter().map(SubjectAltName::Email).collect::<Vec<_>>())?;
        if !subject.is_empty() {
            if self.excludes_every_subject() {
                return Err(Error::SubjectExcluded { subject: subject.to_string() });
            }
            self.check_directory(subject)?;
        }
        if names.iter().any(|name| matches!(name, SubjectAltName::Dns(_))) {
            return Ok(());
        }
        match subject.last_common_name().and_then(|name| name.parse().ok()) {
            Some(SubjectAltName::Dns(name)) if name.contains('.') => self.check_names(&[SubjectAltName::Dns(name)]),
            _ => Ok(()),
        }
    }
}

/// Returns true if the name constraints of a CA's certificate exclude every subject.
#[must_use]
pub fn excludes_every_subject(der: &[u8]) -> bool {
    let Ok(parsed) = inspect::parse(der) else { return false };
    let constraints = |extension: &x509_parser::extensions::X509Extension<'_>| {
        NameConstraints::parse(extension.value).is_ok_and(|constraints| constraints.excludes_every_subject())
    };
    parsed.extensions().iter().filter(|extension| is_name_constraints(extension)).any(constraints)
}

fn is_name_constraints(extension: &x509_parser::extensions::X509Extension<'_>) -> bool {
    extension.oid == x509_parser::oid_registry::OID_X509_EXT_NAME_CONSTRAINTS
}

/// Checks that a CA may issue to another CA.
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
