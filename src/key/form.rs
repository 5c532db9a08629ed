//! Private keys in forms that other programs write and aws-lc-rs does not read, rewritten in the usual form.

use rustls::pki_types::PrivateKeyDer;

use crate::asn1::{self, Reader, der::significant, tag, write};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Rewrites a key in the usual form: PKCS#8 of version 1, RSA with NULL as its parameters (RFC 8017 appendix A.1), and
/// numbers without needless zeros. Returns `None` for other kinds of keys and for those that are damaged.
pub(super) fn usual(key: &PrivateKeyDer<'_>) -> Option<PrivateKeyDer<'static>> {
    match key {
        PrivateKeyDer::Pkcs1(key) => Some(PrivateKeyDer::Pkcs1(rsa(key.secret_pkcs1_der())?.into())),
        PrivateKeyDer::Pkcs8(key) => Some(PrivateKeyDer::Pkcs8(pkcs8(key.secret_pkcs8_der())?.into())),
        _ => None,
    }
}

fn pkcs8(der: &[u8]) -> Option<Vec<u8>> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "PrivateKeyInfo").ok()?.reader();
    fields.tagged(tag::INTEGER, "version").ok()?;
    let identifier = fields.tagged(tag::SEQUENCE, "privateKeyAlgorithm").ok()?;
    let key = fields.tagged(tag::OCTET_STRING, "privateKey").ok()?.content;
    let algorithm = identifier.reader().tagged(tag::OID, "algorithm").ok()?;
    let (identifier, key) = match algorithm.content {
        RSA => (write::sequence(&[algorithm.raw, &[tag::NULL, 0]]), rsa(key)?),
        ED25519 => (write::sequence(&[algorithm.raw]), key.to_vec()),
        _ => return None,
    };
    Some(write::sequence(&[&[tag::INTEGER, 1, 0], &identifier, &write::tlv(tag::OCTET_STRING, &[&key])]))
}

/// RSAPrivateKey of two primes (RFC 8017 appendix A.1.2).
fn rsa(der: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(der);
    let mut fields = reader.tagged(tag::SEQUENCE, "RSAPrivateKey").ok()?.reader();
    // Old programs left the padding of a block cipher behind the key.
    is_padding(reader.rest()).then_some(())?;
    let mut numbers = Vec::new();
    while !fields.is_empty() {
        let number = fields.tagged(tag::INTEGER, "number").ok()?;
        (number.content.first()? & 0x80 == 0).then_some(())?;
        numbers.push(write::unsigned(significant(number.content)));
    }
    (numbers.len() == 9).then(|| write::tlv(tag::SEQUENCE, &numbers.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

fn is_padding(octets: &[u8]) -> bool {
    octets.iter().all(|octet| Some(octet) == octets.first() && (*octet == 0 || usize::from(*octet) == octets.len()))
}

/// The public key that a PKCS#8 key of version 2 states (RFC 5958 section 2), also in the form of ring 0.16, which wrote
/// an explicit tag.
pub(super) fn stated_public_key<'a>(key: &'a PrivateKeyDer<'_>) -> Option<&'a [u8]> {
    let PrivateKeyDer::Pkcs8(key) = key else { return None };
    let mut fields = asn1::only(key.secret_pkcs8_der(), tag::SEQUENCE, "PrivateKeyInfo").ok()?.reader();
    for field in ["version", "privateKeyAlgorithm", "privateKey"] {
        fields.value(field).ok()?;
    }
    fields.optional(tag::constructed(0), "attributes").ok()?;
    let field = fields.value("publicKey").ok()?;
    if field.tag == tag::constructed(1) {
        return field.reader().tagged(tag::BIT_STRING, "publicKey").ok()?.bits();
    }
    (field.tag == tag::context(1)).then(|| field.bits()).flatten()
}

/// Decides whether an RSAPrivateKey has more than two primes: its version is 1.
pub(super) fn is_multi_prime(rsa: &[u8]) -> bool {
    let version =
        || Reader::new(rsa).tagged(tag::SEQUENCE, "key").ok()?.reader().tagged(tag::INTEGER, "version").ok()?.small();
    version() == Some(1)
}
