//! Conversion of a PEM block's text, or DER, to its content.

use zeroize::Zeroizing;

use super::der_kind::DerKind;
use super::flaw::{Decoded, Flaw};
use super::{Content, KeyFormat, bare, base64};
use crate::encoding::asn1::tag;

/// Decides whether a label is one of those known here.
pub(super) fn is_known(label: &str) -> bool {
    promised(label).is_some() || label == "OPENSSH PRIVATE KEY"
}

/// Whether the base64 between the markers of a block may be longer than the one structure that it begins with, or is so
/// odd that only decoding it tells.
pub(super) fn may_hold_more(body: &[u8]) -> bool {
    let ends = memchr::memchr_iter(b'\n', body).count() + memchr::memchr_iter(b'\r', body).count();
    let padding = body.trim_ascii_end().iter().rev().take(2).take_while(|octet| **octet == b'=').count();
    let digits = body.len() - ends - padding;
    let Some(head) = base64::head(body) else { return digits > 8 };
    match bare::announced(&head) {
        Some(length) => digits > length.saturating_mul(4).div_ceil(3),
        // BER of indefinite length is not measured here, and what is no DER at all is one thing under its label.
        None => head.starts_with(&[tag::SEQUENCE, 0x80]),
    }
}

/// Decodes the body of a block: at least one result.
pub(super) fn block(label: &str, body: &[u8]) -> Vec<Decoded> {
    if label.starts_with("PGP ") {
        return vec![Ok(Content::Unknown(Vec::new()))];
    }
    let narrow: Vec<u8>;
    let body = if memchr::memchr(0, body).is_some() {
        narrow = body.iter().copied().filter(|octet| *octet != 0).collect();
        &narrow
    } else {
        body
    };
    if memchr::memchr(b':', body).is_none() {
        return decoded(label, body, 0);
    }
    // The colon may be that of an operator between string literals.
    if let Some(octets) = base64::decode(body) {
        return contents(label, octets);
    }
    let (headers, rest) = split_headers(body);
    match memchr::memmem::find(headers, b"ENCRYPTED") {
        Some(_) => vec![legacy(label, headers, rest)],
        None => decoded(label, rest, lines(headers)),
    }
}

/// A key under a passphrase in the old way.
fn legacy(label: &str, headers: &[u8], body: &[u8]) -> Decoded {
    let octets = base64::decode(body).ok_or_else(|| not_base64(body, lines(headers)))?;
    let dek_info = header(headers, b"DEK-Info:").ok_or(Flaw::Broken("is encrypted, and has no DEK-Info"))?;
    let format = match label {
        "RSA PRIVATE KEY" => KeyFormat::Pkcs1,
        "EC PRIVATE KEY" => KeyFormat::Sec1,
        "DSA PRIVATE KEY" => KeyFormat::Dsa,
        "PRIVATE KEY" | "ANY PRIVATE KEY" => KeyFormat::Pkcs8,
        _ => return Err(Flaw::Broken("is encrypted, and not a private key")),
    };
    Ok(Content::EncryptedPrivateKey { format, der: octets, dek_info: Some(dek_info) })
}

/// Decodes a body without headers, which stands so many lines below BEGIN.
fn decoded(label: &str, body: &[u8], line: usize) -> Vec<Decoded> {
    match base64::decode(body) {
        Some(octets) => contents(label, octets),
        None => vec![Err(not_base64(body, line))],
    }
}

fn not_base64(body: &[u8], line: usize) -> Flaw {
    Flaw::NotBase64(base64::Fault::of(body, line))
}

/// The number of line ends.
fn lines(text: &[u8]) -> usize {
    match memchr::memchr_iter(b'\n', text).count() {
        0 => memchr::memchr_iter(b'\r', text).count(),
        feeds => feeds,
    }
}

/// The structures that a block holds: the one that its label promises, and those behind it.
fn contents(label: &str, mut octets: Vec<u8>) -> Vec<Decoded> {
    let length = match DerKind::of(&octets).map(|_| bare::length(&octets)) {
        Some(Ok(length)) if is_known(label) && length < octets.len() => length,
        _ => return vec![content(label, octets)],
    };
    let rest = octets.split_off(length);
    if label == "TRUSTED CERTIFICATE" && is_trust_settings(&rest) {
        return vec![content(label, octets)];
    }
    let mut contents = vec![content(label, octets)];
    contents.extend(bare::behind(&rest));
    contents
}

/// Decides whether octets are OpenSSL's addition to a `TRUSTED CERTIFICATE`: a SEQUENCE of uses, names and a key
/// identifier.
fn is_trust_settings(octets: &[u8]) -> bool {
    crate::encoding::asn1::only(octets, tag::SEQUENCE, "trust settings").is_ok() && DerKind::of(octets).is_none()
}

/// Separates the headers of traditional PEM files (RFC 1421 section 4.6) from the data after them.
fn split_headers(body: &[u8]) -> (&[u8], &[u8]) {
    // On one line, the last header ends where its value does.
    let line_ends = |octet: &u8| matches!(octet, b'\n' | b'\r');
    if !body.trim_ascii().iter().any(line_ends)
        && let Some(start) = memchr::memmem::find(body, b"DEK-Info:")
    {
        let value = start + b"DEK-Info:".len();
        let rest = body.get(value..).unwrap_or_default();
        let spaces = rest.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
        let word = rest.iter().skip(spaces).take_while(|octet| !octet.is_ascii_whitespace()).count();
        return body.split_at_checked(value + spaces + word).unwrap_or((body, &[]));
    }
    let mut end = 0;
    let mut continues = false;
    for line in body.split_inclusive(line_ends) {
        let is_blank = line.trim_ascii().is_empty();
        let is_continued = continues && line.starts_with(b" ") | line.starts_with(b"\t");
        if !is_blank && !is_continued && !line.contains(&b':') {
            break;
        }
        continues = !is_blank;
        end += line.len();
    }
    body.split_at_checked(end).unwrap_or((body, &[]))
}

/// A header's value.
fn header(headers: &[u8], name: &[u8]) -> Option<String> {
    let start = memchr::memmem::find(headers, name)? + name.len();
    let line = headers.get(start..)?.split(|octet| matches!(octet, b'\n' | b'\r')).next()?;
    let text = std::str::from_utf8(line).ok()?.trim();
    text.chars().all(|character| character.is_ascii_graphic()).then(|| text.to_owned())
}

/// Returns the kind of content that a label announces.
fn promised(label: &str) -> Option<DerKind> {
    Some(match label {
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => DerKind::Certificate,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => DerKind::Request,
        "X509 CRL" => DerKind::Crl,
        "PRIVATE KEY" | "ANY PRIVATE KEY" => DerKind::PrivateKey(KeyFormat::Pkcs8),
        "RSA PRIVATE KEY" => DerKind::PrivateKey(KeyFormat::Pkcs1),
        "EC PRIVATE KEY" => DerKind::PrivateKey(KeyFormat::Sec1),
        "DSA PRIVATE KEY" => DerKind::PrivateKey(KeyFormat::Dsa),
        "ENCRYPTED PRIVATE KEY" => DerKind::EncryptedPrivateKey,
        "PUBLIC KEY" => DerKind::PublicKey,
        "RSA PUBLIC KEY" => DerKind::RsaPublicKey,
        "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => DerKind::Pkcs7,
        "PKCS12" => DerKind::Pkcs12,
        "OCSP RESPONSE" => DerKind::OcspResponse,
        "DH PARAMETERS" | "X9.42 DH PARAMETERS" => DerKind::Parameters("DH"),
        "DSA PARAMETERS" => DerKind::Parameters("DSA"),
        "EC PARAMETERS" | "SM2 PARAMETERS" => DerKind::Parameters("EC"),
        _ => return None,
    })
}

/// Reads DER under a label. Its outer kind decides among the kinds that the label may stand for; an unknown kind is
/// treated as the kind that the label names, so that its reader reports the fault.
fn content(label: &str, der: Vec<u8>) -> Result<Content, Flaw> {
    if label == "OPENSSH PRIVATE KEY" {
        return Ok(open_ssh(der));
    }
    let Some(promised) = promised(label) else { return Ok(Content::Unknown(der)) };
    let kind = match (promised, DerKind::of(&der)) {
        (promised, None) => promised,
        // Numbers alone do not tell which parameters they are.
        (DerKind::Parameters(_), Some(DerKind::Parameters(_) | DerKind::RsaPublicKey)) => promised,
        (promised, Some(kind)) if kind.is_akin(promised) => kind,
        // Old servers and authorities write it so, and OpenSSL reads it so.
        (DerKind::Certificate, Some(DerKind::Pkcs7)) => DerKind::Pkcs7,
        (_, Some(kind)) => return Err(Flaw::Holds(kind.describe())),
    };
    Ok(kind.content(der))
}

/// OpenSSH's own format (its PROTOCOL.key): the name of the cipher comes first.
fn open_ssh(der: Vec<u8>) -> Content {
    const PLAIN: &[u8] = b"openssh-key-v1\0\0\0\0\x04none";
    let format = KeyFormat::OpenSsh;
    if der.starts_with(PLAIN) {
        Content::PrivateKey { format, der: Zeroizing::new(der) }
    } else {
        Content::EncryptedPrivateKey { format, der, dek_info: None }
    }
}
