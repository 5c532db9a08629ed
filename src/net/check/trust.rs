//! The certificates that a server presents, judged by the library's own verifier and lint.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::judge::inspect;
use crate::judge::lint::{Issuers, Judge, Origin};
use crate::judge::report::finding::Finding;
use crate::judge::report::verdict::{Code, Link, Reason, Verdict};
use crate::judge::report::{self, extension::Extension};
use crate::judge::verify::{self, Anchors, Certificate, Host, Purpose, Request};
use crate::x509::certificate;
use crate::x509::key::{Curve, PublicKey, SignatureAlgorithm};
use crate::x509::name::rfc4514_der;

/// The trust anchors, and other certificates at hand.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The trust anchors.
    pub anchors: &'a Anchors,
    /// Intermediates that the server should have sent, such as the local CA's.
    pub intermediates: &'a [Arc<Certificate>],
    /// Roots by which certificates are told from public CAs' or private ones.
    pub issuers: &'a Issuers,
    /// The time of day.
    pub now: OffsetDateTime,
}

/// A certificate's key and signature, as far as rules go by them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// The strength in bits of an RSA key.
    pub(super) strength: Option<u32>,
    /// The modulus of a key for RSA signatures of both kinds.
    pub(super) rsa_bits: Option<u32>,
    /// True for ECDSA with P-256 or P-384.
    pub(super) is_usual_curve: bool,
    /// The algorithm that the certificate is signed with.
    pub(super) signature: SignatureAlgorithm,
}

impl Key {
    fn of(certificate: &certificate::Certificate<'_>) -> Self {
        let key = &certificate.key.key;
        Self {
            strength: key.strength(),
            rsa_bits: if key.is_rsa() { key.bits() } else { None },
            is_usual_curve: matches!(key, PublicKey::Ec(Curve::P256 | Curve::P384)),
            signature: certificate.signed.algorithm.signature(),
        }
    }
}

/// A presented chain, and the judgement on it.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the chain")]
pub(in crate::net) struct Presented {
    pub(in crate::net) leaf: Option<report::Certificate>,
    pub(super) key: Option<Key>,
    pub(in crate::net) links: Vec<Link>,
    pub(super) verdict: Verdict,
    /// The code with which the chain would be refused if its last certificate were trusted.
    pub(super) otherwise: Option<Code>,
    /// The chain is valid with a known intermediate that the server does not send.
    pub(in crate::net) missing: Option<String>,
    /// A certificate of the chain is trusted itself, or names a trust anchor as its issuer.
    pub(in crate::net) is_rooted: bool,
    /// The lint's findings, with the subject of the certificate.
    pub(super) lints: Vec<(String, Finding)>,
    /// Days between notBefore and notAfter.
    pub(super) days: Option<i64>,
    /// Days from now to notAfter, rounded.
    pub(super) days_left: Option<i64>,
    /// A certificate does not issue the one in front of it.
    pub(super) is_out_of_order: bool,
    /// The chain ends with a root, which clients have themselves.
    pub(super) has_root: bool,
    /// The certificate demands a stapled status (RFC 7633).
    pub(super) must_staple: bool,
}

/// The extension by which a certificate demands a stapled status.
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";

/// Inspection products and antivirus programs, by the names of their issuers.
const INSPECTORS: [&str; 22] = [
    "Zscaler",
    "Fortinet",
    "FortiGate",
    "Netskope",
    "Blue Coat",
    "Symantec Web",
    "Palo Alto",
    "Cisco Umbrella",
    "Sophos",
    "Kaspersky",
    "ESET SSL",
    "avast",
    "AVG Technologies",
    "Bitdefender",
    "Forcepoint",
    "McAfee Web",
    "Check Point",
    "Barracuda",
    "WatchGuard",
    "Charles Proxy",
    "mitmproxy",
    "Fiddler",
];

impl Presented {
    pub(in crate::net) fn judge(
        chain: &[CertificateDer<'static>],
        host: Option<&Host>,
        key_proven: Option<bool>,
        known: Known<'_>,
    ) -> Self {
        let read: Vec<_> = chain.iter().filter_map(|der| Some((der, inspect::certificate(der).ok()?))).collect();
        let request = Request {
            presented: &[],
            anchors: known.anchors,
            crls: &[],
            host,
            purpose: Purpose::Server,
            at: known.now,
            key: None,
            strict: false,
        };
        let mut verdict = verify::verify_presented(chain, &request);
        let mut missing = None;
        if verdict.error.as_ref().is_some_and(|error| error.code == Code::UnknownIssuer) {
            let whole = verify::verify_presented(chain, &Request { presented: known.intermediates, ..request });
            let is_sent = |link: &Link| read.iter().any(|(_, sent)| sent.sha256_fingerprint == link.sha256_fingerprint);
            if whole.error.as_ref().is_none_or(|error| error.code != Code::UnknownIssuer) {
                missing = whole.chain.iter().find(|link| !is_sent(link)).map(|link| link.subject.clone());
                verdict = whole;
            }
        }
        let otherwise = verdict.error.as_ref().and_then(|_| otherwise(chain, request));
        if verdict.valid && key_proven == Some(false) {
            let message = "the server does not have its private key: it signs with another";
            verdict = Verdict { chain: verdict.chain, ..Verdict::no(Reason::new(Code::KeyMismatch, message)) };
        }
        // Of a chain whose first certificate cannot be read, no other takes its place.
        let leaf = read.first().filter(|(der, _)| chain.first() == Some(*der)).map(|(_, leaf)| leaf.clone());
        Self {
            links: read.iter().map(|(_, certificate)| link(certificate)).collect(),
            verdict,
            otherwise,
            missing,
            is_rooted: is_rooted(chain, &read, known.anchors),
            key: chain.first().and_then(|leaf| inspect::parse(leaf).ok()).map(|leaf| Key::of(&leaf)),
            lints: lints(&read, known),
            days: leaf.as_ref().map(days),
            days_left: leaf.as_ref().map(|leaf| days_left(leaf, known.now)),
            is_out_of_order: read
                .iter()
                .zip(read.iter().skip(1))
                .any(|((_, one), (_, next))| one.issuer != next.subject),
            has_root: read.len() > 1 && read.last().is_some_and(|(_, last)| last.self_signed),
            must_staple: leaf.as_ref().is_some_and(must_staple),
            leaf,
        }
    }

    /// The code with which the chain is refused.
    pub(in crate::net) fn refusal(&self) -> Option<&Reason> {
        self.verdict.error.as_ref()
    }

    /// The product that inspects connections and issued the certificate, if the chain is not trusted.
    pub(in crate::net) fn inspector(&self) -> Option<&'static str> {
        self.refusal().filter(|reason| matches!(reason.code, Code::UnknownIssuer | Code::SelfSigned))?;
        INSPECTORS.into_iter().find(|name| self.links.iter().any(|link| link.issuer.contains(name)))
    }

    /// Decides whether the end-entity certificate is signed by itself, and not trusted, whatever else is wrong with it.
    pub(super) fn is_self_made(&self) -> bool {
        let is_alone = self.links.len() == 1 && self.leaf.as_ref().is_some_and(|leaf| leaf.self_signed);
        self.refusal().is_some() && is_alone && !self.is_rooted
    }

    /// Decides whether the end-entity certificate came alone although another issued it.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self.links.as_slice(), [link] if link.subject != link.issuer)
    }

    /// Decides whether an intermediate is missing: a known one, or one that may be, because nothing here is the issuer.
    pub(super) fn is_incomplete(&self) -> bool {
        let is_unknown = self.refusal().is_some_and(|reason| reason.code == Code::UnknownIssuer);
        self.missing.is_some() || is_unknown && self.is_alone() && self.inspector().is_none()
    }

    /// Decides whether the end-entity certificate has no name, and is refused as a CA's first.
    pub(super) fn is_nameless_ca(&self) -> bool {
        let has_no_name = self.leaf.as_ref().is_some_and(|leaf| leaf.subject_alt_names.is_empty());
        has_no_name && self.leaf.as_ref().is_some_and(|leaf| leaf.is_ca)
    }

    /// Decides whether the end-entity certificate is for another name, whatever else is wrong with the chain.
    pub(super) fn is_of_other_name(&self) -> bool {
        [self.refusal().map(|reason| reason.code), self.otherwise].contains(&Some(Code::HostMismatch))
    }

    /// The strength of the key, in bits of an RSA key.
    pub(super) fn key_bits(&self) -> Option<u32> {
        self.key?.strength
    }
}

/// The code that is left when nothing is wrong with the chain's end.
fn otherwise(chain: &[CertificateDer<'static>], request: Request<'_>) -> Option<Code> {
    let last = Certificate::parse(chain.last()?.clone()).ok()?;
    let anchors = Anchors::new(vec![Arc::new(last)]);
    verify::verify_presented(chain, &Request { anchors: &anchors, ..request }).error.map(|reason| reason.code)
}

/// Decides by names alone, because a certificate that is refused may be no more than that.
fn is_rooted(
    chain: &[CertificateDer<'static>],
    read: &[(&CertificateDer<'static>, report::Certificate)],
    anchors: &Anchors,
) -> bool {
    let is_trusted = |anchor: &Certificate| chain.iter().any(|der| der.as_ref() == anchor.der());
    let issues = |anchor: &Certificate| {
        let subject = rfc4514_der(anchor.subject());
        !anchor.subject().is_empty() && read.iter().any(|(_, one)| !one.self_signed && one.issuer == subject)
    };
    anchors.certificates().iter().any(|anchor| is_trusted(anchor) || issues(anchor))
}

fn link(certificate: &report::Certificate) -> Link {
    /// As many as `verify` shows of a certificate without a subject.
    const SHOWN_NAMES: usize = 8;
    let names = if certificate.subject.is_empty() { SHOWN_NAMES } else { 0 };
    Link {
        subject: certificate.subject.clone(),
        subject_alt_names: certificate.subject_alt_names.iter().take(names).cloned().collect(),
        issuer: certificate.issuer.clone(),
        sha256_fingerprint: certificate.sha256_fingerprint.clone(),
    }
}

fn days(certificate: &report::Certificate) -> i64 {
    // The last second counts: 365 days end a second before the 366th.
    let span = certificate.not_after.0 - certificate.not_before.0;
    (span.whole_seconds() + 1 + 86_399).div_euclid(86_400)
}

fn days_left(certificate: &report::Certificate, now: OffsetDateTime) -> i64 {
    // Rounded, as everywhere.
    ((certificate.not_after.0 - now).whole_seconds() + 43_200).div_euclid(86_400)
}

fn must_staple(certificate: &report::Certificate) -> bool {
    certificate.extensions.iter().any(|extension: &Extension| extension.oid == TLS_FEATURE)
}

/// The lint's findings about certificates, each beside its report.
fn lints(read: &[(&CertificateDer<'static>, report::Certificate)], known: Known<'_>) -> Vec<(String, Finding)> {
    let mut own = Issuers::default();
    for (der, _) in read {
        own.add(der, Origin::Read);
    }
    // The chain's own issuers are for the leaf; who is public the given ones know.
    let judge = Judge { audience: None, issuers: known.issuers, now: known.now };
    let within = Judge { audience: None, issuers: &own, now: known.now };
    let mut found = Vec::new();
    for (der, certificate) in read {
        let judged = judge.certificate(der).ok().filter(|lint| lint.audience == report::finding::Audience::Public);
        let Some(lint) = judged.or_else(|| within.certificate(der).ok()) else { continue };
        found.extend(lint.findings.into_iter().map(|finding| (certificate.subject.clone(), finding)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::generate::{self, CertificateSpec};

    /// A leaf of which nothing is known has no days, no key and no demands, and no lint of another's.
    #[test]
    fn no_other_certificate_stands_for_a_first_one_that_cannot_be_read() {
        let now = crate::base::validity::now();
        let (_, chain) =
            generate::self_signed(&CertificateSpec { days: Some(3_000), ..CertificateSpec::default() }, now).unwrap();
        let readable = chain[0].clone();
        let known = Known { anchors: &Anchors::default(), intermediates: &[], issuers: &Issuers::default(), now };
        let judged = |chain: &[CertificateDer<'static>]| Presented::judge(chain, None, None, known);

        let alone = judged(std::slice::from_ref(&readable));
        assert!(alone.leaf.is_some() && alone.days == Some(3_000) && !alone.lints.is_empty());
        let behind = judged(&[CertificateDer::from(vec![0x30, 0]), readable]);
        assert!(behind.leaf.is_none() && behind.days.is_none() && behind.key_bits().is_none());
        assert_eq!(behind.verdict.error.unwrap().code, Code::Malformed);
        assert_eq!(behind.lints, alone.lints);
    }
}
