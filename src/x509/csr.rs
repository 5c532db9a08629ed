//! Makes, reads and checks certification requests (PKCS#10, RFC 2986).
//!
//! # Example
//!
//! ```
//! use secure_io::csr::{self, Purpose, Request};
//! use secure_io::key::{Algorithm, PrivateKey};
//! use secure_io::name;
//!
//! let key = PrivateKey::generate(Algorithm::default())?;
//! let names = name::parse_all(["app.test"])?;
//! let request = csr::generate(&key, &"CN=app.test".parse()?, &names, Purpose::Server)?;
//! assert_eq!(Request::from_der(&request)?.purpose(), Some(Purpose::Server));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, KeyUsagePurpose};

use crate::x509::extension::{self, ExtKeyUsage, KeyPurpose};
use crate::x509::key::{self, PrivateKey};
use crate::x509::name::{self, Subject, SubjectAltName};
use crate::x509::request::CertificationRequest;
use crate::x509::signed::{self, Unsigned};

/// Reason why a request could not be made or accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not PKCS#10.
    #[error("it is not a certification request (RFC 2986): {what}")]
    Malformed {
        /// The part that is wrong.
        what: &'static str,
    },
    /// The request is not signed with its own key, so possession of the key is not proven.
    #[error("its own signature cannot be taken: {source}")]
    Signature {
        /// Fault of the key.
        source: key::Error,
    },
    /// Making one failed.
    #[error("cannot make the request")]
    Write(#[from] signed::Error),
}

/// Purpose of a certificate: its extended key usage (RFC 5280 section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// A server shows it to its clients: serverAuth.
    #[default]
    Server,
    /// A client shows it to a server: clientAuth.
    Client,
    /// Both.
    Both,
}

impl Purpose {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Server, Self::Client, Self::Both];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Both => "both",
        }
    }

    /// The extended key usages.
    #[must_use]
    pub(crate) fn extended_key_usages(self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            Self::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Self::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Self::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        }
    }
}

/// The key usages of a TLS end-entity certificate: an RSA key may also be encrypted to, in TLS 1.2's RSA key exchange.
#[must_use]
pub(crate) fn key_usages(is_rsa: bool) -> Vec<KeyUsagePurpose> {
    let mut usages = vec![KeyUsagePurpose::DigitalSignature];
    usages.extend(is_rsa.then_some(KeyUsagePurpose::KeyEncipherment));
    usages
}

/// Makes a request for these names, signed by the key; returns its DER.
///
/// # Errors
///
/// [`Error::Write`].
pub fn generate(
    key: &PrivateKey,
    subject: &Subject,
    names: &[SubjectAltName],
    purpose: Purpose,
) -> Result<Vec<u8>, Error> {
    write(
        key,
        &Wanted {
            subject,
            names,
            key_usages: &key_usages(key.is_rsa()),
            extended_key_usages: &purpose.extended_key_usages(),
            extensions: &[],
        },
    )
}

/// Everything that a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The subject.
    pub(crate) subject: &'a Subject,
    /// subjectAltName, unless it is among `extensions`.
    pub(crate) names: &'a [SubjectAltName],
    /// The key usages, unless they are among `extensions`.
    pub(crate) key_usages: &'a [KeyUsagePurpose],
    /// The extended key usages, unless they are among `extensions`.
    pub(crate) extended_key_usages: &'a [ExtendedKeyUsagePurpose],
    /// Other extensions, as they are.
    pub(crate) extensions: &'a [Extension],
}

/// Makes a request, signed by the key; returns its DER.
///
/// # Errors
///
/// [`Error::Write`], [`Error::Malformed`] for an extension whose OID is too large.
pub(crate) fn write(key: &PrivateKey, wanted: &Wanted<'_>) -> Result<Vec<u8>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = placeholder(wanted.subject);
    params.subject_alt_names = name::to_rcgen(wanted.names);
    params.key_usages = wanted.key_usages.to_vec();
    params.extended_key_usages = wanted.extended_key_usages.to_vec();
    let extensions = wanted.extensions.iter().map(Extension::to_rcgen).collect::<Option<_>>();
    params.custom_extensions = extensions.ok_or(Error::Malformed { what: "an extension's OID" })?;
    let unsigned = params.serialize_request(&Unsigned(key)).map_err(signed::Error::from)?;
    Ok(signed::sign(unsigned.der(), key, &[(1, wanted.subject.as_der()), (2, key.spki())])?)
}

/// A name for rcgen that is as empty as the one that will take its place: an empty subject makes the subjectAltName
/// critical.
#[must_use]
pub(crate) fn placeholder(subject: &Subject) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if !subject.is_empty() {
        name.push(rcgen::DnType::CommonName, "placeholder");
    }
    name
}

/// An extension as asked for (RFC 5280 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Dotted OID.
    pub oid: String,
    /// True if a client that does not understand the extension must refuse the certificate.
    pub critical: bool,
    /// DER of its value.
    pub value: Vec<u8>,
}

impl Extension {
    /// An extension of a request; `None` if its criticality is no BOOLEAN of DER.
    fn asked(extension: &extension::Extension<'_>) -> Option<Self> {
        let critical = match extension.critical.map(|critical| critical.content) {
            None | Some([0]) => false,
            Some([0xff]) => true,
            Some(_) => return None,
        };
        Some(Self { oid: extension.dotted_id(), critical, value: extension.octets.to_vec() })
    }

    /// The extension as rcgen takes it; `None` when an arc of its OID is too large.
    #[must_use]
    pub(crate) fn to_rcgen(&self) -> Option<CustomExtension> {
        let oid = self.oid.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let mut custom = CustomExtension::from_oid_content(&oid, self.value.clone());
        custom.set_criticality(self.critical);
        Some(custom)
    }
}

/// A request, read and with its signature checked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The name asked for.
    pub subject: Subject,
    /// DER of the subjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// The extensions asked for, in order.
    pub extensions: Vec<Extension>,
}

impl Request {
    /// The purpose that its extKeyUsage asks for: a client's if clientAuth stands there alone, both if with others.
    #[must_use]
    pub fn purpose(&self) -> Option<Purpose> {
        let extension = self.extensions.iter().find(|extension| extension.oid == "2.5.29.37")?;
        let usage = ExtKeyUsage::read(&extension.value).ok()?;
        Some(match (usage.has(KeyPurpose::Client), usage.0.len()) {
            (true, 1) => Purpose::Client,
            (true, _) => Purpose::Both,
            (false, _) => Purpose::Server,
        })
    }

    /// Reads a request and checks the signature with the key in the request.
    ///
    /// Attributes that are not understood are passed over, as RFC 2986 lets a CA do.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Signature`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = |what| Error::Malformed { what };
        let request = CertificationRequest::parse(der).map_err(|error| {
            malformed(match error.field {
                "subject" | "subjectPKInfo" | "version" => "fields are missing",
                _ => "its outermost structure",
            })
        })?;
        let subject = Subject::from_der(request.subject.as_raw()).map_err(|_| malformed("its subject"))?;
        let (signed, spki) = (&request.signed, request.key.as_raw());
        let signature = signed.whole_octets().ok_or_else(|| malformed("its outermost structure"))?;
        key::verify_signature(spki, signed.algorithm.value.raw, signed.content.raw, signature)
            .map_err(|source| Error::Signature { source })?;
        let extensions = asked(&request).ok_or_else(|| malformed("its attributes"))?;
        Ok(Self { subject, spki: spki.to_vec(), extensions })
    }
}

/// The extensions that a request asks for; `None` if one of them cannot be read.
fn asked(request: &CertificationRequest<'_>) -> Option<Vec<Extension>> {
    if request.attributes_fault.is_some() {
        return None;
    }
    let mut found = Vec::new();
    for lists in request.attributes.iter().filter_map(|attribute| attribute.extensions.as_ref()) {
        for entry in lists.as_ref().ok()?.iter().flat_map(|list| &list.entries) {
            found.push(Extension::asked(entry.as_ref().ok()?)?);
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::key::Algorithm;

    #[test]
    fn what_is_asked_for_is_read_back() {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let subject: Subject = "CN=a,OU=2,OU=1".parse().unwrap();
        let names = name::parse_all(["a.test", "::1"]).unwrap();
        let der = generate(&key, &subject, &names, Purpose::Both).unwrap();
        let request = Request::from_der(&der).unwrap();
        assert_eq!(request.subject, subject);
        assert_eq!(request.spki, key.spki());
        let asked: Vec<_> = request.extensions.iter().map(|extension| extension.oid.as_str()).collect();
        assert_eq!(asked, ["2.5.29.15", "2.5.29.17", "2.5.29.37"]);
    }

    /// A requester who cannot prove possession of the key gets no certificate for it.
    #[test]
    fn a_request_signed_by_another_key_is_refused() {
        let (key, other) =
            (PrivateKey::generate(Algorithm::EcdsaP256).unwrap(), PrivateKey::generate(Algorithm::EcdsaP256).unwrap());
        let der = generate(&key, &Subject::common_name("a"), &[], Purpose::Server).unwrap();
        let forged = signed::sign(&der, &other, &[]).unwrap();
        assert!(matches!(Request::from_der(&forged), Err(Error::Signature { .. })));
        assert!(matches!(Request::from_der(&der[..der.len() - 1]), Err(Error::Malformed { .. })));
    }
}
