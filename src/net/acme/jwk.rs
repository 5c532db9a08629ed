//! Public keys as JSON (RFC 7517, RFC 7518 section 6, RFC 8037): those of ACME accounts.

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use der::Encode;
use der::asn1::{Any, BitString, Null, ObjectIdentifier, Uint};
use serde_json::{Map, Value};

use crate::x509::key::{self, Flaw};

/// The signature algorithms that are accepted (RFC 8555 section 6.2): none with a shared key, and not `none`.
pub(super) const ALGORITHMS: [&str; 5] = ["ES256", "ES384", "ES512", "RS256", "EdDSA"];

/// Reason why JSON is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the key's `{0}` is missing, or no text in base64url")]
    Member(&'static str),
    #[error("the key's `kty` and `crv` name no kind of key that is supported: RSA, P-256, P-384, P-521 or Ed25519")]
    Kind,
    #[error("the key holds its private part (`d`), which is nobody else's business")]
    Private,
    #[error("{0}")]
    Flaw(String),
    #[error("the key cannot be written as DER")]
    Encode(#[from] der::Error),
}

/// Reason why a signature does not count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unverified {
    /// The algorithm is not one of [`ALGORITHMS`].
    Unsupported,
    /// The algorithm is for another kind of key.
    OtherKey,
    /// The signature is not the key's.
    Wrong,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Jwk {
    numbers: Numbers,
    /// DER of the subjectPublicKeyInfo.
    spki: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Numbers {
    /// Modulus and exponent, without leading zeros.
    Rsa(Vec<u8>, Vec<u8>),
    /// The point, uncompressed.
    Ec(&'static Curve, Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A curve of ECDSA.
#[derive(Debug, PartialEq, Eq)]
struct Curve {
    name: &'static str,
    oid: ObjectIdentifier,
    /// Octets of a coordinate.
    size: usize,
}

static CURVES: [Curve; 3] = [
    Curve { name: "P-256", oid: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), size: 32 },
    Curve { name: "P-384", oid: ObjectIdentifier::new_unwrap("1.3.132.0.34"), size: 48 },
    Curve { name: "P-521", oid: ObjectIdentifier::new_unwrap("1.3.132.0.35"), size: 66 },
];

impl Jwk {
    /// Reads a key and checks that it can be one, as a certificate's is checked.
    ///
    /// # Errors
    ///
    /// [`Error`] as its variants say.
    pub(super) fn from_json(json: &Map<String, Value>) -> Result<Self, Error> {
        let text = |name: &'static str| json.get(name).and_then(Value::as_str).ok_or(Error::Member(name));
        let octets = |name: &'static str| {
            let octets = BASE64URL.decode_to_vec(text(name)?);
            octets.ok().filter(|octets| !octets.is_empty()).ok_or(Error::Member(name))
        };
        if json.contains_key("d") {
            return Err(Error::Private);
        }
        let numbers = match (text("kty")?, json.get("crv").and_then(Value::as_str)) {
            ("RSA", _) => Numbers::Rsa(without_zeros(&octets("n")?), without_zeros(&octets("e")?)),
            ("EC", Some(curve)) => {
                let curve = CURVES.iter().find(|known| known.name == curve).ok_or(Error::Kind)?;
                let (x, y) = (octets("x")?, octets("y")?);
                // RFC 7518 section 6.2.1.2: the full size, zeros in front included.
                if x.len() != curve.size || y.len() != curve.size {
                    return Err(Error::Flaw(format!("a coordinate on {} has {} octets", curve.name, curve.size)));
                }
                Numbers::Ec(curve, [vec![4], x, y].concat())
            }
            ("OKP", Some("Ed25519")) => Numbers::Ed25519(octets("x")?),
            _ => return Err(Error::Kind),
        };
        let spki = numbers.spki()?;
        match key::check(&spki) {
            Ok(()) => Ok(Self { numbers, spki }),
            Err(Flaw::Malformed(reason)) => Err(Error::Flaw(reason.into_owned())),
            Err(Flaw::Unaccepted(reason)) => Err(Error::Flaw(reason)),
        }
    }

    /// The required members in the order of RFC 7638 section 3, without white space.
    pub(super) fn canonical(&self) -> String {
        let text = |octets: &[u8]| BASE64URL.encode_to_string(octets);
        match &self.numbers {
            Numbers::Rsa(n, e) => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Numbers::Ec(curve, point) => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(curve.size).unwrap_or_default();
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.name, text(x), text(y))
            }
            Numbers::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
        }
    }

    /// The key's thumbprint (RFC 7638) in base64url, as it stands in key authorizations.
    pub(super) fn thumbprint(&self) -> String {
        BASE64URL.encode_to_string(key::sha256(self.canonical().as_bytes()))
    }

    /// DER of the subjectPublicKeyInfo.
    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Checks a signature of JWS.
    ///
    /// # Errors
    ///
    /// [`Unverified`].
    pub(super) fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        if !ALGORITHMS.contains(&algorithm) {
            return Err(Unverified::Unsupported);
        }
        let checked = |scheme: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(scheme, key).verify(message, signature)
        };
        let verified = match (&self.numbers, algorithm) {
            (Numbers::Rsa(n, e), "RS256") => {
                RsaPublicKeyComponents { n, e }.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Numbers::Ec(curve, point), algorithm) => match (curve.name, algorithm) {
                ("P-256", "ES256") => checked(&signature::ECDSA_P256_SHA256_FIXED, point),
                ("P-384", "ES384") => checked(&signature::ECDSA_P384_SHA384_FIXED, point),
                ("P-521", "ES512") => checked(&signature::ECDSA_P521_SHA512_FIXED, point),
                _ => return Err(Unverified::OtherKey),
            },
            (Numbers::Ed25519(key), "EdDSA") => checked(&signature::ED25519, key),
            _ => return Err(Unverified::OtherKey),
        };
        verified.map_err(|_unspecified| Unverified::Wrong)
    }
}

impl Numbers {
    fn spki(&self) -> Result<Vec<u8>, der::Error> {
        const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
        const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
        const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
        let (algorithm, key) = match self {
            Self::Rsa(n, e) => {
                let numbers = vec![Any::encode_from(&Uint::new(n)?)?, Any::encode_from(&Uint::new(e)?)?];
                (vec![Any::encode_from(&RSA)?, Any::encode_from(&Null)?], numbers.to_der()?)
            }
            Self::Ec(curve, point) => (vec![Any::encode_from(&EC)?, Any::encode_from(&curve.oid)?], point.clone()),
            Self::Ed25519(key) => (vec![Any::encode_from(&ED25519)?], key.clone()),
        };
        vec![Any::encode_from(&algorithm)?, Any::encode_from(&BitString::from_bytes(&key)?)?].to_der()
    }
}

fn without_zeros(octets: &[u8]) -> Vec<u8> {
    octets.iter().copied().skip_while(|octet| *octet == 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::key::{Algorithm, PrivateKey};

    fn json(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    /// The example of RFC 7638 section 3.1.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let key = Jwk::from_json(&json(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        ))
        .unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// A certificate's key is recognised as an account's by these octets.
    #[test]
    fn the_spki_is_the_one_of_other_programs() {
        for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::EcdsaP521] {
            let spki = PrivateKey::generate(algorithm).unwrap().spki().to_vec();
            let size = match algorithm {
                Algorithm::EcdsaP256 => 32,
                Algorithm::EcdsaP384 => 48,
                _ => 66,
            };
            let (x, y) = spki[spki.len() - 2 * size..].split_at(size);
            let curve = CURVES.iter().find(|curve| curve.size == size).unwrap().name;
            let text = |octets: &[u8]| BASE64URL.encode_to_string(octets);
            let key = format!(r#"{{"kty":"EC","crv":"{curve}","x":"{}","y":"{}"}}"#, text(x), text(y));
            let key = Jwk::from_json(&json(&key)).unwrap();
            assert_eq!(key.spki(), spki);
            assert_eq!(Jwk::from_json(&json(&key.canonical())).unwrap(), key);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let zeros = "A".repeat(43);
        for (text, expected) in [
            (r#"{"kty":"oct","k":"AAAA"}"#.to_owned(), "no kind of key"),
            (r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#.to_owned(), "no kind of key"),
            (r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#.to_owned(), "has 32 octets"),
            (format!(r#"{{"kty":"EC","crv":"P-256","x":"{zeros}","y":"{zeros}"}}"#), "curve"),
            (r#"{"kty":"RSA","n":"w-ER","e":"AQAB"}"#.to_owned(), "RSA"),
            (r#"{"kty":"RSA","e":"AQAB"}"#.to_owned(), "`n` is missing"),
            (r#"{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}"#.to_owned(), "private"),
        ] {
            let error = Jwk::from_json(&json(&text)).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
