//! The structure itself: versions, extensions, DER.

use std::collections::HashSet;

use super::subject::{Role, Subject, values};
use super::{Messages, when};
use crate::base::words::counted;
use crate::encoding::asn1::{self, Value, der, tag};
use crate::judge::inspect;
use crate::x509::extension::id;

/// Critical extensions that verifiers of TLS certificates know.
const UNDERSTOOD: [&[u8]; 12] = [
    id::SUBJECT_KEY_ID,
    id::KEY_USAGE,
    id::SUBJECT_ALT_NAME,
    id::BASIC_CONSTRAINTS,
    id::NAME_CONSTRAINTS,
    id::CRL_DISTRIBUTION_POINTS,
    id::CERTIFICATE_POLICIES,
    id::AUTHORITY_KEY_ID,
    id::EXT_KEY_USAGE,
    id::CT_POISON,
    id::POLICY_CONSTRAINTS,
    id::INHIBIT_ANY_POLICY,
];

/// Critical extensions allowed in a CRL.
const UNDERSTOOD_IN_CRLS: [&[u8]; 2] = [id::ISSUING_DISTRIBUTION_POINT, id::DELTA_CRL_INDICATOR];

/// Deepest nesting that is checked: no structure of RFC 5280 is as deep.
const DEPTH: usize = 32;

pub(super) fn version(subject: &Subject<'_>) -> Messages {
    let wanted = match subject.role {
        Role::Request => 1,
        Role::Crl => 2,
        _ => 3,
    };
    let found = subject.version;
    when(found != Some(wanted), || match found {
        None | Some(u32::MAX) => "its version is none that there is".to_owned(),
        Some(found) => format!("it is of version {found}, not {wanted}"),
    })
}

pub(super) fn duplicate_extension(subject: &Subject<'_>) -> Messages {
    let mut seen = HashSet::new();
    let twice = subject.extensions().iter().filter(|extension| !seen.insert(extension.id));
    twice.map(|extension| format!("the extension {} is there twice", extension.name())).collect()
}

pub(super) fn unknown_critical(subject: &Subject<'_>) -> Messages {
    let is_known =
        |id: &[u8]| UNDERSTOOD.contains(&id) || subject.role == Role::Crl && UNDERSTOOD_IN_CRLS.contains(&id);
    let unknown = subject.extensions().iter().filter(|extension| extension.is_critical() && !is_known(extension.id));
    unknown
        .map(|extension| format!("the extension {} is critical, and clients do not know it", extension.name()))
        .collect()
}

/// Reports known extensions that `inspect` cannot read.
pub(super) fn extension_malformed(subject: &Subject<'_>) -> Messages {
    let wrong = subject.extensions().iter().filter_map(|extension| {
        let error = inspect::extension_error(extension)?;
        Some(format!("the extension {} cannot be read: {error}", extension.name()))
    });
    wrong.collect()
}

pub(super) fn extensions_empty(subject: &Subject<'_>) -> Messages {
    when(subject.has_extensions() && subject.extensions().entries.is_empty(), || {
        "its list of extensions is empty".to_owned()
    })
}

pub(super) fn trailing_data(subject: &Subject<'_>) -> Messages {
    let excess = subject.signed.excess_octets();
    when(excess > 0, || format!("it is followed by {} beyond its end", counted(excess, "octet")))
}

pub(super) fn unique_id(subject: &Subject<'_>) -> Messages {
    when(subject.has_unique_ids, || "it has an issuerUniqueID or subjectUniqueID".to_owned())
}

pub(super) fn non_der(subject: &Subject<'_>) -> Messages {
    let mut found = Vec::new();
    let signed = &subject.signed;
    let mut stack: Vec<(Value<'_>, usize)> =
        [signed.content, signed.algorithm.value, signed.signature].map(|value| (value, 0)).into();
    found.extend(der::deviation(signed.whole));
    for extension in subject.extensions().iter() {
        stack.extend(values(asn1::Reader::new(extension.octets)).into_iter().map(|value| (value, 0)));
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

/// Values that are encoded although they are the default (X.690 section 11.5).
fn defaults(subject: &Subject<'_>) -> Vec<&'static str> {
    let mut found = Vec::new();
    if subject.spells_version {
        found.push("the default version is spelled out");
    }
    if subject.extensions().iter().any(|extension| extension.critical.is_some() && !extension.is_critical()) {
        found.push("the default of critical, FALSE, is spelled out");
    }
    if subject.basic_constraints().is_some_and(|constraints| constraints.spells_default) {
        found.push("the default of cA, FALSE, is spelled out");
    }
    let usage = subject.extension(id::KEY_USAGE).map(|extension| extension.octets);
    let bits = usage.and_then(|value| asn1::only(value, tag::BIT_STRING, "keyUsage").ok());
    if let Some([unused, .., last]) = bits.map(|bits| bits.content)
        && (*last == 0 || last.trailing_zeros() != u32::from(*unused))
    {
        found.push("keyUsage has trailing bits that are zero");
    }
    found
}
