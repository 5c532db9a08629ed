//! Which keys are strong enough, and of a kind that is accepted (CA/Browser Forum Baseline Requirements 6.1.5).

use super::certificate::Fault;
use crate::asn1::{self, Value, bit_length, oid, tag};
use crate::key;
use crate::report::verdict::Code;

/// Fewest bits of an RSA modulus.
const MIN_RSA_BITS: u32 = 2048;

/// What is wrong with a subjectPublicKeyInfo.
pub(super) fn fault(spki: Value<'_>) -> Option<Fault> {
    match check(spki) {
        Ok(None) => None,
        Ok(Some(message)) => Some(Fault::new(Code::WeakKey, message)),
        Err(error) => Some(Fault::new(Code::Malformed, error.to_string())),
    }
}

/// What a keyUsage has that the key cannot do: ML-DSA is for signatures alone (RFC 9881 section 5).
pub(super) fn usage_fault(spki: Value<'_>, key_usage: Option<u16>) -> Option<Fault> {
    // keyEncipherment, dataEncipherment, keyAgreement, encipherOnly, decipherOnly.
    const OTHER_THAN_SIGNING: u16 = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 8;
    let mut algorithm = spki.reader().tagged(tag::SEQUENCE, "").ok()?.reader();
    let id = algorithm.tagged(tag::OID, "").ok()?.content;
    let message = "its keyUsage has more than signing, which is all that an ML-DSA key can do (RFC 9881 section 5)";
    (is_ml_dsa(id) && key_usage? & OTHER_THAN_SIGNING != 0).then(|| Fault::new(Code::Malformed, message))
}

fn check(spki: Value<'_>) -> Result<Option<String>, asn1::Error> {
    let mut fields = spki.reader();
    let mut algorithm = fields.tagged(tag::SEQUENCE, "the key's algorithm")?.reader();
    let id = algorithm.tagged(tag::OID, "the key's algorithm")?.content;
    let parameters = if algorithm.is_empty() { None } else { Some(algorithm.value("the key's parameters")?) };
    algorithm.finish("the key's algorithm")?;
    let bits = fields.tagged(tag::BIT_STRING, "subjectPublicKey")?;
    fields.finish("subjectPublicKey")?;
    let bits = bits.bits().ok_or_else(|| asn1::Error::new("subjectPublicKey", "is no BIT STRING"))?;
    Ok(match id {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => rsa(bits)?,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => curve(spki, parameters),
        // Ed25519.
        [0x2b, 0x65, 0x70] => None,
        id if is_ml_dsa(id) => None,
        id => Some(format!("its public key is of a kind that is not accepted ({})", kind(spki, id))),
    })
}

/// ML-DSA-44, -65 and -87.
const fn is_ml_dsa(id: &[u8]) -> bool {
    matches!(id, [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17..=19])
}

fn kind(spki: Value<'_>, id: &[u8]) -> String {
    let name = key::public_key(spki.raw).to_string();
    if name.is_empty() { oid::name_or_dotted(&oid::dotted(id)) } else { name }
}

fn rsa(bits: &[u8]) -> Result<Option<String>, asn1::Error> {
    let mut numbers = asn1::only(bits, tag::SEQUENCE, "the RSA key")?.reader();
    let modulus = numbers.tagged(tag::INTEGER, "the RSA key's modulus")?;
    let exponent = numbers.tagged(tag::INTEGER, "the RSA key's exponent")?;
    numbers.finish("the RSA key")?;
    let is_odd = |number: Value<'_>| number.content.last().is_some_and(|last| last & 1 == 1);
    let length = bit_length(modulus.content);
    Ok(if length < MIN_RSA_BITS {
        Some(format!("its RSA key has {length} bits, and {MIN_RSA_BITS} are the least that is safe"))
    } else if !length.is_multiple_of(8) {
        Some(format!("its RSA key has {length} bits, which is no multiple of 8"))
    } else if exponent.small().is_some_and(|exponent| exponent < 3) || !is_odd(exponent) || !is_odd(modulus) {
        Some("its RSA key's numbers cannot be right".to_owned())
    } else {
        None
    })
}

fn curve(spki: Value<'_>, parameters: Option<Value<'_>>) -> Option<String> {
    let named = parameters.filter(|parameters| parameters.tag == tag::OID);
    match named.map(|named| named.content) {
        // P-256, P-384, P-521.
        Some([0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7] | [0x2b, 0x81, 4, 0, 34 | 35]) => None,
        Some(_) => Some(format!("its key's curve is not accepted ({})", key::public_key(spki.raw))),
        None => Some("its key's curve is not named, but given in numbers (RFC 5480 section 2.1.1)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// webpki takes them all.
    #[test]
    fn keys_for_signatures_alone_are_not_for_encryption() {
        let ml_dsa = [0x30, 16, 0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17, 3, 1, 0];
        let ed25519 = [0x30, 10, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 1, 0];
        let fault = |spki: &[u8], usage| usage_fault(asn1::only(spki, tag::SEQUENCE, "").unwrap(), usage).is_some();
        let (signing, encipherment) = (1, 1 << 2);
        let faults = [None, Some(signing), Some(signing | encipherment)].map(|usage| fault(&ml_dsa, usage));
        assert_eq!(faults, [false, false, true]);
        assert!(!fault(&ed25519, Some(signing | encipherment)), "others have been issued so for long");
    }
}
