//! Keys that are too weak, or that clients do not take.

use num_bigint::BigUint;

use super::subject::Subject;
use super::{Messages, when};
use crate::encoding::asn1::{bit_length, tag};
use crate::x509::key::{self, Curve, Flaw, PublicKey, RsaNumbers, SubjectPublicKeyInfo};

/// Fermat's method finds factors that are so close in so many steps.
const FERMAT_STEPS: usize = 100;

/// Moduli above this are not searched for weaknesses: squaring takes its time.
const SEARCHED_BITS: u32 = 16_384;

fn rsa<'s, 'a>(subject: &'s Subject<'a>) -> Option<&'s RsaNumbers<'a>> {
    subject.key.as_ref()?.key.rsa()
}

pub(super) fn rsa_too_small(subject: &Subject<'_>) -> Messages {
    let bits = rsa(subject).map_or(u32::MAX, RsaNumbers::bits);
    when(bits < 2048, || format!("its RSA key has {bits} bits, and clients take 2048 at least"))
}

pub(super) fn rsa_too_large(subject: &Subject<'_>) -> Messages {
    let bits = rsa(subject).map_or(0, RsaNumbers::bits);
    when(bits > 8192, || format!("its RSA key has {bits} bits, and clients take 8192 at most"))
}

pub(super) fn rsa_odd_size(subject: &Subject<'_>) -> Messages {
    let bits = rsa(subject).map_or(0, RsaNumbers::bits);
    when(!bits.is_multiple_of(8), || format!("its RSA key has {bits} bits, which is no multiple of 8"))
}

pub(super) fn rsa_exponent_invalid(subject: &Subject<'_>) -> Messages {
    let Some(rsa) = rsa(subject) else { return Vec::new() };
    let is_even = rsa.exponent.last().is_none_or(|last| last & 1 == 0);
    let is_negative = rsa.exponent.first().is_some_and(|first| first & 0x80 != 0);
    when(is_even || is_negative || rsa.small_exponent() == Some(1), || {
        "its RSA exponent is even, 1 or negative: it is no RSA key".to_owned()
    })
}

pub(super) fn rsa_exponent_small(subject: &Subject<'_>) -> Messages {
    let small = rsa(subject)
        .and_then(RsaNumbers::small_exponent)
        .filter(|number| number % 2 == 1 && (3..65537).contains(number));
    small.map(|number| format!("its RSA exponent is {number}, below 65537")).into_iter().collect()
}

pub(super) fn rsa_exponent_large(subject: &Subject<'_>) -> Messages {
    let bits = rsa(subject).map_or(0, |rsa| bit_length(rsa.exponent));
    when(bits > 64, || format!("its RSA exponent has {bits} bits: clients take no such key"))
}

pub(super) fn rsa_small_factor(subject: &Subject<'_>) -> Messages {
    let Some(rsa) = searchable(subject) else { return Vec::new() };
    let is_prime =
        |number: &u32| (2..*number).take_while(|d| d * d <= *number).all(|divisor| !number.is_multiple_of(divisor));
    let factor = (2..752).filter(is_prime).find(|prime| modulo(rsa, *prime) == 0);
    factor.map(|factor| format!("its RSA modulus is divisible by {factor}: it is broken")).into_iter().collect()
}

/// The remainder of the modulus divided by a small number.
fn modulo(rsa: &RsaNumbers<'_>, divisor: u32) -> u32 {
    let divisor = u64::from(divisor.max(1));
    let rest = rsa.modulus.iter().fold(0, |rest, octet| (rest << 8 | u64::from(*octet)) % divisor);
    u32::try_from(rest).unwrap_or(u32::MAX)
}

fn searchable<'s, 'a>(subject: &'s Subject<'a>) -> Option<&'s RsaNumbers<'a>> {
    rsa(subject).filter(|rsa| (16..=SEARCHED_BITS).contains(&rsa.bits()))
}

pub(super) fn rsa_close_primes(subject: &Subject<'_>) -> Messages {
    let is_close = searchable(subject)
        .filter(|rsa| modulo(rsa, 2) == 1)
        .is_some_and(|rsa| is_near_square(&BigUint::from_bytes_be(rsa.modulus)));
    when(is_close, || "the two primes of its RSA modulus are so close that Fermat's method finds them".to_owned())
}

/// Fermat: n = a² - b², with a just above the root of n when n's factors are close.
fn is_near_square(n: &BigUint) -> bool {
    let root = n.sqrt();
    let above = if &root * &root < *n { root + 1u32 } else { root };
    let mut candidates = std::iter::successors(Some(above), |a| Some(a + 1u32)).take(FERMAT_STEPS);
    candidates.any(|a| is_square(&(&a * &a - n)))
}

fn is_square(number: &BigUint) -> bool {
    // Squares are 0, 1, 4, 9, 16, 17, 25, 33, 36, 41, 49 or 57 modulo 64: most roots need not be drawn.
    const RESIDUES: u64 = 0x0202_0212_0203_0213;
    let low = number.iter_u64_digits().next().unwrap_or_default() & 63;
    if RESIDUES >> low & 1 == 0 {
        return false;
    }
    let root = number.sqrt();
    &root * &root == *number
}

/// The discrete logarithm's test of the ROCA paper (CVE-2017-15361): Infineon's primes are powers of 65537 modulo every
/// small prime, and so are their products. By chance that happens to one key in a hundred million.
pub(super) fn rsa_roca(subject: &Subject<'_>) -> Messages {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    let is_power = |modulo: u32, prime: u32| {
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * (65537 % prime) % prime;
            power == modulo
        })
    };
    let has_fingerprint =
        searchable(subject).is_some_and(|rsa| PRIMES.iter().all(|prime| is_power(modulo(rsa, *prime), *prime)));
    when(has_fingerprint, || "its RSA key has the ROCA fingerprint (CVE-2017-15361): it can be factored".to_owned())
}

pub(super) fn key_type(subject: &Subject<'_>) -> Messages {
    let Some(spki) = &subject.key else { return Vec::new() };
    let is_taken = match &spki.key {
        PublicKey::Rsa(_) | PublicKey::Ed25519 => true,
        PublicKey::Ec(curve) => matches!(curve, Curve::P256 | Curve::P384 | Curve::P521 | Curve::Explicit(_)),
        _ => false,
    };
    when(!is_taken, || format!("its key is {}, which browsers do not take", spki.key))
}

pub(super) fn key_ed25519(subject: &Subject<'_>) -> Messages {
    let is_it = subject.key.as_ref().is_some_and(|spki| spki.key == PublicKey::Ed25519);
    when(is_it, || "its key is Ed25519, which browsers do not take".to_owned())
}

pub(super) fn key_p521(subject: &Subject<'_>) -> Messages {
    let is_it = subject.key.as_ref().is_some_and(|spki| spki.key == PublicKey::Ec(Curve::P521));
    when(is_it, || "its key is EC P-521, which Chrome does not take".to_owned())
}

pub(super) fn ec_explicit(subject: &Subject<'_>) -> Messages {
    let curve = subject.key.as_ref().and_then(|spki| spki.key.curve());
    let is_spelled = matches!(curve, Some(Curve::Explicit(_) | Curve::Absent));
    when(is_spelled, || "its EC key does not name its curve".to_owned())
}

pub(super) fn ec_compressed(subject: &Subject<'_>) -> Messages {
    let is_compressed =
        |spki: &SubjectPublicKeyInfo<'_>| spki.key.curve().is_some() && matches!(spki.octets.first(), Some(2 | 3));
    when(subject.key.as_ref().is_some_and(is_compressed), || "its EC point is compressed".to_owned())
}

pub(super) fn key_malformed(subject: &Subject<'_>) -> Messages {
    let Some(spki) = &subject.key else { return Vec::new() };
    // Each of these has its own rule.
    let is_told = || [key_parameters, ec_explicit, rsa_exponent_invalid].iter().any(|check| !check(subject).is_empty());
    match key::check(spki.as_raw()) {
        Err(Flaw::Malformed(message)) if !is_told() => vec![message.into_owned()],
        _ => when(has_other_length(spki), || format!("its {} key cannot be read", spki.key.algorithm())),
    }
}

/// Decides whether a point has not the length that its curve gives it, also on curves that no client accepts.
fn has_other_length(spki: &SubjectPublicKeyInfo<'_>) -> bool {
    let named = spki.key.curve().filter(|curve| !matches!(curve, Curve::Explicit(_) | Curve::Absent));
    let field = named.and_then(Curve::bits).and_then(|bits| usize::try_from(bits.div_ceil(8)).ok());
    match (field, spki.octets.first()) {
        (None, _) => false,
        (Some(field), Some(4)) => spki.octets.len() != 1 + 2 * field,
        (Some(field), Some(2 | 3)) => spki.octets.len() != 1 + field,
        _ => true,
    }
}

pub(super) fn key_parameters(subject: &Subject<'_>) -> Messages {
    let Some(spki) = &subject.key else { return Vec::new() };
    match (&spki.key, spki.parameters().map(|value| value.tag)) {
        (PublicKey::Rsa(_), None) => vec!["its RSA key's parameters are missing, where NULL has to be".to_owned()],
        (PublicKey::Rsa(_), Some(found)) if found != tag::NULL => {
            vec!["its RSA key's parameters are not NULL".to_owned()]
        }
        (PublicKey::Ed25519 | PublicKey::Ed448, Some(_)) => {
            vec!["its key has parameters, where none may be".to_owned()]
        }
        _ => Vec::new(),
    }
}
