//! Issuers of certificates, and the limits of their powers.

use time::OffsetDateTime;

use super::{Error, check_key};
use crate::base::validity::{Validity, rfc3339};
use crate::judge::inspect;
use crate::x509::certificate::Certificate;
use crate::x509::constraints::{self, NameConstraints};
use crate::x509::extension::{KeyUsage, id};
use crate::x509::key::{self, PrivateKey};
use crate::x509::name::{Subject, SubjectAltName};

/// An issuer: a certificate with its key.
pub(crate) struct Issuer<'a> {
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
    pub(crate) fn own(key: &'a PrivateKey, subject: &Subject) -> Result<Self, Error> {
        let key_identifier = key::key_identifier(key.spki())?;
        Ok(Self { key, subject: subject.clone(), key_identifier, certificate: None })
    }

    /// A CA by its certificate; its name and key identifier are taken from there, as the bytes they are.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`], [`Error::NotACa`], [`Error::IssuerTime`] if the issuer is not valid at `now`,
    /// [`Error::Inspect`].
    pub(crate) fn from_certificate(der: &[u8], key: &'a PrivateKey, now: OffsetDateTime) -> Result<Self, Error> {
        let certificate = inspect::parse(der)?;
        check_key(certificate.key.as_raw(), key)?;
        check_ca(&certificate)?;
        let validity = certificate.validity();
        if now > validity.not_after {
            let reason = format!("expired {}", rfc3339(validity.not_after));
            return Err(Error::IssuerTime { reason });
        }
        if now < validity.not_before {
            let reason = format!("is not valid before {}", rfc3339(validity.not_before));
            return Err(Error::IssuerTime { reason });
        }
        let extensions = certificate.extensions();
        let limits = IssuerCertificate {
            validity,
            path_len: extensions.basic_constraints().and_then(|constraints| constraints.path_len),
            name_constraints: constraints_in(&certificate)?,
        };
        let key_identifier = extensions.subject_key_id().map(<[u8]>::to_vec);
        let key_identifier = key_identifier.map_or_else(|| key::key_identifier(key.spki()), Ok)?;
        let subject = Subject::from_der(certificate.subject.as_raw());
        let subject = subject.map_err(|error| inspect::Error::Malformed { reason: error.reason })?;
        Ok(Self { key, subject, key_identifier, certificate: Some(limits) })
    }

    /// Holds the issuer to the name constraints of a CA above, too (RFC 5280 section 6.1.4 g).
    ///
    /// # Errors
    ///
    /// [`Error::NameConstraints`], [`Error::Inspect`].
    pub(crate) fn below(mut self, above: &[u8]) -> Result<Self, Error> {
        let constraints = constraints_in(&inspect::parse(above)?)?;
        if let Some(certificate) = &mut self.certificate {
            certificate.name_constraints.extend(constraints);
        }
        Ok(self)
    }

    /// Returns true if every subject is excluded, so that certificates of this issuer have none.
    #[must_use]
    pub(crate) fn excludes_every_subject(&self) -> bool {
        self.constraints().any(|constraints| constraints.excludes_every_subject())
    }

    fn constraints(&self) -> impl Iterator<Item = NameConstraints<'_>> {
        let values = self.certificate.iter().flat_map(|certificate| &certificate.name_constraints);
        // Each was parsed before it was taken.
        values.filter_map(|value| NameConstraints::parse(value).ok())
    }

    /// Cuts a validity to the issuer's own; says whether its end was cut.
    ///
    /// # Errors
    ///
    /// [`Error::Validity`] when nothing would be left.
    pub(crate) fn limit(&self, validity: Validity) -> Result<(Validity, bool), Error> {
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
    pub(crate) fn check_names(&self, names: &[SubjectAltName]) -> Result<(), Error> {
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
    pub(crate) fn check_subject(&self, subject: &Subject, names: &[SubjectAltName]) -> Result<(), Error> {
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
pub(crate) fn excludes_every_subject(der: &[u8]) -> bool {
    let Ok(parsed) = inspect::parse(der) else { return false };
    parsed.extensions().name_constraints().is_some_and(NameConstraints::excludes_every_subject)
}

/// The values of a certificate's nameConstraints, each of which can be held against names.
fn constraints_in(certificate: &Certificate<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let all = certificate.extensions().iter().filter(|extension| extension.id == id::NAME_CONSTRAINTS);
    let checked = all.map(|extension| {
        NameConstraints::parse(extension.octets)?;
        Ok(extension.octets.to_vec())
    });
    checked.collect()
}

/// Checks that a CA may issue to another CA.
///
/// # Errors
///
/// [`Error::NotACa`] when its path length is used up.
pub(crate) fn check_path_len(issuer: &Issuer<'_>) -> Result<(), Error> {
    match &issuer.certificate {
        Some(IssuerCertificate { path_len: Some(0), .. }) => {
            Err(Error::NotACa { reason: "its pathLenConstraint of 0 allows no CA below it" })
        }
        _ => Ok(()),
    }
}

fn check_ca(certificate: &Certificate<'_>) -> Result<(), Error> {
    if !certificate.extensions().may(KeyUsage::KEY_CERT_SIGN) {
        return Err(Error::NotACa { reason: "its keyUsage lacks keyCertSign" });
    }
    if certificate.is_ca() { Ok(()) } else { Err(Error::NotACa { reason: "its basicConstraints do not say CA:TRUE" }) }
}

fn permitted_text(constraints: &NameConstraints<'_>) -> String {
    let texts = constraints.permitted_text();
    if texts.is_empty() { "others".to_owned() } else { texts.join(", ") }
}
