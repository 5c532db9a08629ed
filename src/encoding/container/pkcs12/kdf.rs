//! Keys from passwords by PKCS#12's own derivation ([RFC 7292 appendix B](https://www.rfc-editor.org/rfc/rfc7292#appendix-B)).

use md5::Digest;
use md5::digest::Output;
use md5::digest::block_api::BlockSizeUser;
use zeroize::Zeroizing;

/// Purpose of the derived octets (appendix B.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::encoding::container) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// Derives octets from a password in UTF-16 that ends in a zero, by `rounds` rounds of hashing (appendix B.2).
///
/// The names of the RFC: `diversifier` is D, `input` is I, `hash` is A.
pub(in crate::encoding::container) fn derive<D: Digest + BlockSizeUser>(
    password: &[u8],
    salt: &[u8],
    purpose: Purpose,
    rounds: u32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = D::block_size();
    let diversifier = vec![purpose as u8; block];
    let filled =
        |octets: &[u8]| octets.iter().copied().cycle().take(octets.len().div_ceil(block) * block).collect::<Vec<u8>>();
    let mut input = Zeroizing::new([filled(salt), filled(password)].concat());
    let mut derived = Zeroizing::new(Vec::with_capacity(length));
    loop {
        let mut hash = D::new().chain_update(&diversifier).chain_update(&*input).finalize();
        for _ in 1..rounds {
            hash = D::digest(&hash);
        }
        let wanted = length - derived.len();
        derived.extend(hash.iter().take(wanted));
        if derived.len() == length {
            return derived;
        }
        input.chunks_exact_mut(block).for_each(|chunk| add::<D>(chunk, &hash));
    }
}

/// Adds the hash, repeated to a block's length, and one to a block, modulo its size.
fn add<D: Digest>(block: &mut [u8], hash: &Output<D>) {
    let mut carry = 1;
    let repeated: Vec<u8> = hash.iter().copied().cycle().take(block.len()).collect();
    for (octet, addend) in block.iter_mut().zip(&repeated).rev() {
        let [high, low] = (u16::from(*octet) + u16::from(*addend) + carry).to_be_bytes();
        *octet = low;
        carry = u16::from(high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hex::hex;

    /// The vectors of Bouncy Castle and OpenSSL for "smeg" and "queeg" (PKCS#12 test vectors, 1999).
    #[test]
    fn the_derivation_gives_the_known_vectors() {
        let utf16 = |text: &str| text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let derive = |password: &str, salt: &[u8], purpose, rounds, length| {
            hex(&derive::<sha1::Sha1>(&utf16(password), salt, purpose, rounds, length))
        };
        let salt = [0x0a, 0x58, 0xcf, 0x64, 0x53, 0x0d, 0x82, 0x3f];
        assert_eq!(derive("smeg", &salt, Purpose::Key, 1, 24), "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3");
        assert_eq!(derive("smeg", &salt, Purpose::Iv, 1, 8), "79993dfe048d3b76");
        let salt = [0x3d, 0x83, 0xc0, 0xe4, 0x54, 0x6a, 0xc1, 0x40];
        assert_eq!(derive("smeg", &salt, Purpose::Mac, 1, 20), "8d967d88f6caa9d714800ab3d48051d63f73a312");
        let salt = [0x05, 0xde, 0xc9, 0x59, 0xac, 0xff, 0x72, 0xf7];
        assert_eq!(derive("queeg", &salt, Purpose::Key, 1000, 24), "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4");
        assert_eq!(derive("queeg", &salt, Purpose::Iv, 1000, 8), "11dedad7758d4860");
    }
}
