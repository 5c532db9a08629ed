//! Whether the certificates of a path are revoked (RFC 5280 section 6.3).

use std::sync::Arc;

use super::certificate::Certificate;
use super::crl::Crl;
use super::extension::CRL_SIGN;
use super::path::Rejection;
use super::signature;
use crate::asn1::{Reader, tag};
use crate::report::verdict::Code;
use crate::validity;

/// Looks a certificate up in the CRLs of its issuer.
///
/// A status is needed: one CRL that is complete, current, signed by the issuer's own key and about certificates of
/// its kind. A CRL that the issuer signed and that lists the certificate revokes it even when it is stale, a delta, or
/// of limited scope.
pub(super) fn check(
    index: usize,
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &[Arc<Crl>],
    at: i64,
) -> Result<(), Rejection> {
    let mut unusable = None;
    let mut is_good = false;
    for crl in crls.iter().filter(|crl| is_from(crl, certificate)) {
        match status(crl, certificate, issuer, at) {
            Ok(true) => return Err(Rejection::new(Code::Revoked, index, revoked(certificate, crl))),
            Ok(false) => is_good = true,
            Err(reason) => unusable = unusable.or(reason),
        }
    }
    match unusable {
        _ if is_good => Ok(()),
        Some(reason) => {
            let message = format!("the CRL of `{}` cannot be used: {reason}", issuer.name());
            Err(Rejection::new(Code::CrlInvalid, index, message))
        }
        None => {
            let message = format!("none of the CRLs given says anything about it: `{}` issued none", issuer.name());
            Err(Rejection::new(Code::RevocationUnknown, index, message))
        }
    }
}

fn is_from(crl: &Crl, certificate: &Certificate) -> bool {
    crl.issuer() == certificate.issuer() || crl.canonical_issuer == certificate.canonical().1
}

fn revoked(certificate: &Certificate, crl: &Crl) -> String {
    let serial = crate::name::hex(certificate.serial());
    format!("it is revoked: its serial number {serial} is on the CRL of `{}`", crl.issuer_text())
}

/// Whether it is revoked; the error says why the CRL tells nothing, and nothing when it is about other certificates.
fn status(crl: &Crl, certificate: &Certificate, issuer: &Certificate, at: i64) -> Result<bool, Option<String>> {
    let no = |reason: &str| Err(Some(reason.to_owned()));
    if !issuer.parts.extensions.may(CRL_SIGN) {
        return no("its issuer's keyUsage lacks cRLSign (RFC 5280 section 6.3.3 f)");
    }
    match signature::verify(crl.signed(), issuer.spki()) {
        Err(signature::Fault::Bad) => return no("its signature is not its issuer's (RFC 5280 section 6.3.3 g)"),
        Err(signature::Fault::Algorithm(name)) => return Err(Some(format!("it is signed with {name}"))),
        Ok(()) => {}
    }
    let (this_update, next_update) = crl.times();
    if at < this_update {
        return Err(Some(format!("it is from the future: its thisUpdate is {}", text(this_update))));
    }
    if crl.lists(certificate.serial()) {
        return Ok(true);
    }
    let Some(next_update) = next_update else { return no("it has no nextUpdate (RFC 5280 section 5.1.2.5)") };
    if at > next_update {
        return Err(Some(format!("it is stale: its nextUpdate was {}", text(next_update))));
    }
    if let Some(reason) = crl.unusable() {
        return no(reason);
    }
    if is_about(crl, certificate) { Ok(false) } else { Err(None) }
}

fn text(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(|_| seconds.to_string(), validity::rfc3339)
}

/// Section 6.3.3 (b)(2): the CRL's scope.
fn is_about(crl: &Crl, certificate: &Certificate) -> bool {
    let is_ca = certificate.parts.extensions.is_ca();
    let scope = crl.scope();
    let is_of_kind = if is_ca { !scope.users_only } else { !scope.cas_only };
    is_of_kind && crl.point().is_none_or(|point| points_to(certificate, point))
}

/// Whether one of the certificate's distribution points has one of a CRL's names.
fn points_to(certificate: &Certificate, names: &[u8]) -> bool {
    let points = certificate.parts.extensions.distribution_points.as_ref();
    let mut points = Reader::new(points.map_or(&[][..], |span| certificate.at(span)));
    while let Ok(point) = points.tagged(tag::SEQUENCE, "") {
        let mut fields = point.reader();
        let name = fields.optional(tag::constructed(0), "").ok().flatten();
        // Reasons and other issuers are those of CRLs that are not used here.
        let is_plain = fields.is_empty();
        let full_name = name.and_then(|name| name.reader().optional(tag::constructed(0), "").ok().flatten());
        if is_plain && full_name.is_some_and(|full_name| share_a_name(full_name.content, names)) {
            return true;
        }
    }
    false
}

fn share_a_name(a: &[u8], b: &[u8]) -> bool {
    let each = |names| {
        let mut names = Reader::new(names);
        std::iter::from_fn(move || names.value("").ok())
    };
    each(a).any(|name| each(b).any(|other| other.raw == name.raw))
}
