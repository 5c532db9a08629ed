//! Algorithms; generating, loading and matching private keys; public keys and their SHA-256; signatures checked.
//!
//! # Example
//!
//! ```
//! use secure_io::key::{Algorithm, PrivateKey};
//!
//! let key = PrivateKey::generate(Algorithm::EcdsaP256)?;
//! assert_eq!(key.public_key().to_string(), "EC P-256");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature;
use aws_lc_rs::{digest, rand};
use der::asn1::{Any, BitString, ObjectIdentifier};
use der::{Decode, Encode};
use rcgen::SigningKey;
use rustls::pki_types::PrivateKeyDer;
use zeroize::{Zeroize, Zeroizing};

use crate::encoding::asn1::bit_length;

mod check;
mod form;
mod identifier;
mod odd_rsa;
pub(crate) mod pss;
mod public;
mod verification;

pub use self::check::{Flaw, check};
pub(crate) use self::identifier::id;
pub use self::identifier::{AlgorithmIdentifier, Hash, SignatureAlgorithm, signature_name};
pub use self::public::{Curve, PublicKey, RsaNumbers, SubjectPublicKeyInfo};
use self::public::{curve_name, key_name};
pub(crate) use self::verification::spki_parts;
pub use self::verification::verify_signature;

/// Reason why a key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not one of the seven algorithms.
    #[error("`{name}` is not a key algorithm here: {}", Algorithm::ALL.map(Algorithm::name).join(", "))]
    UnknownAlgorithm {
        /// Algorithm as typed.
        name: String,
    },
    /// A key of a kind that is not used for TLS certificates here.
    #[error(
        "a key of the kind {kind} cannot be used here: it must be RSA (2048 to 8192 bits), EC (P-256, P-384, P-521) or Ed25519"
    )]
    UnusableKind {
        /// Its name or dotted OID.
        kind: String,
    },
    /// The bytes are no private key, or a damaged one.
    #[error("the private key is damaged")]
    Damaged {
        /// Error from the reader.
        source: Option<rcgen::Error>,
    },
    /// Generating or signing failed.
    #[error("cannot {action}")]
    Crypto {
        /// Attempted operation.
        action: &'static str,
        /// The provider's reason.
        source: rcgen::Error,
    },
    /// A public key that is not DER.
    #[error("the public key is not one (RFC 5280 section 4.1.2.7)")]
    PublicKey,
    /// A signature made in a way that is not checked here.
    #[error("the signature algorithm {name} is not supported")]
    UnknownSignature {
        /// Its name or dotted OID.
        name: String,
    },
    /// A signature that does not verify.
    #[error("the signature is wrong")]
    BadSignature,
}

/// The kinds of keys we make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// ECDSA over NIST P-256: quick everywhere, accepted everywhere.
    #[default]
    EcdsaP256,
    /// ECDSA over NIST P-384.
    EcdsaP384,
    /// ECDSA over NIST P-521; Chromium does not accept it.
    EcdsaP521,
    /// Ed25519; browsers do not accept it.
    Ed25519,
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
}

impl Algorithm {
    /// All of them, the default first.
    pub const ALL: [Self; 7] =
        [Self::EcdsaP256, Self::EcdsaP384, Self::EcdsaP521, Self::Ed25519, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    fn generate(self) -> Result<rcgen::KeyPair, rcgen::Error> {
        use rcgen::{KeyPair, RsaKeySize};
        let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
        match self {
            Self::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Self::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Self::EcdsaP521 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            Self::Ed25519 => {
                // rcgen writes RFC 5958's version 2, which OpenSSL 3.0 and Java do not read.
                let pkcs8 = signature::Ed25519KeyPair::generate_pkcs8v1(&rand::SystemRandom::new());
                let pkcs8 = pkcs8.map_err(|_| rcgen::Error::KeyGenerationUnavailable)?;
                KeyPair::try_from(pkcs8.as_ref())
            }
            Self::Rsa2048 => rsa(RsaKeySize::_2048),
            Self::Rsa3072 => rsa(RsaKeySize::_3072),
            Self::Rsa4096 => rsa(RsaKeySize::_4096),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        found.ok_or_else(|| Error::UnknownAlgorithm { name: name.to_owned() })
    }
}

/// A private key that can sign, with its PKCS#8 form.
pub struct PrivateKey {
    pair: rcgen::KeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    spki: Vec<u8>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pair, pkcs8: _, spki: _ } = self;
        f.debug_struct("PrivateKey").field("algorithm", &pair.algorithm()).finish_non_exhaustive()
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

impl PrivateKey {
    /// Generates a fresh key.
    ///
    /// # Errors
    ///
    /// [`Error::Crypto`] when the provider fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let pair = algorithm.generate().map_err(|source| Error::Crypto { action: "generate a key", source })?;
        let pkcs8 = Zeroizing::new(pair.serialize_der());
        Ok(Self::new(pair, pkcs8))
    }

    fn new(pair: rcgen::KeyPair, pkcs8: Zeroizing<Vec<u8>>) -> Self {
        let spki = rcgen::PublicKeyData::subject_public_key_info(&pair);
        Self { pair, pkcs8, spki }
    }

    /// Loads a key from PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    ///
    /// [`Error::UnusableKind`] for a kind that TLS certificates here do not have, [`Error::Damaged`].
    pub fn load(der: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        let source = match rcgen::KeyPair::try_from(der) {
            Ok(pair) => return Self::of_pair(pair, der),
            Err(source) => source,
        };
        if let Some(kind) = kind_of(der) {
            return Err(Error::UnusableKind { kind });
        }
        let usual = form::usual(der).ok_or(Error::Damaged { source: Some(source) })?;
        let pair = rcgen::KeyPair::try_from(&usual).map_err(|source| Error::Damaged { source: Some(source) })?;
        let key = Self::of_pair(pair, &usual)?;
        let is_other = form::stated_public_key(der).is_some_and(|stated| !key.spki.ends_with(stated));
        if is_other { Err(Error::Damaged { source: None }) } else { Ok(key) }
    }

    fn of_pair(pair: rcgen::KeyPair, der: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        let pkcs8 = match der {
            PrivateKeyDer::Pkcs1(key) => in_pkcs8("1.2.840.113549.1.1.1", None, key.secret_pkcs1_der()),
            PrivateKeyDer::Sec1(key) => in_pkcs8("1.2.840.10045.2.1", curve_oid(&pair), key.secret_sec1_der()),
            key => Some(version_1(key.secret_der())),
        };
        let pkcs8 = pkcs8.ok_or(Error::Damaged { source: None })?;
        Ok(Self::new(pair, Zeroizing::new(pkcs8)))
    }

    /// The key's PKCS#8 DER.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The DER subjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Describes the public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey<'_> {
        PublicKey::of(&self.spki)
    }

    /// Returns true if the key is of the kind that [`PrivateKey::generate`] makes for an algorithm.
    #[must_use]
    pub fn is(&self, algorithm: Algorithm) -> bool {
        let key = self.public_key();
        match algorithm {
            Algorithm::EcdsaP256 => key == PublicKey::Ec(Curve::P256),
            Algorithm::EcdsaP384 => key == PublicKey::Ec(Curve::P384),
            Algorithm::EcdsaP521 => key == PublicKey::Ec(Curve::P521),
            Algorithm::Ed25519 => key == PublicKey::Ed25519,
            Algorithm::Rsa2048 => key.is_rsa() && key.bits() == Some(2048),
            Algorithm::Rsa3072 => key.is_rsa() && key.bits() == Some(3072),
            Algorithm::Rsa4096 => key.is_rsa() && key.bits() == Some(4096),
        }
    }

    /// Returns true for an RSA key.
    #[must_use]
    pub fn is_rsa(&self) -> bool {
        self.public_key().is_rsa()
    }

    /// The algorithm it signs with.
    #[must_use]
    pub(crate) fn signature_algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.pair.algorithm()
    }

    /// Signs a message with the algorithm of `signature_algorithm`.
    ///
    /// # Errors
    ///
    /// [`Error::Crypto`] when the provider fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.pair.sign(message).map_err(|source| Error::Crypto { action: "sign", source })
    }
}

/// The mark of reproducible secrets: octets of private keys that come from a seed, and of the serial numbers of
/// certificates that are signed with one.
pub const TEST_MARK: &[u8; 8] = b"TESTONLY";

/// Decides whether a private key carries [`TEST_MARK`], in whatever form of DER; one that is random does so once in
/// 2⁵⁵.
#[must_use]
pub fn is_test_key(der: &[u8]) -> bool {
    memchr::memmem::find(der, TEST_MARK).is_some()
}

/// PKCS#8 version 1 (RFC 5208 section 5) around an older form of key.
fn in_pkcs8(algorithm: &str, parameters: Option<ObjectIdentifier>, key: &[u8]) -> Option<Vec<u8>> {
    let parameters = match parameters {
        Some(oid) => Any::from(oid),
        None => Any::null(),
    };
    let identifier = vec![Any::from(ObjectIdentifier::new(algorithm).ok()?), parameters];
    let identifier = Any::from_der(&identifier.to_der().ok()?).ok()?;
    let version = Any::from_der(&[2, 1, 0]).ok()?;
    let key = Any::new(der::Tag::OctetString, key).ok()?;
    vec![version, identifier, key].to_der().ok()
}

/// PKCS#8 without the additions of version 2 (RFC 5958), which OpenSSL 3.0 does not read.
fn version_1(pkcs8: &[u8]) -> Vec<u8> {
    let shortened = || {
        let fields = Vec::<Any>::from_der(pkcs8).ok()?;
        let [version, algorithm, key, ..] = &fields[..] else { return None };
        if version.value() == [0] {
            return None;
        }
        vec![Any::from_der(&[2, 1, 0]).ok()?, algorithm.clone(), key.clone()].to_der().ok()
    };
    shortened().unwrap_or_else(|| pkcs8.to_vec())
}

/// A private key in PKCS#8 of version 1, also of a kind that [`PrivateKey::load`] refuses; `None` if damaged, or
/// an EC key that does not name its curve.
#[must_use]
pub fn to_pkcs8(der: &PrivateKeyDer<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match PrivateKey::load(der) {
        Ok(key) => return Some(key.pkcs8.clone()),
        Err(Error::UnusableKind { .. }) => {}
        Err(_) => return None,
    }
    let pkcs8 = match der {
        PrivateKeyDer::Pkcs1(key) => in_pkcs8(RSA, None, key.secret_pkcs1_der())?,
        PrivateKeyDer::Sec1(key) => {
            let fields = Vec::<Any>::from_der(key.secret_sec1_der()).ok()?;
            let curve = fields.iter().find_map(|any| ObjectIdentifier::from_der(any.value()).ok())?;
            in_pkcs8(EC, Some(curve), key.secret_sec1_der())?
        }
        key => version_1(key.secret_der()),
    };
    Some(Zeroizing::new(pkcs8))
}

fn curve_oid(pair: &rcgen::KeyPair) -> Option<ObjectIdentifier> {
    let spki = rcgen::PublicKeyData::subject_public_key_info(pair);
    Spki::parse(&spki)?.parameters?.decode_as().ok()
}

/// RFC 8017 section 3.2; neither aws-lc-rs nor any TLS library of weight reads it.
const MULTI_PRIME: &str = "RSA with more than two primes";

/// Names the kind of a key that could not be loaded, unless it is of a usable kind and just damaged.
fn kind_of(der: &PrivateKeyDer<'_>) -> Option<String> {
    let fields = Vec::<Any>::from_der(der.secret_der()).ok()?;
    let named_curve = |oid: &ObjectIdentifier| match curve_name(&oid.to_string()) {
        Some(("P-256" | "P-384" | "P-521", _)) => None,
        Some((name, _)) => Some(format!("EC {name}")),
        None => Some(format!("EC {oid}")),
    };
    let odd_rsa = |bits: u32| (!(2048..=8192).contains(&bits)).then(|| format!("RSA {bits}"));
    match der {
        PrivateKeyDer::Pkcs1(key) if form::is_multi_prime(key.secret_pkcs1_der()) => {
            return Some(MULTI_PRIME.to_owned());
        }
        PrivateKeyDer::Pkcs1(_) => return odd_rsa(bit_length(fields.get(1)?.value())),
        PrivateKeyDer::Sec1(_) => {
            let mut curves = fields.iter().filter_map(|any| ObjectIdentifier::from_der(any.value()).ok());
            return curves.next_back().as_ref().and_then(named_curve);
        }
        _ => {}
    }
    let identifier = Vec::<Any>::from_der(&fields.get(1)?.to_der().ok()?).ok()?;
    let oid: ObjectIdentifier = identifier.first()?.decode_as().ok()?;
    let curve = identifier.get(1).and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    let rsa_bits = || {
        let key = fields.get(2)?.value();
        let numbers = Vec::<Any>::from_der(key).ok()?;
        Some(bit_length(numbers.get(1)?.value()))
    };
    match oid.to_string().as_str() {
        RSA if form::is_multi_prime(fields.get(2)?.value()) => Some(MULTI_PRIME.to_owned()),
        RSA => rsa_bits().and_then(odd_rsa),
        EC => named_curve(&curve?),
        ED25519 => None,
        other => Some(key_name(other).unwrap_or(other).to_owned()),
    }
}

const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const EC: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";

/// The parts of a subjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
struct Spki {
    algorithm: String,
    parameters: Option<Any>,
    key: Vec<u8>,
}

impl Spki {
    fn parse(der: &[u8]) -> Option<Self> {
        let fields = Vec::<Any>::from_der(der).ok()?;
        let [identifier, key] = &fields[..] else { return None };
        let identifier = Vec::<Any>::from_der(&identifier.to_der().ok()?).ok()?;
        let algorithm: ObjectIdentifier = identifier.first()?.decode_as().ok()?;
        let key = key.decode_as::<BitString>().ok()?;
        Some(Self {
            algorithm: algorithm.to_string(),
            parameters: identifier.get(1).cloned(),
            key: key.as_bytes()?.to_vec(),
        })
    }

    fn rsa_bits(&self) -> Option<u32> {
        matches!(self.algorithm.as_str(), RSA | RSA_PSS).then_some(())?;
        RsaNumbers::read(&self.key).map(|numbers| numbers.bits())
    }

    fn curve(&self) -> Option<String> {
        let oid: ObjectIdentifier = self.parameters.as_ref()?.decode_as().ok()?;
        Some(oid.to_string())
    }
}

/// The SHA-256 of a DER subjectPublicKeyInfo: the pin.
#[must_use]
pub fn spki_sha256(spki: &[u8]) -> [u8; 32] {
    sha256(spki)
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// SHA-1, for fingerprints that other programs show.
#[must_use]
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    out
}

/// The key identifier of a public key: the leftmost 160 bits of the SHA-256 of its BIT STRING (RFC 7093 section 2,
/// method 1).
///
/// # Errors
///
/// [`Error::PublicKey`] when it is not DER.
pub fn key_identifier(spki: &[u8]) -> Result<Vec<u8>, Error> {
    let spki = Spki::parse(spki).ok_or(Error::PublicKey)?;
    Ok(sha256(&spki.key)[..20].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signatures verify with the public key that the same key reports, and a key survives writing and reading.
    #[test]
    fn every_algorithm_makes_a_key_that_signs_and_loads() {
        for algorithm in Algorithm::ALL {
            let key = PrivateKey::generate(algorithm).unwrap();
            assert!(key.is(algorithm), "{algorithm}");
            assert_eq!(algorithm.name().parse::<Algorithm>().unwrap(), algorithm);
            let again = PrivateKey::load(&PrivateKeyDer::Pkcs8(key.pkcs8().to_vec().into())).unwrap();
            assert_eq!(again.spki(), key.spki(), "{algorithm}");
            let identifier = identifier(&key);
            let signature = key.sign(b"message").unwrap();
            verify_signature(again.spki(), &identifier, b"message", &signature).unwrap();
            let wrong = verify_signature(again.spki(), &identifier, b"massage", &signature);
            assert!(matches!(wrong, Err(Error::BadSignature)), "{algorithm}");
        }
    }

    fn identifier(key: &PrivateKey) -> Vec<u8> {
        let request = rcgen::CertificateParams::default().serialize_request(&key.pair).unwrap();
        Vec::<Any>::from_der(request.der()).unwrap()[1].to_der().unwrap()
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey { algorithm: PKCS_ECDSA_P256_SHA256, .. }");
    }

    #[test]
    fn bits_are_counted_without_sign_octet_and_zeros() {
        assert_eq!(bit_length(&[0, 0x80, 0]), 16);
        assert_eq!(bit_length(&[0x7f, 0xff]), 15);
        assert_eq!(bit_length(&[]), 0);
    }
}
