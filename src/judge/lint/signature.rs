//! Signatures and their algorithms.

use super::context::Context;
use super::subject::{Role, Subject};
use super::{Messages, when};
use crate::encoding::asn1::{Value, tag};
use crate::x509::key::signature_name;

fn algorithm(identifier: Value<'_>) -> (String, Option<u8>) {
    let mut reader = identifier.reader();
    let oid = reader.tagged(tag::OID, "algorithm").map(|oid| oid.oid()).unwrap_or_default();
    (oid, reader.peek())
}

pub(super) fn weak(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    // A trust anchor is trusted for being there: nobody looks at its signature.
    if subject.role == Role::Ca && context.is_self_signed {
        return Vec::new();
    }
    let (oid, _) = algorithm(subject.algorithm);
    let is_weak = matches!(
        oid.as_str(),
        "1.2.840.113549.1.1.2"
            | "1.2.840.113549.1.1.3"
            | "1.2.840.113549.1.1.4"
            | "1.2.840.113549.1.1.5"
            | "1.2.840.10040.4.3"
            | "1.2.840.10045.4.1"
            | "1.3.14.3.2.29"
    );
    when(is_weak, || format!("it is signed with {}", signature_name(&oid).unwrap_or(&oid)))
}

pub(super) fn mismatch(subject: &Subject<'_>) -> Messages {
    when(subject.inner_algorithm.is_some_and(|inner| inner.raw != subject.algorithm.raw), || {
        "the signature algorithm within what is signed is not the one outside".to_owned()
    })
}

pub(super) fn parameters(subject: &Subject<'_>) -> Messages {
    let (oid, parameters) = algorithm(subject.algorithm);
    let is_rsa = oid.starts_with("1.2.840.113549.1.1.") && oid != "1.2.840.113549.1.1.10";
    let is_bare = oid.starts_with("1.2.840.10045.4.") || oid == "1.3.101.112" || oid == "1.3.101.113";
    match parameters {
        None if is_rsa => vec!["the signature algorithm lacks its NULL".to_owned()],
        Some(found) if is_rsa && found != tag::NULL => vec!["the signature algorithm's parameters are not NULL".into()],
        Some(_) if is_bare => vec!["the signature algorithm has parameters, where none may be".to_owned()],
        _ => Vec::new(),
    }
}

/// Rules for requests, and for certificates that claim to be signed with their own key.
pub(super) fn not_its_own(subject: &Subject<'_>) -> Messages {
    let authority = subject.authority_key_id().iter().find(|field| field.tag == tag::context(0)).map(|id| id.content);
    let says_own = match subject.role {
        Role::Request => true,
        Role::Crl => false,
        _ => subject.is_self_issued() && authority.is_none_or(|id| Some(id) == subject.key_id()),
    };
    let is_wrong = || subject.key.as_ref().and_then(|key| subject.is_signed_by(key.spki.raw)) == Some(false);
    when(says_own && is_wrong(), || "its signature is not that of its own key".to_owned())
}
