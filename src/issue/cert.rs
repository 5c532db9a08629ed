//! Issues certificates (RFC 5280 section 4).

mod asked_names;
mod issuer;
mod requested;

use crate::base::octets::random;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyIdMethod, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;

pub use self::asked_names::BadName;
pub(crate) use self::issuer::{Issuer, check_path_len, excludes_every_subject};
pub(crate) use self::requested::{RequestedExtensions, extension_name};
use crate::base::hex::hex;
use crate::base::validity::{self, Validity};
use crate::judge::inspect;
use crate::x509::constraints;
use crate::x509::csr::{self, Extension, Purpose};
use crate::x509::key::{self, PrivateKey, PublicKey};
use crate::x509::name::{self, Subject, SubjectAltName};
use crate::x509::signed::{self, Signed, Unsigned};

/// Reason why a certificate could not be issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key and a certificate, or a key and a request, with different public keys.
    #[error("the public keys differ")]
    KeyMismatch {
        /// Key in the certificate or request.
        theirs: Box<KeySummary>,
        /// Private key given.
        ours: Box<KeySummary>,
    },
    /// The issuer's certificate may not sign others.
    #[error("it may not sign certificates: {reason}")]
    NotACa {
        /// Fault of the extension.
        reason: &'static str,
    },
    /// The issuer's certificate is no longer, or not yet, valid.
    #[error("the issuer's certificate {reason}")]
    IssuerTime {
        /// Time of its end or beginning.
        reason: String,
    },
    /// The issuer may not sign for a name (RFC 5280 section 4.2.1.10).
    #[error("the CA may not sign for `{}`: its name constraints permit {permitted}", names.join("` and `"))]
    NotPermitted {
        /// The names outside of its constraints, at least one.
        names: Vec<String>,
        /// Permitted names.
        permitted: String,
    },
    /// The issuer may not sign for a name (RFC 5280 section 4.2.1.10).
    #[error("the CA may not sign for `{name}`: its name constraints exclude `{excluded}`")]
    Excluded {
        /// The name.
        name: String,
        /// The subtree of the name.
        excluded: String,
    },
    /// The issuer may sign for no subject at all (RFC 5280 section 4.2.1.10).
    #[error("the CA may not sign for the subject `{subject}`: its name constraints leave subjectAltName alone")]
    SubjectExcluded {
        /// The subject.
        subject: String,
    },
    /// A name of a kind that the issuer's constraints do not cover.
    #[error("the request asks for {kind} in subjectAltName, and the CA's name constraints cannot hold it")]
    UnconstrainedName {
        /// The kind.
        kind: String,
    },
    /// The issuer may sign for none of the requested purposes (RFC 5280 section 4.2.1.12, as clients apply it to CAs).
    #[error("the CA may not sign for {purposes}: its extKeyUsage permits {permitted}")]
    PurposeNotPermitted {
        /// The purposes.
        purposes: String,
        /// Permitted names.
        permitted: String,
    },
    /// The issuer's name constraints are malformed.
    #[error(transparent)]
    NameConstraints(#[from] constraints::Error),
    /// A request asks for an extension reserved to CAs.
    #[error("the request asks for {what}, which makes a CA")]
    AsksForCa {
        /// The extension and value.
        what: String,
    },
    /// A request for a CA that contradicts itself, or has an empty subject.
    #[error("the request {what}")]
    Contradiction {
        /// Fault in words.
        what: &'static str,
    },
    /// A request for a key that no client takes.
    #[error("the request's key is {kind}, and no client takes RSA below 2048 bits")]
    WeakKey {
        /// Its kind and size.
        kind: String,
    },
    /// A request with the same extension twice.
    #[error("the request asks for the extension {oid} twice (RFC 5280 section 4.2)")]
    DuplicateExtension {
        /// Its OID.
        oid: String,
    },
    /// A request with names that cannot be in a certificate.
    #[error("the request's subjectAltName holds {}", asked_names::listed(names))]
    BadNames {
        /// Each of them.
        names: Vec<BadName>,
        /// All names with the bad ones put right, as one types them; empty if the fix of one is unclear.
        instead: Vec<String>,
    },
    /// A request with an extension that cannot be read.
    #[error("the request's {what} cannot be read")]
    MalformedExtension {
        /// Its name.
        what: &'static str,
    },
    /// The issuer's certificate cannot be read.
    #[error(transparent)]
    Inspect(#[from] inspect::Error),
    /// The issuer has expired.
    #[error(transparent)]
    Validity(#[from] validity::Error),
    /// Writing or signing failed.
    #[error("cannot issue the certificate")]
    Write(#[from] signed::Error),
    /// The public key cannot be read.
    #[error(transparent)]
    Key(#[from] key::Error),
}

/// A public key in a message: its kind and pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    /// As in `EC P-256`.
    pub kind: String,
    /// SHA-256 of the subjectPublicKeyInfo, in hex.
    pub spki_sha256: String,
}

impl KeySummary {
    fn of(spki: &[u8]) -> Self {
        let kind = PublicKey::of(spki).to_string();
        Self { kind, spki_sha256: hex(&key::spki_sha256(spki)) }
    }
}

/// Checks that a private key belongs to a public one.
///
/// # Errors
///
/// [`Error::KeyMismatch`].
pub(crate) fn check_key(spki: &[u8], key: &PrivateKey) -> Result<(), Error> {
    if spki == key.spki() {
        return Ok(());
    }
    Err(Error::KeyMismatch { theirs: Box::new(KeySummary::of(spki)), ours: Box::new(KeySummary::of(key.spki())) })
}

/// Content of a certificate, apart from its issuer.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// Its subject.
    pub(crate) subject: Subject,
    /// The subject's public key, as DER subjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
    /// Both ends, already within the issuer's.
    pub(crate) validity: Validity,
    /// subjectAltName; when empty, the extension is not written.
    pub(crate) names: Vec<SubjectAltName>,
    /// The key usages; when empty, the extension is not written.
    pub(crate) key_usages: Vec<KeyUsagePurpose>,
    /// The extended key usages; when empty, the extension is not written.
    pub(crate) extended_key_usages: Vec<rcgen::ExtendedKeyUsagePurpose>,
    /// Path length limit of a CA's certificate; `None` for an end entity.
    pub(crate) ca: Option<BasicConstraints>,
    /// Other extensions, as they are.
    pub(crate) extensions: Vec<Extension>,
}

impl Template {
    /// An end-entity certificate.
    #[must_use]
    pub(crate) fn end_entity(
        subject: Subject,
        spki: &[u8],
        names: Vec<SubjectAltName>,
        purpose: Purpose,
        validity: Validity,
    ) -> Self {
        Self {
            subject,
            spki: spki.to_vec(),
            validity,
            names,
            key_usages: csr::key_usages(PublicKey::of(spki).is_rsa()),
            extended_key_usages: purpose.extended_key_usages(),
            ca: None,
            extensions: Vec::new(),
        }
    }

    /// A request for the same content.
    #[must_use]
    pub(crate) fn as_request(&self) -> csr::Wanted<'_> {
        csr::Wanted {
            subject: &self.subject,
            names: &self.names,
            key_usages: &self.key_usages,
            extended_key_usages: &self.extended_key_usages,
            extensions: &self.extensions,
        }
    }

    /// A CA's certificate; `path_len` CAs may follow it.
    #[must_use]
    pub(crate) fn ca(subject: Subject, spki: &[u8], path_len: Option<u8>, validity: Validity) -> Self {
        Self {
            key_usages: vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            extended_key_usages: Vec::new(),
            ca: Some(path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained)),
            ..Self::end_entity(subject, spki, Vec::new(), Purpose::Server, validity)
        }
    }
}

/// Issues a certificate with a random serial number of 20 octets; returns its DER.
///
/// # Errors
///
/// [`Error::Write`], [`Error::Key`].
pub(crate) fn issue(template: &Template, issuer: &Issuer<'_>) -> Result<CertificateDer<'static>, Error> {
    let mut certificate = draft(template, issuer, &serial())?;
    certificate.signature = issuer.key.sign(&certificate.content)?;
    Ok(certificate.to_der()?.into())
}

/// Writes a certificate down with no signature yet.
///
/// # Errors
///
/// As [`issue`].
pub(crate) fn draft(template: &Template, issuer: &Issuer<'_>, serial: &[u8]) -> Result<Signed, Error> {
    let mut params = CertificateParams::default();
    params.not_before = template.validity.not_before;
    params.not_after = template.validity.not_after;
    params.serial_number = Some(serial.to_vec().into());
    params.distinguished_name = csr::placeholder(&template.subject);
    params.subject_alt_names = name::to_rcgen(&template.names);
    params.key_usages.clone_from(&template.key_usages);
    params.extended_key_usages.clone_from(&template.extended_key_usages);
    params.is_ca = template.ca.map_or(IsCa::ExplicitNoCa, IsCa::Ca);
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::PreSpecified(key::key_identifier(&template.spki)?);
    let extensions = template.extensions.iter().map(Extension::to_rcgen).collect::<Option<_>>();
    params.custom_extensions = extensions.ok_or(Error::MalformedExtension { what: "extension's OID" })?;

    let mut issuer_params = CertificateParams::default();
    issuer_params.key_identifier_method = KeyIdMethod::PreSpecified(issuer.key_identifier.clone());
    let rcgen_issuer = rcgen::Issuer::from_params(&issuer_params, Unsigned(issuer.key));
    let unsigned = params.signed_by(&Unsigned(issuer.key), &rcgen_issuer).map_err(signed::Error::from)?;
    let replace = [(ISSUER, issuer.subject.as_der()), (SUBJECT, template.subject.as_der()), (SPKI, &template.spki)];
    let mut draft = Signed::parse(unsigned.der())?;
    draft.replace(&replace)?;
    Ok(draft)
}

/// Places of fields in a TBSCertificate of version 3 (RFC 5280 section 4.1).
const ISSUER: usize = 3;
const SUBJECT: usize = 5;
const SPKI: usize = 6;

/// 159 random bits in 20 octets, the most RFC 5280 section 4.1.2.2 allows; positive, and never shorter.
fn serial() -> [u8; 20] {
    let mut octets: [u8; 20] = random();
    octets[0] = octets[0] & 0x7f | 0x40;
    octets
}

/// Returns true if a certificate names this issuer and its signature verifies with the issuer's key.
#[must_use]
pub fn is_issued_by(der: &[u8], issuer: &Subject, issuer_spki: &[u8]) -> bool {
    inspect::parse(der).is_ok_and(|certificate| {
        certificate.issuer.as_raw() == issuer.as_der() && certificate.signed.is_signed_by(issuer_spki) == Some(true)
    })
}
