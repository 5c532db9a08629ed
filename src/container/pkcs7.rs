//! What is in a PKCS#7 file: the certificates and CRLs of a SignedData (RFC 2315 section 9.1, RFC 5652 section 5.1).

use super::{Content, ber};
use crate::asn1::{self, tag};

/// Why nothing could be taken out of a PKCS#7 file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not BER.
    #[error("it is not BER: {0}")]
    Encoding(&'static str),
    /// Not what the standard has it be.
    #[error("it is damaged: {0}")]
    Malformed(#[from] asn1::Error),
}

/// What a PKCS#7 file holds.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The OID of its content: 1.2.840.113549.1.7.2 for SignedData, which alone has certificates.
    pub content_type: String,
    /// Certificates, then CRLs, in the order in which they are in it.
    pub contents: Vec<Content>,
}

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";

/// Takes the certificates and CRLs out of a ContentInfo, DER or BER. Signatures are not looked at.
///
/// # Errors
///
/// When it is malformed.
pub fn open(octets: &[u8]) -> Result<Opened, Error> {
    let der = ber::to_der(octets).map_err(Error::Encoding)?;
    let mut fields = asn1::only(&der, tag::SEQUENCE, "ContentInfo")?.reader();
    let content_type = fields.tagged(tag::OID, "contentType")?.oid();
    let mut contents = Vec::new();
    if content_type == SIGNED_DATA {
        let content = fields.tagged(tag::constructed(0), "content")?;
        let mut signed = asn1::only(content.content, tag::SEQUENCE, "SignedData")?.reader();
        signed.tagged(tag::INTEGER, "version")?;
        signed.tagged(tag::SET, "digestAlgorithms")?;
        signed.tagged(tag::SEQUENCE, "encapContentInfo")?;
        for number in [0, 1] {
            let Some(set) = signed.optional(tag::constructed(number), "certificates")? else { continue };
            let mut members = set.reader();
            while !members.is_empty() {
                // Attribute certificates and other kinds have tags of their own.
                let member = members.value(if number == 0 { "certificate" } else { "CRL" })?;
                let der = member.raw.to_vec();
                contents.push(match (member.tag, number) {
                    (tag::SEQUENCE, 0) => Content::Certificate(der),
                    (tag::SEQUENCE, _) => Content::Crl(der),
                    _ => Content::Unknown(der),
                });
            }
        }
    }
    Ok(Opened { content_type, contents })
}
