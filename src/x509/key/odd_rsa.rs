//! Signatures of RSA keys of sizes that aws-lc-rs does not verify: no client trusts them, but `inspect` still has to
//! find their issuer.

use aws_lc_rs::digest;
use num_bigint::BigUint;

use super::{RSA_PSS, RsaNumbers};

/// Most bits of a modulus, and of an exponent: beyond them it takes too long.
const MOST_BITS: (u64, u64) = (16_384, 64);

/// Returns true if aws-lc-rs accepts no modulus of this size for a signature algorithm: it has SHA-384 and RSASSA-PSS
/// from 2048 bits on, the others from 1024.
pub(super) fn is_odd(modulus_bits: u32, oid: &str) -> bool {
    let least = if matches!(oid, "1.2.840.113549.1.1.12" | RSA_PSS) { 2048 } else { 1024 };
    !(least..=8192).contains(&modulus_bits)
}

/// Checks an RSASSA-PKCS1-v1_5 signature (RFC 8017 section 8.2.2); `None` when that cannot be done, as of all other
/// kinds.
pub(super) fn verify(key: &[u8], oid: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
    let RsaNumbers { modulus, exponent } = RsaNumbers::read(key)?;
    let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
    if modulus.bits() == 0 || modulus.bits() > MOST_BITS.0 || exponent.bits() > MOST_BITS.1 {
        return None;
    }
    let length = usize::try_from(modulus.bits().div_ceil(8)).ok()?;
    let Some(encoded) = encode(digest_info(oid, message)?, length) else { return Some(false) };
    let number = BigUint::from_bytes_be(signature);
    let is_in_range = signature.len() == length && number < modulus;
    Some(is_in_range && number.modpow(&exponent, &modulus) == BigUint::from_bytes_be(&encoded))
}

/// EMSA-PKCS1-v1_5 (section 9.2); `None` when the modulus is too short for it.
fn encode(digest_info: Vec<u8>, length: usize) -> Option<Vec<u8>> {
    let padding = length.checked_sub(digest_info.len() + 3).filter(|padding| *padding >= 8)?;
    Some([vec![0, 1], vec![0xff; padding], vec![0], digest_info].concat())
}

/// A message's digest with its algorithm, in DER; `None` for another signature algorithm.
fn digest_info(oid: &str, message: &[u8]) -> Option<Vec<u8>> {
    const SHA2: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let (algorithm, id) = match oid {
        "1.2.840.113549.1.1.5" => (&digest::SHA1_FOR_LEGACY_USE_ONLY, vec![0x2b, 0x0e, 0x03, 0x02, 0x1a]),
        "1.2.840.113549.1.1.11" => (&digest::SHA256, [&SHA2[..], &[1]].concat()),
        "1.2.840.113549.1.1.12" => (&digest::SHA384, [&SHA2[..], &[2]].concat()),
        "1.2.840.113549.1.1.13" => (&digest::SHA512, [&SHA2[..], &[3]].concat()),
        _ => return None,
    };
    // All of them are far shorter than the 128 octets from which on lengths take more than one.
    let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap_or(0)], content].concat();
    let identifier = wrap(0x30, &[wrap(0x06, &id), wrap(0x05, &[])].concat());
    Some(wrap(0x30, &[identifier, wrap(0x04, digest::digest(algorithm, message).as_ref())].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::asn1::write::{sequence, unsigned};

    /// The octets of RFC 8017 section 9.2, note 1.
    #[test]
    fn digests_have_their_algorithm_before_them() {
        let sha2 = |last, length| {
            [&[0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last, 5, 0, 4, length][..]].concat()
        };
        let sha1 = vec![0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 20];
        for (last, inner, length) in
            [(5, sha1, 20), (11, sha2(1, 32), 32), (12, sha2(2, 48), 48), (13, sha2(3, 64), 64)]
        {
            let info = digest_info(&format!("1.2.840.113549.1.1.{last}"), b"message").unwrap();
            let front = [&[0x30, u8::try_from(inner.len() + length).unwrap()], &inner[..]].concat();
            assert_eq!(info[..front.len()], front, "{last}");
            assert_eq!(info.len(), front.len() + length, "{last}");
        }
        assert_eq!(digest_info("1.2.840.113549.1.1.4", b"message"), None, "MD5 is too weak");
    }

    /// Beyond these bounds one signature would take minutes.
    #[test]
    fn numbers_that_take_too_long_are_not_raised_to() {
        const SHA256: &str = "1.2.840.113549.1.1.11";
        let verify = |modulus: &[u8], exponent: &[u8]| {
            let length = modulus.len();
            verify(&sequence(&[&unsigned(modulus), &unsigned(exponent)]), SHA256, b"message", &vec![0; length])
        };
        let exponent = |bits: usize| [&[1 << ((bits - 1) % 8)][..], &vec![1; (bits - 1) / 8]].concat();
        assert_eq!(verify(&[0xa5; 64], &exponent(64)), Some(false));
        assert_eq!(verify(&[0xa5; 64], &exponent(65)), None);
        assert_eq!(verify(&[0xa5; 2048], &[3]), Some(false), "16,384 bits");
        assert_eq!(verify(&[0xa5; 2049], &[3]), None);
        assert_eq!(verify(&[0], &[3]), None);
    }

    /// An exponent as long as the modulus would take minutes to raise to.
    #[test]
    fn long_exponents_are_not_tried() {
        use crate::encoding::asn1::write::{sequence, unsigned};
        let modulus = unsigned(&[0xff; 64]);
        let is_tried = |exponent: &[u8]| {
            let key = sequence(&[&modulus, &unsigned(exponent)]);
            verify(&key, "1.2.840.113549.1.1.11", b"message", &[1; 64]).is_some()
        };
        assert!(is_tried(&[0xff; 8]));
        assert!(!is_tried(&[1, 0, 0, 0, 0, 0, 0, 0, 0]));
    }
}
