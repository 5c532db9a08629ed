//! Signatures and their algorithms.

use super::context::Context;
use super::subject::{Role, Subject};
use super::{Messages, when};
use crate::encoding::asn1::tag;
use crate::x509::key::SignatureAlgorithm;

pub(super) fn weak(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    // A trust anchor is trusted for being there: nobody looks at its signature.
    if subject.role == Role::Ca && context.is_self_signed {
        return Vec::new();
    }
    let algorithm = subject.signed.algorithm;
    when(algorithm.signature().is_weak(), || format!("it is signed with {}", algorithm.signature_name()))
}

pub(super) fn mismatch(subject: &Subject<'_>) -> Messages {
    let is_other = subject.inner_algorithm.is_some_and(|inner| inner.value.raw != subject.signed.algorithm.value.raw);
    when(is_other, || "the signature algorithm within what is signed is not the one outside".to_owned())
}

pub(super) fn parameters(subject: &Subject<'_>) -> Messages {
    let algorithm = subject.signed.algorithm;
    let parameters = algorithm.value.reader();
    let found = algorithm.id.and_then(|_| {
        let mut fields = parameters;
        fields.value("algorithm").ok()?;
        fields.peek()
    });
    match (algorithm.signature(), found) {
        (SignatureAlgorithm::Rsa(_), None) => vec!["the signature algorithm lacks its NULL".to_owned()],
        (SignatureAlgorithm::Rsa(_), Some(found)) if found != tag::NULL => {
            vec!["the signature algorithm's parameters are not NULL".into()]
        }
        (SignatureAlgorithm::Ecdsa(_) | SignatureAlgorithm::EdDsa, Some(_)) => {
            vec!["the signature algorithm has parameters, where none may be".to_owned()]
        }
        _ => Vec::new(),
    }
}

/// Rules for requests, and for certificates that claim to be signed with their own key.
pub(super) fn not_its_own(subject: &Subject<'_>) -> Messages {
    let authority = subject.authority_key_id().and_then(|id| id.key_id);
    let says_own = match subject.role {
        Role::Request => true,
        Role::Crl => false,
        _ => subject.is_self_issued() && authority.is_none_or(|id| Some(id) == subject.key_id()),
    };
    let is_wrong = || subject.is_signed_by_itself() == Some(false);
    when(says_own && is_wrong(), || "its signature is not that of its own key".to_owned())
}
