//! Certificates with their requests, made from what a person asks `gen-cert` for.
//!
//! ```
//! use secure_io::generate::{self, CertificateSpec, Signer};
//! use secure_io::key::{Algorithm, PrivateKey};
//! use secure_io::{csr, inspect, validity};
//!
//! let key = PrivateKey::generate(Algorithm::default())?;
//! let spec = CertificateSpec {
//!     names: vec!["app.test".parse()?],
//!     purpose: Some(csr::Purpose::Both),
//!     days: Some(30),
//!     ..CertificateSpec::default()
//! };
//! let (request, issued) = generate::make(&spec, &key, Signer::Own, validity::now())?;
//!
//! let certificate = inspect::certificate(&issued.chain[0])?;
//! assert_eq!(certificate.subject, "CN=app.test");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod like;
mod refusal;
mod renewal;
#[cfg(test)]
mod tests;
mod web_transport;

pub use self::like::{Original, PrivateCa, double};
pub use self::refusal::refusal;
pub use self::renewal::{purpose_of, renew, why_renew};
pub use self::web_transport::{check_web_transport_key, server_certificate_hash};

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::base::validity::{self, Validity, rfc3339};
use crate::base::words::counted;
use crate::issue::cert::{self, Issuer, RequestedExtensions, Template};
use crate::judge::inspect;
use crate::x509::csr::{self, Purpose, Request};
use crate::x509::extension::KeyPurpose;
use crate::x509::key::{self, Algorithm, Curve, PrivateKey, PublicKey};
use crate::x509::name::{self, Subject, SubjectAltName};

/// Reason why a certificate cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The request.
    #[error(transparent)]
    Request(#[from] csr::Error),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] cert::Error),
    /// The lifetime.
    #[error(transparent)]
    Validity(#[from] validity::Error),
    /// A request without any name, to be signed by a CA.
    #[error("the request names no host, and a certificate without one is refused by every client")]
    NoNames,
    /// A request to be signed by its own key, and no key.
    #[error("a self-signed certificate needs the private key")]
    NoKey,
    /// A CA's certificate, to be renewed as an end-entity's.
    #[error("it is a CA's certificate, and what it has signed would lose its issuer")]
    RenewsCa,
    /// A test double is not to have the original's key.
    #[error("it is the key of the original, and a double has one of its own")]
    OriginalKey,
    /// A certificate for WebTransport that Chromium would not accept.
    #[error("a certificate for serverCertificateHashes {reason}")]
    WebTransport {
        /// The violated rule.
        reason: String,
    },
    /// No certificate of the CA's file has the CA's key.
    #[error("the CA key's public key is in no certificate there, of {}", counted(*count, "certificate"))]
    NoIssuer {
        /// Number of names.
        count: usize,
    },
}

/// Specification of a certificate, as the user gives it.
#[derive(Debug, Clone, Default)]
pub struct CertificateSpec {
    /// The names; if empty, this machine's names, or those in the subject or request.
    pub names: Vec<SubjectAltName>,
    /// The subject; by default the first name as its commonName.
    pub subject: Option<Subject>,
    /// Purpose of the certificate; by default a server's.
    pub purpose: Option<Purpose>,
    /// First second; by default [`validity::BACKDATE`] before now.
    pub not_before: Option<OffsetDateTime>,
    /// Last second.
    pub not_after: Option<OffsetDateTime>,
    /// Lifetime, when `not_after` is not given; by default [`validity::DEFAULT_DAYS`].
    pub days: Option<u32>,
}

impl CertificateSpec {
    fn validity(&self, now: OffsetDateTime) -> Result<Validity, validity::Error> {
        Validity::new(now, self.not_before, self.not_after, self.days)
    }

    /// The names asked for; else the host in the subject, if there is one, and this machine's. A client that has a subject
    /// needs none.
    #[must_use]
    pub fn effective_names(&self) -> Vec<SubjectAltName> {
        // A client is known by its subject.
        let is_named_client = self.purpose == Some(Purpose::Client) && self.subject.is_some();
        if !self.names.is_empty() || is_named_client {
            return self.names.clone();
        }
        let mut names = name::loopback();
        if let Some(host) = self.subject.as_ref().and_then(host_in)
            && !names.contains(&host)
        {
            names.insert(0, host);
        }
        names
    }

    /// The subject asked for; else the first name that fits, as commonName.
    ///
    /// Under a CA it is empty for a certificate of IPv4 addresses alone: OpenSSL takes such a commonName for a DNS name
    /// where there is no dNSName, and the CA's name constraints would not permit it. It is empty, too, under a CA whose
    /// name constraints exclude every subject.
    #[must_use]
    pub fn effective_subject(&self, signer: Signer<'_>) -> Subject {
        if signer.excludes_every_subject() {
            return self.subject.clone().unwrap_or_else(Subject::empty);
        }
        let names = self.effective_names();
        let has_dns = names.iter().any(|name| matches!(name, SubjectAltName::Dns(_)));
        let is_misread = |name: &SubjectAltName| matches!(name, SubjectAltName::Ip(IpAddr::V4(_))) && !has_dns;
        let usable = |name: &&SubjectAltName| match (name, signer) {
            (SubjectAltName::Uri(_), _) => false,
            (name, Signer::Ca { .. }) => !is_misread(name),
            (_, Signer::Own) => true,
        };
        let subject = || {
            let subjects = names.iter().filter(usable).map(|name| Subject::common_name(&name.value()));
            subjects.into_iter().find(|subject| !subject.is_empty()).unwrap_or_else(Subject::empty)
        };
        named(self.subject.clone().unwrap_or_else(subject), signer)
    }
}

/// The subject, or a placeholder: a self-signed certificate must have a subject (RFC 5280 section 4.1.2.4).
fn named(subject: Subject, signer: Signer<'_>) -> Subject {
    match signer {
        Signer::Own if subject.is_empty() => Subject::common_name("self-signed certificate"),
        _ => subject,
    }
}

/// The host in a subject's commonName, if any: `localhost`, an address, or a name with a dot.
fn host_in(subject: &Subject) -> Option<SubjectAltName> {
    let name: SubjectAltName = subject.last_common_name()?.parse().ok()?;
    let is_host = match &name {
        SubjectAltName::Dns(name) => name == "localhost" || name.contains('.'),
        SubjectAltName::Ip(_) => true,
        _ => false,
    };
    is_host.then_some(name)
}

/// Signer of a certificate.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// Its own key.
    Own,
    /// A CA, by its certificates (the issuer's and perhaps those above it) and key.
    Ca {
        /// The issuer's certificate is the one with the key's public key.
        certificates: &'a [CertificateDer<'static>],
        /// The issuer's key.
        key: &'a PrivateKey,
        /// The parts taken from a request.
        carry: Carry,
    },
}

/// The extensions that a CA copies from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carry {
    /// All except those that would make a CA.
    All,
    /// Usages, and names of the kinds that name constraints cover: all that the local CA can vouch for.
    Names,
}

/// A certificate with its issuers except the root, as a server sends them.
pub type Chain = Vec<CertificateDer<'static>>;

impl Signer<'_> {
    /// The certificates of the issuer and the CAs above, without roots.
    fn chain(&self) -> Result<(Option<&CertificateDer<'static>>, Chain), Error> {
        let Self::Ca { certificates, key, .. } = self else {
            return Ok((None, Vec::new()));
        };
        let has_key = |der: &&CertificateDer<'_>| {
            inspect::parse(der).is_ok_and(|certificate| certificate.key.as_raw() == key.spki())
        };
        let issuer = certificates.iter().find(has_key).ok_or(Error::NoIssuer { count: certificates.len() })?;
        let mut chain = Vec::new();
        let mut next = Some(issuer);
        while let Some(der) = next.filter(|der| !is_self_issued(der) && !chain.contains(*der)) {
            chain.push(der.clone());
            next = certificates.iter().find(|above| issued(above, der));
        }
        Ok((Some(issuer), chain))
    }

    /// The issuer, held to the name constraints of all CAs above, too; `None` for a certificate's own key.
    fn issuer(&self, now: OffsetDateTime) -> Result<Option<Issuer<'_>>, Error> {
        let (Self::Ca { key, .. }, (Some(certificate), chain)) = (self, self.chain()?) else { return Ok(None) };
        let mut issuer = Issuer::from_certificate(certificate, key, now)?;
        for above in chain.iter().filter(|above| *above != certificate) {
            issuer = issuer.below(above)?;
        }
        Ok(Some(issuer))
    }

    /// Checks that the signer may sign for names; its own key may for all.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] with [`cert::Error::NotPermitted`] or [`cert::Error::Excluded`], or because of the issuer.
    pub fn check_names(&self, names: &[SubjectAltName], now: OffsetDateTime) -> Result<(), Error> {
        let issuer = self.issuer(now)?;
        issuer.map_or(Ok(()), |issuer| issuer.check_names(names)).map_err(Error::from)
    }

    /// Returns true if the name constraints of the issuer or of a CA above it exclude every subject.
    fn excludes_every_subject(&self) -> bool {
        self.chain().is_ok_and(|(_, chain)| chain.iter().any(|der| cert::excludes_every_subject(der)))
    }
}

fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    inspect::parse(der).is_ok_and(|certificate| certificate.subject.as_raw() == certificate.issuer.as_raw())
}

fn issued(above: &CertificateDer<'_>, below: &CertificateDer<'_>) -> bool {
    let Ok(above) = inspect::parse(above) else { return false };
    let subject = Subject::from_der(above.subject.as_raw());
    subject.is_ok_and(|subject| cert::is_issued_by(below, &subject, above.key.as_raw()))
}

/// A generated certificate, with notes and warnings.
#[derive(Debug)]
pub struct Issued {
    /// Leaf first, without the root.
    pub chain: Chain,
    /// Decisions that the user did not ask for explicitly.
    pub notes: Vec<String>,
    /// Properties that some clients refuse.
    pub warnings: Vec<String>,
}

/// Makes a request and a certificate for a key.
///
/// # Errors
///
/// [`Error`] as its variants say.
pub fn make(
    spec: &CertificateSpec,
    key: &PrivateKey,
    signer: Signer<'_>,
    now: OffsetDateTime,
) -> Result<(Vec<u8>, Issued), Error> {
    let (names, subject) = (spec.effective_names(), spec.effective_subject(signer));
    let purpose = spec.purpose.unwrap_or_default();
    let request = csr::generate(key, &subject, &names, purpose)?;
    let template = |validity| Ok(Template::end_entity(subject.clone(), key.spki(), names.clone(), purpose, validity));
    let mut issued = issue(spec, key, &subject, &names, signer, now, template)?;
    issued.warnings.extend(warnings(&names, purpose, &key.public_key()));
    Ok((request, issued))
}

/// Signs a request: with the key it is for, or as a CA.
///
/// # Errors
///
/// [`Error::NoNames`] if a CA is to sign without any name; the other variants of [`Error`] as they say.
pub fn sign_request(
    spec: &CertificateSpec,
    request: &Request,
    key: Option<&PrivateKey>,
    signer: Signer<'_>,
    allow_ca: bool,
    now: OffsetDateTime,
) -> Result<Issued, Error> {
    if let Some(key) = key {
        cert::check_key(&request.spki, key)?;
    }
    let asked = spec.subject.clone().unwrap_or_else(|| request.subject.clone());
    let (subject, mut notes) =
        if spec.subject.is_some() { (asked.clone(), Vec::new()) } else { fitting_subject(&asked, signer, now)? };
    let request = &Request { subject: named(subject, signer), ..request.clone() };
    let mut requested = RequestedExtensions::from_request(request, allow_ca, spec.names.is_empty())?;
    if let Signer::Ca { carry: Carry::Names, .. } = signer {
        requested.keep_names_alone()?;
    }
    notes.append(&mut requested.notes);
    let names = names_for(spec, &asked, request, &requested, signer, &mut notes)?;
    let all_names = if names.is_empty() { requested.subject_alt_names() } else { names.clone() };
    if !requested.extensions.is_empty() {
        notes.push(format!("carried over from the request: {}", requested.names().join(", ")));
    }
    let purpose = spec.purpose;
    let is_ca = requested.ca.is_some();
    let template = |validity| Ok(requested.template(request, names, purpose, validity));
    let signing_key = match (signer, key) {
        (Signer::Ca { key, .. }, _) | (Signer::Own, Some(key)) => key,
        (Signer::Own, None) => return Err(Error::NoKey),
    };
    let mut issued = issue(spec, signing_key, &request.subject, &all_names, signer, now, template)?;
    notes.append(&mut issued.notes);
    issued.notes = notes;
    if !is_ca {
        issued.warnings.extend(warnings(&all_names, purpose.unwrap_or_default(), &PublicKey::of(&request.spki)));
    }
    Ok(issued)
}

/// A request's subject without the parts that the CA may not sign for, and a note on each of those: every client would
/// refuse the certificate. No client looks at the emailAddresses, which OpenSSL asks everybody for.
fn fitting_subject(
    subject: &Subject,
    signer: Signer<'_>,
    now: OffsetDateTime,
) -> Result<(Subject, Vec<String>), Error> {
    let Some(issuer) = signer.issuer(now)? else { return Ok((subject.clone(), Vec::new())) };
    if issuer.excludes_every_subject() && !subject.is_empty() {
        let note = format!("the subject `{subject}` left out: the CA signs for the names in subjectAltName alone");
        return Ok((Subject::empty(), vec![note]));
    }
    let emails: Vec<_> = subject.emails().into_iter().map(SubjectAltName::Email).collect();
    if issuer.check_names(&emails).is_ok() {
        return Ok((subject.clone(), Vec::new()));
    }
    let note = |email: &SubjectAltName| format!("the CA may not sign for `{}`: left out of the subject", email.value());
    Ok((subject.without_emails(), emails.iter().map(note).collect()))
}

/// The names that a request asks for, to be typed again; its subject's host where it has no others.
#[must_use]
pub fn asked_hosts(request: &Request) -> Vec<String> {
    let requested =
        RequestedExtensions::from_request(request, true, true).map(|requested| requested.subject_alt_names());
    let names = requested.unwrap_or_default();
    let names = if names.is_empty() { host_in(&request.subject).into_iter().collect() } else { names };
    names.iter().map(ToString::to_string).collect()
}

/// The names to add to the copied extensions; empty if the request has its own and no others are given.
fn names_for(
    spec: &CertificateSpec,
    subject: &Subject,
    request: &Request,
    requested: &RequestedExtensions,
    signer: Signer<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<SubjectAltName>, Error> {
    if !spec.names.is_empty() {
        if requested.drops_names {
            notes.push("the names given take the place of those in the request".to_owned());
        }
        return Ok(spec.names.clone());
    }
    if requested.has_names() || requested.ca.is_some() {
        return Ok(Vec::new());
    }
    // A client is known by its subject.
    if spec.purpose.or_else(|| request.purpose()) == Some(Purpose::Client) && !request.subject.is_empty() {
        return Ok(Vec::new());
    }
    // What the person meant: OpenSSL's requests name the host in the subject, where no client looks any more.
    if let Some(host) = host_in(subject) {
        notes.push(format!("the request has no subjectAltName: `{}` put in from its subject", host.value()));
        return Ok(vec![host]);
    }
    match signer {
        Signer::Ca { .. } => Err(Error::NoNames),
        Signer::Own => {
            notes.push("the request names no host: localhost, 127.0.0.1 and ::1 put in".to_owned());
            Ok(name::loopback())
        }
    }
}

/// Issues the certificate that `template` describes, within the signer's powers.
fn issue(
    spec: &CertificateSpec,
    key: &PrivateKey,
    subject: &Subject,
    names: &[SubjectAltName],
    signer: Signer<'_>,
    now: OffsetDateTime,
    template: impl FnOnce(Validity) -> Result<Template, Error>,
) -> Result<Issued, Error> {
    let (issuer_certificate, above) = signer.chain()?;
    let issuer = signer.issuer(now)?.map_or_else(|| Issuer::own(key, subject), Ok)?;
    issuer.check_names(names)?;
    issuer.check_subject(subject, names)?;
    let (validity, was_cut) = issuer.limit(spec.validity(now)?)?;
    let template = template(validity)?;
    if template.ca.is_some() {
        cert::check_path_len(&issuer)?;
    }
    let leaf = cert::issue(&template, &issuer)?;
    let mut warnings = Vec::new();
    if let Some(certificate) = issuer_certificate {
        warnings.extend(check_purposes(certificate, &leaf)?);
    }
    let mut issued = Issued { chain: [vec![leaf], above].concat(), notes: Vec::new(), warnings };
    if was_cut {
        let end = rfc3339(validity.not_after);
        issued.notes.push(format!("shortened to {end}, where the issuer's certificate ends"));
    }
    if template.ca.is_none() && validity.lifetime() > time::Duration::days(validity::APPLE_LIMIT_DAYS) {
        let days = validity.lifetime().whole_days();
        let limit = validity::APPLE_LIMIT_DAYS;
        issued.warnings.push(format!("a lifetime of {days} days: Apple's platforms refuse more than {limit}"));
    }
    Ok(issued)
}

/// The key that signs: the CA's, or the certificate's own.
fn key_of<'a>(signer: Signer<'a>, own: &'a PrivateKey) -> &'a PrivateKey {
    match signer {
        Signer::Ca { key, .. } => key,
        Signer::Own => own,
    }
}

/// Refuses a certificate that no client accepts because its issuer's extKeyUsage has none of its purposes; warns
/// about the purposes that the issuer lacks.
fn check_purposes(issuer: &[u8], leaf: &[u8]) -> Result<Option<String>, cert::Error> {
    let (issuer, leaf) = (inspect::parse(issuer)?, inspect::parse(leaf)?);
    let (permitted, purposes) = (issuer.extensions().ext_key_usage(), leaf.extensions().ext_key_usage());
    let (Some(permitted), Some(purposes)) = (permitted, purposes) else { return Ok(None) };
    let is_refused = |purpose: &&KeyPurpose<'_>| **purpose != KeyPurpose::Any && !permitted.has(**purpose);
    let refused: Vec<_> = purposes.0.iter().filter(is_refused).map(|purpose| purpose.name()).collect();
    if permitted.0.is_empty() || refused.is_empty() || permitted.has(KeyPurpose::Any) {
        return Ok(None);
    }
    if refused.len() == purposes.0.len() {
        let permitted: Vec<_> = permitted.0.iter().map(|purpose| purpose.name()).collect();
        return Err(cert::Error::PurposeNotPermitted { purposes: refused.join(", "), permitted: permitted.join(", ") });
    }
    Ok(Some(format!("clients will not take it for {}: the CA's extKeyUsage does not permit that", refused.join(", "))))
}

fn warnings(names: &[SubjectAltName], purpose: Purpose, key: &PublicKey<'_>) -> Vec<String> {
    let mut warnings: Vec<String> = names.iter().filter_map(SubjectAltName::warning).map(|warning| warning.0).collect();
    let who = match key {
        PublicKey::Ed25519 => Some("no browser accepts"),
        PublicKey::Ec(Curve::P521) => Some("Chromium does not accept"),
        _ => None,
    };
    if let Some(who) = who.filter(|_| purpose != Purpose::Client) {
        warnings.push(format!("{who} a server's certificate with a key of the kind {key}"));
    }
    warnings
}

/// A fresh self-signed certificate with its key, for the names of this machine.
///
/// # Errors
///
/// [`Error`] as its variants say.
pub fn self_signed(spec: &CertificateSpec, now: OffsetDateTime) -> Result<(PrivateKey, Chain), Error> {
    let key = PrivateKey::generate(Algorithm::default())?;
    let (_, issued) = make(spec, &key, Signer::Own, now)?;
    Ok((key, issued.chain))
}
