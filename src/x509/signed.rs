//! The outer structure of certificates and requests: tbs, algorithm and signature
//! (RFC 5280 section 4.1.1, RFC 2986 section 4.2).
//!
//! rcgen writes the structures, and loses bytes that matter: an issuer's or subject's name with a repeated attribute
//! comes out with one of the two, and a public key of a kind it does not know cannot go in. So rcgen is given a key
//! that signs nothing, the fields it would lose are put in as the bytes they are, and the result is signed here.

use der::asn1::{Any, BitString};
use der::{Decode, Encode};
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};

use crate::x509::key::{self, PrivateKey};

/// Reason why a structure could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not `SEQUENCE { SEQUENCE, SEQUENCE, BIT STRING }`.
    #[error("it is not DER of something signed (RFC 5280 section 4.1.1)")]
    Shape,
    /// The DER encoder refused.
    #[error("cannot encode it as DER")]
    Der(#[from] der::Error),
    /// rcgen refused.
    #[error("cannot encode it")]
    Rcgen(#[from] rcgen::Error),
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] key::Error),
}

/// A signed structure, taken apart.
pub(crate) struct Signed {
    /// DER of the signed part (tbs).
    pub(crate) content: Vec<u8>,
    /// DER AlgorithmIdentifier.
    pub(crate) algorithm: Vec<u8>,
    /// The signature's octets.
    pub(crate) signature: Vec<u8>,
}

impl Signed {
    /// Takes DER apart.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`].
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Error> {
        let parts = Vec::<Any>::from_der(der).map_err(|_| Error::Shape)?;
        let [content, algorithm, signature] = &parts[..] else {
            return Err(Error::Shape);
        };
        let signature = signature.decode_as::<BitString>().map_err(|_| Error::Shape)?;
        Ok(Self {
            content: content.to_der()?,
            algorithm: algorithm.to_der()?,
            signature: signature.as_bytes().ok_or(Error::Shape)?.to_vec(),
        })
    }

    /// The fields of the signed part (tbs).
    ///
    /// # Errors
    ///
    /// [`Error::Shape`].
    pub(crate) fn fields(&self) -> Result<Vec<Any>, Error> {
        Vec::<Any>::from_der(&self.content).map_err(|_| Error::Shape)
    }

    /// Replaces fields of the signed part; the signature then no longer matches.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when there is no such field.
    pub(crate) fn replace(&mut self, replace: &[(usize, &[u8])]) -> Result<(), Error> {
        let mut fields = self.fields()?;
        for (index, der) in replace {
            *fields.get_mut(*index).ok_or(Error::Shape)? = Any::from_der(der)?;
        }
        self.content = fields.to_der()?;
        Ok(())
    }

    /// Puts it together.
    ///
    /// # Errors
    ///
    /// [`Error::Der`].
    pub(crate) fn to_der(&self) -> Result<Vec<u8>, Error> {
        let signature = BitString::from_bytes(&self.signature)?.to_der()?;
        Ok(vec![Any::from_der(&self.content)?, Any::from_der(&self.algorithm)?, Any::from_der(&signature)?].to_der()?)
    }
}

/// Replaces fields of an unsigned structure and signs it.
///
/// # Errors
///
/// [`Error::Shape`] when it is not such a structure, [`Error::Key`] when signing fails.
pub(crate) fn sign(unsigned: &[u8], key: &PrivateKey, replace: &[(usize, &[u8])]) -> Result<Vec<u8>, Error> {
    let mut signed = Signed::parse(unsigned)?;
    signed.replace(replace)?;
    signed.signature = key.sign(&signed.content)?;
    signed.to_der()
}

/// The key that rcgen is given: it names the algorithm and signs nothing.
pub(crate) struct Unsigned<'a>(pub(crate) &'a PrivateKey);

impl PublicKeyData for Unsigned<'_> {
    fn der_bytes(&self) -> &[u8] {
        &[]
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.signature_algorithm()
    }
}

impl SigningKey for Unsigned<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}
