//! RSA keys that are too small for aws-lc-rs to sign with, for servers that show how clients refuse them.

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::SeedableRng;
use rsa::{Pkcs1v15Sign, Pss};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use sha2::{Digest, Sha256};

/// Signs with SHA-256 alone: longer digests do not fit into signatures of such keys.
#[derive(Debug)]
struct SmallRsa(Arc<rsa::PrivateKey>);

/// A key that signs TLS handshakes; `None` unless it is an RSA key in PKCS#8.
pub(super) fn signing_key(key: &PrivateKeyDer<'_>) -> Option<Arc<dyn SigningKey>> {
    let key = rsa::PrivateKey::from_pkcs8_der(key.secret_der()).ok()?;
    Some(Arc::new(SmallRsa(Arc::new(key))))
}

impl SigningKey for SmallRsa {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let schemes = [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];
        let scheme = schemes.into_iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(SmallRsaSigner { key: Arc::clone(&self.0), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct SmallRsaSigner {
    key: Arc<rsa::PrivateKey>,
    scheme: SignatureScheme,
}

impl Signer for SmallRsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let digest = Sha256::digest(message);
        let mut seed = [0; 32];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| Error::FailedToGetRandomBytes)?;
        let mut random = ChaCha20Rng::from_seed(seed);
        let signature = match self.scheme {
            SignatureScheme::RSA_PSS_SHA256 => self.key.sign_with_rng(&mut random, Pss::<Sha256>::new(), &digest),
            _ => self.key.sign(Pkcs1v15Sign::new::<Sha256>(), &digest),
        };
        signature.map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
