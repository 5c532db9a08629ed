//! A whole path, checked as RFC 5280 section 6.1 has it: beside webpki, never in its place.

use super::Request;
use super::certificate::Certificate;
use super::deviation::Deviation;
use super::fault::Rejection;
use super::revocation::Revocation;
use super::{Purpose, extension};
use crate::base::validity::{distance, rfc3339};
use crate::base::words::counted;
use crate::encoding::asn1;
use crate::judge::report::verdict::Code;
use crate::x509::constraints::{self, NameConstraints};
use crate::x509::extension::{BasicConstraints, KeyPurpose, KeyUsage};
use crate::x509::name::{self, GeneralName, Name, ip_address};
use crate::x509::policy;

/// Checks the end-entity certificate's own fields; cheap, so done before any signature.
pub(super) fn check_leaf(leaf: &Certificate, request: &Request<'_>) -> Result<(), Rejection> {
    check_version(leaf, 0)?;
    check_fault(leaf, 0)?;
    check_time(leaf, 0, request)?;
    if leaf.is_ca() && request.purpose != Purpose::Any {
        let message = "it is a CA's certificate, and a server or client shows it as its own (RFC 5280 section 4.2.1.9)";
        return Err(Rejection::new(Code::CaAsLeaf, 0, message));
    }
    check_purpose(leaf, 0, request.purpose)?;
    if request.purpose != Purpose::Any && !leaf.extensions().may(KeyUsage::DIGITAL_SIGNATURE) {
        let message = "its keyUsage lacks digitalSignature, which TLS 1.3 needs (RFC 5280 section 4.2.1.3, RFC 8446 section 4.4.2.2)";
        return Err(Rejection::new(Code::WrongPurpose, 0, message));
    }
    Ok(())
}

/// Checks a path whose signatures hold: from the end-entity certificate to the trust anchor.
pub(super) fn check(path: &[&Certificate], request: &Request<'_>) -> Result<(), Rejection> {
    let anchor = path.len() - 1;
    let mut below: u32 = 0;
    for (index, issuer) in path.iter().enumerate().skip(1) {
        let is_anchor = index == anchor;
        if !(is_anchor && issuer.is_old()) {
            check_version(issuer, index)?;
        }
        check_issuer(issuer, index, below, request)?;
        if !is_anchor && !issuer.is_self_issued() {
            below = below.saturating_add(1);
        }
    }
    check_names(path)?;
    check_policies(path)?;
    if let Some(record) = request.anchors.record() {
        record.check(path)?;
    }
    if !request.crls.is_empty() {
        let revocation =
            Revocation { path, presented: request.presented, crls: request.crls, at: request.at.unix_timestamp() };
        (0..anchor).rev().try_for_each(|index| revocation.check(index))?;
    }
    match deviations(path, request).first() {
        Some((index, deviation)) if request.strict => {
            Err(Rejection::new(deviation.code(), *index, deviation.message()))
        }
        _ => Ok(()),
    }
}

/// Applies section 6.1.4 (k) to (n), to the anchor too: trust in a certificate is limited by its extensions.
fn check_issuer(issuer: &Certificate, index: usize, below: u32, request: &Request<'_>) -> Result<(), Rejection> {
    let extensions = issuer.extensions();
    check_fault(issuer, index)?;
    check_time(issuer, index, request)?;
    if issuer.is_old() {
        // An anchor that has no extensions is taken for its name and key alone (section 6.1.1 d).
        return Ok(());
    }
    let not_a_ca = |message: &str| Err(Rejection::new(Code::NotACa, index, message));
    match extensions.basic_constraints() {
        Some(BasicConstraints { ca: true, path_len: Some(limit), .. }) if below > *limit => {
            let message = format!(
                "its pathLenConstraint is {limit}, with {} below it (RFC 5280 section 4.2.1.9)",
                counted(below, "intermediate")
            );
            return Err(Rejection::new(Code::PathTooLong, index, message));
        }
        Some(BasicConstraints { ca: true, .. }) => {}
        _ => {
            return not_a_ca("it is no CA, and signed a certificate (RFC 5280 section 6.1.4 k)");
        }
    }
    if !extensions.may(KeyUsage::KEY_CERT_SIGN) {
        return not_a_ca("its keyUsage lacks keyCertSign, and it signed a certificate (RFC 5280 section 6.1.4 n)");
    }
    check_purpose(issuer, index, request.purpose)
}

fn check_fault(certificate: &Certificate, index: usize) -> Result<(), Rejection> {
    certificate.fault().map_or(Ok(()), |fault| Err(Rejection::of(fault, index)))
}

fn check_version(certificate: &Certificate, index: usize) -> Result<(), Rejection> {
    certificate.version_fault().map_or(Ok(()), |fault| Err(Rejection::of(&fault, index)))
}

/// Both ends are inclusive, in whole seconds (section 4.1.2.5).
fn check_time(certificate: &Certificate, index: usize, request: &Request<'_>) -> Result<(), Rejection> {
    let at = request.at.unix_timestamp();
    let (begin, end) = (certificate.read().not_before.at, certificate.read().not_after.at);
    let text = |time| format!("{} ({})", distance(time, request.at), rfc3339(time));
    if at > end.unix_timestamp() {
        return Err(Rejection::new(Code::Expired, index, format!("it expired {}", text(end))));
    }
    if at < begin.unix_timestamp() {
        let message = format!("it is not valid yet: it begins {}", text(begin));
        return Err(Rejection::new(Code::NotYetValid, index, message));
    }
    Ok(())
}

/// extKeyUsage, along the whole path as webpki, OpenSSL and Go have it (section 4.2.1.12).
fn check_purpose(certificate: &Certificate, index: usize, purpose: Purpose) -> Result<(), Rejection> {
    let Some(usage) = certificate.extensions().ext_key_usage() else { return Ok(()) };
    let purpose = match purpose {
        Purpose::Any => return Ok(()),
        Purpose::Server => KeyPurpose::Server,
        Purpose::Client => KeyPurpose::Client,
    };
    if usage.has(purpose) {
        return Ok(());
    }
    let message = format!("its extKeyUsage lacks {} (RFC 5280 section 4.2.1.12)", purpose.name());
    Err(Rejection::new(Code::WrongPurpose, index, message))
}

/// Section 6.1.3 (b) and (c), with the anchor's constraints too.
fn check_names(path: &[&Certificate]) -> Result<(), Rejection> {
    if !path.iter().skip(1).any(|certificate| certificate.extensions().name_constraints().is_some()) {
        return Ok(());
    }
    let mut budget = constraints::BUDGET;
    let mut names = Vec::new();
    for (index, certificate) in path.iter().enumerate() {
        let is_constrained = index == 0 || !certificate.is_self_issued();
        let malformed = |error: asn1::Error| {
            let message = format!("a name in it is malformed: {error} (RFC 5280 section 4.2.1.6)");
            Rejection::new(Code::Malformed, index, message)
        };
        names.push(if is_constrained {
            let alternatives = certificate.extensions().subject_alt_name();
            constraints::Name::all(&certificate.read().subject, alternatives).map_err(malformed)?
        } else {
            Vec::new()
        });
    }
    for (issuer, certificate) in path.iter().enumerate().skip(1).rev() {
        let Some(constraints) = certificate.extensions().name_constraints() else { continue };
        for index in (0..issuer).rev() {
            let names = names.get(index).map(Vec::as_slice).unwrap_or_default();
            constraints.check(names, &mut budget).map_err(|error| violation(&error, index, constraints))?;
        }
    }
    Ok(())
}

fn violation(error: &constraints::Error, index: usize, constraints: &NameConstraints<'_>) -> Rejection {
    if *error == constraints::Error::TooComplex {
        return Rejection::new(Code::ChainTooComplex, index, error.to_string());
    }
    let mut message = format!("its issuer may not certify its names: {error} (RFC 5280 section 4.2.1.10)");
    let permitted = constraints.permitted_text();
    if !permitted.is_empty() && permitted.len() <= 12 {
        message = format!("{message}; permitted are {}", permitted.join(", "));
    }
    Rejection::new(Code::NameConstraint, index, message)
}

/// Section 6.1's policy processing, which only says no where a certificate asks for it.
fn check_policies(path: &[&Certificate]) -> Result<(), Rejection> {
    // policyConstraints, policyMappings or inhibitAnyPolicy; certificatePolicies alone forbid nothing.
    let has_rules =
        |certificate: &&&Certificate| extension::policies(certificate.read()).any(|(number, _)| number != 32);
    if !path.iter().any(|certificate| has_rules(&certificate)) {
        return Ok(());
    }
    // The anchor's are no input of the algorithm (section 6.1.1), as little as for the others who process policies.
    let certificates: Vec<_> = path.iter().rev().skip(1).map(|certificate| policies(certificate)).collect();
    let last = certificates.len().saturating_sub(1);
    policy::check(&certificates).map_err(|error| {
        let message = format!("{error} (RFC 5280 section 6.1.3)");
        let code = match error {
            policy::Error::NoPolicy { .. } => Code::WrongPurpose,
            _ => Code::Malformed,
        };
        Rejection::new(code, last.saturating_sub(error.index()), message)
    })
}

fn policies(certificate: &Certificate) -> policy::Certificate<'_> {
    let extensions = extension::policies(certificate.read());
    policy::Certificate {
        extensions: extensions.map(|(number, extension)| (number, extension.octets)).collect(),
        is_self_issued: certificate.is_self_issued(),
    }
}

/// Lists the deviations of each certificate on a path and of each with its issuer, from the end-entity certificate up.
pub(super) fn deviations(path: &[&Certificate], request: &Request<'_>) -> Vec<(usize, Deviation)> {
    let mut all = Vec::new();
    for (index, certificate) in path.iter().enumerate() {
        let is_anchor = index > 0 && index + 1 == path.len();
        // How a trust anchor was issued matters to nobody who trusts it.
        let is_trusted = is_anchor || path.len() == 1 && certificate.is_ca();
        let own = certificate.deviations().iter().filter(|deviation| !(is_trusted && deviation.is_about_issuance()));
        all.extend(own.map(|deviation| (index, *deviation)));
        let issuer = path.get(index + 1).or(certificate.is_self_issued().then_some(certificate));
        if issuer.is_some_and(|issuer| key_ids(certificate, issuer) == Agreement::Different) {
            all.push((index, Deviation::AkiMismatch));
        }
        if is_anchor && certificate.extensions().ext_key_usage().is_some() {
            all.push((index, Deviation::EkuOnRoot));
        }
        if is_anchor && certificate.is_old() {
            all.push((index, Deviation::AnchorWithoutExtensions));
        }
    }
    if let Some(leaf) = path.first().filter(|_| request.purpose != Purpose::Any) {
        all.extend(leaf_oddities(leaf).map(|deviation| (0, deviation)));
    }
    if !request.crls.is_empty() {
        all.extend(request.crls.iter().flat_map(|crl| crl.deviations()).map(|deviation| (0, *deviation)));
    }
    all
}

/// Compares the key identifiers of a certificate and of one that may be its issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    Same,
    /// One of the two is absent.
    Unknown,
    Different,
}

pub(super) fn key_ids(certificate: &Certificate, issuer: &Certificate) -> Agreement {
    match (certificate.authority_key_id(), issuer.key_id()) {
        (Some(authority), Some(subject)) if authority == subject => Agreement::Same,
        (Some(_), Some(_)) => Agreement::Different,
        _ => Agreement::Unknown,
    }
}

fn leaf_oddities(leaf: &Certificate) -> impl Iterator<Item = Deviation> {
    let notes = [
        (!is_common_name_in_san(leaf), Deviation::CommonNameNotInSan),
        (
            leaf.names().any(|name| matches!(name, GeneralName::Dns(name) if covers_suffix(name))),
            Deviation::WildcardOnPublicSuffix,
        ),
    ];
    notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, deviation)| deviation)
}

/// Returns true if the last commonName, if it is a host and SANs of its kind exist, is literally one of them or the
/// domain above one.
fn is_common_name_in_san(leaf: &Certificate) -> bool {
    let Some(common_name) = common_name(&leaf.read().subject) else { return true };
    let looks_like_host =
        common_name.contains(['.', ':']) && !common_name.contains([' ', '@', '/']) || common_name.starts_with("0x");
    let is_numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'x' | ':');
    let is_address = common_name.contains(':') || common_name.starts_with("0x") || common_name.chars().all(is_numeric);
    let is_of_kind = |name: &&GeneralName<'_>| match name {
        GeneralName::Ip(_) => is_address,
        GeneralName::Dns(_) => !is_address,
        _ => false,
    };
    let mut of_its_kind = leaf.names().filter(is_of_kind).peekable();
    let is_above = |name: &[u8]| name.strip_suffix(common_name.as_bytes()).is_some_and(|rest| rest.ends_with(b"."));
    !looks_like_host
        || of_its_kind.peek().is_none()
        || of_its_kind.any(|name| match name {
            GeneralName::Ip(octets) => ip_address(octets).is_some_and(|address| address.to_string() == common_name),
            GeneralName::Dns(name) => *name == common_name.as_bytes() || is_above(name),
            _ => false,
        })
}

/// The last commonName.
fn common_name<'a>(subject: &Name<'a>) -> Option<std::borrow::Cow<'a, str>> {
    let name = subject.read.as_ref().ok()?;
    let last = name.attributes().iter().rev().find(|attribute| attribute.kind.content == [0x55, 4, 3])?;
    asn1::decode_string(last.value.tag, last.value.content)
}

/// Returns true if a wildcard stands directly below a public suffix.
fn covers_suffix(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"*.") else { return false };
    name::is_public_suffix(rest)
}
