//! PEM, encrypted keys, PKCS#12 and PKCS#7 out.

use crate::base::octets::random;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::Error;
use crate::encoding::asn1::{tag, write};

/// Rounds of PBKDF2-HMAC-SHA256 for an encrypted key: OWASP's figure for 2023 and later.
const PBKDF2_ROUNDS: u32 = 600_000;

/// Rounds of hashing of a PKCS#12 file, for each of its keys and for its MAC: the most that .NET 9 opens by default.
const PKCS12_ROUNDS: u32 = 300_000;

/// Rounds of a PKCS#12 file for old readers, which may know limits of their own.
const PKCS12_LEGACY_ROUNDS: u32 = 10_000;

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

/// Ciphers of a PKCS#12 file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkcs12Ciphers {
    /// PBES2 with AES-256-CBC and an HMAC-SHA256 MAC: OpenSSL 1.1 and newer, Java 8u301 and newer, Windows 10 1709.
    Modern,
    /// 3DES and an HMAC-SHA1 MAC, for older readers.
    Legacy,
}

/// An entry of a PKCS#12 file.
#[derive(Debug)]
pub struct StoreEntry<'a> {
    /// Its name: friendlyName, Java's alias.
    pub alias: String,
    /// Its private key, in PKCS#8; `None` for a certificate that Java is to trust.
    pub pkcs8: Option<&'a [u8]>,
    /// The certificate, and those above it.
    pub chain: Vec<CertificateDer<'a>>,
}

/// Writes a key and its chain, leaf first, as PKCS#12 (RFC 7292).
///
/// # Errors
///
/// [`Error::Encode`] when the key or a certificate is not DER.
pub fn pkcs12(
    pkcs8: &[u8],
    chain: &[CertificateDer<'_>],
    alias: &str,
    password: &str,
    ciphers: Pkcs12Ciphers,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let chain = chain.iter().map(|der| CertificateDer::from(&**der)).collect();
    pkcs12_store(&[StoreEntry { alias: alias.to_owned(), pkcs8: Some(pkcs8), chain }], password, ciphers)
}

/// Writes entries as PKCS#12 (RFC 7292); each needs an alias of its own.
///
/// # Errors
///
/// [`Error::Encode`] when a key or a certificate is not DER.
pub fn pkcs12_store(
    entries: &[StoreEntry<'_>],
    password: &str,
    ciphers: Pkcs12Ciphers,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKeyChain};
    let failed = |source: p12_keystore::error::Error| Error::Encode { what: "PKCS#12 file", source: Box::new(source) };
    let mut store = KeyStore::new();
    for entry in entries {
        let certificates = entry.chain.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(failed)?;
        if let Some(pkcs8) = entry.pkcs8 {
            let key = p12_keystore::PrivateKey::from_der(pkcs8).map_err(failed)?;
            let chain = PrivateKeyChain::new(&random::<20>()[..], key, certificates);
            store.add_entry(&entry.alias, KeyStoreEntry::PrivateKeyChain(chain));
        } else if let Some(certificate) = certificates.into_iter().next() {
            store.add_entry(&entry.alias, KeyStoreEntry::Certificate(certificate));
        }
    }
    let (encryption, mac, rounds) = match ciphers {
        Pkcs12Ciphers::Modern => {
            (EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256, PKCS12_ROUNDS)
        }
        Pkcs12Ciphers::Legacy => {
            (EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1, PKCS12_LEGACY_ROUNDS)
        }
    };
    let writer = store.writer(password).encryption_algorithm(encryption).encryption_iterations(rounds);
    let writer = writer.mac_algorithm(mac).mac_iterations(rounds);
    Ok(Zeroizing::new(writer.write().map_err(failed)?))
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
