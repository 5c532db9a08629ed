//! PEM and DER in and out: finds the items in what a file holds, and says what was found when it is not what was
//! asked for.
//!
//! The one module that uses rustls-pemfile.

mod found;

use der::{Decode, Encode};
use pkcs8::pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls_pemfile::Item as PemItem;
use zeroize::Zeroizing;

pub use self::found::{Content, Found, KeyFormat};

/// Rounds of PBKDF2-HMAC-SHA256 for an encrypted key: OWASP's figure for 2023 and later.
const PBKDF2_ROUNDS: u32 = 600_000;

/// Why the bytes could not be read as what they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing of the kind asked for.
    #[error("{}", missing(wanted, found))]
    Missing {
        /// What was asked for, with its article: `a certificate`.
        wanted: &'static str,
        /// What was there instead, in order.
        found: Vec<String>,
    },
    /// A PEM block that is broken.
    #[error("PEM block {ordinal} (line {line}, {label}) {reason}")]
    Block {
        /// Its place among the blocks, from 1.
        ordinal: usize,
        /// The line of its BEGIN, from 1.
        line: usize,
        /// Its label.
        label: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// An encrypted key, and no passphrase.
    #[error("the private key is encrypted")]
    PassphraseNeeded,
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,
    /// A passphrase that would take minutes or gigabytes to try.
    #[error("the private key's passphrase is hashed at a cost beyond all measure")]
    TooCostly,
    /// A cipher that is not read here.
    #[error("the private key is encrypted in a way that is not read here ({cipher})")]
    UnknownCipher {
        /// Its name or OID.
        cipher: String,
    },
    /// Writing failed.
    #[error("cannot encode the {what}")]
    Encode {
        /// What was to be written.
        what: &'static str,
        /// The encoder's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn missing(wanted: &str, found: &[String]) -> String {
    match found {
        [] => format!("there is neither PEM nor DER of {wanted} in it"),
        [one] => format!("it holds {one}, not {wanted}"),
        [first, rest @ ..] => format!("it holds {first} and {} more, but not {wanted}", rest.len()),
    }
}

/// One thing found in a file.
pub enum Item {
    /// A certificate's DER.
    Certificate(CertificateDer<'static>),
    /// A certification request's DER (PKCS#10).
    Request(Vec<u8>),
    /// A certificate revocation list's DER.
    Crl(CertificateRevocationListDer<'static>),
    /// A private key: PKCS#8, PKCS#1 or SEC1.
    PrivateKey(PrivateKeyDer<'static>),
    /// A PKCS#8 key under a passphrase: the DER of its EncryptedPrivateKeyInfo.
    EncryptedKey(Vec<u8>),
    /// A key under the encryption of old PEM files (`Proc-Type: 4,ENCRYPTED`).
    LegacyEncryptedKey,
    /// Anything else, by its PEM label.
    Other(String),
}

impl Item {
    /// What it is, with its article, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Certificate(_) => "a certificate".to_owned(),
            Self::Request(_) => "a certification request (CSR)".to_owned(),
            Self::Crl(_) => "a certificate revocation list (CRL)".to_owned(),
            Self::PrivateKey(_) => "a private key".to_owned(),
            Self::EncryptedKey(_) | Self::LegacyEncryptedKey => "an encrypted private key".to_owned(),
            Self::Other(label) => format!("a `{label}`"),
        }
    }
}

/// Finds everything in a file's bytes: each PEM block in order, else the one DER structure it is.
///
/// # Errors
///
/// [`Error::Block`] for a PEM block that is broken.
pub fn items(bytes: &[u8]) -> Result<Vec<Item>, Error> {
    let unfolded = unfold(bytes);
    let bytes = unfolded.as_ref().map_or(bytes, |text| text.as_bytes());
    let blocks = blocks(bytes);
    if blocks.is_empty() {
        return Ok(der_item(bytes).into_iter().collect());
    }
    blocks.iter().enumerate().map(|(index, block)| block.item(index + 1)).collect()
}

/// PEM that lost its line ends on the way, as through an environment variable, with its markers on lines of their own
/// again; `None` for all other text.
fn unfold(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_marker =
        |line: &str| marker(line.trim_start_matches('\u{feff}').trim().as_bytes(), b"-----BEGIN ").is_some();
    let is_folded = |line: &str| line.contains("-----BEGIN ") && !is_marker(line);
    if !text.contains('\r') && !text.lines().any(is_folded) {
        return None;
    }
    let text = Zeroizing::new(text.replace("\r\n", "\n").replace('\r', "\n"));
    let mut out = Zeroizing::new(String::with_capacity(text.len() + 8));
    for line in text.lines() {
        let mut rest = line;
        while let Some(start) = rest.find("-----BEGIN ").into_iter().chain(rest.find("-----END ")).min() {
            let (before, from) = rest.split_at(start);
            let Some(end) = from.get(8..).and_then(|label| label.find("-----")) else { break };
            let (marker, after) = from.split_at(8 + end + 5);
            out.push_str(before);
            out.push('\n');
            out.push_str(marker);
            out.push('\n');
            rest = after;
        }
        out.push_str(rest);
        out.push('\n');
    }
    Some(out)
}

/// A PEM block: its label, where it begins, and its text from BEGIN to END.
struct Block<'a> {
    label: String,
    line: usize,
    text: &'a [u8],
    ended: bool,
}

/// Splits text into its PEM blocks; what stands between them is passed over, as RFC 7468 section 2 has it.
fn blocks(bytes: &[u8]) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize, usize)> = None;
    let mut offset = 0;
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        let end = offset + line.len();
        if let Some(label) = marker(text, b"-----BEGIN ") {
            if let Some((label, line, start)) = open.replace((label, index + 1, offset)) {
                blocks.push(Block { label, line, text: &bytes[start..offset], ended: false });
            }
        } else if let (Some(ended), Some((label, line, start))) = (marker(text, b"-----END "), open.as_ref()) {
            let block = Block { label: label.clone(), line: *line, text: &bytes[*start..end], ended: ended == *label };
            blocks.push(block);
            open = None;
        }
        offset = end;
    }
    if let Some((label, line, start)) = open {
        blocks.push(Block { label, line, text: &bytes[start..], ended: false });
    }
    blocks
}

fn marker(line: &[u8], prefix: &[u8]) -> Option<String> {
    /// Longer than any label there is. What is no label must not be shown: it may be a key.
    const MAX_LABEL: usize = 64;
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    let text = std::str::from_utf8(label).ok().filter(|text| text.len() <= MAX_LABEL && !text.contains("--"))?;
    text.chars().all(|c| c.is_ascii_graphic() || c == ' ').then(|| text.to_owned())
}

impl Block<'_> {
    fn item(&self, ordinal: usize) -> Result<Item, Error> {
        let broken = |reason| Error::Block { ordinal, line: self.line, label: self.label.clone(), reason };
        if !self.ended {
            return Err(broken("has no END line of its own"));
        }
        if self.label.ends_with("PRIVATE KEY") && self.text.windows(10).any(|text| text == b"Proc-Type:") {
            return Ok(Item::LegacyEncryptedKey);
        }
        // rustls-pemfile passes over labels it does not know, and reads one label for its content alone.
        let readable = match self.label.as_str() {
            "ENCRYPTED PRIVATE KEY" => "PUBLIC KEY",
            "NEW CERTIFICATE REQUEST" => "CERTIFICATE REQUEST",
            "X509 CERTIFICATE" => "CERTIFICATE",
            label => label,
        };
        let text = relabelled(self.text, &self.label, readable);
        match rustls_pemfile::read_one_from_slice(&text) {
            Ok(Some((PemItem::X509Certificate(der), _))) => Ok(Item::Certificate(der)),
            Ok(Some((PemItem::Csr(der), _))) => Ok(Item::Request(der.to_vec())),
            Ok(Some((PemItem::Crl(der), _))) => Ok(Item::Crl(der)),
            Ok(Some((PemItem::Pkcs1Key(der), _))) => Ok(Item::PrivateKey(der.into())),
            Ok(Some((PemItem::Pkcs8Key(der), _))) => Ok(Item::PrivateKey(der.into())),
            Ok(Some((PemItem::Sec1Key(der), _))) => Ok(Item::PrivateKey(der.into())),
            Ok(Some((PemItem::SubjectPublicKeyInfo(der), _))) if self.label == "ENCRYPTED PRIVATE KEY" => {
                Ok(Item::EncryptedKey(der.to_vec()))
            }
            Ok(_) => Ok(Item::Other(self.label.clone())),
            Err(_) => Err(broken("is not base64")),
        }
    }
}

/// The block with its markers flush left and under another label.
fn relabelled(text: &[u8], label: &str, other: &str) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + 16));
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        match (marker(line, b"-----BEGIN "), marker(line, b"-----END ")) {
            (Some(found), _) if found == label => out.extend_from_slice(format!("-----BEGIN {other}-----").as_bytes()),
            (_, Some(found)) if found == label => out.extend_from_slice(format!("-----END {other}-----").as_bytes()),
            // Headers have a colon; base64 that was folded has spaces.
            _ if line.contains(&b':') => out.extend_from_slice(line),
            _ => out.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace())),
        }
        out.push(b'\n');
    }
    out
}

/// Recognises a DER structure by its shape.
fn der_item(bytes: &[u8]) -> Option<Item> {
    if x509_parser::parse_x509_certificate(bytes).is_ok_and(|(rest, _)| rest.is_empty()) {
        return Some(Item::Certificate(bytes.to_vec().into()));
    }
    if x509_parser::parse_x509_crl(bytes).is_ok_and(|(rest, _)| rest.is_empty()) {
        return Some(Item::Crl(bytes.to_vec().into()));
    }
    if EncryptedPrivateKeyInfoRef::try_from(bytes).is_ok() || has_encrypted_shape(bytes) {
        return Some(Item::EncryptedKey(bytes.to_vec()));
    }
    if has_request_shape(bytes) {
        return Some(Item::Request(bytes.to_vec()));
    }
    PrivateKeyDer::try_from(bytes.to_vec()).ok().map(Item::PrivateKey)
}

/// `SEQUENCE { SEQUENCE { OID, .. }, OCTET STRING }`: EncryptedPrivateKeyInfo with a cipher that pkcs8 does not know.
fn has_encrypted_shape(bytes: &[u8]) -> bool {
    encryption_oid(bytes).is_some()
}

fn encryption_oid(bytes: &[u8]) -> Option<String> {
    let outer = Vec::<der::Any>::from_der(bytes).ok()?;
    let [algorithm, data] = &outer[..] else { return None };
    if der::Tagged::tag(data) != der::Tag::OctetString {
        return None;
    }
    let algorithm = Vec::<der::Any>::from_der(&algorithm.to_der().ok()?).ok()?;
    Some(algorithm.first()?.decode_as::<der::asn1::ObjectIdentifier>().ok()?.to_string())
}

/// `SEQUENCE { SEQUENCE { INTEGER, SEQUENCE, SEQUENCE, [0] }, SEQUENCE, BIT STRING }`: RFC 2986 section 4.
fn has_request_shape(bytes: &[u8]) -> bool {
    let tags = |der: &[u8]| -> Option<Vec<der::Tag>> {
        Some(Vec::<der::Any>::from_der(der).ok()?.iter().map(der::Tagged::tag).collect())
    };
    let inner = || Vec::<der::Any>::from_der(bytes).ok()?.first()?.to_der().ok();
    tags(bytes).is_some_and(|outer| outer == [der::Tag::Sequence, der::Tag::Sequence, der::Tag::BitString])
        && inner().and_then(|info| tags(&info)).is_some_and(|info| {
            info.starts_with(&[der::Tag::Integer, der::Tag::Sequence, der::Tag::Sequence]) && info.len() <= 4
        })
}

/// The first item that `pick` takes, or what was there instead.
fn first<T>(bytes: &[u8], wanted: &'static str, pick: impl FnMut(Item) -> Result<T, Item>) -> Result<T, Error> {
    let mut pick = pick;
    let mut found = Vec::new();
    for item in items(bytes)? {
        match pick(item) {
            Ok(picked) => return Ok(picked),
            Err(item) => found.push(item.describe()),
        }
    }
    Err(Error::Missing { wanted, found })
}

/// The certificates in a file, in order; at least one.
///
/// # Errors
///
/// [`Error::Missing`] when there is none, [`Error::Block`].
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let items = items(bytes)?;
    let found = items.iter().map(Item::describe).collect();
    let certificates: Vec<_> =
        items.into_iter().filter_map(|item| if let Item::Certificate(der) = item { Some(der) } else { None }).collect();
    if certificates.is_empty() { Err(Error::Missing { wanted: "a certificate", found }) } else { Ok(certificates) }
}

/// The CRLs in a file, in order; at least one.
///
/// # Errors
///
/// [`Error::Missing`] when there is none, [`Error::Block`].
pub fn crls(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let items = items(bytes)?;
    let found = items.iter().map(Item::describe).collect();
    let crls: Vec<_> =
        items.into_iter().filter_map(|item| if let Item::Crl(der) = item { Some(der) } else { None }).collect();
    if crls.is_empty() {
        return Err(Error::Missing { wanted: "a certificate revocation list (CRL)", found });
    }
    Ok(crls)
}

/// The first certification request in a file, as DER.
///
/// # Errors
///
/// [`Error::Missing`] when there is none, [`Error::Block`].
pub fn request(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    first(bytes, "a certification request (CSR)", |item| match item {
        Item::Request(der) => Ok(der),
        other => Err(other),
    })
}

/// The first private key in a file; an encrypted one is opened with what `passphrase` gives when it is needed.
///
/// # Errors
///
/// [`Error::Missing`] when there is none, [`Error::PassphraseNeeded`] when `passphrase` gives none,
/// [`Error::WrongPassphrase`], [`Error::UnknownCipher`], [`Error::Block`].
pub fn private_key<E: From<Error>>(
    bytes: &[u8],
    passphrase: impl FnOnce() -> Result<Option<Zeroizing<String>>, E>,
) -> Result<PrivateKeyDer<'static>, E> {
    let key = first(bytes, "a private key", |item| match item {
        Item::PrivateKey(_) | Item::EncryptedKey(_) | Item::LegacyEncryptedKey => Ok(item),
        other => Err(other),
    })?;
    match key {
        Item::PrivateKey(der) => Ok(der),
        Item::EncryptedKey(der) => {
            let passphrase = passphrase()?.ok_or(Error::PassphraseNeeded)?;
            Ok(decrypt(&der, &passphrase)?)
        }
        _ => Err(Error::UnknownCipher { cipher: "Proc-Type: 4,ENCRYPTED of old PEM files".to_owned() }.into()),
    }
}

fn decrypt(der: &[u8], passphrase: &str) -> Result<PrivateKeyDer<'static>, Error> {
    let unknown = || Error::UnknownCipher { cipher: encryption_oid(der).unwrap_or_default() };
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| unknown())?;
    if encrypted.encryption_algorithm.pbes2().is_some_and(|parameters| is_too_costly(&parameters.kdf)) {
        return Err(Error::TooCostly);
    }
    let is_pbes1 = encrypted.encryption_algorithm.pbes1().is_some();
    let plain = encrypted.decrypt(passphrase).map_err(|error| match error {
        _ if is_pbes1 => unknown(),
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }) => unknown(),
        _ => Error::WrongPassphrase,
    })?;
    Ok(PrivateKeyDer::Pkcs8(plain.as_bytes().to_vec().into()))
}

/// Whether opening a key would take longer than anybody asks of one: over five million rounds of PBKDF2, or over 256 MiB
/// of scrypt's memory sixteen times.
fn is_too_costly(kdf: &pbes2::Kdf) -> bool {
    let rounds = kdf.pbkdf2().map_or(0, |parameters| parameters.iteration_count);
    let (memory, passes) = kdf.scrypt().map_or((0, 0), |parameters| {
        let block = u64::from(parameters.block_size).saturating_mul(128);
        (block.saturating_mul(parameters.cost_parameter), parameters.parallelization)
    });
    rounds > 5_000_000 || memory > 256 << 20 || passes > 16
}

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
    use p12_keystore::{EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKeyChain};
    let failed = |source: p12_keystore::error::Error| Error::Encode { what: "PKCS#12 file", source: Box::new(source) };
    let key = p12_keystore::PrivateKey::from_der(pkcs8).map_err(failed)?;
    let certificates = chain.iter().map(|der| p12_keystore::Certificate::from_der(der)).collect::<Result<Vec<_>, _>>();
    let entry = PrivateKeyChain::new(&random::<20>()[..], key, certificates.map_err(failed)?);
    let mut store = KeyStore::new();
    store.add_entry(alias, KeyStoreEntry::PrivateKeyChain(entry));
    let (encryption, mac) = match ciphers {
        Pkcs12Ciphers::Modern => (EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256),
        Pkcs12Ciphers::Legacy => (EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1),
    };
    let writer = store.writer(password).encryption_algorithm(encryption).mac_algorithm(mac);
    Ok(Zeroizing::new(writer.write().map_err(failed)?))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a person gave instead is named, not only that something is missing.
    #[test]
    fn says_what_was_found_instead() {
        let pem = pem("X509 CRL", b"\x30\x00").unwrap();
        let error = certificates(pem.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "it holds a `X509 CRL`, not a certificate");
        let error = certificates(b"hello").unwrap_err().to_string();
        assert_eq!(error, "there is neither PEM nor DER of a certificate in it");
    }

    #[test]
    fn names_the_block_that_is_broken() {
        let cut = "text\n-----BEGIN CERTIFICATE-----\nMIIB\n";
        let error = certificates(cut.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "PEM block 1 (line 2, CERTIFICATE) has no END line of its own");
        let noise = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        let error = certificates(noise.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "PEM block 1 (line 1, CERTIFICATE) is not base64");
    }

    /// The whole key was once shown as the label of its block.
    #[test]
    fn a_key_without_line_ends_is_read_and_never_shown() {
        let pkcs8 = crate::key::PrivateKey::generate(crate::key::Algorithm::EcdsaP256).unwrap().pkcs8().to_vec();
        let clean = pem("PRIVATE KEY", &pkcs8).unwrap();
        let no_passphrase = || Ok::<_, Error>(None);
        for text in [clean.replace('\n', " "), clean.replace('\n', ""), clean.replace('\n', "\r")] {
            let key = private_key(text.as_bytes(), no_passphrase).unwrap();
            assert_eq!(key.secret_der(), pkcs8, "{text}");
        }
        let cut = clean.replace('\n', " ").replace("-----END PRIVATE KEY-----", "");
        let error = private_key(cut.as_bytes(), no_passphrase).unwrap_err().to_string();
        assert!(error.len() < 100, "{error}");
    }

    /// A key made to keep its reader busy for hours is refused at once.
    #[test]
    fn a_passphrase_that_is_hashed_for_ever_is_refused() {
        let pkcs8 = crate::key::PrivateKey::generate(crate::key::Algorithm::Ed25519).unwrap().pkcs8().to_vec();
        let der = encrypt_key(&pkcs8, "secret").unwrap();
        let rounds = der.windows(5).position(|window| window == [2, 3, 0x09, 0x27, 0xc0]).expect("600,000 rounds");
        let mut costly = der.to_vec();
        costly[rounds + 2] = 0x7f;
        assert!(decrypt(&der, "secret").is_ok());
        assert!(matches!(decrypt(&costly, "secret"), Err(Error::TooCostly)));
    }

    /// CRLF, a byte order mark, indentation and a missing final newline are what editors leave behind.
    #[test]
    fn reads_what_editors_leave() {
        let der = [0x30, 0x03, 0x02, 0x01, 0x05];
        let clean = pem("CERTIFICATE REQUEST", &der).unwrap();
        let crlf = format!("\u{feff}{}", clean.replace('\n', "\r\n"));
        let indented = clean.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n");
        for text in [clean.to_string(), crlf, indented] {
            assert_eq!(request(text.as_bytes()).unwrap(), der, "{text:?}");
        }
    }
}
