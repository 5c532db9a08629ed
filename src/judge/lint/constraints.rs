//! Name constraints.

use super::subject::{DNS, IP, Subject, oid, values};
use super::{Messages, when};
use crate::encoding::asn1::{Value, tag};
use crate::judge::inspect;
use crate::x509::constraints::NameConstraints;
use crate::x509::name;

/// The fields of each subtree, permitted and excluded.
fn subtrees<'a>(subject: &Subject<'a>) -> Vec<Vec<Value<'a>>> {
    let lists = subject.sequence(oid::NAME_CONSTRAINTS).map(|fields| values(fields.reader())).unwrap_or_default();
    let subtrees = lists.iter().flat_map(|list| values(list.reader()));
    subtrees.map(|subtree| values(subtree.reader())).collect()
}

fn bases<'a>(subject: &Subject<'a>) -> Vec<Value<'a>> {
    subtrees(subject).iter().filter_map(|fields| fields.first().copied()).collect()
}

pub(super) fn in_leaf(subject: &Subject<'_>) -> Messages {
    when(subject.extension(oid::NAME_CONSTRAINTS).is_some(), || "it has nameConstraints, but is no CA".to_owned())
}

pub(super) fn not_critical(subject: &Subject<'_>) -> Messages {
    // Clients such as Go refuse a critical one that speaks of directoryName, so the local CA's is not.
    let is_of_subjects =
        |value: &[u8]| NameConstraints::parse(value).is_ok_and(|constraints| constraints.excludes_subjects_alone());
    let is_lax = subject
        .extension(oid::NAME_CONSTRAINTS)
        .is_some_and(|extension| !extension.is_critical && !is_of_subjects(extension.value));
    when(is_lax, || "nameConstraints are not critical".to_owned())
}

pub(super) fn empty(subject: &Subject<'_>) -> Messages {
    let is_there = subject.extension(oid::NAME_CONSTRAINTS).is_some();
    when(is_there && subtrees(subject).is_empty(), || "nameConstraints constrain nothing".to_owned())
}

pub(super) fn leading_dot(subject: &Subject<'_>) -> Messages {
    let dotted = bases(subject).into_iter().filter(|base| base.tag == DNS && base.content.starts_with(b"."));
    dotted.map(|base| format!("nameConstraints have `{}`, with a dot in front", name::constraint(base))).collect()
}

pub(super) fn bad_mask(subject: &Subject<'_>) -> Messages {
    let bad = bases(subject).into_iter().filter(|base| base.tag == IP && !is_range(base.content));
    bad.map(|_| "nameConstraints have an iPAddress that is no address with a contiguous mask".to_owned()).collect()
}

fn is_range(octets: &[u8]) -> bool {
    let mask = match octets.len() {
        8 => octets.get(4..),
        32 => octets.get(16..),
        _ => None,
    };
    mask.is_some_and(|mask| {
        let ones: u32 = mask.iter().map(|octet| octet.leading_ones()).sum();
        let set: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
        let is_filled = mask.iter().skip_while(|octet| **octet == 0xff).skip(1).all(|octet| *octet == 0);
        ones == set && is_filled
    })
}

pub(super) fn min_max(subject: &Subject<'_>) -> Messages {
    let is_distance = |field: &Value<'_>| [tag::context(0), tag::context(1)].contains(&field.tag);
    let has_distance = subtrees(subject).iter().any(|fields| fields.iter().skip(1).any(is_distance));
    when(has_distance, || "nameConstraints have a minimum or maximum, which nobody reads".to_owned())
}

/// Reports malformed constraints: verifiers must not ignore them, because names of that kind would be unconstrained
/// (RFC 5280 section 4.2.1.10).
pub(super) fn malformed(subject: &Subject<'_>) -> Messages {
    let Some(extension) = subject.extension(oid::NAME_CONSTRAINTS) else { return Vec::new() };
    // Each of these has its own rule.
    let is_told = inspect::extension_error(extension.oid, extension.value).is_some()
        || !bad_mask(subject).is_empty()
        || !min_max(subject).is_empty();
    let error = NameConstraints::parse(extension.value).err().filter(|_| !is_told);
    error.map(|error| error.to_string()).into_iter().collect()
}
