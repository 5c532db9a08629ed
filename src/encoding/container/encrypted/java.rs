//! How Java encrypts the keys of its own keystores (`sun.security.provider.KeyProtector` and
//! `com.sun.crypto.provider.PBEWithMD5AndTripleDESCipher` of OpenJDK).

use md5::Md5;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::Secret;

/// The OID of JKS's encryption: a stream of SHA-1 digests.
pub(super) const KEY_PROTECTOR: &str = "1.3.6.1.4.1.42.2.17.1.1";

/// The OID of JCEKS's encryption.
pub(super) const MD5_AND_TRIPLE_DES: &str = "1.3.6.1.4.1.42.2.19.1";

const HASH: usize = 20;

/// Opens a key of a JKS: salt, ciphertext, and a digest of password and key.
pub(super) fn open(data: &[u8], secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let (salt, rest) = data.split_first_chunk::<HASH>()?;
    let (ciphertext, digest) = rest.split_last_chunk::<HASH>()?;
    let password = secret.utf16_unended();
    let mut pad = salt.to_vec();
    let mut plain = Zeroizing::new(Vec::with_capacity(ciphertext.len()));
    for block in ciphertext.chunks(HASH) {
        pad = Sha1::new().chain_update(password).chain_update(&pad).finalize().to_vec();
        plain.extend(block.iter().zip(&pad).map(|(octet, pad)| octet ^ pad));
    }
    let check = Sha1::new().chain_update(password).chain_update(&*plain).finalize();
    (check[..] == digest[..]).then_some(plain)
}

/// The key and IV of a JCEKS's key: each half of the salt is hashed by itself.
pub(super) fn derive(password: &[u8], salt: [u8; 8], count: u32) -> Zeroizing<Vec<u8>> {
    let (first, second) = salt.split_at(4);
    let mut derived = Zeroizing::new(Vec::new());
    for half in [first, second] {
        let mut hash = half.to_vec();
        for _ in 0..count {
            hash = Md5::new().chain_update(&hash).chain_update(password).finalize().to_vec();
        }
        derived.extend_from_slice(&hash);
    }
    derived
}
