//! The keys that a certificate on a path may have.

use super::certificate::Fault;
use crate::asn1::{self, tag};
use crate::key::{self, Flaw};
use crate::report::verdict::Code;

/// Returns the fault of a subjectPublicKeyInfo, by itself or with the certificate's keyUsage.
pub(super) fn fault(spki: &[u8], key_usage: Option<u16>) -> Option<Fault> {
    match key::check(spki) {
        Ok(()) => usage_fault(spki, key_usage),
        Err(Flaw::Malformed(message)) => Some(Fault::new(Code::Malformed, message)),
        Err(Flaw::Unaccepted(message)) => Some(Fault::new(Code::WeakKey, message)),
    }
}

/// What a keyUsage has that the key cannot do: ML-DSA is for signatures alone (RFC 9881 section 5).
fn usage_fault(spki: &[u8], key_usage: Option<u16>) -> Option<Fault> {
    // keyEncipherment, dataEncipherment, keyAgreement, encipherOnly, decipherOnly.
    const OTHER_THAN_SIGNING: u16 = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 8;
    let mut algorithm = asn1::only(spki, tag::SEQUENCE, "").ok()?.reader().tagged(tag::SEQUENCE, "").ok()?.reader();
    let id = algorithm.tagged(tag::OID, "").ok()?.content;
    let is_ml_dsa = matches!(id, [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17..=19]);
    let message = "its keyUsage has more than signing, which is all that an ML-DSA key can do (RFC 9881 section 5)";
    (is_ml_dsa && key_usage? & OTHER_THAN_SIGNING != 0).then(|| Fault::new(Code::Malformed, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// webpki takes them all.
    #[test]
    fn keys_for_signatures_alone_are_not_for_encryption() {
        let ml_dsa = [0x30, 16, 0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17, 3, 1, 0];
        let ed25519 = [0x30, 10, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 1, 0];
        let fault = |spki: &[u8], usage| usage_fault(spki, usage).is_some();
        let (signing, encipherment) = (1, 1 << 2);
        let faults = [None, Some(signing), Some(signing | encipherment)].map(|usage| fault(&ml_dsa, usage));
        assert_eq!(faults, [false, false, true]);
        assert!(!fault(&ed25519, Some(signing | encipherment)), "others have been issued so for long");
    }
}
