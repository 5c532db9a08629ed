//! A test double of an existing certificate: the same content, with keys and signatures of its own.

use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use super::renewal::{end, subject};
use super::{
    CertificateSpec, Error, Issued, Signer, fitting_subject, is_self_issued, issue, issued, key_of, named, warnings,
};
use crate::base::validity::{self, Validity, distance};
use crate::encoding::asn1;
use crate::issue::cert::{self, Issuer, RequestedExtensions, Template};
use crate::judge::inspect;
use crate::x509::certificate::Certificate;
use crate::x509::csr::{self, Extension, Request};
use crate::x509::key::{Algorithm, Curve, Hash, PrivateKey, PublicKey, SignatureAlgorithm};
use crate::x509::name::Subject;

/// An existing certificate with the CAs above it, as a file or a server shows them.
#[derive(Debug, Clone)]
pub struct Original {
    certificate: CertificateDer<'static>,
    /// The CAs above it, its issuer first.
    above: Vec<CertificateDer<'static>>,
}

/// The most CAs above a certificate that get a double each.
const MAX_DEPTH: usize = 8;

/// A CA made for one double. Its keys are not kept beyond that.
#[derive(Debug)]
pub struct PrivateCa {
    /// The issuer's certificate and those above it, the root last.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The issuer's key.
    pub key: PrivateKey,
}

impl Original {
    /// Finds the certificate to copy, which is the first that is no CA's or else the first, and the CAs above it, in
    /// whatever order they are. `None` if there is no certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] if one cannot be read.
    pub fn find(certificates: &[CertificateDer<'static>]) -> Result<Option<Self>, Error> {
        let mut end_entity = None;
        for der in certificates {
            let parsed = inspect::parse(der).map_err(cert::Error::from)?;
            if end_entity.is_none() && !parsed.is_ca() {
                end_entity = Some(der);
            }
        }
        let Some(certificate) = end_entity.or(certificates.first()) else { return Ok(None) };
        let mut above: Vec<CertificateDer<'static>> = Vec::new();
        let mut below = certificate;
        while above.len() < MAX_DEPTH && !is_self_issued(below) {
            let is_next = |der: &&CertificateDer<'static>| !above.contains(der) && issued(der, below);
            let Some(next) = certificates.iter().find(is_next) else { break };
            above.push(next.clone());
            below = next;
        }
        Ok(Some(Self { certificate: certificate.clone(), above }))
    }

    /// Returns true if another key than its own signed it.
    #[must_use]
    pub fn has_issuer(&self) -> bool {
        !is_self_issued(&self.certificate)
    }

    /// The number of CAs above it that were shown.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.above.len()
    }

    /// The algorithm to make a key of the same kind with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        inspect::parse(&self.certificate).map_or_else(|_| Algorithm::default(), |parsed| nearest(&parsed.key.key))
    }

    /// Makes doubles of the CAs above it, and a root where none was shown: same names, lifetimes and kinds of keys.
    ///
    /// # Errors
    ///
    /// [`Error::Key`], [`Error::Certificate`].
    pub fn private_ca(&self, spec: &CertificateSpec, now: OffsetDateTime) -> Result<PrivateCa, Error> {
        let leaf = inspect::parse(&self.certificate).map_err(cert::Error::from)?;
        let spec = CertificateSpec { not_after: end(&leaf, spec, now), ..spec.clone() };
        let needed = spec.validity(now)?;
        let top = self.above.last().unwrap_or(&self.certificate);
        let mut made = if is_self_issued(top) { None } else { Some(root_above(top, needed, now)?) };
        for original in self.above.iter().rev() {
            made = Some(below(made, original, needed, now)?);
        }
        made.ok_or(Error::NoIssuer { count: self.above.len() })
    }
}

/// The kind of key that comes nearest to a public key, and is no weaker than what clients accept.
fn nearest(key: &PublicKey<'_>) -> Algorithm {
    match (key, key.bits().unwrap_or_default()) {
        (PublicKey::Rsa(_) | PublicKey::RsaPss(_), ..=2048) => Algorithm::Rsa2048,
        (PublicKey::Rsa(_) | PublicKey::RsaPss(_), ..=3072) => Algorithm::Rsa3072,
        (PublicKey::Rsa(_) | PublicKey::RsaPss(_), _) => Algorithm::Rsa4096,
        (PublicKey::Ec(Curve::P384), _) => Algorithm::EcdsaP384,
        (PublicKey::Ec(Curve::P521), _) => Algorithm::EcdsaP521,
        (PublicKey::Ed25519, _) => Algorithm::Ed25519,
        _ => Algorithm::EcdsaP256,
    }
}

/// The kind of key that makes signatures such as those of an issuer that was not shown.
fn signer_of(signature: SignatureAlgorithm) -> Algorithm {
    match signature {
        SignatureAlgorithm::Rsa(_) | SignatureAlgorithm::RsaPss => Algorithm::Rsa2048,
        SignatureAlgorithm::Ecdsa(Some(Hash::Sha384)) => Algorithm::EcdsaP384,
        SignatureAlgorithm::Ecdsa(Some(Hash::Sha512)) => Algorithm::EcdsaP521,
        SignatureAlgorithm::EdDsa => Algorithm::Ed25519,
        _ => Algorithm::EcdsaP256,
    }
}

/// A root with the name of a certificate's issuer.
fn root_above(below: &CertificateDer<'_>, needed: Validity, now: OffsetDateTime) -> Result<PrivateCa, Error> {
    let parsed = inspect::parse(below).map_err(cert::Error::from)?;
    let name = subject_of(parsed.issuer.as_raw())?;
    let name = if name.is_empty() { Subject::common_name("private root") } else { name };
    let key = PrivateKey::generate(signer_of(parsed.signed.algorithm.signature()))?;
    let validity = lifetime(&parsed, needed, now);
    let root = cert::issue(&Template::ca(name.clone(), key.spki(), None, validity), &Issuer::own(&key, &name)?)?;
    Ok(PrivateCa { certificates: vec![root], key })
}

/// The double of a CA, signed by the one above it or by itself.
fn below(
    above: Option<PrivateCa>,
    original: &CertificateDer<'_>,
    needed: Validity,
    now: OffsetDateTime,
) -> Result<PrivateCa, Error> {
    let parsed = inspect::parse(original).map_err(cert::Error::from)?;
    let key = PrivateKey::generate(nearest(&parsed.key.key))?;
    let name = subject_of(parsed.subject.as_raw())?;
    let request = Request { subject: name.clone(), spki: key.spki().to_vec(), extensions: carried(&parsed).0 };
    let requested = RequestedExtensions::from_request(&request, true, true)?;
    let validity = lifetime(&parsed, needed, now);
    let mut template = requested.template(&request, Vec::new(), None, validity);
    if template.ca.is_none() {
        // One of version 1, which says nothing of being a CA.
        template = Template::ca(name.clone(), key.spki(), None, validity);
    }
    let issuer = match &above {
        Some(above) => {
            let certificate = above.certificates.first().ok_or(Error::NoIssuer { count: 0 })?;
            Issuer::from_certificate(certificate, &above.key, now)?
        }
        None => Issuer::own(&key, &name)?,
    };
    let certificate = cert::issue(&template, &issuer)?;
    let above = above.map(|above| above.certificates).unwrap_or_default();
    Ok(PrivateCa { certificates: [vec![certificate], above].concat(), key })
}

/// A lifetime as long as the original's from now on, and at least as long as what is below needs.
fn lifetime(parsed: &Certificate<'_>, needed: Validity, now: OffsetDateTime) -> Validity {
    let not_before = needed.not_before.min(now - validity::BACKDATE);
    let whole = parsed.validity().lifetime().max(Duration::ZERO);
    let not_after = not_before.checked_add(whole).unwrap_or(needed.not_after).max(needed.not_after);
    Validity { not_before, not_after: not_after.max(now + Duration::DAY) }
}

fn subject_of(name: &[u8]) -> Result<Subject, Error> {
    let subject = Subject::from_der(name);
    Ok(subject.map_err(|error| cert::Error::Inspect(inspect::Error::Malformed { reason: error.reason }))?)
}

/// Makes a request and a certificate that say what the original says, for another key.
///
/// Names, subject, usages and lifetime are those of the original, unless the order says otherwise; extensions that only
/// its issuer can vouch for are left out and named in the notes.
///
/// # Errors
///
/// [`Error::OriginalKey`] if the key is the original's own, [`Error::Certificate`] if the signer may not sign for it.
pub fn double(
    spec: &CertificateSpec,
    original: &Original,
    key: &PrivateKey,
    signer: Signer<'_>,
    now: OffsetDateTime,
) -> Result<(Vec<u8>, Issued), Error> {
    let parsed = inspect::parse(&original.certificate).map_err(cert::Error::from)?;
    if parsed.key.as_raw() == key.spki() {
        return Err(Error::OriginalKey);
    }
    let spec = &CertificateSpec { not_after: end(&parsed, spec, now), ..spec.clone() };
    let there = subject(spec, &parsed, signer)?;
    let (subject, mut notes) =
        if spec.subject.is_some() { (there, Vec::new()) } else { fitting_subject(&there, signer, now)? };
    let subject = named(subject, signer);
    let (extensions, left_out) = carried(&parsed);
    let (names, others): (Vec<_>, Vec<_>) =
        extensions.into_iter().partition(|extension| extension.oid == SUBJECT_ALT_NAME);
    let request = Request { subject: subject.clone(), spki: key.spki().to_vec(), extensions: others };
    let mut requested = RequestedExtensions::from_request(&request, true, true)?;
    // The names stay as they are, the odd ones included.
    requested.extensions.extend(names.into_iter().filter(|_| spec.names.is_empty()).map(|names| {
        let critical = names.critical || subject.is_empty();
        Extension { critical, ..names }
    }));
    if let Signer::Ca { carry: super::Carry::Names, .. } = signer {
        requested.keep_names_alone()?;
    }
    notes.append(&mut requested.notes);
    let all_names = if spec.names.is_empty() { requested.subject_alt_names() } else { spec.names.clone() };
    let has_purpose = requested.extensions.iter().any(|extension| extension.oid == EXT_KEY_USAGE);
    let has_usage = requested.extensions.iter().any(|extension| extension.oid == KEY_USAGE);
    let template = |validity| {
        let mut template = requested.template(&request, spec.names.clone(), spec.purpose, validity);
        // An extension that the original does not have is not put in.
        if !has_usage {
            template.key_usages.clear();
        }
        if !has_purpose && spec.purpose.is_none() {
            template.extended_key_usages.clear();
        }
        template
    };
    let mut wanted = None;
    let mut issued = issue(spec, key_of(signer, key), &subject, &all_names, signer, now, |validity| {
        let template = template(validity);
        wanted = Some(template.clone());
        Ok(template)
    })?;
    let wanted = wanted.ok_or(Error::NoNames)?;
    let request = csr::write(key, &wanted.as_request())?;
    notes.append(&mut issued.notes);
    issued.notes = notes;
    issued.notes.extend(differences(&parsed, original, key, &left_out, now));
    issued.warnings.extend(warnings(&all_names, spec.purpose.unwrap_or_default(), &key.public_key()));
    Ok((request, issued))
}

/// Notes on parts of the original that the double lacks.
fn differences(
    parsed: &Certificate<'_>,
    original: &Original,
    key: &PrivateKey,
    left_out: &[String],
    now: OffsetDateTime,
) -> Vec<String> {
    let mut notes = Vec::new();
    let (theirs, ours) = (&parsed.key.key, &key.public_key());
    if theirs.to_string() != ours.to_string() {
        notes.push(format!("the key is {ours}, where the original has {theirs}"));
    }
    if !left_out.is_empty() {
        notes.push(format!("left out, because only the original's issuer can vouch for it: {}", left_out.join(", ")));
    }
    let end = parsed.not_after.at;
    if end < now {
        notes.push(format!("the original expired {}: the double has as long a life, from now on", distance(end, now)));
    }
    if original.has_issuer() && original.above.is_empty() {
        notes.push("the CAs above the original were not shown".to_owned());
    }
    notes
}

const KEY_USAGE: &str = "2.5.29.15";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const EXT_KEY_USAGE: &str = "2.5.29.37";

/// Extensions that are written for each certificate: key identifiers.
const WRITTEN: [&str; 2] = ["2.5.29.14", "2.5.29.35"];

/// Extensions that lead to services of the issuer, or are signed by others: issuerAltName, cRLDistributionPoints,
/// freshestCRL, authorityInfoAccess, SCTs and the poison of precertificates.
const ISSUERS: [&str; 6] =
    ["2.5.29.18", "2.5.29.31", "2.5.29.46", "1.3.6.1.5.5.7.1.1", "1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.4.1.11129.2.4.3"];

/// The extensions that a double has, too, and the names of those that are left out.
fn carried(parsed: &Certificate<'_>) -> (Vec<Extension>, Vec<String>) {
    let (mut extensions, mut left_out) = (Vec::new(), Vec::new());
    for extension in parsed.extensions().iter() {
        let oid = extension.dotted_id();
        if ISSUERS.contains(&oid.as_str()) {
            left_out.push(asn1::oid::name_or_dotted(&oid));
        } else if !WRITTEN.contains(&oid.as_str()) {
            extensions.push(Extension { oid, critical: extension.is_critical(), value: extension.octets.to_vec() });
        }
    }
    (extensions, left_out)
}
