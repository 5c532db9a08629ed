//! Public keys, described.

use std::fmt;

use serde::Serialize;

use crate::base::hex::hex;
use crate::x509::key::{self, RsaNumbers};

/// A public key's kind and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PublicKey {
    /// `EC`, `RSA`, `RSA-PSS`, `Ed25519`, `Ed448`, `X25519`, `X448`, `DSA`, `DH`, or another name; a dotted OID if its
    /// name is unknown here.
    pub algorithm: String,
    /// The curve's NIST name, as in `P-256`; its own name or dotted OID if it has no NIST name; `explicit` if its
    /// numbers are given instead of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve: Option<String>,
    /// The size of the RSA modulus, of the DSA or DH prime, or of the curve's field, in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// The RSA public exponent, when it is not 65537.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponent: Option<String>,
}

impl From<&key::PublicKey<'_>> for PublicKey {
    fn from(key: &key::PublicKey<'_>) -> Self {
        Self {
            algorithm: key.algorithm().into_owned(),
            curve: key.curve().and_then(key::Curve::name).map(Into::into),
            bits: key.bits(),
            exponent: key.rsa().and_then(unusual_exponent),
        }
    }
}

fn unusual_exponent(numbers: &RsaNumbers<'_>) -> Option<String> {
    match numbers.small_exponent() {
        Some(65537) => None,
        Some(number) => Some(number.to_string()),
        None => Some(format!("0x{}", hex(numbers.exponent))),
    }
}

impl fmt::Display for PublicKey {
    /// As in `EC P-256`, `RSA 2048` or `Ed25519`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.algorithm)?;
        match (&self.curve, self.bits) {
            (Some(curve), _) => write!(f, " {curve}"),
            (None, Some(bits)) if matches!(self.algorithm.as_str(), "RSA" | "RSA-PSS" | "DSA" | "DH") => {
                write!(f, " {bits}")
            }
            _ => Ok(()),
        }
    }
}
