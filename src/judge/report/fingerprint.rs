//! Report of `fingerprint`.

use serde::Serialize;

use super::item::Item;
use super::text::certificate_names;

/// The fingerprints of one certificate, or the pin of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fingerprint {
    /// The file or server; `-` for standard input.
    pub source: String,
    /// Its number among the items found there, from 1, as in `2`, or `1.2` within a container.
    pub item: String,
    /// Its kind, as `inspect` names it.
    pub kind: &'static str,
    /// Of a certificate or request: its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Of a certificate: SHA-256 over its DER, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256_fingerprint: Option<String>,
    /// SHA-256 over the DER subjectPublicKeyInfo, in hex.
    pub spki_sha256: String,
    /// The same as a pin, in base64, as `curl --pinnedpubkey` takes it: `sha256//…`.
    pub spki_pin: String,
    /// Names of the certificate, or words for something else.
    #[serde(skip)]
    pub words: String,
}

impl Fingerprint {
    /// Reads the digests of an item; nothing for an item that has no public key, or none that is known.
    #[must_use]
    pub fn of(item: &Item, number: String) -> Option<Self> {
        let (kind, subject, certificate, spki, words) = match item {
            Item::Certificate(entry) => {
                let certificate = &entry.content;
                let fingerprint = Some(certificate.sha256_fingerprint.clone());
                let words = certificate_names(certificate);
                ("certificate", Some(&certificate.subject), fingerprint, Some(&certificate.spki_sha256), words)
            }
            Item::Csr(entry) => {
                ("csr", Some(&entry.content.subject), None, Some(&entry.content.spki_sha256), "request".to_owned())
            }
            Item::PrivateKey(entry) => {
                ("private-key", None, None, entry.content.spki_sha256.as_ref(), "private key".to_owned())
            }
            Item::EncryptedPrivateKey(entry) => {
                ("encrypted-private-key", None, None, entry.content.spki_sha256.as_ref(), "private key".to_owned())
            }
            Item::PublicKey(entry) => {
                ("public-key", None, None, Some(&entry.content.spki_sha256), "public key".to_owned())
            }
            _ => return None,
        };
        let spki = spki?;
        Some(Self {
            source: item.place().source.clone(),
            item: number,
            kind,
            subject: subject.cloned(),
            sha256_fingerprint: certificate,
            spki_pin: format!("sha256//{}", base64(spki)),
            spki_sha256: spki.clone(),
            words,
        })
    }

    /// A line: the digest of the certificate, or with `is_spki` the pin and the digest of its key; the source; the names.
    #[must_use]
    pub fn text(&self, is_spki: bool) -> String {
        let (source, words) = (&self.source, &self.words);
        match &self.sha256_fingerprint {
            Some(fingerprint) if !is_spki => format!("{}  {source}  {words}\n", with_colons(fingerprint)),
            _ => format!("{}  {}  {source}  {words}\n", self.spki_pin, with_colons(&self.spki_sha256)),
        }
    }
}

/// `AB:CD:…`, as OpenSSL and browsers show digests.
fn with_colons(hex: &str) -> String {
    let pairs = hex.as_bytes().chunks(2).map(String::from_utf8_lossy);
    pairs.collect::<Vec<_>>().join(":").to_uppercase()
}

/// Hex as base64.
fn base64(hex: &str) -> String {
    let octets = hex_simd::decode_to_vec(hex.as_bytes()).unwrap_or_default();
    base64_simd::STANDARD.encode_to_string(octets)
}
