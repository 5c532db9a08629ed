//! Signatures that hold: those of the CAs on many paths are checked once.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use webpki::ALL_VERIFICATION_ALGS;

use crate::x509::key::sha256;

/// Largest number of entries: CAs are few, and hostile input must not fill the memory.
const ENTRIES: usize = 1024;

/// Digests of all that a signature depends on, each of a signature that holds.
#[derive(Debug, Default)]
pub(super) struct Verified(RwLock<HashSet<[u8; 32]>>);

impl Verified {
    fn contains(&self, digest: &[u8; 32]) -> bool {
        // Nothing is left half done under the lock, so that a poisoned one is as good.
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    fn insert(&self, digest: [u8; 32]) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ENTRIES {
            all.clear();
        }
        all.insert(digest);
    }

    /// webpki's algorithms, which look here first for all that is signed but the end-entity certificate: that one is
    /// another each time.
    pub(super) fn algorithms<'a>(&'a self, end_entity: &'a [u8]) -> Vec<Remembering<'a>> {
        let remembering = |algorithm: &&'static _| Remembering { algorithm: *algorithm, verified: self, end_entity };
        ALL_VERIFICATION_ALGS.iter().map(remembering).collect()
    }
}

/// An algorithm that does no work twice.
#[derive(Debug)]
pub(super) struct Remembering<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    verified: &'a Verified,
    /// Signed octets of the end-entity certificate.
    end_entity: &'a [u8],
}

impl Remembering<'_> {
    /// The digest of everything that the answer depends on, each with its length in front.
    fn digest(&self, key: &[u8], message: &[u8], signature: &[u8]) -> [u8; 32] {
        let (key_id, signature_id) = (self.algorithm.public_key_alg_id(), self.algorithm.signature_alg_id());
        let mut all = Vec::with_capacity(key.len() + message.len() + signature.len() + 128);
        for part in [key_id.as_ref(), signature_id.as_ref(), key, message, signature] {
            all.extend_from_slice(&part.len().to_be_bytes());
            all.extend_from_slice(part);
        }
        sha256(&all)
    }
}

impl SignatureVerificationAlgorithm for Remembering<'_> {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        if message == self.end_entity {
            return self.algorithm.verify_signature(key, message, signature);
        }
        let digest = self.digest(key, message, signature);
        if !self.verified.contains(&digest) {
            self.algorithm.verify_signature(key, message, signature)?;
            self.verified.insert(digest);
        }
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::key::{Algorithm, PrivateKey};

    /// A cached result applies to the same key, message and signature only; any other is checked again.
    #[test]
    fn what_holds_is_remembered_and_nothing_else() {
        let [key, other] = [(); 2].map(|()| PrivateKey::generate(Algorithm::EcdsaP256).unwrap());
        let [point, others] = [&key, &other].map(|key| key.spki().split_at(key.spki().len() - 65).1);
        let signature = key.sign(b"a CA").unwrap();
        let verified = Verified::default();
        let algorithms = verified.algorithms(b"a leaf");
        let checks = |point: &[u8], message: &[u8], signature: &[u8]| {
            algorithms.iter().any(|algorithm| algorithm.verify_signature(point, message, signature).is_ok())
        };
        for _ in 0..2 {
            assert!(checks(point, b"a CA", &signature));
            assert!(!checks(others, b"a CA", &signature));
            assert!(!checks(point, b"a C", &signature));
            assert!(!checks(point, b"a CA", signature.split_last().unwrap().1));
            assert_eq!(verified.0.read().unwrap().len(), 1);
        }
        assert!(checks(point, b"a leaf", &key.sign(b"a leaf").unwrap()));
        assert_eq!(verified.0.read().unwrap().len(), 1);
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let verified = Verified::default();
        for number in 0..=ENTRIES {
            verified.insert(sha256(&number.to_be_bytes()));
        }
        assert_eq!(verified.0.read().unwrap().len(), 1);
    }
}
