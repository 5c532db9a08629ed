//! Certificates: one check for each code of `verify`, and the lint's findings.

use super::{Audit, Hit};
use crate::judge::inspect;
use crate::judge::report::check::{Evidence, Finding};
use crate::judge::report::verdict::Code;
use crate::net::check::trust::Presented;

/// Lint rules that repeat a verdict of `verify` under another name.
const SAME: [(&str, Code); 9] = [
    ("expired", Code::Expired),
    ("not_yet_valid", Code::NotYetValid),
    ("ca_true_leaf", Code::CaAsLeaf),
    ("version", Code::Version),
    ("sig_weak", Code::WeakSignature),
    ("rsa_too_small", Code::WeakKey),
    ("san_missing", Code::HostMismatch),
    ("eku_missing_server_auth", Code::WrongPurpose),
    ("unknown_critical", Code::UnknownCriticalExtension),
];

fn refused(audit: &Audit<'_>, code: Code) -> Option<Hit> {
    let presented = audit.presented?;
    let reason = presented.refusal().filter(|reason| reason.code == code)?;
    let names: Vec<_> = presented.links.iter().map(|link| link.subject.as_str()).collect();
    Some(Hit::new(
        reason.message.clone(),
        format!("ClientHello for {}", audit.host),
        format!("Certificate: {}", names.join(", then ")),
    ))
}

macro_rules! codes {
    ($($name:ident: $code:ident;)*) => {
        $(pub(super) fn $name(audit: &Audit<'_>) -> Option<Hit> {
            refused(audit, Code::$code)
        })*
    };
}

codes! {
    expired: Expired;
    not_yet_valid: NotYetValid;
    bad_signature: BadSignature;
    wrong_purpose: WrongPurpose;
    not_a_ca: NotACa;
    path_too_long: PathTooLong;
    name_constraint: NameConstraint;
    unknown_critical_extension: UnknownCriticalExtension;
    key_mismatch: KeyMismatch;
    weak_signature: WeakSignature;
    weak_key: WeakKey;
    malformed: Malformed;
    version: Version;
    ca_as_leaf: CaAsLeaf;
    chain_too_complex: ChainTooComplex;
}

fn inspector(audit: &Audit<'_>) -> Option<&'static str> {
    audit.presented?.inspector()
}

pub(super) fn intercepted(audit: &Audit<'_>) -> Option<Hit> {
    let product = inspector(audit)?;
    beside(audit, format!("the certificate is issued by {product}, which inspects connections"))
}

/// The chain as evidence for a fault beside the one for which it is refused.
fn beside(audit: &Audit<'_>, message: impl Into<String>) -> Option<Hit> {
    let names: Vec<_> = audit.presented?.links.iter().map(|link| link.subject.as_str()).collect();
    let received = format!("Certificate: {}", names.join(", then "));
    Some(Hit::new(message, format!("ClientHello for {}", audit.host), received))
}

pub(super) fn self_signed(audit: &Audit<'_>) -> Option<Hit> {
    let by_itself = || {
        audit.presented.filter(|presented| presented.is_self_made())?;
        beside(audit, "the certificate is signed by itself, and it is not trusted")
    };
    refused(audit, Code::SelfSigned).or_else(by_itself).filter(|_| inspector(audit).is_none())
}

pub(super) fn host_mismatch(audit: &Audit<'_>) -> Option<Hit> {
    let by_itself = || {
        // The lint looks for names in certificates that are no CA's.
        let is_other = |presented: &&Presented| presented.is_of_other_name() || presented.is_nameless_ca();
        let leaf = audit.presented.filter(is_other)?.leaf.as_ref()?;
        let names = leaf.subject_alt_names.join(", ");
        let message = match names.as_str() {
            "" => format!("the certificate has no subjectAltName, and clients look for {} nowhere else", audit.host),
            names => format!("the certificate is for {names}, and not for {}", audit.host),
        };
        beside(audit, message)
    };
    refused(audit, Code::HostMismatch).or_else(by_itself)
}

pub(super) fn unknown_issuer(audit: &Audit<'_>) -> Option<Hit> {
    refused(audit, Code::UnknownIssuer)
        .filter(|_| !audit.presented.is_some_and(Presented::is_incomplete) && inspector(audit).is_none())
}

pub(super) fn incomplete(audit: &Audit<'_>) -> Option<Hit> {
    let presented = audit.presented?;
    if let Some(missing) = &presented.missing {
        let message = format!("the intermediate `{missing}` is not sent: clients that do not know it refuse the chain");
        let received = format!("{} certificate(s)", presented.links.len());
        return Some(Hit::new(message, format!("ClientHello for {}", audit.host), received));
    }
    let hit = refused(audit, Code::UnknownIssuer).filter(|_| presented.is_incomplete())?;
    let issuer = presented.links.first().map(|link| link.issuer.clone()).unwrap_or_default();
    let message = format!(
        "the certificate comes alone, and its issuer `{issuer}` is not known here: it is an intermediate that is not sent, or a root that is not trusted"
    );
    Some(Hit { message, ..hit })
}

pub(super) fn order(audit: &Audit<'_>) -> Option<Hit> {
    let presented = audit.presented.filter(|presented| presented.is_out_of_order)?;
    let names: Vec<_> = presented.links.iter().map(|link| link.subject.as_str()).collect();
    let message = "a certificate does not issue the one in front of it: strict clients refuse the chain";
    Some(Hit::new(message, format!("ClientHello for {}", audit.host), names.join(", then ")))
}

pub(super) fn root_sent(audit: &Audit<'_>) -> Option<Hit> {
    let presented = audit.presented.filter(|presented| presented.has_root)?;
    let root = presented.links.last()?;
    let message = format!("the root `{}` is sent as well, which clients have or do not trust", root.subject);
    Some(Hit::new(
        message,
        format!("ClientHello for {}", audit.host),
        format!("{} certificates", presented.links.len()),
    ))
}

/// A certificate has to be renewed when a third of its life, or this many days, are left, whichever is less; a quarter
/// of that third is late.
const SOON: i64 = 30;

pub(super) fn expires_soon(audit: &Audit<'_>) -> Option<Hit> {
    let presented =
        audit.presented.filter(|presented| presented.refusal().is_none_or(|why| why.code != Code::Expired))?;
    let (life, left) = presented.days.zip(presented.days_left)?;
    (left >= 0 && left < SOON.min(life / 4)).then(|| {
        let days = crate::base::words::counted(u64::try_from(left).unwrap_or(0), "day");
        let until = presented.leaf.as_ref().map(|leaf| leaf.not_after.to_string()).unwrap_or_default();
        let message = format!("the certificate expires in {days}");
        Hit::new(message, format!("ClientHello for {}", audit.host), format!("notAfter {until}"))
    })
}

/// The status that was stapled, if any.
fn stapled(audit: &Audit<'_>) -> Option<String> {
    let session = audit.session.filter(|session| !session.ocsp.is_empty())?;
    Some(inspect::stapled(&session.ocsp).status)
}

pub(super) fn must_staple(audit: &Audit<'_>) -> Option<Hit> {
    audit.presented.filter(|presented| presented.must_staple)?;
    let is_stapled = stapled(audit).is_some() || audit.facts.behaviour.stapled == Some(true);
    (!is_stapled).then(|| {
        let message =
            "the certificate demands a stapled status (TLS feature), and the server staples none: Firefox refuses it";
        Hit::new(message, "ClientHello with status_request, twice", "no CertificateStatus")
    })
}

pub(super) fn revoked(audit: &Audit<'_>) -> Option<Hit> {
    let status = stapled(audit).filter(|status| status == "revoked")?;
    Some(Hit::new("the stapled status says that the certificate is revoked", "ClientHello with status_request", status))
}

/// The lint's findings, without those that `verify` reports already.
pub(super) fn lints(audit: &Audit<'_>, is_wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
    let Some(presented) = audit.presented else { return Vec::new() };
    let code = presented.refusal().map(|reason| reason.code);
    let is_said = |rule: &str| {
        let is_judged = SAME.iter().any(|(same, known)| *same == rule && Some(*known) == code);
        is_judged || rule == "expires_soon" && is_wanted("expires-soon") && expires_soon(audit).is_some()
    };
    let new = presented.lints.iter().filter(|(_, lint)| is_wanted(&lint.rule) && !is_said(&lint.rule));
    let finding = |(subject, lint): &(String, crate::judge::report::finding::Finding)| Finding {
        severity: lint.severity,
        layer: "tls".to_owned(),
        id: lint.rule.clone().into_owned(),
        message: lint.message.clone(),
        certificate: Some(subject.clone()),
        evidence: Some(Evidence {
            sent: format!("ClientHello for {}", audit.host),
            received: lint.field.clone().into_owned(),
        }),
        hint: lint.fix.clone().into_owned(),
        source: lint.source.clone().into_owned(),
        reference: "docs/linting.md".to_owned(),
    };
    new.map(finding).collect()
}
