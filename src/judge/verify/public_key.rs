//! The keys that a certificate on a path may have.

use super::fault::Fault;
use crate::judge::report::verdict::Code;
use crate::x509::extension::KeyUsage;
use crate::x509::key::{self, Flaw, PublicKey, SubjectPublicKeyInfo};

/// Returns the fault of a subjectPublicKeyInfo, by itself or with the certificate's keyUsage.
pub(super) fn fault(spki: &SubjectPublicKeyInfo<'_>, key_usage: Option<KeyUsage>) -> Option<Fault> {
    match key::check(spki.as_raw()) {
        Ok(()) => usage_fault(&spki.key, key_usage),
        Err(Flaw::Malformed(message)) => Some(Fault::new(Code::Malformed, message)),
        Err(Flaw::Unaccepted(message)) => Some(Fault::new(Code::WeakKey, message)),
    }
}

/// Finds keyUsage bits that the key cannot serve: ML-DSA keys only sign (RFC 9881 section 5).
fn usage_fault(key: &PublicKey<'_>, key_usage: Option<KeyUsage>) -> Option<Fault> {
    const OTHER_THAN_SIGNING: KeyUsage = KeyUsage::KEY_ENCIPHERMENT
        .and(KeyUsage::DATA_ENCIPHERMENT)
        .and(KeyUsage::KEY_AGREEMENT)
        .and(KeyUsage::ENCIPHER_ONLY)
        .and(KeyUsage::DECIPHER_ONLY);
    let is_ml_dsa = matches!(key, PublicKey::Other([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17..=19]));
    let message = "its keyUsage has more than signing, which is all that an ML-DSA key can do (RFC 9881 section 5)";
    (is_ml_dsa && key_usage?.has_any(OTHER_THAN_SIGNING)).then(|| Fault::malformed(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// webpki takes them all.
    #[test]
    fn keys_for_signatures_alone_are_not_for_encryption() {
        let ml_dsa = [0x30, 16, 0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17, 3, 1, 0];
        let ed25519 = [0x30, 10, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 1, 0];
        let fault = |spki: &[u8], usage| usage_fault(&PublicKey::of(spki), usage).is_some();
        let (signing, encipherment) = (KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_ENCIPHERMENT);
        let faults = [None, Some(signing), Some(signing.and(encipherment))].map(|usage| fault(&ml_dsa, usage));
        assert_eq!(faults, [false, false, true]);
        assert!(!fault(&ed25519, Some(signing.and(encipherment))), "others have been issued so for long");
    }
}
