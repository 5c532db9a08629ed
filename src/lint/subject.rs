//! What is judged: certificates, requests and CRLs taken apart, as they were encoded.

use time::OffsetDateTime;

use super::key::Key;
use crate::asn1::{self, Error, Reader, Value, tag};
use crate::key;
use crate::name::same_name;

/// What something is for: which rules it is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A certificate that a server may show.
    Server,
    /// An end entity's certificate for something else: its extKeyUsage leaves servers out.
    Other,
    /// A CA's certificate: basicConstraints say cA.
    Ca,
    /// A certification request.
    Request,
    /// A certificate revocation list.
    Crl,
}

impl Role {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Other => "other leaf",
            Self::Ca => "CA",
            Self::Request => "CSR",
            Self::Crl => "CRL",
        }
    }
}

/// Extensions by their content octets.
pub(super) mod oid {
    pub(crate) const SKI: &[u8] = &[0x55, 0x1d, 14];
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(crate) const SAN: &[u8] = &[0x55, 0x1d, 17];
    pub(crate) const ISSUER_ALT_NAME: &[u8] = &[0x55, 0x1d, 18];
    pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(crate) const ISSUING_POINT: &[u8] = &[0x55, 0x1d, 28];
    pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub(crate) const CRL_POINTS: &[u8] = &[0x55, 0x1d, 31];
    pub(crate) const POLICIES: &[u8] = &[0x55, 0x1d, 32];
    pub(crate) const AKI: &[u8] = &[0x55, 0x1d, 35];
    pub(crate) const EKU: &[u8] = &[0x55, 0x1d, 37];
    pub(crate) const AIA: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
    pub(crate) const SCTS: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
    pub(crate) const CT_POISON: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3];
    /// PKCS#9's extensionRequest, and Microsoft's own.
    pub(crate) const EXTENSION_REQUESTS: [&[u8]; 2] =
        [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14], &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 14]];
}

/// General names by their tags.
pub(super) const EMAIL: u8 = tag::context(1);
pub(super) const DNS: u8 = tag::context(2);
pub(super) const URI: u8 = tag::context(6);
pub(super) const IP: u8 = tag::context(7);

/// Bits of keyUsage.
pub(super) const DIGITAL_SIGNATURE: usize = 0;
pub(super) const KEY_ENCIPHERMENT: usize = 2;
pub(super) const KEY_CERT_SIGN: usize = 5;
pub(super) const CRL_SIGN: usize = 6;

/// An extension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) is_critical: bool,
    /// Whether `critical` is there although it is the default.
    pub(super) spells_default: bool,
    pub(super) value: &'a [u8],
}

/// A purpose of extKeyUsage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Any,
    Server,
    Client,
    Other,
}

impl Purpose {
    fn of(oid: &[u8]) -> Self {
        match oid {
            [0x55, 0x1d, 37, 0] => Self::Any,
            [0x2b, 6, 1, 5, 5, 7, 3, 1] => Self::Server,
            [0x2b, 6, 1, 5, 5, 7, 3, 2] => Self::Client,
            _ => Self::Other,
        }
    }
}

/// A time: the field, as it was encoded, and read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time<'a> {
    pub(super) field: &'static str,
    pub(super) value: Value<'a>,
    pub(super) at: OffsetDateTime,
    /// With seconds, in UTC, with a Z.
    pub(super) is_strict: bool,
}

impl<'a> Time<'a> {
    fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Self, Error> {
        let value = reader.value(field)?;
        let (at, is_strict) = asn1::time(value, field)?;
        Ok(Self { field, value, at, is_strict })
    }
}

/// A certificate, request or CRL, taken apart.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "a certificate has a subject")]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub(super) struct Subject<'a> {
    pub(super) role: Role,
    /// All octets, what follows the structure included.
    pub(super) der: &'a [u8],
    /// What is signed.
    pub(super) content: Value<'a>,
    pub(super) algorithm: Value<'a>,
    pub(super) signature: Value<'a>,
    /// The algorithm within what is signed; a request has none.
    pub(super) inner_algorithm: Option<Value<'a>>,
    /// Counted from 1.
    pub(super) version: u32,
    /// Whether a default version is spelled out.
    pub(super) spells_version: bool,
    pub(super) serial: Option<Value<'a>>,
    pub(super) issuer: Option<Value<'a>>,
    pub(super) subject: Option<Value<'a>>,
    /// notBefore and notAfter; thisUpdate and, perhaps, nextUpdate.
    pub(super) times: Vec<Time<'a>>,
    pub(super) key: Option<Key<'a>>,
    pub(super) has_unique_ids: bool,
    /// Whether there is a list of extensions, be it empty.
    pub(super) has_extensions: bool,
    pub(super) extensions: Vec<Extension<'a>>,
    /// subjectAltName's entries.
    pub(super) names: Vec<Value<'a>>,
    pub(super) purposes: Option<Vec<Purpose>>,
    pub(super) key_usage: Option<Vec<usize>>,
    pub(super) is_ca: bool,
    pub(super) path_len: Option<Value<'a>>,
}

impl<'a> Subject<'a> {
    /// Takes a certificate apart.
    pub(super) fn certificate(der: &'a [u8]) -> Result<Self, Error> {
        let (mut subject, mut fields) = Self::signed(der, Role::Server)?;
        let version = fields.optional(tag::constructed(0), "version")?;
        if let Some(version) = version {
            subject.version = version_number(version.reader().tagged(tag::INTEGER, "version")?);
            subject.spells_version = subject.version == 1;
        }
        subject.serial = Some(fields.tagged(tag::INTEGER, "serialNumber")?);
        subject.inner_algorithm = Some(fields.tagged(tag::SEQUENCE, "signature")?);
        subject.issuer = Some(fields.tagged(tag::SEQUENCE, "issuer")?);
        let mut validity = fields.tagged(tag::SEQUENCE, "validity")?.reader();
        subject.times = vec![Time::read(&mut validity, "notBefore")?, Time::read(&mut validity, "notAfter")?];
        subject.subject = Some(fields.tagged(tag::SEQUENCE, "subject")?);
        subject.key = Some(Key::of(fields.tagged(tag::SEQUENCE, "subjectPublicKeyInfo")?));
        for number in [1, 2] {
            subject.has_unique_ids |= fields.optional(tag::context(number), "uniqueID")?.is_some();
        }
        if let Some(tagged) = fields.optional(tag::constructed(3), "extensions")? {
            subject.read_extensions(tagged.reader().tagged(tag::SEQUENCE, "extensions")?)?;
        }
        subject.role = subject.role_of_certificate();
        Ok(subject)
    }

    /// Takes a certification request apart.
    pub(super) fn request(der: &'a [u8]) -> Result<Self, Error> {
        let (mut subject, mut fields) = Self::signed(der, Role::Request)?;
        subject.version = version_number(fields.tagged(tag::INTEGER, "version")?);
        subject.subject = Some(fields.tagged(tag::SEQUENCE, "subject")?);
        subject.key = Some(Key::of(fields.tagged(tag::SEQUENCE, "subjectPKInfo")?));
        let attributes = fields.optional(tag::constructed(0), "attributes")?;
        let attributes = attributes.map(|set| set.each(tag::SEQUENCE, "attribute")).transpose()?;
        for attribute in attributes.unwrap_or_default() {
            let mut reader = attribute.reader();
            let kind = reader.tagged(tag::OID, "attribute's type")?;
            if oid::EXTENSION_REQUESTS.contains(&kind.content) {
                for list in reader.tagged(tag::SET, "extensionRequest")?.each(tag::SEQUENCE, "extensionRequest")? {
                    subject.read_extensions(list)?;
                }
            }
        }
        Ok(subject)
    }

    /// Takes a CRL apart. The entries are left alone: there may be a million.
    pub(super) fn crl(der: &'a [u8]) -> Result<Self, Error> {
        let (mut subject, mut fields) = Self::signed(der, Role::Crl)?;
        if let Some(version) = fields.optional(tag::INTEGER, "version")? {
            subject.version = version_number(version);
        }
        subject.inner_algorithm = Some(fields.tagged(tag::SEQUENCE, "signature")?);
        subject.issuer = Some(fields.tagged(tag::SEQUENCE, "issuer")?);
        subject.times.push(Time::read(&mut fields, "thisUpdate")?);
        if matches!(fields.peek(), Some(tag::UTC_TIME | tag::GENERALIZED_TIME)) {
            subject.times.push(Time::read(&mut fields, "nextUpdate")?);
        }
        fields.optional(tag::SEQUENCE, "revokedCertificates")?;
        if let Some(tagged) = fields.optional(tag::constructed(0), "crlExtensions")? {
            subject.read_extensions(tagged.reader().tagged(tag::SEQUENCE, "crlExtensions")?)?;
        }
        Ok(subject)
    }

    fn signed(der: &'a [u8], role: Role) -> Result<(Self, Reader<'a>), Error> {
        let outer = Reader::new(der).tagged(tag::SEQUENCE, "it")?;
        let mut reader = outer.reader();
        let content = reader.tagged(tag::SEQUENCE, "what is signed")?;
        let subject = Self {
            role,
            der,
            content,
            algorithm: reader.tagged(tag::SEQUENCE, "signatureAlgorithm")?,
            signature: reader.tagged(tag::BIT_STRING, "signature")?,
            inner_algorithm: None,
            version: 1,
            spells_version: false,
            serial: None,
            issuer: None,
            subject: None,
            times: Vec::new(),
            key: None,
            has_unique_ids: false,
            has_extensions: false,
            extensions: Vec::new(),
            names: Vec::new(),
            purposes: None,
            key_usage: None,
            is_ca: false,
            path_len: None,
        };
        Ok((subject, content.reader()))
    }

    fn read_extensions(&mut self, list: Value<'a>) -> Result<(), Error> {
        self.has_extensions = true;
        for value in list.each(tag::SEQUENCE, "extension")? {
            let mut reader = value.reader();
            let oid = reader.tagged(tag::OID, "extnID")?.content;
            let critical = reader.optional(tag::BOOLEAN, "critical")?;
            let is_critical = critical.is_some_and(|value| value.content != [0]);
            let spells_default = critical.is_some() && !is_critical;
            let value = reader.tagged(tag::OCTET_STRING, "extnValue")?.content;
            let is_first = self.extension(oid).is_none();
            self.extensions.push(Extension { oid, is_critical, spells_default, value });
            if is_first {
                self.read_extension(oid, value);
            }
        }
        Ok(())
    }

    /// Reads what the rules look at often. What cannot be read is `extension_malformed`'s affair.
    fn read_extension(&mut self, oid: &[u8], value: &'a [u8]) {
        let sequence = || asn1::only(value, tag::SEQUENCE, "extnValue");
        match oid {
            oid::SAN => self.names = sequence().map(|list| values(list.reader())).unwrap_or_default(),
            oid::EKU => {
                let list = sequence().map(|list| values(list.reader())).unwrap_or_default();
                self.purposes = Some(list.iter().map(|purpose| Purpose::of(purpose.content)).collect());
            }
            oid::KEY_USAGE => {
                let bits = asn1::only(value, tag::BIT_STRING, "keyUsage").ok();
                self.key_usage = Some(bits.and_then(|bits| bits.named_bits()).unwrap_or_default());
            }
            oid::BASIC_CONSTRAINTS => {
                let fields = sequence().map(|list| values(list.reader())).unwrap_or_default();
                self.is_ca = fields.iter().any(|field| field.tag == tag::BOOLEAN && field.content != [0]);
                self.path_len = fields.into_iter().find(|field| field.tag == tag::INTEGER);
            }
            _ => {}
        }
    }

    fn role_of_certificate(&self) -> Role {
        let is_for = |purpose| self.purposes.as_ref().is_none_or(|purposes| purposes.contains(&purpose));
        match self {
            Self { is_ca: true, .. } => Role::Ca,
            _ if is_for(Purpose::Server) || is_for(Purpose::Any) => Role::Server,
            _ => Role::Other,
        }
    }

    /// The first extension of a kind.
    pub(super) fn extension(&self, oid: &[u8]) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// An extension's value, when it is a SEQUENCE.
    pub(super) fn sequence(&self, oid: &[u8]) -> Option<Value<'a>> {
        asn1::only(self.extension(oid)?.value, tag::SEQUENCE, "extnValue").ok()
    }

    pub(super) fn is_certificate(&self) -> bool {
        matches!(self.role, Role::Server | Role::Other | Role::Ca)
    }

    /// Names itself as its issuer.
    pub(super) fn is_self_issued(&self) -> bool {
        match (self.subject, self.issuer) {
            (Some(subject), Some(issuer)) => same_name(subject.raw, issuer.raw),
            _ => false,
        }
    }

    /// Whether it names hosts.
    pub(super) fn names_hosts(&self) -> bool {
        self.names.iter().any(|name| matches!(name.tag, DNS | IP))
    }

    /// Whether its signature is that of a key; `None` when that cannot be checked here.
    pub(super) fn is_signed_by(&self, spki: &[u8]) -> Option<bool> {
        let signature = self.signature.bits().unwrap_or_default();
        match key::verify_signature(spki, self.algorithm.raw, self.content.raw, signature) {
            Ok(()) => Some(true),
            Err(key::Error::BadSignature) => Some(false),
            Err(_) => None,
        }
    }

    /// subjectKeyIdentifier.
    pub(super) fn key_id(&self) -> Option<&'a [u8]> {
        asn1::only(self.extension(oid::SKI)?.value, tag::OCTET_STRING, "it").ok().map(|id| id.content)
    }

    /// authorityKeyIdentifier's fields.
    pub(super) fn authority_key_id(&self) -> Vec<Value<'a>> {
        self.sequence(oid::AKI).map(|fields| values(fields.reader())).unwrap_or_default()
    }
}

fn version_number(value: Value<'_>) -> u32 {
    value.small().map_or(u32::MAX, |number| number.saturating_add(1))
}

/// The values one behind the other, as far as they can be read.
pub(super) fn values(mut reader: Reader<'_>) -> Vec<Value<'_>> {
    let mut values = Vec::new();
    while !reader.is_empty() {
        let Ok(value) = reader.value("it") else { break };
        values.push(value);
    }
    values
}
