//! PKCS#12 out ([RFC 7292](https://www.rfc-editor.org/rfc/rfc7292)): one writer for people's files and for fixtures, whose
//! salts may come from a seed.

use aws_lc_rs::{digest, hmac};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use der::Encode;
use pkcs5::pbes2;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::super::Error;
use super::super::encrypted::Secret;
use super::kdf::{Purpose, derive};
use crate::base::octets::random;
use crate::encoding::asn1::write::{oid, sequence, tlv, unsigned};
use crate::encoding::asn1::{self, tag};

/// Rounds of hashing of a PKCS#12 file, for each of its keys and for its MAC: the most that .NET 9 opens by default.
const ROUNDS: u32 = 300_000;

/// Rounds of a PKCS#12 file for old readers, which may know limits of their own.
const LEGACY_ROUNDS: u32 = 10_000;

/// Contents octets of OIDs (RFC 7292 appendix D, RFC 8018, RFC 5652).
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
const SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02];
const CERT_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03];
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x15];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBE_SHA1_3DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];
const SHA_1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// Oracle's attribute of trusted certificates in Java's keystore: 2.16.840.1.113894.746875.1.1 with
/// anyExtendedKeyUsage.
const TRUSTED_KEY_USAGE: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01];
const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

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
    /// The certificate and its issuers.
    pub chain: Vec<CertificateDer<'a>>,
}

/// Writes a key and its chain, leaf first, as PKCS#12 (RFC 7292).
///
/// # Errors
///
/// [`Error::Encode`] if the key or a certificate is not DER.
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
/// [`Error::Encode`] if a key or a certificate is not DER.
pub fn pkcs12_store(
    entries: &[StoreEntry<'_>],
    password: &str,
    ciphers: Pkcs12Ciphers,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let rounds = match ciphers {
        Pkcs12Ciphers::Modern => ROUNDS,
        Pkcs12Ciphers::Legacy => LEGACY_ROUNDS,
    };
    let mut writer = Writer::new(Protection { password, ciphers, rounds, salt: &|_| random() });
    for entry in entries {
        // Only the leaf is named, by the alias, as OpenSSL does; an issuer is found by its subject.
        let named = |(index, der)| Named { name: (index == 0).then_some(&*entry.alias), der };
        let chain: Vec<Named<'_>> = entry.chain.iter().map(|der| &**der).enumerate().map(named).collect();
        match entry.pkcs8 {
            Some(pkcs8) => writer.key(&entry.alias, pkcs8, &chain)?,
            None => chain.iter().take(1).try_for_each(|certificate| writer.trusted(certificate))?,
        }
    }
    writer.finish()
}

/// The password of a PKCS#12 file, and the use made of it.
#[derive(Clone, Copy)]
pub(crate) struct Protection<'a> {
    pub(crate) password: &'a str,
    pub(crate) ciphers: Pkcs12Ciphers,
    /// Rounds of hashing, for each of its keys and for its MAC.
    pub(crate) rounds: u32,
    /// Gives salts and initialisation vectors, each for a purpose of its own.
    pub(crate) salt: &'a dyn Fn(&str) -> [u8; 16],
}

impl Protection<'_> {
    /// Encrypts a PKCS#8 key: EncryptedPrivateKeyInfo (RFC 5958 section 3).
    pub(crate) fn encrypted_key(&self, pkcs8: &[u8], purpose: &str) -> Result<Vec<u8>, Error> {
        let (algorithm, encrypted) = self.encrypt(pkcs8, purpose)?;
        Ok(sequence(&[&algorithm, &tlv(tag::OCTET_STRING, &[&encrypted])]))
    }

    /// Encrypts octets; returns the AlgorithmIdentifier and the ciphertext.
    fn encrypt(&self, plain: &[u8], purpose: &str) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let salt = (self.salt)(&format!("{purpose}/salt"));
        match self.ciphers {
            Pkcs12Ciphers::Modern => {
                let iv = (self.salt)(&format!("{purpose}/iv"));
                let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(self.rounds, &salt, iv);
                let parameters = parameters.map_err(|error| failed(error.to_string()))?;
                let encrypted = parameters.encrypt(self.password, plain).map_err(|error| failed(error.to_string()))?;
                Ok((sequence(&[&oid(PBES2), &parameters.to_der().map_err(failed)?]), encrypted))
            }
            Pkcs12Ciphers::Legacy => {
                let secret = Secret::new(self.password);
                let derived =
                    |purpose, length| derive::<sha1::Sha1>(secret.utf16(), &salt, purpose, self.rounds, length);
                let (key, iv) = (derived(Purpose::Key, 24), derived(Purpose::Iv, 8));
                let encryptor = cbc::Encryptor::<des::TdesEde3>::new_from_slices(&key, &iv).map_err(failed)?;
                let encrypted = encryptor.encrypt_padded_vec::<Pkcs7>(plain);
                let parameters = sequence(&[&tlv(tag::OCTET_STRING, &[&salt]), &self.count()]);
                Ok((sequence(&[&oid(PBE_SHA1_3DES), &parameters]), encrypted))
            }
        }
    }

    /// MacData (RFC 7292 section 4), by a key derived as in appendix B.
    fn mac(&self, content: &[u8]) -> Vec<u8> {
        let salt = (self.salt)("mac");
        let secret = Secret::new(self.password);
        let (algorithm, function, key) = match self.ciphers {
            Pkcs12Ciphers::Modern => {
                let key = derive::<sha2::Sha256>(secret.utf16(), &salt, Purpose::Mac, self.rounds, 32);
                (SHA_256, hmac::HMAC_SHA256, key)
            }
            Pkcs12Ciphers::Legacy => {
                let key = derive::<sha1::Sha1>(secret.utf16(), &salt, Purpose::Mac, self.rounds, 20);
                (SHA_1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key)
            }
        };
        let tag_of = hmac::sign(&hmac::Key::new(function, &key), content);
        let algorithm = sequence(&[&oid(algorithm), &[0x05, 0x00]]);
        let digest_info = sequence(&[&algorithm, &tlv(tag::OCTET_STRING, &[tag_of.as_ref()])]);
        sequence(&[&digest_info, &tlv(tag::OCTET_STRING, &[&salt]), &self.count()])
    }

    fn count(&self) -> Vec<u8> {
        unsigned(&self.rounds.to_be_bytes())
    }
}

/// A certificate and its friendlyName.
pub(crate) struct Named<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) der: &'a [u8],
}

/// A PKCS#12 file on its way: bags of certificates, which are encrypted together, and of keys, each encrypted by itself.
pub(crate) struct Writer<'a> {
    protection: Protection<'a>,
    certificates: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(protection: Protection<'a>) -> Self {
        Self { protection, certificates: Vec::new(), keys: Vec::new() }
    }

    /// Adds a key and its chain, leaf first. localKeyId ties the leaf to its key: the certificate's SHA-1, as OpenSSL has
    /// it.
    pub(crate) fn key(&mut self, alias: &str, pkcs8: &[u8], chain: &[Named<'_>]) -> Result<(), Error> {
        asn1::only(pkcs8, tag::SEQUENCE, "PrivateKeyInfo").map_err(failed)?;
        let leaf = chain.first().map_or(pkcs8, |leaf| leaf.der);
        let id = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, leaf);
        let id = attribute(LOCAL_KEY_ID, &tlv(tag::OCTET_STRING, &[id.as_ref()]));
        for (index, certificate) in chain.iter().enumerate() {
            let link = (index == 0).then(|| id.clone());
            self.certificate(certificate, link)?;
        }
        let purpose = match self.keys.len() {
            0 => "key".to_owned(),
            number => format!("key/{number}"),
        };
        let encrypted = self.protection.encrypted_key(pkcs8, &purpose)?;
        let attributes = set(vec![friendly_name(alias), id]);
        self.keys.push(sequence(&[&oid(SHROUDED_KEY_BAG), &tlv(tag::constructed(0), &[&encrypted]), &attributes]));
        Ok(())
    }

    /// Adds a certificate that Java's keystore trusts.
    pub(crate) fn trusted(&mut self, certificate: &Named<'_>) -> Result<(), Error> {
        self.certificate(certificate, Some(attribute(TRUSTED_KEY_USAGE, &oid(ANY_EXTENDED_KEY_USAGE))))
    }

    fn certificate(&mut self, certificate: &Named<'_>, further: Option<Vec<u8>>) -> Result<(), Error> {
        asn1::only(certificate.der, tag::SEQUENCE, "Certificate").map_err(failed)?;
        let value = tlv(tag::constructed(0), &[&tlv(tag::OCTET_STRING, &[certificate.der])]);
        let bag = tlv(tag::constructed(0), &[&sequence(&[&oid(X509_CERTIFICATE), &value])]);
        let attributes: Vec<_> = certificate.name.map(friendly_name).into_iter().chain(further).collect();
        // An empty SET is left out: bagAttributes is OPTIONAL.
        let attributes = if attributes.is_empty() { Vec::new() } else { set(attributes) };
        self.certificates.push(sequence(&[&oid(CERT_BAG), &bag, &attributes]));
        Ok(())
    }

    /// Encrypts the certificates together and puts the whole under a MAC: a PFX.
    pub(crate) fn finish(self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let bags = |bags: &[Vec<u8>]| sequence(&bags.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let certificates = if self.certificates.is_empty() {
            Vec::new()
        } else {
            let (algorithm, encrypted) = self.protection.encrypt(&bags(&self.certificates), "certificates")?;
            let content = sequence(&[&oid(DATA), &algorithm, &tlv(tag::context(0), &[&encrypted])]);
            let content = sequence(&[&unsigned(&[]), &content]);
            sequence(&[&oid(ENCRYPTED_DATA), &tlv(tag::constructed(0), &[&content])])
        };
        let keys = if self.keys.is_empty() { Vec::new() } else { data(&bags(&self.keys)) };
        let safe = sequence(&[&certificates, &keys]);
        let mac = self.protection.mac(&safe);
        Ok(Zeroizing::new(sequence(&[&unsigned(&[3]), &data(&safe), &mac])))
    }
}

/// ContentInfo of octets in the clear.
fn data(octets: &[u8]) -> Vec<u8> {
    sequence(&[&oid(DATA), &tlv(tag::constructed(0), &[&tlv(tag::OCTET_STRING, &[octets])])])
}

fn attribute(contents: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(contents), &tlv(tag::SET, &[value])])
}

/// A SET OF, in DER's order (X.690 section 11.6).
fn set(mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort();
    tlv(tag::SET, &members.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn friendly_name(name: &str) -> Vec<u8> {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    attribute(FRIENDLY_NAME, &tlv(tag::BMP_STRING, &[&units]))
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Encode { what: "PKCS#12 file", source: source.into() }
}
