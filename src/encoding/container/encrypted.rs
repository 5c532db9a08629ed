//! Decryption with a passphrase: encrypted PKCS#8 keys, the bags of PKCS#12, traditional PEM files.
//!
//! PBES2 is the pkcs5 crate's. PBES1 ([RFC 8018](https://www.rfc-editor.org/rfc/rfc8018#section-6.1), and
//! [RFC 7292 appendix C](https://www.rfc-editor.org/rfc/rfc7292#appendix-C)) and OpenSSL's `Proc-Type: 4,ENCRYPTED` no
//! crate opens; they are a derivation and a cipher of crates each. All are for reading only.

mod java;

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::pbkdf2;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit, KeyIvInit};
use md5::Digest;
use pkcs5::pbes2;
use zeroize::Zeroizing;

use super::KeyFormat;
use super::pkcs12::kdf::{Purpose, derive};
use crate::encoding::asn1::{self, Value, oid, tag};

/// Rounds of hashing that a file may ask for, all its parts together: more than anybody asks of a person's computer.
const ROUNDS_LIMIT: u32 = 4_000_000;

/// Limit of scrypt's memory, in octets, and of the octets that scrypt processes in all its passes.
const SCRYPT_MEMORY_LIMIT: u64 = 256 << 20;
const SCRYPT_WORK_LIMIT: u64 = 1 << 30;
/// So many octets of scrypt's work take as long as a round of hashing.
const SCRYPT_OCTETS_A_ROUND: u64 = 512;

/// Reason why encrypted content stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A passphrase is needed but was not given.
    #[error("it is encrypted")]
    PassphraseNeeded,
    /// The passphrase is wrong.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    /// A passphrase that would take minutes or gigabytes to try.
    #[error("its passphrase is hashed at a cost beyond all measure")]
    TooCostly,
    /// A cipher or digest that is not read here.
    #[error("it is encrypted in a way that is not read here ({cipher})")]
    UnknownCipher {
        /// Its name or OID.
        cipher: String,
    },
    /// The structure violates its standard.
    #[error("it is damaged: {0}")]
    Malformed(#[from] asn1::Error),
}

/// Remaining cost for trying a passphrase on all content of one source, shared by all threads.
#[derive(Debug)]
pub struct Rounds(AtomicU32);

impl Default for Rounds {
    fn default() -> Self {
        Self(AtomicU32::new(ROUNDS_LIMIT))
    }
}

impl Rounds {
    /// A lower cost than the default, for content that is looked at in passing.
    #[must_use]
    pub const fn at_most(rounds: u32) -> Self {
        Self(AtomicU32::new(rounds))
    }

    pub(super) fn take(&self, rounds: u32) -> Result<u32, Error> {
        let less = |left: u32| left.checked_sub(rounds);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map_err(|_| Error::TooCostly)?;
        Ok(rounds)
    }
}

/// A passphrase in the form that a scheme wants: PKCS#12's own derivation takes UTF-16 that ends in a zero, or nothing
/// at all where there is no password.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    utf8: Zeroizing<Vec<u8>>,
    utf16: Zeroizing<Vec<u8>>,
}

impl Secret {
    pub(super) fn new(passphrase: &str) -> Self {
        let units = passphrase.encode_utf16().chain([0]).flat_map(u16::to_be_bytes);
        Self { utf8: Zeroizing::new(passphrase.as_bytes().to_vec()), utf16: Zeroizing::new(units.collect()) }
    }

    /// No password, which is another one than the empty password.
    pub(super) fn none() -> Self {
        Self { utf8: Zeroizing::default(), utf16: Zeroizing::default() }
    }

    pub(super) fn utf8(&self) -> &[u8] {
        &self.utf8
    }

    pub(super) fn utf16(&self) -> &[u8] {
        &self.utf16
    }

    /// UTF-16 without the zero at its end, as in Java's own keystores.
    pub(super) fn utf16_unended(&self) -> &[u8] {
        self.utf16.strip_suffix(&[0, 0]).unwrap_or_default()
    }
}

/// Decrypts a private key of any encryption; the result has the format that is returned with it.
///
/// # Errors
///
/// All but [`Error::PassphraseNeeded`]. OpenSSH's keys are not opened.
pub fn private_key(
    format: KeyFormat,
    der: &[u8],
    dek_info: Option<&str>,
    passphrase: &str,
    rounds: &Rounds,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    match (format, dek_info) {
        (_, Some(dek_info)) => legacy_pem(der, dek_info, passphrase),
        (KeyFormat::OpenSsh, None) => Err(Error::UnknownCipher { cipher: "OpenSSH's own way".to_owned() }),
        _ => pkcs8(der, passphrase, rounds),
    }
}

/// Opens an EncryptedPrivateKeyInfo (RFC 5958 section 3), and returns the PKCS#8 DER inside.
///
/// # Errors
///
/// All but [`Error::PassphraseNeeded`].
pub fn pkcs8(der: &[u8], passphrase: &str, rounds: &Rounds) -> Result<Zeroizing<Vec<u8>>, Error> {
    let outer = asn1::only(der, tag::SEQUENCE, "EncryptedPrivateKeyInfo")?;
    let mut fields = outer.reader();
    let algorithm = fields.tagged(tag::SEQUENCE, "encryptionAlgorithm")?;
    let data = fields.tagged(tag::OCTET_STRING, "encryptedData")?;
    let plain = decrypt(algorithm, data.content, &Secret::new(passphrase), rounds)?;
    // A wrong passphrase is not always noticed by the padding.
    match asn1::only(&plain, tag::SEQUENCE, "PrivateKeyInfo") {
        Ok(key) if key.reader().tagged(tag::INTEGER, "version").is_ok() => Ok(plain),
        _ => Err(Error::WrongPassphrase),
    }
}

/// Decrypts data by the scheme of its AlgorithmIdentifier.
pub(super) fn decrypt(
    algorithm: Value<'_>,
    data: &[u8],
    secret: &Secret,
    rounds: &Rounds,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut fields = algorithm.reader();
    let oid = fields.tagged(tag::OID, "algorithm")?.oid();
    if oid == "1.2.840.113549.1.5.13" {
        return decrypt_pbes2(algorithm, data, secret, rounds);
    }
    if oid == java::KEY_PROTECTOR {
        return java::open(data, secret).ok_or(Error::WrongPassphrase);
    }
    let Some(scheme) = PBES1.iter().find(|scheme| scheme.oid == oid) else {
        return Err(Error::UnknownCipher { cipher: oid::name_or_dotted(&oid) });
    };
    let parameters = fields.tagged(tag::SEQUENCE, "parameters")?;
    let mut parameters = parameters.reader();
    let salt = parameters.tagged(tag::OCTET_STRING, "salt")?.content;
    let count = parameters.tagged(tag::INTEGER, "iterations")?.small().ok_or(Error::TooCostly)?;
    let (key, iv) = scheme.derive(secret, salt, rounds.take(count)?.max(1), rounds)?;
    scheme.cipher.open(&key, &iv, data).ok_or(Error::WrongPassphrase)
}

/// A scheme of PBES1: its key derivation and cipher.
struct Scheme {
    oid: &'static str,
    derivation: Derivation,
    cipher: Cipher,
}

#[derive(Clone, Copy)]
enum Derivation {
    Md5,
    Sha1,
    Pkcs12,
    Java,
}

const PBES1: [Scheme; 9] = [
    Scheme { oid: "1.2.840.113549.1.5.3", derivation: Derivation::Md5, cipher: Cipher::Des },
    Scheme { oid: "1.2.840.113549.1.5.6", derivation: Derivation::Md5, cipher: Cipher::Rc2 { key: 8, bits: 64 } },
    Scheme { oid: "1.2.840.113549.1.5.10", derivation: Derivation::Sha1, cipher: Cipher::Des },
    Scheme { oid: "1.2.840.113549.1.5.11", derivation: Derivation::Sha1, cipher: Cipher::Rc2 { key: 8, bits: 64 } },
    Scheme { oid: "1.2.840.113549.1.12.1.3", derivation: Derivation::Pkcs12, cipher: Cipher::TripleDes },
    Scheme { oid: "1.2.840.113549.1.12.1.4", derivation: Derivation::Pkcs12, cipher: Cipher::TripleDesTwoKeys },
    Scheme {
        oid: "1.2.840.113549.1.12.1.5",
        derivation: Derivation::Pkcs12,
        cipher: Cipher::Rc2 { key: 16, bits: 128 },
    },
    Scheme { oid: java::MD5_AND_TRIPLE_DES, derivation: Derivation::Java, cipher: Cipher::TripleDes },
    Scheme { oid: "1.2.840.113549.1.12.1.6", derivation: Derivation::Pkcs12, cipher: Cipher::Rc2 { key: 5, bits: 40 } },
];

type KeyAndIv = (Zeroizing<Vec<u8>>, Vec<u8>);

impl Scheme {
    fn derive(&self, secret: &Secret, salt: &[u8], count: u32, rounds: &Rounds) -> Result<KeyAndIv, Error> {
        let (key_length, iv_length) = (self.cipher.key_length(), 8);
        match self.derivation {
            Derivation::Md5 => Ok(split(&pbkdf1::<md5::Md5>(secret.utf8(), salt, count))),
            Derivation::Sha1 => Ok(split(&pbkdf1::<sha1::Sha1>(secret.utf8(), salt, count))),
            Derivation::Java => {
                let salt = salt.try_into().map_err(|_| asn1::Error::new("salt", "is not of 8 octets"))?;
                let derived = java::derive(secret.utf8(), salt, count);
                let (key, iv) = derived.split_at_checked(key_length).unwrap_or_default();
                Ok((Zeroizing::new(key.to_vec()), iv.to_vec()))
            }
            Derivation::Pkcs12 if salt.is_empty() => Err(asn1::Error::new("salt", "is empty").into()),
            Derivation::Pkcs12 => {
                rounds.take(count)?;
                let derive = |purpose, length| derive::<sha1::Sha1>(secret.utf16(), salt, purpose, count, length);
                Ok((derive(Purpose::Key, key_length), derive(Purpose::Iv, iv_length).to_vec()))
            }
        }
    }
}

/// RFC 8018 section 6.1.1: the derived key's halves are DES's or RC2's key and the IV.
fn split(derived: &[u8]) -> KeyAndIv {
    let (key, iv) = derived.split_at_checked(8).unwrap_or_default();
    (Zeroizing::new(key.to_vec()), iv.get(..8).unwrap_or_default().to_vec())
}

/// RFC 8018 section 5.1.
fn pbkdf1<D: Digest>(passphrase: &[u8], salt: &[u8], count: u32) -> Zeroizing<Vec<u8>> {
    let mut hash = D::new().chain_update(passphrase).chain_update(salt).finalize();
    for _ in 1..count {
        hash = D::digest(&hash);
    }
    Zeroizing::new(hash.to_vec())
}

/// The block ciphers of old, in CBC mode with PKCS#7 padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Des,
    TripleDes,
    TripleDesTwoKeys,
    /// Octets of key, and the bits of the key that count (RFC 2268).
    Rc2 {
        key: usize,
        bits: usize,
    },
    Aes128,
    Aes192,
    Aes256,
}

impl Cipher {
    const fn key_length(self) -> usize {
        match self {
            Self::Des => 8,
            Self::TripleDesTwoKeys | Self::Aes128 => 16,
            Self::TripleDes | Self::Aes192 => 24,
            Self::Rc2 { key, .. } => key,
            Self::Aes256 => 32,
        }
    }

    /// `None` when the key, the IV or the padding is wrong.
    fn open(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Des => open_with::<des::Des>(key, iv, data),
            Self::TripleDes => open_with::<des::TdesEde3>(key, iv, data),
            Self::TripleDesTwoKeys => open_with::<des::TdesEde2>(key, iv, data),
            Self::Aes128 => open_with::<aes::Aes128Dec>(key, iv, data),
            Self::Aes192 => open_with::<aes::Aes192Dec>(key, iv, data),
            Self::Aes256 => open_with::<aes::Aes256Dec>(key, iv, data),
            Self::Rc2 { bits, .. } => {
                let is_possible = (1..=128).contains(&key.len()) && (1..=1024).contains(&bits);
                let cipher = is_possible.then(|| rc2::Rc2::new_with_eff_key_len(key, bits))?;
                let decryptor = cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
                decryptor.decrypt_padded_vec::<Pkcs7>(data).ok().map(Zeroizing::new)
            }
        }
    }
}

fn open_with<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let decryptor = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    decryptor.decrypt_padded_vec::<Pkcs7>(data).ok().map(Zeroizing::new)
}

fn decrypt_pbes2(
    algorithm: Value<'_>,
    data: &[u8],
    secret: &Secret,
    rounds: &Rounds,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if let Some(opened) = decrypt_rc2(algorithm, data, secret, rounds)? {
        return Ok(opened);
    }
    let scheme = pkcs5::EncryptionScheme::try_from(algorithm.raw).map_err(|_| unknown(algorithm))?;
    let parameters = scheme.pbes2().ok_or_else(|| unknown(algorithm))?;
    check_cost(&parameters.kdf, rounds)?;
    let plain = scheme.decrypt(secret.utf8(), data).map_err(|error| match error {
        pkcs5::Error::UnsupportedAlgorithm { .. } => unknown(algorithm),
        _ => Error::WrongPassphrase,
    })?;
    Ok(Zeroizing::new(plain))
}

fn check_cost(kdf: &pbes2::Kdf, rounds: &Rounds) -> Result<(), Error> {
    rounds.take(kdf.pbkdf2().map_or(0, |parameters| parameters.iteration_count))?;
    let Some(scrypt) = kdf.scrypt() else { return Ok(()) };
    let block = u64::from(scrypt.block_size).saturating_mul(128);
    let memory = block.saturating_mul(scrypt.cost_parameter);
    let work = memory.saturating_mul(u64::from(scrypt.parallelization));
    if memory > SCRYPT_MEMORY_LIMIT || work > SCRYPT_WORK_LIMIT {
        return Err(Error::TooCostly);
    }
    rounds.take(u32::try_from(work / SCRYPT_OCTETS_A_ROUND).unwrap_or(u32::MAX)).map(|_| ())
}

/// Names the parts of a PBES2 scheme: the cipher's OID if there is one, else the scheme's.
fn unknown(algorithm: Value<'_>) -> Error {
    let cipher = || -> Result<String, asn1::Error> {
        let (kdf, cipher) = pbes2_parts(algorithm)?;
        let oid = |part: Value<'_>| part.reader().tagged(tag::OID, "algorithm").map(|oid| oid.oid());
        Ok(format!("PBES2 of {} and {}", oid(kdf)?, oid(cipher)?))
    };
    Error::UnknownCipher { cipher: cipher().unwrap_or_else(|_| "PBES2".to_owned()) }
}

fn pbes2_parts(algorithm: Value<'_>) -> Result<(Value<'_>, Value<'_>), asn1::Error> {
    let mut fields = algorithm.reader();
    fields.tagged(tag::OID, "algorithm")?;
    let mut parameters = fields.tagged(tag::SEQUENCE, "PBES2-params")?.reader();
    let kdf = parameters.tagged(tag::SEQUENCE, "keyDerivationFunc")?;
    Ok((kdf, parameters.tagged(tag::SEQUENCE, "encryptionScheme")?))
}

/// RC2 under PBKDF2 (RFC 8018 appendix B.2.3), which pkcs5 does not have; `None` for another cipher.
fn decrypt_rc2(
    algorithm: Value<'_>,
    data: &[u8],
    secret: &Secret,
    rounds: &Rounds,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let (kdf, cipher) = pbes2_parts(algorithm)?;
    let mut cipher = cipher.reader();
    if cipher.tagged(tag::OID, "encryptionScheme")?.oid() != "1.2.840.113549.3.2" {
        return Ok(None);
    }
    let parameters = cipher.tagged(tag::SEQUENCE, "RC2-CBC-Parameter")?;
    let mut parameters = parameters.reader();
    let version = parameters.optional(tag::INTEGER, "rc2ParameterVersion")?.and_then(|version| version.small());
    let bits = match version {
        Some(160) => 40,
        Some(120) => 64,
        Some(58) => 128,
        None => 32,
        Some(bits) => usize::try_from(bits).unwrap_or_default(),
    };
    let iv = parameters.tagged(tag::OCTET_STRING, "iv")?.content;
    let mut kdf_fields = kdf.reader();
    let kdf_oid = kdf_fields.tagged(tag::OID, "keyDerivationFunc")?;
    if kdf_oid.oid() != "1.2.840.113549.1.5.12" {
        return Err(unknown(algorithm));
    }
    let derived = pbkdf2(kdf_fields.tagged(tag::SEQUENCE, "PBKDF2-params")?, bits / 8, secret.utf8(), rounds)?;
    let key = derived.ok_or_else(|| unknown(algorithm))?;
    let opened = Cipher::Rc2 { key: key.len(), bits }.open(&key, iv, data);
    opened.map(Some).ok_or(Error::WrongPassphrase)
}

/// A key by PBKDF2 (RFC 8018 section 5.2), of `length` octets unless its parameters say another; `None` for a
/// pseudorandom function that is not known.
pub(super) fn pbkdf2(
    parameters: Value<'_>,
    length: usize,
    passphrase: &[u8],
    rounds: &Rounds,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let mut fields = parameters.reader();
    let salt = fields.tagged(tag::OCTET_STRING, "salt")?.content;
    let count = fields.tagged(tag::INTEGER, "iterationCount")?.small().ok_or(Error::TooCostly)?;
    let key_length = fields.optional(tag::INTEGER, "keyLength")?.and_then(|length| length.small());
    let prf = fields.optional(tag::SEQUENCE, "prf")?;
    let prf = prf.map(|prf| prf.reader().tagged(tag::OID, "prf").map(|oid| oid.oid())).transpose()?;
    let (function, block) = match prf.as_deref() {
        None | Some("1.2.840.113549.2.7") => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        Some("1.2.840.113549.2.9") => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        Some("1.2.840.113549.2.10") => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
        Some("1.2.840.113549.2.11") => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        Some(_) => return Ok(None),
    };
    let length = key_length.map_or(length, |length| usize::try_from(length).unwrap_or(usize::MAX));
    // Each block of the key takes all the rounds.
    let blocks = u32::try_from(length.div_ceil(block)).unwrap_or(u32::MAX);
    rounds.take(count.saturating_mul(blocks))?;
    let (Some(count), 1..=1024) = (std::num::NonZeroU32::new(count), length) else { return Err(Error::TooCostly) };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(function, count, salt, passphrase, &mut key);
    Ok(Some(key))
}

/// Opens the body of an old PEM key, whose `DEK-Info` names the cipher and the IV (RFC 1421 section 4.6.1.3).
///
/// # Errors
///
/// [`Error::UnknownCipher`], [`Error::WrongPassphrase`], [`Error::Malformed`] for a malformed `DEK-Info`.
pub fn legacy_pem(ciphertext: &[u8], dek_info: &str, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (name, iv) = dek_info.split_once(',').ok_or_else(|| asn1::Error::new("DEK-Info", "has no IV"))?;
    let cipher = match name.trim() {
        "DES-CBC" => Cipher::Des,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        other => return Err(Error::UnknownCipher { cipher: other.chars().take(32).collect() }),
    };
    let iv = asn1::unhex(iv.trim()).filter(|iv| iv.len() >= 8);
    let iv = iv.ok_or_else(|| asn1::Error::new("DEK-Info", "has an IV that is none"))?;
    let key = bytes_to_key(passphrase.as_bytes(), iv.get(..8).unwrap_or_default(), cipher.key_length());
    let plain = cipher.open(&key, &iv, ciphertext).ok_or(Error::WrongPassphrase)?;
    match asn1::only(&plain, tag::SEQUENCE, "private key") {
        Ok(_) => Ok(plain),
        Err(_) => Err(Error::WrongPassphrase),
    }
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round.
fn bytes_to_key(passphrase: &[u8], salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    let mut last = Zeroizing::new(Vec::new());
    while key.len() < length {
        let hash = md5::Md5::new().chain_update(&*last).chain_update(passphrase).chain_update(salt).finalize();
        last = Zeroizing::new(hash.to_vec());
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}
