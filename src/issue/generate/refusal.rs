//! The verdict of `verify` on a certificate just issued by a CA that is not ours.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::judge::inspect;
use crate::judge::verify::{self, Anchors, Certificate, Purpose};

/// A warning that clients refuse a chain because of its CA; `None` if `verify` accepts the chain.
///
/// The CA's roots are trusted, or the topmost certificate where its file has no root.
#[must_use]
pub fn refusal(
    chain: &[CertificateDer<'_>],
    certificates: &[CertificateDer<'_>],
    now: OffsetDateTime,
) -> Option<String> {
    let parse = |der: &CertificateDer<'_>| Certificate::parse(der.clone().into_owned()).ok().map(Arc::new);
    let leaf = chain.first()?;
    let presented: Vec<_> = chain.iter().skip(1).chain(certificates).filter_map(parse).collect();
    let roots: Vec<_> = certificates.iter().filter(|der| super::is_self_issued(der)).filter_map(parse).collect();
    let topmost = || chain.get(1..).and_then(<[_]>::last).and_then(parse).into_iter().collect();
    let anchors = Anchors::new(if roots.is_empty() { topmost() } else { roots });
    let validity = inspect::parse(leaf).ok()?.validity();
    let verdict = verify::verify_presented(
        chain,
        &verify::Request {
            presented: &presented,
            anchors: &anchors,
            crls: &[],
            host: None,
            purpose: Purpose::Any,
            at: now.max(validity.not_before).min(validity.not_after),
            key: None,
            strict: false,
        },
    );
    let reason = verdict.error?;
    let blamed = reason.certificate.map(|name| format!("{name}: ")).unwrap_or_default();
    Some(format!("clients will refuse this certificate ({}): {blamed}{}", reason.code, reason.message))
}
