//! The structure itself: versions, extensions, DER.

use std::collections::HashSet;

use super::subject::{Role, Subject, oid, values};
use super::{Messages, when};
use crate::asn1::{self, Value, der, oid as names, tag};
use crate::inspect;
use crate::words::counted;

/// Critical extensions that verifiers of TLS certificates know.
const UNDERSTOOD: [&[u8]; 12] = [
    oid::SKI,
    oid::KEY_USAGE,
    oid::SAN,
    oid::BASIC_CONSTRAINTS,
    oid::NAME_CONSTRAINTS,
    oid::CRL_POINTS,
    oid::POLICIES,
    oid::AKI,
    oid::EKU,
    oid::CT_POISON,
    // policyConstraints, inhibitAnyPolicy
    &[0x55, 0x1d, 36],
    &[0x55, 0x1d, 54],
];

/// What a CRL may have that is critical: issuingDistributionPoint and deltaCRLIndicator.
const UNDERSTOOD_IN_CRLS: [&[u8]; 2] = [&[0x55, 0x1d, 28], &[0x55, 0x1d, 27]];

/// Nesting below which nothing is looked at: there is nothing so deep in what RFC 5280 has.
const DEPTH: usize = 32;

fn name(oid: &[u8]) -> String {
    names::name_or_dotted(&names::dotted(oid))
}

pub(super) fn version(subject: &Subject<'_>) -> Messages {
    let wanted = match subject.role {
        Role::Request => 1,
        Role::Crl => 2,
        _ => 3,
    };
    let found = subject.version;
    when(found != wanted, || match found {
        u32::MAX => "its version is none that there is".to_owned(),
        _ => format!("it is of version {found}, not {wanted}"),
    })
}

pub(super) fn duplicate_extension(subject: &Subject<'_>) -> Messages {
    let mut seen = HashSet::new();
    let twice = subject.extensions.iter().filter(|extension| !seen.insert(extension.oid));
    twice.map(|extension| format!("the extension {} is there twice", name(extension.oid))).collect()
}

pub(super) fn unknown_critical(subject: &Subject<'_>) -> Messages {
    let is_known =
        |oid: &[u8]| UNDERSTOOD.contains(&oid) || subject.role == Role::Crl && UNDERSTOOD_IN_CRLS.contains(&oid);
    let unknown = subject.extensions.iter().filter(|extension| extension.is_critical && !is_known(extension.oid));
    unknown
        .map(|extension| format!("the extension {} is critical, and clients do not know it", name(extension.oid)))
        .collect()
}

/// What `inspect` says of the extensions that it knows and cannot read.
pub(super) fn extension_malformed(subject: &Subject<'_>) -> Messages {
    let wrong = subject.extensions.iter().filter_map(|extension| {
        let error = inspect::extension_error(extension.oid, extension.value)?;
        Some(format!("the extension {} cannot be read: {error}", name(extension.oid)))
    });
    wrong.collect()
}

pub(super) fn extensions_empty(subject: &Subject<'_>) -> Messages {
    when(subject.has_extensions && subject.extensions.is_empty(), || "its list of extensions is empty".to_owned())
}

pub(super) fn trailing_data(subject: &Subject<'_>) -> Messages {
    let outer = asn1::Reader::new(subject.der).value("it").map_or(0, |value| value.raw.len());
    let behind = subject.der.len().saturating_sub(outer);
    let known = [&[subject.content, subject.algorithm, subject.signature].map(|value| value.raw.len())[..]].concat();
    let within = asn1::Reader::new(subject.der).value("it").map_or(0, |value| value.content.len());
    let within = within.saturating_sub(known.iter().sum());
    when(behind + within > 0, || format!("it is followed by {} beyond its end", counted(behind + within, "octet")))
}

pub(super) fn unique_id(subject: &Subject<'_>) -> Messages {
    when(subject.has_unique_ids, || "it has an issuerUniqueID or subjectUniqueID".to_owned())
}

pub(super) fn non_der(subject: &Subject<'_>) -> Messages {
    let mut found = Vec::new();
    let mut stack: Vec<(Value<'_>, usize)> =
        [subject.content, subject.algorithm, subject.signature].map(|value| (value, 0)).into();
    if let Ok(outer) = asn1::Reader::new(subject.der).value("it") {
        found.extend(der::deviation(outer));
    }
    for extension in &subject.extensions {
        stack.extend(values(asn1::Reader::new(extension.value)).into_iter().map(|value| (value, 0)));
    }
    while let Some((value, depth)) = stack.pop() {
        found.extend(deviation(value));
        if value.tag & 0x20 != 0 && depth < DEPTH {
            stack.extend(values(value.reader()).into_iter().map(|inner| (inner, depth + 1)));
        }
    }
    found.extend(defaults(subject));
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(str::to_owned).collect()
}

/// The rule of DER that a value breaks, the order of a SET among them.
fn deviation(value: Value<'_>) -> Option<&'static str> {
    der::deviation(value).or_else(|| (value.tag == tag::SET && !is_sorted(value)).then_some("a SET is not in order"))
}

/// X.690 section 11.6.
fn is_sorted(set: Value<'_>) -> bool {
    values(set.reader()).windows(2).all(|pair| matches!(pair, [a, b] if a.raw <= b.raw))
}

/// Values that are written although they are what is meant without them (X.690 section 11.5).
fn defaults(subject: &Subject<'_>) -> Vec<&'static str> {
    let mut found = Vec::new();
    if subject.spells_version {
        found.push("the default version is spelled out");
    }
    if subject.extensions.iter().any(|extension| extension.spells_default) {
        found.push("the default of critical, FALSE, is spelled out");
    }
    let constraints = subject.sequence(oid::BASIC_CONSTRAINTS).map(|fields| values(fields.reader()));
    if constraints.unwrap_or_default().iter().any(|field| field.tag == tag::BOOLEAN && field.content == [0]) {
        found.push("the default of cA, FALSE, is spelled out");
    }
    let usage = subject.extension(oid::KEY_USAGE).map(|extension| extension.value);
    let bits = usage.and_then(|value| asn1::only(value, tag::BIT_STRING, "keyUsage").ok());
    if let Some([unused, .., last]) = bits.map(|bits| bits.content)
        && (*last == 0 || last.trailing_zeros() != u32::from(*unused))
    {
        found.push("keyUsage has trailing bits that are zero");
    }
    found
}
