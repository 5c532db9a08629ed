//! Subjects of a lint run: certificates, requests and CRLs as `x509` read them, under names that all rules share.

use crate::encoding::asn1::{Error, Reader, TimeField, Value};
use crate::x509::certificate::Certificate;
use crate::x509::crl::Crl;
use crate::x509::extension::{AuthorityKeyId, BasicConstraints, Extension, Extensions, KeyPurpose, KeyUsage};
use crate::x509::key::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use crate::x509::name::{Entry, GeneralNames, Name};
use crate::x509::request::CertificationRequest;
use crate::x509::signed_data::SignedData;

/// Role of a subject, which selects the rules that apply.
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

/// A certificate, request or CRL.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "a certificate has a subject")]
pub(super) struct Subject<'a> {
    pub(super) role: Role,
    pub(super) signed: SignedData<'a>,
    /// The algorithm within the signed part; a request has none.
    pub(super) inner_algorithm: Option<AlgorithmIdentifier<'a>>,
    /// Counted from 1; `None` for a number that no version has.
    pub(super) version: Option<u32>,
    /// True if a default version is encoded.
    pub(super) spells_version: bool,
    pub(super) serial: Option<Value<'a>>,
    pub(super) issuer: Option<Name<'a>>,
    pub(super) subject: Option<Name<'a>>,
    /// notBefore and notAfter; thisUpdate and, perhaps, nextUpdate.
    pub(super) times: Vec<TimeField<'a>>,
    pub(super) key: Option<SubjectPublicKeyInfo<'a>>,
    pub(super) has_unique_ids: bool,
    /// The extensions; `None` if there is no list, not even an empty one.
    extensions: Option<Extensions<'a>>,
}

impl<'a> Subject<'a> {
    /// Reads a certificate.
    pub(super) fn certificate(der: &'a [u8]) -> Result<Self, Error> {
        let read = Certificate::read(der)?;
        let version = read.version;
        let mut subject = Self {
            role: Role::Server,
            version: version.map(|version| version.saturating_add(1)),
            spells_version: read.encoded_version.is_some() && version == Some(0),
            inner_algorithm: Some(read.inner_algorithm),
            serial: Some(read.serial),
            issuer: Some(read.issuer),
            subject: Some(read.subject),
            times: vec![read.not_before, read.not_after],
            key: Some(read.key),
            has_unique_ids: read.issuer_unique_id.is_some() || read.subject_unique_id.is_some(),
            extensions: read.extensions,
            signed: read.signed,
        };
        subject.role = subject.role_of_certificate();
        subject.whole()
    }

    /// Reads a certification request.
    pub(super) fn request(der: &'a [u8]) -> Result<Self, Error> {
        let read = CertificationRequest::read(der)?;
        if let Some(error) = read.attributes_fault {
            return Err(error);
        }
        let mut extensions: Option<Extensions<'a>> = None;
        for list in read.attributes.into_iter().filter_map(|attribute| attribute.extensions) {
            for list in list? {
                extensions.get_or_insert_default().entries.extend(list.entries);
            }
        }
        let subject = Self {
            role: Role::Request,
            version: read.version.small().map(|version| version.saturating_add(1)),
            spells_version: false,
            inner_algorithm: None,
            serial: None,
            issuer: None,
            subject: Some(read.subject),
            times: Vec::new(),
            key: Some(read.key),
            has_unique_ids: false,
            extensions,
            signed: read.signed,
        };
        subject.whole()
    }

    /// Reads a CRL. The entries are left alone: there may be a million.
    pub(super) fn crl(der: &'a [u8]) -> Result<Self, Error> {
        let read = Crl::read(der)?;
        let version = read.version.map_or(Some(0), |version| version.small());
        let subject = Self {
            role: Role::Crl,
            version: version.map(|version| version.saturating_add(1)),
            spells_version: false,
            inner_algorithm: Some(read.inner_algorithm),
            serial: None,
            issuer: Some(read.issuer),
            subject: None,
            times: [Some(read.this_update), read.next_update].into_iter().flatten().collect(),
            key: None,
            has_unique_ids: false,
            extensions: read.encoded_extensions.map(|_| read.extensions),
            signed: read.signed,
        };
        subject.whole()
    }

    /// Refuses a subject whose list of extensions cannot be told apart: most rules would judge half of it.
    fn whole(self) -> Result<Self, Error> {
        let fault = self.extensions.iter().find_map(|extensions| {
            let unreadable = extensions.entries.iter().find_map(|entry| entry.as_ref().err());
            unreadable
                .map(|unreadable| &unreadable.error)
                .or(extensions.fault().filter(|_| extensions.entries.is_empty()))
        });
        match fault.cloned() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    fn role_of_certificate(&self) -> Role {
        let is_for = |purpose| self.extensions().ext_key_usage().is_none_or(|usage| usage.has(purpose));
        if self.extensions().basic_constraints().is_some_and(|constraints| constraints.ca) {
            Role::Ca
        } else if is_for(KeyPurpose::Server) || is_for(KeyPurpose::Any) {
            Role::Server
        } else {
            Role::Other
        }
    }

    /// The extensions; empty if there is no list.
    pub(super) fn extensions(&self) -> &Extensions<'a> {
        const NONE: &Extensions<'static> = &Extensions::NONE;
        self.extensions.as_ref().unwrap_or(NONE)
    }

    /// True if a list of extensions is present, even an empty one.
    pub(super) fn has_extensions(&self) -> bool {
        self.extensions.is_some()
    }

    /// The first extension of a kind.
    pub(super) fn extension(&self, id: &[u8]) -> Option<&Extension<'a>> {
        self.extensions().first(id)
    }

    pub(super) fn key_usage(&self) -> Option<&KeyUsage> {
        self.extensions().key_usage()
    }

    pub(super) fn basic_constraints(&self) -> Option<&BasicConstraints> {
        self.extensions().basic_constraints()
    }

    pub(super) fn authority_key_id(&self) -> Option<&AuthorityKeyId<'a>> {
        self.extensions().authority_key_id()
    }

    /// subjectKeyIdentifier.
    pub(super) fn key_id(&self) -> Option<&'a [u8]> {
        self.extensions().subject_key_id()
    }

    /// subjectAltName's entries.
    pub(super) fn names(&self) -> &[Entry<'a>] {
        self.extensions().subject_alt_name().map(|names| names.0.as_slice()).unwrap_or_default()
    }

    /// Returns true if the certificate names hosts.
    pub(super) fn names_hosts(&self) -> bool {
        self.extensions().subject_alt_name().is_some_and(GeneralNames::has_host)
    }

    pub(super) fn is_certificate(&self) -> bool {
        matches!(self.role, Role::Server | Role::Other | Role::Ca)
    }

    /// Returns true if subject and issuer are the same name.
    pub(super) fn is_self_issued(&self) -> bool {
        match (&self.subject, &self.issuer) {
            (Some(subject), Some(issuer)) => subject.is_same(issuer),
            _ => false,
        }
    }

    /// Returns true if the signature verifies with the subject's own key; `None` if that cannot be checked here.
    pub(super) fn is_signed_by_itself(&self) -> Option<bool> {
        self.signed.is_signed_by(self.key.as_ref()?.as_raw())
    }

    /// Returns true if an extension is there and critical.
    pub(super) fn is_critical(&self, id: &[u8]) -> bool {
        self.extension(id).is_some_and(Extension::is_critical)
    }

    /// Returns true if an extension is there and not critical.
    pub(super) fn is_not_critical(&self, id: &[u8]) -> bool {
        self.extension(id).is_some_and(|extension| !extension.is_critical())
    }
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
