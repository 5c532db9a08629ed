//! Revocation status of the certificates of a path (RFC 5280 section 6.3).

pub(super) mod point;

use std::sync::Arc;

use super::certificate::Certificate;
use super::crl::{Crl, Listed};
use super::fault::Rejection;
use super::signature;
use crate::base::validity;
use crate::judge::report::verdict::Code;
use crate::x509::extension::KeyUsage;

/// Largest number of certificates that may have signed a CRL in the issuer's place.
const SIGNERS: usize = 8;

/// All reasons but `unused`, as bits (section 5.2.5).
const ALL_REASONS: u64 = 0b1_1111_1110;

/// A path with the CRLs that decide its revocation status.
pub(super) struct Revocation<'a> {
    pub(super) path: &'a [&'a Certificate],
    pub(super) presented: &'a [Arc<Certificate>],
    pub(super) crls: &'a [Arc<Crl>],
    pub(super) at: i64,
}

impl Revocation<'_> {
    /// Looks a certificate of the path up in the CRLs of its issuer, and of the CRL issuers that the certificate names.
    ///
    /// A status is needed: CRLs that are complete, current, signed by the issuer, about certificates of its kind, and
    /// for all reasons between them. A CRL that the issuer signed and that lists the certificate revokes it even when
    /// it is stale, a delta, or of limited scope; only an entry on hold can be removed, by a delta CRL.
    pub(super) fn check(&self, index: usize) -> Result<(), Rejection> {
        let (Some(certificate), Some(issuer)) = (self.path.get(index), self.path.get(index + 1)) else { return Ok(()) };
        let mut signed = Vec::new();
        let mut unusable = None;
        for crl in self.crls.iter().filter(|crl| is_about(crl, certificate)) {
            match self.check_signature(crl, index) {
                Ok(()) => signed.push(crl.as_ref()),
                Err(reason) => unusable = unusable.or(reason.map(|reason| (crl.as_ref(), reason))),
            }
        }
        let mut reasons = 0;
        for crl in &signed {
            if self.is_revoked(certificate, crl, &signed) {
                return Err(Rejection::new(Code::Revoked, index, revoked(certificate, crl)));
            }
            match self.good(crl, certificate) {
                Ok(more) => reasons |= more,
                Err(reason) => unusable = unusable.or(reason.map(|reason| (*crl, reason))),
            }
        }
        if reasons & ALL_REASONS == ALL_REASONS {
            return Ok(());
        }
        Err(if let Some((crl, reason)) = unusable {
            let message = format!("the CRL of `{}` cannot be used: {reason}", crl.issuer_text());
            Rejection::new(Code::CrlInvalid, index, message)
        } else if let Some(reason) =
            self.crls.iter().find(|crl| crl.canonical_issuer().is_none()).and_then(|crl| crl.unusable())
        {
            let message = format!("none of the CRLs given can be used for it: of one, {reason}");
            Rejection::new(Code::CrlInvalid, index, message)
        } else {
            let message = format!("none of the CRLs given says all about it: its issuer is `{}`", issuer.name());
            Rejection::new(Code::RevocationUnknown, index, message)
        })
    }

    /// Checks section 6.3.3 (f) and (g): the CRL is signed by the issuer it names, with a key on the path or another
    /// one.
    fn check_signature(&self, crl: &Crl, index: usize) -> Result<(), Option<String>> {
        let is_issuer = |other: &&Certificate| is_issuer(crl, other);
        let on_path = self.path.iter().copied().skip(index + 1).filter(is_issuer);
        let others = self.presented.iter().map(Arc::as_ref).filter(is_issuer).take(SIGNERS);
        let others = others.filter(|other| self.is_vouched_for(other, index + 1));
        let mut fault = None;
        for signer in on_path.chain(others) {
            match signed_by(crl, signer) {
                Ok(()) => return Ok(()),
                Err(reason) => fault = fault.or(reason),
            }
        }
        Err(Some(fault.unwrap_or_else(|| "its issuer's certificate is not there, or not to be relied on".to_owned())))
    }

    /// Returns true if a CRL signer's certificate is good and was issued on the path by an issuer at or above this
    /// position.
    fn is_vouched_for(&self, signer: &Certificate, from: usize) -> bool {
        let (begin, end) = signer.times();
        let is_fit = signer.fault().is_none()
            && signer.version_fault().is_none()
            && (begin..=end).contains(&self.at)
            && signer.extensions().key_usage().is_some_and(|usage| usage.has(KeyUsage::CRL_SIGN));
        let issuers = self.path.get(from..).unwrap_or_default();
        is_fit
            && issuers.iter().filter(|issuer| signer.names_as_issuer(issuer)).any(|issuer| {
                signature::verify(signer.signed(), issuer.spki()).is_ok() && self.is_good_by(signer, issuer)
            })
    }

    /// Returns true if a CRL signed with the issuer's own key clears a certificate and no CRL revokes it.
    ///
    /// An issuer may leave word of its own revocation to a signer of indirect CRLs.
    fn is_good_by(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let is_signed = |crl: &&Crl| {
            crl.is_from_issuer_of(certificate) && signed_by(crl, issuer).is_ok()
                || is_issuer(crl, certificate)
                    && point::is_left_to(certificate, crl)
                    && signed_by(crl, certificate).is_ok()
        };
        let signed: Vec<_> = self.crls.iter().map(Arc::as_ref).filter(is_signed).collect();
        let reasons = signed.iter().filter_map(|crl| self.good(crl, certificate).ok()).fold(0, |all, more| all | more);
        reasons & ALL_REASONS == ALL_REASONS && !signed.iter().any(|crl| self.is_revoked(certificate, crl, &signed))
    }

    /// Returns true if a CRL lists a certificate and no delta CRL among the others removes the entry.
    fn is_revoked(&self, certificate: &Certificate, crl: &Crl, others: &[&Crl]) -> bool {
        let takes_back = |delta: &&Crl| {
            delta.listed(certificate) == Some(Listed::Removed) && delta.continues(crl) && self.is_usable(delta).is_ok()
        };
        self.at >= crl.times().0
            && match crl.listed(certificate) {
                Some(Listed::Revoked) => true,
                Some(Listed::OnHold) => !others.iter().any(takes_back),
                Some(Listed::Removed) | None => false,
            }
    }

    /// The reasons for which a CRL, its signature being right, says that a certificate that it does not list is good;
    /// the error says why it tells nothing, and nothing when it is about other certificates.
    fn good(&self, crl: &Crl, certificate: &Certificate) -> Result<u64, Option<String>> {
        self.is_usable(crl)?;
        if crl.is_delta() {
            return Err(Some("it is a delta CRL, which says only what has changed".to_owned()));
        }
        let scope = crl.scope();
        let is_of_kind = scope.is_none_or(|scope| {
            if certificate.is_ca() { !scope.only_user_certificates } else { !scope.only_ca_certificates }
        });
        if !is_of_kind {
            return Err(None);
        }
        let reasons = point::reasons(certificate, crl).ok_or(None)?;
        let own = scope.and_then(|scope| scope.only_reasons).map_or(ALL_REASONS, |reasons| reasons.bits);
        Ok(own & reasons)
    }

    /// Returns true if a CRL is current and understood.
    fn is_usable(&self, crl: &Crl) -> Result<(), Option<String>> {
        let (this_update, next_update) = crl.times();
        if self.at < this_update {
            return Err(Some(format!("it is from the future: its thisUpdate is {}", text(this_update))));
        }
        let Some(next_update) = next_update else {
            return Err(Some("it has no nextUpdate (RFC 5280 section 5.1.2.5)".to_owned()));
        };
        if self.at > next_update {
            return Err(Some(format!("it is stale: its nextUpdate was {}", text(next_update))));
        }
        crl.unusable().map_or(Ok(()), |reason| Err(Some(reason.to_owned())))
    }
}

/// Returns true if a CRL comes from a certificate's issuer, or from the CRL issuer that the certificate names.
fn is_about(crl: &Crl, certificate: &Certificate) -> bool {
    crl.is_from_issuer_of(certificate) || point::is_left_to(certificate, crl)
}

/// Decides whether a CRL's issuer is a certificate's subject.
fn is_issuer(crl: &Crl, signer: &Certificate) -> bool {
    crl.canonical_issuer().is_some_and(|issuer| Some(issuer) == signer.canonical_subject())
}

fn signed_by(crl: &Crl, signer: &Certificate) -> Result<(), Option<String>> {
    let no = |reason: &str| Err(Some(reason.to_owned()));
    if !signer.extensions().may(KeyUsage::CRL_SIGN) {
        return no("its issuer's keyUsage lacks cRLSign (RFC 5280 section 6.3.3 f)");
    }
    match crl.check_signature(signer.spki()) {
        Ok(()) => Ok(()),
        Err(signature::Fault::Bad) => no("its signature is not its issuer's (RFC 5280 section 6.3.3 g)"),
        Err(signature::Fault::Algorithm(name)) => Err(Some(format!("it is signed with {name}"))),
    }
}

fn revoked(certificate: &Certificate, crl: &Crl) -> String {
    let serial = crate::base::hex::hex(certificate.serial());
    format!("it is revoked: its serial number {serial} is on the CRL of `{}`", crl.issuer_text())
}

fn text(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(|_| seconds.to_string(), validity::rfc3339)
}
