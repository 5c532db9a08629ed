//! Whether the certificates of a path are revoked (RFC 5280 section 6.3).

mod point;

use std::sync::Arc;

use super::certificate::Certificate;
use super::crl::Crl;
use super::extension::CRL_SIGN;
use super::path::Rejection;
use super::signature;
use crate::report::verdict::Code;
use crate::validity;

/// Those who may have signed a CRL in the issuer's place, at most.
const SIGNERS: usize = 8;

/// All reasons but `unused`, as bits (section 5.2.5).
const ALL_REASONS: u16 = 0b1_1111_1110;

/// A path, and what says whether it is revoked.
pub(super) struct Revocation<'a> {
    pub(super) path: &'a [&'a Certificate],
    pub(super) presented: &'a [Arc<Certificate>],
    pub(super) crls: &'a [Arc<Crl>],
    pub(super) at: i64,
}

/// What a CRL says about a certificate.
enum Status {
    Revoked,
    /// It is not revoked for these reasons.
    Good(u16),
}

impl Revocation<'_> {
    /// Looks a certificate of the path up in the CRLs of its issuer.
    ///
    /// A status is needed: CRLs that are complete, current, signed by the issuer, about certificates of its kind, and
    /// for all reasons between them. A CRL that the issuer signed and that lists the certificate revokes it even when it
    /// is stale, a delta, or of limited scope.
    pub(super) fn check(&self, index: usize) -> Result<(), Rejection> {
        let (Some(certificate), Some(issuer)) = (self.path.get(index), self.path.get(index + 1)) else { return Ok(()) };
        let mut reasons = 0;
        let mut unusable = None;
        for crl in self.crls.iter().filter(|crl| is_from(crl, certificate)) {
            let signed = self.check_signature(crl, index);
            match signed.and_then(|()| self.status(crl, certificate)) {
                Ok(Status::Revoked) => return Err(Rejection::new(Code::Revoked, index, revoked(certificate, crl))),
                Ok(Status::Good(more)) => reasons |= more,
                Err(reason) => unusable = unusable.or(reason),
            }
        }
        if reasons & ALL_REASONS == ALL_REASONS {
            return Ok(());
        }
        let issuer = issuer.name();
        Err(if let Some(reason) = unusable {
            let message = format!("the CRL of `{issuer}` cannot be used: {reason}");
            Rejection::new(Code::CrlInvalid, index, message)
        } else {
            let message = format!("none of the CRLs given says all about it: its issuer is `{issuer}`");
            Rejection::new(Code::RevocationUnknown, index, message)
        })
    }

    /// Section 6.3.3 (f) and (g): signed by the certificate's issuer, with the certificate's own key or another one.
    fn check_signature(&self, crl: &Crl, index: usize) -> Result<(), Option<String>> {
        let Some((issuer, above)) = self.path.get(index + 1..).and_then(<[_]>::split_first) else { return Err(None) };
        let own = signed_by(crl, issuer);
        if own.is_ok() {
            return own;
        }
        let is_same = |other: &&Certificate| other.canonical().0 == issuer.canonical().0;
        let on_path = above.iter().copied().filter(is_same);
        let others = self.presented.iter().map(Arc::as_ref).filter(is_same).take(SIGNERS);
        let others = others.filter(|other| self.is_vouched_for(other, index + 1));
        if on_path.chain(others).any(|signer| signed_by(crl, signer).is_ok()) { Ok(()) } else { own }
    }

    /// Whether a certificate for signing CRLs was issued on the path by an issuer from this place up, and is good.
    fn is_vouched_for(&self, signer: &Certificate, from: usize) -> bool {
        let parts = &signer.parts;
        let is_fit = parts.fault.is_none()
            && (parts.not_before..=parts.not_after).contains(&self.at)
            && parts.extensions.key_usage.is_some()
            && parts.extensions.may(CRL_SIGN);
        let issuers = self.path.get(from..).unwrap_or_default();
        is_fit
            && issuers.iter().filter(|issuer| signer.names_as_issuer(issuer)).any(|issuer| {
                signature::verify(signer.signed(), issuer.spki()).is_ok() && self.is_good_by(signer, issuer)
            })
    }

    /// Whether a CRL that an issuer signed with its own key says that a certificate is good, and none that it is revoked.
    fn is_good_by(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let mut reasons = 0;
        for crl in self.crls.iter().filter(|crl| is_from(crl, certificate) && signed_by(crl, issuer).is_ok()) {
            match self.status(crl, certificate) {
                Ok(Status::Revoked) => return false,
                Ok(Status::Good(more)) => reasons |= more,
                Err(_) => {}
            }
        }
        reasons & ALL_REASONS == ALL_REASONS
    }

    /// What a CRL says, its signature being right; the error says why it tells nothing, and nothing when it is about
    /// other certificates.
    fn status(&self, crl: &Crl, certificate: &Certificate) -> Result<Status, Option<String>> {
        let no = |reason: &str| Err(Some(reason.to_owned()));
        let (this_update, next_update) = crl.times();
        if self.at < this_update {
            return Err(Some(format!("it is from the future: its thisUpdate is {}", text(this_update))));
        }
        if crl.lists(certificate.serial()) {
            return Ok(Status::Revoked);
        }
        let Some(next_update) = next_update else { return no("it has no nextUpdate (RFC 5280 section 5.1.2.5)") };
        if self.at > next_update {
            return Err(Some(format!("it is stale: its nextUpdate was {}", text(next_update))));
        }
        if let Some(reason) = crl.unusable() {
            return no(reason);
        }
        let scope = crl.scope();
        let is_of_kind = if certificate.parts.extensions.is_ca() { !scope.users_only } else { !scope.cas_only };
        if !is_of_kind {
            return Err(None);
        }
        let all = scope.reasons.unwrap_or(ALL_REASONS);
        match crl.point() {
            None => Ok(Status::Good(all)),
            Some(named) => Ok(Status::Good(all & point::reasons(certificate, crl.issuer(), named).ok_or(None)?)),
        }
    }
}

fn is_from(crl: &Crl, certificate: &Certificate) -> bool {
    crl.issuer() == certificate.issuer() || crl.canonical_issuer == certificate.canonical().1
}

fn signed_by(crl: &Crl, signer: &Certificate) -> Result<(), Option<String>> {
    let no = |reason: &str| Err(Some(reason.to_owned()));
    if !signer.parts.extensions.may(CRL_SIGN) {
        return no("its issuer's keyUsage lacks cRLSign (RFC 5280 section 6.3.3 f)");
    }
    match signature::verify(crl.signed(), signer.spki()) {
        Ok(()) => Ok(()),
        Err(signature::Fault::Bad) => no("its signature is not its issuer's (RFC 5280 section 6.3.3 g)"),
        Err(signature::Fault::Algorithm(name)) => Err(Some(format!("it is signed with {name}"))),
    }
}

fn revoked(certificate: &Certificate, crl: &Crl) -> String {
    let serial = crate::name::hex(certificate.serial());
    format!("it is revoked: its serial number {serial} is on the CRL of `{}`", crl.issuer_text())
}

fn text(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(|_| seconds.to_string(), validity::rfc3339)
}
