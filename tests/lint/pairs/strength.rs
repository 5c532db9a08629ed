//! Keys, signatures, numbers, structure.

use num_bigint::BigUint;
use secure_io::key::{Algorithm, PrivateKey};

use super::{Pair, pair};
use crate::builder::*;

fn keyed(spki: Vec<u8>) -> Certificate {
    Certificate { spki, ..private() }
}

const E: &[u8] = &[1, 0, 1];

fn rsa_pair(id: &'static str, trips: (&[u8], &[u8]), passes: (&[u8], &[u8])) -> Pair {
    pair(id, &keyed(rsa(trips.0, trips.1)), &keyed(rsa(passes.0, passes.1)))
}

fn positive(number: &BigUint) -> Vec<u8> {
    let octets = number.to_bytes_be();
    if octets[0] & 0x80 != 0 { [&[0], &octets[..]].concat() } else { octets }
}

/// Two numbers so far apart, with no factor below 752, multiplied: 2048 bits.
fn near_square(distance: u32) -> Vec<u8> {
    let has_small_factor = |n: &BigUint| (2..752u32).any(|d| n % d == BigUint::ZERO);
    let next = |mut n: BigUint| {
        while has_small_factor(&n) {
            n += 1u32;
        }
        n
    };
    let first = next((BigUint::from(3u32) << 1022u32) + 1u32);
    let second = next(&first + (BigUint::from(1u32) << distance));
    positive(&(first * second))
}

/// A power of 65537 modulo the product of the primes up to 167, and more above it, of 2048 bits: ROCA's fingerprint.
fn infineon() -> Vec<u8> {
    let is_prime = |n: &u32| (2..*n).all(|d| !n.is_multiple_of(d));
    let product: BigUint = (2..168).filter(is_prime).map(BigUint::from).product();
    let power = BigUint::from(65537u32).modpow(&BigUint::from(123_456_789u32), &product);
    let above = (BigUint::from(3u32) << 2046u32) / &product;
    let has_small_factor = |n: &BigUint| (2..752u32).any(|d| n % d == BigUint::ZERO);
    let mut number = &above * &product + &power;
    while has_small_factor(&number) {
        number += &product;
    }
    positive(&number)
}

pub(super) fn pairs() -> Vec<Pair> {
    let good = modulus(2048);
    let ec = |curve: &str, point: &[u8]| seq(&[&seq(&[&oid("1.2.840.10045.2.1"), &oid(curve)]), &bits(0, point)]);
    let p256 = "1.2.840.10045.3.1.7";
    // Points that are on no curve; and one on each of those that are looked at.
    let point = |octets: usize| [vec![4], vec![7; octets * 2]].concat();
    let on_curve = |algorithm, octets: usize| {
        let key = PrivateKey::generate(algorithm).expect("a key");
        key.spki()[key.spki().len() - octets * 2 - 1..].to_vec()
    };
    let [on_p256, on_p384, on_p521] =
        [(Algorithm::EcdsaP256, 32), (Algorithm::EcdsaP384, 48), (Algorithm::EcdsaP521, 66)]
            .map(|(algorithm, octets)| on_curve(algorithm, octets));
    let compressed = [&[2 | on_p256[64] & 1], &on_p256[1..33]].concat();
    let off_curve = [&on_p256[..64], &[on_p256[64] ^ 1]].concat();
    let explicit = seq(&[&seq(&[&oid("1.2.840.10045.2.1"), &seq(&[&int(&[1])])]), &bits(0, &point(32))]);
    let ed25519 = |parameters: &[u8]| seq(&[&algorithm("1.3.101.112", parameters), &bits(0, &[9; 32])]);
    let unused = seq(&[&algorithm(RSA, NULL), &bits(1, &seq(&[&int(&good), &int(E)]))]);
    let bare_rsa = seq(&[&algorithm(RSA, &[]), &bits(0, &seq(&[&int(&good), &int(E)]))]);
    let (small, odd) = (modulus(1024), modulus(2052));
    let divisible = positive(&(BigUint::from_bytes_be(&modulus(2038)) * 751u32));
    assert_eq!(BigUint::from_bytes_be(&divisible).bits(), 2048, "the pair is of one size");
    let (sha1, sha256) = ("1.2.840.113549.1.1.5", "1.2.840.113549.1.1.11");
    let signed = |inner: &[u8], outer: &[u8]| Certificate {
        inner_algorithm: inner.to_vec(),
        algorithm: outer.to_vec(),
        ..private()
    };
    let both = |identifier: &[u8]| signed(identifier, identifier);
    let (null, bare) = (algorithm(sha256, NULL), algorithm(sha256, &[]));
    let serial = |octets: &[u8]| Certificate { serial: octets.to_vec(), ..private() };
    vec![
        rsa_pair("rsa_too_small", (&small, E), (&good, E)),
        rsa_pair("rsa_odd_size", (&odd, E), (&good, E)),
        rsa_pair("rsa_exponent_invalid", (&good, &[2]), (&good, E)),
        rsa_pair("rsa_exponent_invalid", (&good, &[1]), (&good, E)),
        rsa_pair("rsa_exponent_small", (&good, &[3]), (&good, E)),
        rsa_pair("rsa_exponent_large", (&good, &[1, 0, 0, 0, 0, 0, 0, 0, 1]), (&good, &[127, 0, 0, 0, 0, 0, 0, 1])),
        rsa_pair("rsa_small_factor", (&divisible, E), (&good, E)),
        rsa_pair("rsa_close_primes", (&near_square(500), E), (&near_square(600), E)),
        rsa_pair("rsa_roca", (&infineon(), E), (&good, E)),
        pair("key_type", &keyed(ec("1.3.132.0.10", &point(32))), &keyed(ec(p256, &on_p256))),
        pair("key_ed25519", &keyed(ed25519(&[])), &private()),
        pair("key_p521", &keyed(ec("1.3.132.0.35", &on_p521)), &keyed(ec("1.3.132.0.34", &on_p384))),
        pair("ec_explicit_curve", &keyed(explicit), &private()),
        pair("ec_point_compressed", &keyed(ec(p256, &compressed)), &keyed(ec(p256, &on_p256))),
        pair("key_malformed", &keyed(ec(p256, &point(31))), &keyed(ec(p256, &on_p256))),
        pair("key_malformed", &keyed(ec(p256, &off_curve)), &keyed(ec(p256, &on_p256))),
        pair("key_malformed", &keyed(ec(p256, &[0])), &keyed(ec(p256, &on_p256))),
        pair("key_malformed", &keyed(rsa(&good[1..], E)), &keyed(rsa(&good, E))),
        pair("key_malformed", &keyed(unused), &keyed(rsa(&good, E))).also(&["non_der"]),
        rsa_pair("rsa_too_large", (&modulus(8200), E), (&modulus(8192), E)),
        pair("key_parameters", &keyed(bare_rsa), &keyed(rsa(&good, E))),
        pair("key_parameters", &keyed(ed25519(NULL)), &keyed(ed25519(&[]))).also(&["key_ed25519"]),
        pair("sig_weak", &both(&algorithm(sha1, NULL)), &both(&null)),
        pair("sig_alg_mismatch", &signed(&null, &private().algorithm), &private()),
        pair("sig_parameters", &both(&bare), &both(&null)),
        pair("sig_parameters", &both(&algorithm(ECDSA_SHA256, NULL)), &private()),
        pair("sig_not_its_own", &Certificate { is_self_signed: false, ..self_signed() }, &self_signed())
            .also(&["aki_missing"]),
        pair("serial_negative", &serial(&[0x91; 16]), &serial(&[0x11; 16])),
        pair("serial_zero", &serial(&[0]), &private()),
        pair("serial_too_long", &serial(&[0x11; 21]), &serial(&[0x11; 20])),
        pair("non_der", &serial(&[&[0][..], &[0x11; 16]].concat()), &serial(&[0x11; 16])),
        pair("serial_short", &serial(&[0x7f; 5]), &serial(&[0x7f; 8])),
    ]
}
