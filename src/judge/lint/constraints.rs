//! Name constraints.

use super::subject::Subject;
use super::{Messages, when};
use crate::x509::constraints::{NameConstraints, Subtree};
use crate::x509::extension::id;

/// The subtrees, permitted and excluded.
fn subtrees<'s, 'a>(subject: &'s Subject<'a>) -> impl Iterator<Item = &'s Subtree<'a>> {
    subject.extensions().name_constraints().into_iter().flat_map(NameConstraints::subtrees)
}

pub(super) fn in_leaf(subject: &Subject<'_>) -> Messages {
    when(subject.extension(id::NAME_CONSTRAINTS).is_some(), || "it has nameConstraints, but is no CA".to_owned())
}

pub(super) fn not_critical(subject: &Subject<'_>) -> Messages {
    // Clients such as Go refuse a critical one that speaks of directoryName, so the local CA's is not.
    let is_of_subjects = subject.extensions().name_constraints().is_some_and(NameConstraints::excludes_subjects_alone);
    let is_lax = subject.is_not_critical(id::NAME_CONSTRAINTS) && !is_of_subjects;
    when(is_lax, || "nameConstraints are not critical".to_owned())
}

pub(super) fn empty(subject: &Subject<'_>) -> Messages {
    let is_empty = subject.extensions().name_constraints().is_some_and(NameConstraints::is_empty);
    when(is_empty, || "nameConstraints constrain nothing".to_owned())
}

pub(super) fn leading_dot(subject: &Subject<'_>) -> Messages {
    let dotted = subtrees(subject).filter(|subtree| subtree.has_leading_dot());
    dotted.map(|subtree| format!("nameConstraints have `{subtree}`, with a dot in front")).collect()
}

pub(super) fn bad_mask(subject: &Subject<'_>) -> Messages {
    let bad = subtrees(subject).filter(|subtree| subtree.has_bad_mask());
    bad.map(|_| "nameConstraints have an iPAddress that is no address with a contiguous mask".to_owned()).collect()
}

pub(super) fn min_max(subject: &Subject<'_>) -> Messages {
    let has_distance = subtrees(subject).any(Subtree::has_distance);
    when(has_distance, || "nameConstraints have a minimum or maximum, which nobody reads".to_owned())
}

/// Reports malformed constraints: verifiers must not ignore them, because names of that kind would be unconstrained
/// (RFC 5280 section 4.2.1.10).
pub(super) fn malformed(subject: &Subject<'_>) -> Messages {
    let Some(extension) = subject.extension(id::NAME_CONSTRAINTS) else { return Vec::new() };
    // Each of these has its own rule.
    let is_told = extension.value.is_err() || !bad_mask(subject).is_empty() || !min_max(subject).is_empty();
    let error = NameConstraints::parse(extension.octets).err().filter(|_| !is_told);
    error.map(|error| error.to_string()).into_iter().collect()
}
