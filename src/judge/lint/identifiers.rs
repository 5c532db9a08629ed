//! Serial numbers and key identifiers.

use super::context::Context;
use super::subject::{Role, Subject};
use super::{Messages, when};
use crate::base::hex::hex;
use crate::base::words::counted;
use crate::encoding::asn1::bit_length;
use crate::x509::extension::id;

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

fn has_authority_key(subject: &Subject<'_>) -> bool {
    subject.authority_key_id().is_some_and(|id| id.key_id.is_some())
}

pub(super) fn aki_missing(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    when(!context.is_self_signed && !has_authority_key(subject), || {
        "it has no authorityKeyIdentifier with a key identifier".to_owned()
    })
}

pub(super) fn aki_critical(subject: &Subject<'_>) -> Messages {
    when(subject.is_critical(id::AUTHORITY_KEY_ID), || "authorityKeyIdentifier is critical".to_owned())
}

pub(super) fn aki_mismatch(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    let named = subject.authority_key_id().and_then(|id| id.key_id);
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
    let names = subject.authority_key_id().is_some_and(|id| id.issuer.is_some() || id.serial.is_some());
    when(names, || "authorityKeyIdentifier names the issuer's issuer and serial number".to_owned())
}

pub(super) fn ski_missing(subject: &Subject<'_>) -> Messages {
    when(subject.extension(id::SUBJECT_KEY_ID).is_none(), || {
        let whom = if subject.role == Role::Ca { "it is a CA without" } else { "it has no" };
        format!("{whom} subjectKeyIdentifier")
    })
}

pub(super) fn ski_present(subject: &Subject<'_>) -> Messages {
    when(subject.extension(id::SUBJECT_KEY_ID).is_some(), || {
        "it has a subjectKeyIdentifier, which no client needs".to_owned()
    })
}

pub(super) fn ski_critical(subject: &Subject<'_>) -> Messages {
    when(subject.is_critical(id::SUBJECT_KEY_ID), || "subjectKeyIdentifier is critical".to_owned())
}

pub(super) fn crl_number_missing(subject: &Subject<'_>) -> Messages {
    when(subject.extension(id::CRL_NUMBER).is_none(), || "it has no cRLNumber".to_owned())
}

pub(super) fn crl_aki_missing(subject: &Subject<'_>) -> Messages {
    when(!has_authority_key(subject), || "it has no authorityKeyIdentifier".to_owned())
}
