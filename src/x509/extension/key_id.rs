//! authorityKeyIdentifier (RFC 5280 section 4.2.1.1).

use crate::encoding::asn1::{self, Error, tag};
use crate::x509::name::GeneralNames;

/// The issuer's key that signed.
#[derive(Debug, Clone)]
pub struct AuthorityKeyId<'a> {
    /// keyIdentifier.
    pub key_id: Option<&'a [u8]>,
    /// authorityCertIssuer.
    pub issuer: Option<GeneralNames<'a>>,
    /// The octets of authorityCertSerialNumber.
    pub serial: Option<&'a [u8]>,
}

impl<'a> AuthorityKeyId<'a> {
    /// Reads the extension's value.
    ///
    /// # Errors
    ///
    /// If the value is not `SEQUENCE { keyIdentifier, authorityCertIssuer, authorityCertSerialNumber }`, each optional.
    pub fn read(octets: &'a [u8]) -> Result<Self, Error> {
        let mut fields = asn1::only(octets, tag::SEQUENCE, "authorityKeyIdentifier")?.reader();
        let key_id = fields.optional(tag::context(0), "keyIdentifier")?;
        let issuer = fields.optional(tag::constructed(1), "authorityCertIssuer")?;
        let issuer = issuer.map(GeneralNames::read).transpose()?;
        let serial = fields.optional(tag::context(2), "authorityCertSerialNumber")?;
        fields.finish("authorityKeyIdentifier")?;
        Ok(Self { key_id: key_id.map(|id| id.content), issuer, serial: serial.map(|serial| serial.content) })
    }
}
