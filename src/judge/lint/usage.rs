//! Rules for the purposes of keys: keyUsage, extKeyUsage, basicConstraints.

use time::macros::datetime;

use super::context::Context;
use super::subject::{Role, Subject};
use super::{Messages, when};
use crate::encoding::asn1::decode_string;
use crate::x509::extension::{KeyPurpose, KeyUsage, id};
use crate::x509::key::PublicKey;

fn is_for(subject: &Subject<'_>, purpose: KeyPurpose<'_>) -> bool {
    subject.extensions().ext_key_usage().is_some_and(|usage| usage.has(purpose))
}

fn has(subject: &Subject<'_>, usage: KeyUsage) -> bool {
    subject.key_usage().is_some_and(|usages| usages.has(usage))
}

pub(super) fn eku_absent(subject: &Subject<'_>) -> Messages {
    when(subject.extension(id::EXT_KEY_USAGE).is_none(), || "it has no extKeyUsage, so it is for anything".to_owned())
}

pub(super) fn eku_missing_server_auth(subject: &Subject<'_>) -> Messages {
    let is_client = is_for(subject, KeyPurpose::Client);
    when(subject.names_hosts() && !is_client, || "it names hosts, but its extKeyUsage lacks serverAuth".to_owned())
}

pub(super) fn eku_client_only(subject: &Subject<'_>) -> Messages {
    let is_client = is_for(subject, KeyPurpose::Client);
    when(subject.names_hosts() && is_client, || {
        "it names hosts and is for clients alone: no server can show it".to_owned()
    })
}

pub(super) fn eku_any(subject: &Subject<'_>) -> Messages {
    when(is_for(subject, KeyPurpose::Any), || "its extKeyUsage is anyExtendedKeyUsage".to_owned())
}

pub(super) fn eku_client_auth(subject: &Subject<'_>) -> Messages {
    let both = [KeyPurpose::Server, KeyPurpose::Client].iter().all(|purpose| is_for(subject, *purpose));
    // Chrome's root program, version 1.8.
    let until = datetime!(2027-03-15 0:00 UTC);
    when(both, || {
        let begins = subject.times.first().is_some_and(|begin| begin.at >= until);
        let when = if begins { "does not" } else { "from 2027-03-15 on will not" };
        format!("it is for clients, too, and Chrome's root program {when} allow that")
    })
}

pub(super) fn eku_critical(subject: &Subject<'_>) -> Messages {
    when(subject.is_critical(id::EXT_KEY_USAGE), || "extKeyUsage is critical".to_owned())
}

/// A CA certificate that a server is meant to present: one that names hosts, or a lone one.
pub(super) fn ca_true_leaf(subject: &Subject<'_>) -> Messages {
    let has_host_as_subject = || {
        let attributes = subject.subject.as_ref().map(super::attributes::all).unwrap_or_default();
        let last = attributes.iter().rev().find(|attribute| attribute.kind.content == [0x55, 4, 3]);
        let common_name = last.and_then(|name| decode_string(name.value.tag, name.value.content)).unwrap_or_default();
        common_name == "localhost" || common_name.parse::<std::net::IpAddr>().is_ok()
    };
    when(subject.names_hosts() || has_host_as_subject(), || {
        "it names hosts and is a CA: rustls and others refuse it from a server, and its key could sign for any name"
            .to_owned()
    })
}

pub(super) fn self_signed_leaf_trusted(subject: &Subject<'_>, context: &Context<'_>) -> Messages {
    when(context.is_anchor && subject.names_hosts(), || {
        "it is a server's certificate in this system's root store: its key is on a server".to_owned()
    })
}

pub(super) fn leaf_key_cert_sign(subject: &Subject<'_>) -> Messages {
    when(has(subject, KeyUsage::KEY_CERT_SIGN), || "keyUsage has keyCertSign, but it is no CA".to_owned())
}

pub(super) fn leaf_crl_sign(subject: &Subject<'_>) -> Messages {
    when(has(subject, KeyUsage::CRL_SIGN), || "keyUsage has cRLSign, but it is no CA".to_owned())
}

pub(super) fn ku_not_for_tls(subject: &Subject<'_>) -> Messages {
    when(subject.key_usage().is_some() && !has(subject, KeyUsage::DIGITAL_SIGNATURE), || {
        "keyUsage lacks digitalSignature, which TLS 1.3 and every ECDHE suite need".to_owned()
    })
}

pub(super) fn ku_ec_encipherment(subject: &Subject<'_>) -> Messages {
    let is_rsa = subject.key.as_ref().is_none_or(|key| matches!(key.key, PublicKey::Rsa(_) | PublicKey::RsaPss(_)));
    when(!is_rsa && has(subject, KeyUsage::KEY_ENCIPHERMENT), || {
        "keyUsage has keyEncipherment, and only an RSA key can encrypt keys".to_owned()
    })
}

pub(super) fn ku_missing(subject: &Subject<'_>) -> Messages {
    when(subject.extension(id::KEY_USAGE).is_none(), || "it is a CA without keyUsage".to_owned())
}

pub(super) fn ku_no_cert_sign(subject: &Subject<'_>) -> Messages {
    when(subject.key_usage().is_some() && !has(subject, KeyUsage::KEY_CERT_SIGN), || {
        "it is a CA whose keyUsage lacks keyCertSign".to_owned()
    })
}

pub(super) fn ku_empty(subject: &Subject<'_>) -> Messages {
    when(subject.key_usage().is_some_and(|usage| usage.is_empty()), || "keyUsage has no bit set".to_owned())
}

pub(super) fn ku_not_critical(subject: &Subject<'_>) -> Messages {
    when(subject.is_not_critical(id::KEY_USAGE), || "keyUsage is not critical".to_owned())
}

pub(super) fn bc_not_critical(subject: &Subject<'_>) -> Messages {
    when(subject.is_not_critical(id::BASIC_CONSTRAINTS), || "basicConstraints are not critical".to_owned())
}

fn has_path_len(subject: &Subject<'_>) -> bool {
    subject.basic_constraints().is_some_and(|constraints| constraints.path_len.is_some())
}

pub(super) fn pathlen_without_ca(subject: &Subject<'_>) -> Messages {
    let is_end_entity = subject.role != Role::Ca;
    when(is_end_entity && has_path_len(subject), || "it has a pathLenConstraint, but is no CA".to_owned())
}

pub(super) fn pathlen_without_cert_sign(subject: &Subject<'_>) -> Messages {
    when(has_path_len(subject) && !has(subject, KeyUsage::KEY_CERT_SIGN), || {
        "it has a pathLenConstraint, but its keyUsage lacks keyCertSign".to_owned()
    })
}
