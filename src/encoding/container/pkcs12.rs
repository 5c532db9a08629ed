//! Content of a PKCS#12 file (RFC 7292).

pub(super) mod kdf;
pub(super) mod write;

use std::borrow::Cow;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use self::kdf::{Purpose, derive};
use super::der_kind::DerKind;
use super::encrypted::{self, Error, Rounds, Secret};
use super::{Content, KeyFormat, ber};
use crate::encoding::asn1::{self, Reader, Value, decode_string, tag};

/// Safes within safes.
const DEPTH_LIMIT: usize = 8;

/// More bags than any store has.
const BAG_LIMIT: usize = 100_000;

/// Something in a PKCS#12 file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Bag {
    /// `friendlyName`: a name for people.
    pub friendly_name: Option<String>,
    /// `localKeyId`: links a certificate to its key.
    pub local_key_id: Option<Vec<u8>>,
    /// The item; an encrypted key is decrypted.
    pub content: Content,
}

/// Opens a PKCS#12 file, DER or BER. Those that have no password and those with an empty one are opened whatever the
/// passphrase.
///
/// # Errors
///
/// [`Error`].
pub fn open(octets: &[u8], passphrase: Option<&str>, rounds: &Rounds) -> Result<Vec<Bag>, Error> {
    let der = ber::to_der(octets).map_err(|reason| asn1::Error::new("PFX", reason))?;
    let store = Store::parse(&der)?;
    let given = passphrase.filter(|passphrase| !passphrase.is_empty()).map(Secret::new);
    let mut is_tried = false;
    for secret in given.into_iter().chain([Secret::new(""), Secret::none()]) {
        match store.open(&secret, rounds) {
            Err(Error::WrongPassphrase) => is_tried = true,
            // What the first try has left over is not enough for another.
            Err(Error::TooCostly) if is_tried => break,
            result => return result,
        }
    }
    Err(if passphrase.is_some() { Error::WrongPassphrase } else { Error::PassphraseNeeded })
}

/// The outer parts of a PFX.
struct Store<'a> {
    safe: &'a [u8],
    mac: Option<Value<'a>>,
}

const DATA: &str = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA: &str = "1.2.840.113549.1.7.6";

impl<'a> Store<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, Error> {
        let mut fields = asn1::only(der, tag::SEQUENCE, "PFX")?.reader();
        fields.tagged(tag::INTEGER, "version")?;
        let mut content = fields.tagged(tag::SEQUENCE, "authSafe")?.reader();
        let kind = content.tagged(tag::OID, "contentType")?.oid();
        if kind != DATA {
            return Err(Error::UnknownCipher { cipher: format!("a signature instead of a password: {kind}") });
        }
        let safe = content.tagged(tag::constructed(0), "content")?;
        let safe = asn1::only(safe.content, tag::OCTET_STRING, "authSafe")?.content;
        Ok(Self { safe, mac: fields.optional(tag::SEQUENCE, "macData")? })
    }

    fn open(&self, secret: &Secret, rounds: &Rounds) -> Result<Vec<Bag>, Error> {
        if let Some(mac) = self.mac {
            check_mac(mac, self.safe, secret, rounds)?;
        }
        let mut opener = Opener { secret, rounds, bags: Vec::new() };
        let safe = der_of(self.safe, "AuthenticatedSafe")?;
        for content in asn1::only(&safe, tag::SEQUENCE, "AuthenticatedSafe")?.each(tag::SEQUENCE, "ContentInfo")? {
            opener.safe(content)?;
        }
        Ok(opener.bags)
    }
}

/// RFC 7292 section 4, and RFC 9579 for PBMAC1.
fn check_mac(mac: Value<'_>, safe: &[u8], secret: &Secret, rounds: &Rounds) -> Result<(), Error> {
    let mut fields = mac.reader();
    let mut digest_info = fields.tagged(tag::SEQUENCE, "mac")?.reader();
    let algorithm = digest_info.tagged(tag::SEQUENCE, "digestAlgorithm")?;
    let digest = digest_info.tagged(tag::OCTET_STRING, "digest")?.content;
    let salt = fields.tagged(tag::OCTET_STRING, "macSalt")?.content;
    let count = fields.optional(tag::INTEGER, "iterations")?.map_or(Some(1), |count| count.small());
    let count = rounds.take(count.ok_or(Error::TooCostly)?)?;
    let mut algorithm_fields = algorithm.reader();
    let oid = algorithm_fields.tagged(tag::OID, "digestAlgorithm")?.oid();
    let password = secret.utf16();
    let (function, key) = match oid.as_str() {
        "1.2.840.113549.1.5.14" => pbmac1(algorithm_fields, secret, rounds)?,
        _ if salt.is_empty() => return Err(asn1::Error::new("macSalt", "is empty").into()),
        "1.3.14.3.2.26" => {
            (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, derive::<sha1::Sha1>(password, salt, Purpose::Mac, count, 20))
        }
        "2.16.840.1.101.3.4.2.4" => {
            (hmac::HMAC_SHA224, derive::<sha2::Sha224>(password, salt, Purpose::Mac, count, 28))
        }
        "2.16.840.1.101.3.4.2.1" => {
            (hmac::HMAC_SHA256, derive::<sha2::Sha256>(password, salt, Purpose::Mac, count, 32))
        }
        "2.16.840.1.101.3.4.2.2" => {
            (hmac::HMAC_SHA384, derive::<sha2::Sha384>(password, salt, Purpose::Mac, count, 48))
        }
        "2.16.840.1.101.3.4.2.3" => {
            (hmac::HMAC_SHA512, derive::<sha2::Sha512>(password, salt, Purpose::Mac, count, 64))
        }
        _ => return Err(Error::UnknownCipher { cipher: format!("a MAC with {oid}") }),
    };
    hmac::verify(&hmac::Key::new(function, &key), safe, digest).map_err(|_| Error::WrongPassphrase)
}

/// RFC 8018 section 7.1: HMAC under a key by PBKDF2.
fn pbmac1(
    mut algorithm: Reader<'_>,
    secret: &Secret,
    rounds: &Rounds,
) -> Result<(hmac::Algorithm, Zeroizing<Vec<u8>>), Error> {
    let mut parameters = algorithm.tagged(tag::SEQUENCE, "PBMAC1-params")?.reader();
    let mut derivation = parameters.tagged(tag::SEQUENCE, "keyDerivationFunc")?.reader();
    let mut scheme = parameters.tagged(tag::SEQUENCE, "messageAuthScheme")?.reader();
    let unknown = |oid: &str| Error::UnknownCipher { cipher: format!("PBMAC1 with {oid}") };
    let kdf = derivation.tagged(tag::OID, "keyDerivationFunc")?.oid();
    if kdf != "1.2.840.113549.1.5.12" {
        return Err(unknown(&kdf));
    }
    let oid = scheme.tagged(tag::OID, "messageAuthScheme")?.oid();
    let function = match oid.as_str() {
        "1.2.840.113549.2.7" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.2.9" => hmac::HMAC_SHA256,
        "1.2.840.113549.2.10" => hmac::HMAC_SHA384,
        "1.2.840.113549.2.11" => hmac::HMAC_SHA512,
        _ => return Err(unknown(&oid)),
    };
    let length = function.digest_algorithm().output_len();
    let parameters = derivation.tagged(tag::SEQUENCE, "PBKDF2-params")?;
    let key = encrypted::pbkdf2(parameters, length, secret.utf8(), rounds)?.ok_or_else(|| unknown("another PRF"))?;
    Ok((function, key))
}

struct Opener<'a> {
    secret: &'a Secret,
    rounds: &'a Rounds,
    bags: Vec<Bag>,
}

impl Opener<'_> {
    /// One ContentInfo of the AuthenticatedSafe.
    fn safe(&mut self, content: Value<'_>) -> Result<(), Error> {
        let mut fields = content.reader();
        let kind = fields.tagged(tag::OID, "contentType")?.oid();
        let inner = fields.tagged(tag::constructed(0), "content")?;
        match kind.as_str() {
            DATA => {
                let octets = asn1::only(inner.content, tag::OCTET_STRING, "data")?;
                self.contents(&der_of(octets.content, "SafeContents")?, 0)
            }
            ENCRYPTED_DATA => {
                let mut data = asn1::only(inner.content, tag::SEQUENCE, "EncryptedData")?.reader();
                data.tagged(tag::INTEGER, "version")?;
                let mut info = data.tagged(tag::SEQUENCE, "encryptedContentInfo")?.reader();
                info.tagged(tag::OID, "contentType")?;
                let algorithm = info.tagged(tag::SEQUENCE, "contentEncryptionAlgorithm")?;
                // A string in pieces keeps its constructed tag behind an implicit one.
                let octets = info.value("encryptedContent")?;
                let joined;
                let octets = if octets.tag == tag::constructed(0) {
                    let pieces = octets.each(tag::OCTET_STRING, "encryptedContent")?;
                    joined = pieces.iter().map(|piece| piece.content).collect::<Vec<_>>().concat();
                    &joined
                } else {
                    octets.content
                };
                let plain = encrypted::decrypt(algorithm, octets, self.secret, self.rounds)?;
                // A wrong passphrase is not always noticed by the padding.
                let plain = ber::to_der(&plain).map_err(|_| Error::WrongPassphrase)?;
                self.contents(&plain, 0)
            }
            other => {
                Err(Error::UnknownCipher { cipher: format!("a certificate's key instead of a password: {other}") })
            }
        }
    }

    /// A SafeContents: bags.
    fn contents(&mut self, octets: &[u8], depth: usize) -> Result<(), Error> {
        let too_much = || asn1::Error::new("SafeContents", "is nested too deeply or has too many bags");
        for bag in asn1::only(octets, tag::SEQUENCE, "SafeContents")?.each(tag::SEQUENCE, "SafeBag")? {
            if depth == DEPTH_LIMIT || self.bags.len() == BAG_LIMIT {
                return Err(too_much().into());
            }
            self.bag(bag, depth)?;
        }
        Ok(())
    }

    fn bag(&mut self, bag: Value<'_>, depth: usize) -> Result<(), Error> {
        let mut fields = bag.reader();
        let kind = fields.tagged(tag::OID, "bagId")?.oid();
        let value = fields.tagged(tag::constructed(0), "bagValue")?.content;
        let attributes = fields.optional(tag::SET, "bagAttributes")?;
        let content = match kind.as_str() {
            "1.2.840.113549.1.12.10.1.1" => {
                Content::PrivateKey { format: KeyFormat::Pkcs8, der: Zeroizing::new(value.to_vec()) }
            }
            "1.2.840.113549.1.12.10.1.2" => self.shrouded(value)?,
            "1.2.840.113549.1.12.10.1.3" => Content::Certificate(wrapped(value, "CertBag")?.to_vec()),
            "1.2.840.113549.1.12.10.1.4" => Content::Crl(wrapped(value, "CRLBag")?.to_vec()),
            "1.2.840.113549.1.12.10.1.6" => return self.contents(value, depth + 1),
            _ => Content::Unknown(value.to_vec()),
        };
        let (friendly_name, local_key_id) = attributes.map(names).transpose()?.unwrap_or_default();
        self.bags.push(Bag { friendly_name, local_key_id, content });
        Ok(())
    }

    /// A key under a passphrase, which is the store's own with every program there is.
    fn shrouded(&mut self, value: &[u8]) -> Result<Content, Error> {
        let mut fields = asn1::only(value, tag::SEQUENCE, "EncryptedPrivateKeyInfo")?.reader();
        let algorithm = fields.tagged(tag::SEQUENCE, "encryptionAlgorithm")?;
        let data = fields.tagged(tag::OCTET_STRING, "encryptedData")?;
        match encrypted::decrypt(algorithm, data.content, self.secret, self.rounds) {
            Ok(der) => match DerKind::of(&der) {
                Some(kind @ DerKind::PrivateKey(_)) => Ok(kind.content(der.to_vec())),
                _ => Err(Error::WrongPassphrase),
            },
            Err(Error::UnknownCipher { .. }) => Ok(DerKind::EncryptedPrivateKey.content(value.to_vec())),
            Err(error) => Err(error),
        }
    }
}

/// Converts the content of an OCTET STRING, which may be BER, to DER.
fn der_of(octets: &[u8], field: &'static str) -> Result<Vec<u8>, Error> {
    Ok(ber::to_der(octets).map_err(|reason| asn1::Error::new(field, reason))?)
}

/// `SEQUENCE { type, [0] OCTET STRING }`.
fn wrapped<'a>(value: &'a [u8], field: &'static str) -> Result<&'a [u8], Error> {
    let mut fields = asn1::only(value, tag::SEQUENCE, field)?.reader();
    fields.tagged(tag::OID, field)?;
    let content = fields.tagged(tag::constructed(0), field)?;
    Ok(asn1::only(content.content, tag::OCTET_STRING, field)?.content)
}

type Names = (Option<String>, Option<Vec<u8>>);

/// friendlyName and localKeyId (RFC 2985 section 5.5).
fn names(attributes: Value<'_>) -> Result<Names, Error> {
    let (mut friendly_name, mut local_key_id) = (None, None);
    for attribute in attributes.each(tag::SEQUENCE, "attribute")? {
        let mut fields = attribute.reader();
        let kind = fields.tagged(tag::OID, "attrId")?.oid();
        let mut values = fields.tagged(tag::SET, "attrValues")?.reader();
        match (kind.as_str(), values.value("attrValue")) {
            ("1.2.840.113549.1.9.20", Ok(value)) => {
                friendly_name = decode_string(value.tag, value.content).map(Cow::into_owned);
            }
            ("1.2.840.113549.1.9.21", Ok(value)) => local_key_id = Some(value.content.to_vec()),
            _ => {}
        }
    }
    Ok((friendly_name, local_key_id))
}
