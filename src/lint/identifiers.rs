//! Serial numbers and key identifiers.

use super::context::Context;
use super::subject::{Role, Subject, oid};
use super::{Messages, when};
use crate::asn1::{bit_length, tag};
use crate::name::hex;
use crate::words::counted;

fn serial<'a>(subject: &Subject<'a>) -> &'a [u8] {
    subject.serial.map(|serial| serial.content).unwrap_or_default()
}

pub(super) fn serial_negative(subject: &Subject<'_>) -> Messages {
    when(serial(subject).first().is_some_and(|first| first & 0x80 != 0), || "its serial number is negative".to_owned())
}

pub(super) fn serial_zero(subject: &Subject<'_>) -> Messages {
    when(serial(subject).iter().all(|octet| *octet == 0), || "its serial number is zero".to_owned())
}

pub(super) fn serial_too_long(subject: &Subject<'_>) -> Messages {
    let length = serial(subject).len();
    when(length > 20, || format!("its serial number has {length} octets, more than 20"))
}

/// A random number of 64 bits has below 48 once in 65,536 times.
pub(super) fn serial_short(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    let bits = bit_length(serial(subject));
    let is_positive = serial(subject).first().is_some_and(|first| first & 0x80 == 0);
    when(!context.is_self_signed_ca && is_positive && (1..48).contains(&bits), || {
        format!("its serial number has {}, and 64 have to be random", counted(bits, "bit"))
    })
}

fn authority_key(subject: &Subject<'_>, field: u8) -> bool {
    subject.authority_key_id().iter().any(|value| value.tag == field)
}

pub(super) fn aki_missing(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    when(!context.is_self_signed && !authority_key(subject, tag::context(0)), || {
        "it has no authorityKeyIdentifier with a key identifier".to_owned()
    })
}

pub(super) fn aki_critical(subject: &Subject<'_>) -> Messages {
    when(is_critical(subject, oid::AKI), || "authorityKeyIdentifier is critical".to_owned())
}

fn is_critical(subject: &Subject<'_>, oid: &[u8]) -> bool {
    subject.extension(oid).is_some_and(|extension| extension.is_critical)
}

pub(super) fn aki_mismatch(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    let fields = subject.authority_key_id();
    let named = fields.iter().find(|field| field.tag == tag::context(0)).map(|id| id.content);
    // What is signed by itself is its own issuer.
    let issuer =
        if context.is_self_signed { subject.key_id() } else { context.issuer.and_then(|issuer| issuer.key_id) };
    match (named, issuer) {
        (Some(named), Some(issuer)) => when(named != issuer, || {
            format!("authorityKeyIdentifier is {}, and the issuer's subjectKeyIdentifier {}", hex(named), hex(issuer))
        }),
        _ => Vec::new(),
    }
}

pub(super) fn aki_issuer_serial(subject: &Subject<'_>) -> Messages {
    let names = [tag::constructed(1), tag::context(2)].iter().any(|field| authority_key(subject, *field));
    when(names, || "authorityKeyIdentifier names the issuer's issuer and serial number".to_owned())
}

pub(super) fn ski_missing(subject: &Subject<'_>) -> Messages {
    when(subject.extension(oid::SKI).is_none(), || {
        let whom = if subject.role == Role::Ca { "it is a CA without" } else { "it has no" };
        format!("{whom} subjectKeyIdentifier")
    })
}

pub(super) fn ski_present(subject: &Subject<'_>) -> Messages {
    when(subject.extension(oid::SKI).is_some(), || "it has a subjectKeyIdentifier, which no client needs".to_owned())
}

pub(super) fn ski_critical(subject: &Subject<'_>) -> Messages {
    when(is_critical(subject, oid::SKI), || "subjectKeyIdentifier is critical".to_owned())
}

pub(super) fn crl_number_missing(subject: &Subject<'_>) -> Messages {
    const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
    when(subject.extension(CRL_NUMBER).is_none(), || "it has no cRLNumber".to_owned())
}

pub(super) fn crl_aki_missing(subject: &Subject<'_>) -> Messages {
    when(!authority_key(subject, tag::context(0)), || "it has no authorityKeyIdentifier".to_owned())
}
