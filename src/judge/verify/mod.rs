//! Builds the path from a certificate to a trust anchor, and judges it.
//!
//! rustls-webpki builds and validates paths. Our own walk along RFC 5280 section 6.1 checks the rules that webpki
//! leaves open; a certificate is accepted when both accept it. Where webpki finds no path, a search of our own
//! follows: it finds the most telling reason, and the few paths that webpki refuses though they are valid (see
//! `is_known_gap`).
//!
//! All work is bounded, whatever the certificates are: webpki has its budgets, the search has its own.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use secure_io::verify::{self, Anchors, Certificate, Host, Purpose, Request};
//! use secure_io::{generate, validity};
//!
//! let now = validity::now();
//! let (_, chain) = generate::self_signed(&generate::CertificateSpec::default(), now)?;
//! let anchors = Anchors::new(vec![Arc::new(Certificate::parse(chain[0].clone())?)]);
//! let judge = |host: &Host| {
//!     let (presented, crls, host) = (&[], &[], Some(host));
//!     let purpose = Purpose::Server;
//!     let request = Request { presented, anchors: &anchors, crls, host, purpose, at: now, key: None, strict: false };
//!     verify::verify_presented(&chain, &request)
//! };
//! assert!(judge(&"localhost".parse()?).valid);
//! assert_eq!(judge(&"other.test".parse()?).error.ok_or("it is valid")?.code.name(), "host-mismatch");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anchors;
pub mod batch;
mod candidates;
mod certificate;
mod crl;
mod deviation;
mod extension;
mod fault;
mod gap;
mod hint;
mod host;
mod path;
mod public_key;
pub mod record;
mod revocation;
mod search;
mod signature;
mod verified;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use time::OffsetDateTime;
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, VerifiedPath, anchor_from_trusted_cert,
};

pub use self::anchors::Anchors;
use self::candidates::{Candidates, Reach};
pub use self::certificate::Certificate;
pub use self::crl::Crl;
use self::fault::Rejection;
pub use self::host::{Host, NoHost};
use self::search::Search;
use crate::base::validity::rfc3339;
use crate::judge::report::verdict::{Code, Reason, Verdict, Warning};

/// Purpose of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// A TLS server shows it.
    #[default]
    Server,
    /// A TLS client shows it.
    Client,
    /// Anything: keyUsage and extKeyUsage of the end-entity are not asked, and it may be a CA.
    Any,
}

/// A question about a certificate.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Certificates that may lie on the path: those that the server sent, and others, in any order.
    pub presented: &'a [Arc<Certificate>],
    /// Trust anchors.
    pub anchors: &'a Anchors,
    /// CRLs; unless empty, each certificate on the path needs a status.
    pub crls: &'a [Arc<Crl>],
    /// Host that the certificate must name.
    pub host: Option<&'a Host>,
    /// Purpose that the certificate must serve.
    pub purpose: Purpose,
    /// The time at which it must be valid.
    pub at: OffsetDateTime,
    /// The subjectPublicKeyInfo of the private key that it must belong to.
    pub key: Option<&'a [u8]>,
    /// True if warnings are refusals.
    pub strict: bool,
}

/// Judges the first certificate of a chain as it was presented, in DER; the others may lie on the path.
///
/// Those of the others that are no certificates are passed over, as TLS clients do.
#[must_use]
pub fn verify_presented(chain: &[CertificateDer<'_>], request: &Request<'_>) -> Verdict {
    judge_presented(chain, request, false)
}

/// Judges a chain as it stands in a file: as [`verify_presented`] does, but where CAs' certificates stand first, it
/// is the end-entity certificate behind them that is judged, with a warning.
#[must_use]
pub fn verify_file(chain: &[CertificateDer<'_>], request: &Request<'_>) -> Verdict {
    judge_presented(chain, request, true)
}

fn judge_presented(chain: &[CertificateDer<'_>], request: &Request<'_>, is_file: bool) -> Verdict {
    let Some(first) = chain.first() else {
        return Verdict::no(Reason::new(Code::Malformed, "there is no certificate"));
    };
    let parse = |der: &CertificateDer<'_>| Certificate::parse(der.clone().into_owned());
    let leaf = match parse(first) {
        Ok(leaf) => leaf,
        Err(error) => return malformed(&error),
    };
    let mut others: Vec<_> = chain.iter().skip(1).filter_map(|der| parse(der).ok()).map(Arc::new).collect();
    let behind = behind(&leaf, &others, request);
    let Some((place, below)) = behind.and_then(|place| Some((place, Arc::clone(others.get(place)?)))) else {
        others.extend(request.presented.iter().cloned());
        return verify(&leaf, &Request { presented: &others, ..*request });
    };
    let number = place + 2;
    if !is_file {
        others.extend(request.presented.iter().cloned());
        let mut verdict = verify(&leaf, &Request { presented: &others, ..*request });
        if let Some(error) = verdict.error.as_mut().filter(|error| error.code == Code::CaAsLeaf) {
            let name = below.name();
            error.message = format!(
                "{}; the certificate of `{name}` comes as number {number}, and has to be sent first (RFC 8446 section 4.4.2)",
                error.message
            );
            error.hint = Some(format!("put the certificate of `{name}` in front of its issuers' in the server's file"));
        }
        return verdict;
    }
    others.remove(place);
    others.push(Arc::new(leaf));
    others.extend(request.presented.iter().cloned());
    let request = Request { presented: &others, ..*request };
    let verdict = verify(&below, &request);
    not_first(verdict, &below, number, request.strict)
}

/// The place, among the others of a chain that begins with a CA's certificate, of the one that is meant: the end-entity
/// that the first one issued, else the first end-entity. `None` where the first is meant itself.
fn behind(first: &Certificate, others: &[Arc<Certificate>], request: &Request<'_>) -> Option<usize> {
    if request.purpose == Purpose::Any || !first.is_ca() {
        return None;
    }
    let is_end = |other: &&Arc<Certificate>| !other.is_ca() && other.fault().is_none();
    let issued = others.iter().position(|other| is_end(&other) && other.names_as_issuer(first));
    issued.or_else(|| others.iter().position(|other| is_end(&other)))
}

/// Adds to a verdict that its certificate is not the first of its file: a warning, or a refusal where that is asked
/// for.
fn not_first(mut verdict: Verdict, leaf: &Certificate, number: usize, is_strict: bool) -> Verdict {
    let deviation = deviation::Deviation::LeafNotFirst;
    let message = format!("it is number {number} in its file: {}", deviation.message());
    if is_strict && verdict.valid {
        let reason = Reason { certificate: Some(leaf.name().to_owned()), ..Reason::new(deviation.code(), message) };
        return Verdict { valid: false, error: Some(reason), warnings: Vec::new(), ..verdict };
    }
    let warning = Warning { code: deviation.code(), message, certificate: Some(leaf.name().to_owned()) };
    verdict.warnings.insert(0, warning);
    verdict
}

/// The verdict on a certificate that cannot be read.
#[must_use]
pub fn malformed(error: &crate::encoding::asn1::Error) -> Verdict {
    Verdict::no(Reason::new(Code::Malformed, format!("it is malformed: {error}")))
}

/// Judges a certificate.
#[must_use]
pub fn verify(leaf: &Certificate, request: &Request<'_>) -> Verdict {
    let about = Verdict {
        matched_name: request.host.and_then(|host| host.name_in(leaf)).map(ToString::to_string),
        not_after: Some(rfc3339(leaf.read().not_after.at)),
        ..Verdict::default()
    };
    match judge(leaf, request) {
        Ok(path) => Verdict {
            valid: true,
            chain: path.iter().map(|certificate| certificate.link().clone()).collect(),
            warnings: warnings(&path, request),
            ..about
        },
        Err((rejection, path)) => {
            let blamed = path.get(rejection.index).copied().unwrap_or(leaf);
            let reason = Reason {
                code: rejection.code,
                message: rejection.message.clone(),
                certificate: Some(blamed.name().to_owned()),
                hint: hint::of(&rejection, blamed, leaf, request),
            };
            let chain = path.iter().map(|certificate| certificate.link().clone()).collect();
            Verdict { error: Some(reason), chain, ..about }
        }
    }
}

fn warnings(path: &[&Certificate], request: &Request<'_>) -> Vec<Warning> {
    let warning = |(index, deviation): (usize, deviation::Deviation)| Warning {
        code: deviation.code(),
        message: deviation.message().to_owned(),
        certificate: path.get(index).map(|certificate| certificate.name().to_owned()),
    };
    path::deviations(path, request).into_iter().map(warning).collect()
}

type Path<'a> = Vec<&'a Certificate>;

fn judge<'a>(leaf: &'a Certificate, request: &Request<'a>) -> Result<Path<'a>, (Rejection, Path<'a>)> {
    let path = match path::check_leaf(leaf, request) {
        Ok(()) => find(leaf, request)?,
        Err(rejection) => return Err((rejection, drawn(leaf, request))),
    };
    if let Some(host) = request.host.filter(|host| !host.is_named_by(leaf)) {
        return Err((Rejection::new(Code::HostMismatch, 0, hint::other_names(leaf, host)), path));
    }
    if request.key.is_some_and(|key| key != leaf.spki()) {
        let message = "the private key is another's: the public keys differ";
        return Err((Rejection::new(Code::KeyMismatch, 0, message), path));
    }
    Ok(path)
}

/// The path as the names have it, for a certificate that is refused before any is looked for.
fn drawn<'a>(leaf: &'a Certificate, request: &Request<'a>) -> Path<'a> {
    const MOST: usize = 10;
    let mut path = vec![leaf];
    while let Some(head) = path.last().copied().filter(|head| path.len() < MOST && !head.is_self_issued()) {
        let presented =
            || request.presented.iter().map(Arc::as_ref).take(100).find(|issuer| head.names_as_issuer(issuer));
        let Some(issuer) = request.anchors.issuers_of(head).next().or_else(presented) else { break };
        path.push(issuer);
    }
    path
}

/// Finds a valid path.
fn find<'a>(leaf: &'a Certificate, request: &Request<'a>) -> Result<Path<'a>, (Rejection, Path<'a>)> {
    if is_own_anchor(leaf, request) {
        return match path::check(&[leaf], request) {
            Ok(()) => Ok(vec![leaf]),
            Err(rejection) => Err((rejection, vec![leaf])),
        };
    }
    let candidates = Candidates::of(leaf, request);
    let error = match by_webpki(leaf, &candidates, request) {
        Ok(path) => return Ok(path),
        Err(error) => error,
    };
    match Search::new(leaf, &candidates, request).run() {
        Ok(path) if gap::is_known(&path, request, &error) => Ok(path),
        Ok(path) => Err((gap::rejection(&error), path)),
        Err(best) => Err(best.take().unwrap_or_else(|| (gap::rejection(&error), vec![leaf]))),
    }
}

/// Returns true if the leaf is a trust anchor signed by itself, so that its path ends there.
///
/// The algorithm of a root's signature does not matter, because no path depends on it (RFC 5280 section 6.1.1 d):
/// many roots use SHA-1.
fn is_own_anchor(leaf: &Certificate, request: &Request<'_>) -> bool {
    leaf.is_self_issued()
        && request.anchors.contains(leaf)
        && match signature::verify(leaf.signed(), leaf.spki()) {
            Ok(()) => true,
            Err(signature::Fault::Algorithm(_)) => leaf.is_ca(),
            Err(signature::Fault::Bad) => false,
        }
}

/// Has webpki build a path; each path that webpki finds is checked here, too, before it is taken.
fn by_webpki<'a>(
    leaf: &'a Certificate,
    candidates: &Candidates<'a>,
    request: &Request<'a>,
) -> Result<Path<'a>, webpki::Error> {
    if candidates.reach != Reach::Anchor {
        return Err(webpki::Error::UnknownIssuer);
    }
    let der = CertificateDer::from(leaf.der());
    let end_entity = EndEntityCert::try_from(&der)?;
    let in_der = |all: &[&'a Certificate]| all.iter().map(|one| CertificateDer::from(one.der())).collect::<Vec<_>>();
    let (intermediates, ends) = (in_der(&candidates.intermediates), in_der(&candidates.ends));
    let readable = candidates.ends.iter().zip(&ends);
    let (ends, anchors): (Vec<_>, Vec<_>) =
        readable.filter_map(|(end, der)| Some((*end, anchor_from_trusted_cert(der).ok()?))).unzip();
    let found = RefCell::new(None);
    let check = |verified: &VerifiedPath<'_>| {
        let path = own_path(leaf, verified, &candidates.intermediates);
        let end = anchors.iter().position(|anchor| is_same_anchor(anchor, verified.anchor()));
        let end = end.and_then(|place| ends.get(place));
        let (Some(mut path), Some(end)) = (path, end) else { return Err(webpki::Error::UnknownIssuer) };
        path.push(end);
        path::check(&path, request).map_err(|_rejection| webpki::Error::UnknownIssuer)?;
        found.replace(Some(path));
        Ok(())
    };
    let algorithms = request.anchors.verified().algorithms(leaf.signed().0);
    let algorithms: Vec<_> =
        algorithms.iter().map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm).collect();
    let seconds = u64::try_from(request.at.unix_timestamp()).unwrap_or_default();
    end_entity.verify_for_usage(
        &algorithms,
        &anchors,
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        request.purpose,
        None,
        Some(&check),
    )?;
    found.take().ok_or(webpki::Error::UnknownIssuer)
}

/// Decides whether two are made of the same certificate: others may have the same name and key and differ in the rest.
fn is_same_anchor(one: &TrustAnchor<'_>, other: &TrustAnchor<'_>) -> bool {
    std::ptr::eq(one.subject_public_key_info.as_ref(), other.subject_public_key_info.as_ref())
}

/// webpki's path below the anchor, in our certificates.
fn own_path<'a>(leaf: &'a Certificate, verified: &VerifiedPath<'_>, among: &[&'a Certificate]) -> Option<Path<'a>> {
    let mut path = vec![leaf];
    for intermediate in verified.intermediate_certificates() {
        let der = intermediate.der();
        path.push(among.iter().find(|one| std::ptr::eq(one.der(), der.as_ref()))?);
    }
    Some(path)
}

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        match self {
            Self::Server => KeyUsage::server_auth().validate(purposes),
            Self::Client => KeyUsage::client_auth().validate(purposes),
            Self::Any => Ok(()),
        }
    }
}
