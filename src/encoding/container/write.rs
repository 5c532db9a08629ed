//! PEM, encrypted keys and PKCS#7 out.

use crate::base::octets::random;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2;
use zeroize::Zeroizing;

use super::Error;
use crate::encoding::asn1::{tag, write};

/// Rounds of PBKDF2-HMAC-SHA256 for an encrypted key: OWASP's figure for 2023 and later.
const PBKDF2_ROUNDS: u32 = 600_000;

/// Encrypts a PKCS#8 key (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC), which OpenSSL, Java and Node all read.
///
/// # Errors
///
/// [`Error::Encode`] when the key is not PKCS#8.
pub fn encrypt_key(pkcs8: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |source: pkcs8::Error| Error::Encode { what: "encrypted key", source: Box::new(source) };
    let (salt, iv) = (random::<16>(), random::<16>());
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ROUNDS, &salt, iv);
    let parameters = parameters.map_err(|error| failed(error.into()))?;
    let key = PrivateKeyInfoRef::try_from(pkcs8).map_err(failed)?;
    let encrypted = key.encrypt_with_params(parameters, passphrase).map_err(failed)?;
    Ok(Zeroizing::new(encrypted.as_bytes().to_vec()))
}

/// Writes DER as PEM (RFC 7468: lines of 64, LF).
///
/// # Errors
///
/// [`Error::Encode`] for a label that PEM cannot hold.
pub fn pem(label: &str, der: &[u8]) -> Result<Zeroizing<String>, Error> {
    let text = pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der);
    Ok(Zeroizing::new(text.map_err(|source| Error::Encode { what: "PEM", source: source.to_string().into() })?))
}

/// Writes certificates and CRLs as PKCS#7: a SignedData without signatures (RFC 2315 section 9.1).
///
/// They stay in their order, as OpenSSL leaves them: readers show a chain in the order of the file, though it is a SET.
#[must_use]
pub fn pkcs7_of(certificates: &[&[u8]], crls: &[&[u8]]) -> Vec<u8> {
    /// Contents octets of OIDs (RFC 5652 sections 4 and 5.1).
    const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let set = |number, members: &[&[u8]]| match members {
        [] => Vec::new(),
        members => write::tlv(tag::constructed(number), members),
    };
    let signed_data = write::sequence(&[
        &write::unsigned(&[1]),
        &write::tlv(tag::SET, &[]),
        &write::sequence(&[&write::oid(DATA)]),
        &set(0, certificates),
        &set(1, crls),
        &write::tlv(tag::SET, &[]),
    ]);
    write::sequence(&[&write::oid(SIGNED_DATA), &write::tlv(tag::constructed(0), &[&signed_data])])
}
