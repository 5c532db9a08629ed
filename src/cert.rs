//! Issues certificates (RFC 5280 section 4): what they say, who signs them.

use der::asn1::Any;
use der::{Decode, Encode};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyIdMethod, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::prelude::{GeneralName, ParsedExtension, X509Certificate};

use crate::constraints::{self, NameConstraints};
use crate::csr::{self, Extension, Purpose, Request};
use crate::inspect;
use crate::key::{self, PrivateKey};
use crate::name::{self, Subject, SubjectAltName, hex};
use crate::signed::{self, Signed, Unsigned};
use crate::validity::{self, Validity, rfc3339};

/// Why a certificate could not be issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key and a certificate, or a key and a request, with different public keys.
    #[error("the public keys differ")]
    KeyMismatch {
        /// What the certificate or request holds.
        theirs: Box<KeySummary>,
        /// What the private key has.
        ours: Box<KeySummary>,
    },
    /// The issuer's certificate may not sign others.
    #[error("it may not sign certificates: {reason}")]
    NotACa {
        /// Which extension says so.
        reason: &'static str,
    },
    /// The issuer's certificate is no longer, or not yet, valid.
    #[error("the issuer's certificate {reason}")]
    IssuerTime {
        /// When it ended or begins.
        reason: String,
    },
    /// The issuer may not sign for a name (RFC 5280 section 4.2.1.10).
    #[error("the CA may not sign for `{name}`: its name constraints permit {permitted}")]
    NotPermitted {
        /// The name.
        name: String,
        /// What they permit.
        permitted: String,
    },
    /// The issuer may not sign for a name (RFC 5280 section 4.2.1.10).
    #[error("the CA may not sign for `{name}`: its name constraints exclude `{excluded}`")]
    Excluded {
        /// The name.
        name: String,
        /// The subtree that it is in.
        excluded: String,
    },
    /// The issuer may sign for none of the purposes (RFC 5280 section 4.2.1.12, as clients apply it to CAs).
    #[error("the CA may not sign for {purposes}: its extKeyUsage permits {permitted}")]
    PurposeNotPermitted {
        /// The purposes.
        purposes: String,
        /// What it permits.
        permitted: String,
    },
    /// The issuer's name constraints are malformed.
    #[error(transparent)]
    NameConstraints(#[from] constraints::Error),
    /// A request asks for what only a CA has.
    #[error("the request asks for {what}, which makes a CA")]
    AsksForCa {
        /// The extension and value.
        what: String,
    },
    /// A request for a CA that contradicts itself, or names nobody.
    #[error("the request {what}")]
    Contradiction {
        /// How it does.
        what: &'static str,
    },
    /// A request for a key that no client takes.
    #[error("the request's key is {kind}, and no client takes RSA below 2048 bits")]
    WeakKey {
        /// Its kind and size.
        kind: String,
    },
    /// A request with the same extension twice.
    #[error("the request asks for the extension {oid} twice (RFC 5280 section 4.2)")]
    DuplicateExtension {
        /// Its OID.
        oid: String,
    },
    /// A request with an extension that cannot be read.
    #[error("the request's {what} cannot be read")]
    MalformedExtension {
        /// Its name.
        what: &'static str,
    },
    /// The issuer's certificate cannot be read.
    #[error(transparent)]
    Inspect(#[from] inspect::Error),
    /// The issuer has expired.
    #[error(transparent)]
    Validity(#[from] validity::Error),
    /// Writing or signing failed.
    #[error("cannot issue the certificate")]
    Write(#[from] signed::Error),
    /// The public key cannot be read.
    #[error(transparent)]
    Key(#[from] key::Error),
}

/// A public key in a message: its kind and pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    /// As in `EC P-256`.
    pub kind: String,
    /// SHA-256 of the subjectPublicKeyInfo, in hex.
    pub spki_sha256: String,
}

impl KeySummary {
    fn of(spki: &[u8]) -> Self {
        let kind = key::public_key(spki).to_string();
        Self { kind, spki_sha256: hex(&key::spki_sha256(spki)) }
    }
}

/// Checks that a private key belongs to a public one.
///
/// # Errors
///
/// [`Error::KeyMismatch`].
pub fn check_key(spki: &[u8], key: &PrivateKey) -> Result<(), Error> {
    if spki == key.spki() {
        return Ok(());
    }
    Err(Error::KeyMismatch { theirs: Box::new(KeySummary::of(spki)), ours: Box::new(KeySummary::of(key.spki())) })
}

/// Who signs.
pub struct Issuer<'a> {
    key: &'a PrivateKey,
    subject: Subject,
    key_identifier: Vec<u8>,
    /// Absent when a certificate is its own issuer.
    certificate: Option<IssuerCertificate>,
}

/// What an issuer's certificate says about what it may sign.
struct IssuerCertificate {
    validity: Validity,
    path_len: Option<u32>,
    /// The value of its nameConstraints extension.
    name_constraints: Option<Vec<u8>>,
}

impl<'a> Issuer<'a> {
    /// The key's own holder: makes a self-signed certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] when the key has no public part.
    pub fn own(key: &'a PrivateKey, subject: &Subject) -> Result<Self, Error> {
        let key_identifier = key::key_identifier(key.spki())?;
        Ok(Self { key, subject: subject.clone(), key_identifier, certificate: None })
    }

    /// A CA by its certificate; its name and key identifier are taken from there, as the bytes they are.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`], [`Error::NotACa`], [`Error::IssuerTime`] when it is not valid at `now`,
    /// [`Error::Inspect`].
    pub fn from_certificate(der: &[u8], key: &'a PrivateKey, now: OffsetDateTime) -> Result<Self, Error> {
        let certificate = inspect::parse(der)?;
        check_key(certificate.public_key().raw, key)?;
        check_ca(&certificate)?;
        let validity = validity_of(&certificate);
        if now > validity.not_after {
            let reason = format!("expired {}", rfc3339(validity.not_after));
            return Err(Error::IssuerTime { reason });
        }
        if now < validity.not_before {
            let reason = format!("is not valid before {}", rfc3339(validity.not_before));
            return Err(Error::IssuerTime { reason });
        }
        let mut limits = IssuerCertificate { validity, path_len: None, name_constraints: None };
        let mut key_identifier = None;
        for extension in certificate.extensions() {
            if extension.oid == x509_parser::oid_registry::OID_X509_EXT_NAME_CONSTRAINTS {
                NameConstraints::parse(extension.value)?;
                limits.name_constraints = Some(extension.value.to_vec());
            }
            match extension.parsed_extension() {
                ParsedExtension::BasicConstraints(constraints) => limits.path_len = constraints.path_len_constraint,
                ParsedExtension::SubjectKeyIdentifier(identifier) => key_identifier = Some(identifier.0.to_vec()),
                _ => {}
            }
        }
        let key_identifier = key_identifier.map_or_else(|| key::key_identifier(key.spki()), Ok)?;
        let subject = Subject::from_der(certificate.subject().as_raw());
        let subject = subject.map_err(|error| inspect::Error::Malformed { reason: error.reason })?;
        Ok(Self { key, subject, key_identifier, certificate: Some(limits) })
    }

    /// The issuer's name.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Cuts a validity to the issuer's own; says whether its end was cut.
    ///
    /// # Errors
    ///
    /// [`Error::Validity`] when nothing would be left.
    pub fn limit(&self, validity: Validity) -> Result<(Validity, bool), Error> {
        match &self.certificate {
            Some(certificate) => Ok(validity.within(certificate.validity)?),
            None => Ok((validity, false)),
        }
    }

    /// Checks names against the issuer's name constraints (RFC 5280 section 4.2.1.10).
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`].
    pub fn check_names(&self, names: &[SubjectAltName]) -> Result<(), Error> {
        let Some(value) = self.certificate.as_ref().and_then(|certificate| certificate.name_constraints.as_ref())
        else {
            return Ok(());
        };
        let constraints = NameConstraints::parse(value)?;
        for name in names {
            constraints.check([&name.into()], &mut constraints::BUDGET.clone()).map_err(|reason| match reason {
                constraints::Error::Excluded { subtree, .. } => {
                    Error::Excluded { name: name.value(), excluded: subtree }
                }
                _ => Error::NotPermitted { name: name.value(), permitted: permitted_text(&constraints) },
            })?;
        }
        Ok(())
    }

    /// Checks a subject: its emailAddresses, and as OpenSSL does its commonName, which counts as a dNSName where there is
    /// none.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`].
    pub fn check_subject(&self, subject: &Subject, names: &[SubjectAltName]) -> Result<(), Error> {
        self.check_names(&subject.emails().into_iter().map(SubjectAltName::Email).collect::<Vec<_>>())?;
        if names.iter().any(|name| matches!(name, SubjectAltName::Dns(_))) {
            return Ok(());
        }
        match subject.last_common_name().and_then(|name| name.parse().ok()) {
            Some(SubjectAltName::Dns(name)) if name.contains('.') => self.check_names(&[SubjectAltName::Dns(name)]),
            _ => Ok(()),
        }
    }
}

/// A certificate's notBefore and notAfter.
#[must_use]
pub fn validity_of(certificate: &X509Certificate<'_>) -> Validity {
    let validity = certificate.validity();
    Validity { not_before: validity.not_before.to_datetime(), not_after: validity.not_after.to_datetime() }
}

fn check_ca(certificate: &X509Certificate<'_>) -> Result<(), Error> {
    let mut is_ca = false;
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(constraints) => is_ca = constraints.ca,
            ParsedExtension::KeyUsage(usage) if !usage.key_cert_sign() => {
                return Err(Error::NotACa { reason: "its keyUsage lacks keyCertSign" });
            }
            _ => {}
        }
    }
    if is_ca { Ok(()) } else { Err(Error::NotACa { reason: "its basicConstraints do not say CA:TRUE" }) }
}

fn permitted_text(constraints: &NameConstraints<'_>) -> String {
    let texts = constraints.permitted_text();
    if texts.is_empty() { "others".to_owned() } else { texts.join(", ") }
}

fn ip(octets: &[u8]) -> Option<std::net::IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).ok().map(Into::into);
    v4.or_else(|| <[u8; 16]>::try_from(octets).ok().map(Into::into))
}

/// What a certificate is to say, but for who signs it.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its subject.
    pub subject: Subject,
    /// The subject's public key, as DER subjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// Both ends, already within the issuer's.
    pub validity: Validity,
    /// subjectAltName; when empty, the extension is not written.
    pub names: Vec<SubjectAltName>,
    /// The key usages; when empty, the extension is not written.
    pub key_usages: Vec<KeyUsagePurpose>,
    /// The extended key usages; when empty, the extension is not written.
    pub extended_key_usages: Vec<rcgen::ExtendedKeyUsagePurpose>,
    /// Whether it may sign others, and how many CAs may follow.
    pub ca: Option<BasicConstraints>,
    /// What a CA's certificates may be for.
    pub name_constraints: Option<rcgen::NameConstraints>,
    /// Other extensions, as they are.
    pub extensions: Vec<Extension>,
}

impl Template {
    /// An end-entity certificate.
    #[must_use]
    pub fn end_entity(
        subject: Subject,
        spki: &[u8],
        names: Vec<SubjectAltName>,
        purpose: Purpose,
        validity: Validity,
    ) -> Self {
        Self {
            subject,
            spki: spki.to_vec(),
            validity,
            names,
            key_usages: csr::key_usages(key::public_key(spki).algorithm == "RSA"),
            extended_key_usages: purpose.extended_key_usages(),
            ca: None,
            name_constraints: None,
            extensions: Vec::new(),
        }
    }

    /// A CA's certificate; `path_len` CAs may follow it.
    #[must_use]
    pub fn ca(subject: Subject, spki: &[u8], path_len: Option<u8>, validity: Validity) -> Self {
        Self {
            key_usages: vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            extended_key_usages: Vec::new(),
            ca: Some(path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained)),
            ..Self::end_entity(subject, spki, Vec::new(), Purpose::Server, validity)
        }
    }
}

/// Issues a certificate with a random serial number of 20 octets; returns its DER.
///
/// # Errors
///
/// [`Error::Write`], [`Error::Key`].
pub fn issue(template: &Template, issuer: &Issuer<'_>) -> Result<CertificateDer<'static>, Error> {
    let mut certificate = draft(template, issuer, &serial())?;
    certificate.signature = issuer.key.sign(&certificate.content)?;
    Ok(certificate.to_der()?.into())
}

/// Writes a certificate down with no signature yet.
///
/// # Errors
///
/// As [`issue`].
pub fn draft(template: &Template, issuer: &Issuer<'_>, serial: &[u8]) -> Result<Signed, Error> {
    let mut params = CertificateParams::default();
    params.not_before = template.validity.not_before;
    params.not_after = template.validity.not_after;
    params.serial_number = Some(serial.to_vec().into());
    params.distinguished_name = csr::placeholder(&template.subject);
    params.subject_alt_names = name::to_rcgen(&template.names);
    params.key_usages.clone_from(&template.key_usages);
    params.extended_key_usages.clone_from(&template.extended_key_usages);
    params.name_constraints.clone_from(&template.name_constraints);
    params.is_ca = template.ca.map_or(IsCa::ExplicitNoCa, IsCa::Ca);
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::PreSpecified(key::key_identifier(&template.spki)?);
    params.custom_extensions = template.extensions.iter().map(to_rcgen).collect::<Result<_, _>>()?;

    let mut issuer_params = CertificateParams::default();
    issuer_params.key_identifier_method = KeyIdMethod::PreSpecified(issuer.key_identifier.clone());
    let rcgen_issuer = rcgen::Issuer::from_params(&issuer_params, Unsigned(issuer.key));
    let unsigned = params.signed_by(&Unsigned(issuer.key), &rcgen_issuer).map_err(signed::Error::from)?;
    let replace = [(ISSUER, issuer.subject.as_der()), (SUBJECT, template.subject.as_der()), (SPKI, &template.spki)];
    let mut draft = Signed::parse(unsigned.der())?;
    draft.replace(&replace)?;
    Ok(draft)
}

/// Places of fields in a TBSCertificate of version 3 (RFC 5280 section 4.1).
const ISSUER: usize = 3;
const SUBJECT: usize = 5;
const SPKI: usize = 6;

/// 159 random bits in 20 octets, the most RFC 5280 section 4.1.2.2 allows; positive, and never shorter.
fn serial() -> [u8; 20] {
    let mut octets = [0; 20];
    aws_lc_rs::rand::fill(&mut octets).expect("the system gives random bytes");
    octets[0] = octets[0] & 0x7f | 0x40;
    octets
}

fn to_rcgen(extension: &Extension) -> Result<CustomExtension, Error> {
    let malformed = |_| Error::MalformedExtension { what: "extension's OID" };
    let oid = extension.oid.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().map_err(malformed)?;
    let mut custom = CustomExtension::from_oid_content(&oid, extension.value.clone());
    custom.set_criticality(extension.critical);
    Ok(custom)
}

/// What is carried over from a request into a certificate.
#[derive(Debug, Clone)]
pub struct Carried {
    /// The extensions, in the order asked for.
    pub extensions: Vec<Extension>,
    /// Path length and whether a CA was asked for, and allowed.
    pub ca: Option<BasicConstraints>,
    /// What was changed or left out, in words.
    pub notes: Vec<String>,
}

/// OIDs of the extensions that requests ask for and that are judged here.
mod oid {
    pub(super) const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";
    pub(super) const KEY_USAGE: &str = "2.5.29.15";
    pub(super) const SUBJECT_ALT_NAME: &str = "2.5.29.17";
    pub(super) const BASIC_CONSTRAINTS: &str = "2.5.29.19";
    pub(super) const NAME_CONSTRAINTS: &str = "2.5.29.30";
    pub(super) const POLICY_MAPPINGS: &str = "2.5.29.33";
    pub(super) const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
    pub(super) const POLICY_CONSTRAINTS: &str = "2.5.29.36";
    pub(super) const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
    pub(super) const INHIBIT_ANY_POLICY: &str = "2.5.29.54";
}

/// Names of extensions by OID, as RFC 5280 and its kin write them.
#[must_use]
pub fn extension_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        oid::SUBJECT_KEY_IDENTIFIER => "subjectKeyIdentifier",
        oid::KEY_USAGE => "keyUsage",
        oid::SUBJECT_ALT_NAME => "subjectAltName",
        oid::BASIC_CONSTRAINTS => "basicConstraints",
        oid::NAME_CONSTRAINTS => "nameConstraints",
        oid::POLICY_MAPPINGS => "policyMappings",
        oid::AUTHORITY_KEY_IDENTIFIER => "authorityKeyIdentifier",
        oid::POLICY_CONSTRAINTS => "policyConstraints",
        oid::EXTENDED_KEY_USAGE => "extKeyUsage",
        oid::INHIBIT_ANY_POLICY => "inhibitAnyPolicy",
        "2.5.29.18" => "issuerAltName",
        "2.5.29.31" => "cRLDistributionPoints",
        "2.5.29.32" => "certificatePolicies",
        "1.3.6.1.5.5.7.1.1" => "authorityInfoAccess",
        "1.3.6.1.5.5.7.1.24" => "tlsFeature",
        "1.3.6.1.4.1.311.20.2" => "Microsoft certificate template name",
        "1.3.6.1.4.1.311.21.7" => "Microsoft certificate template",
        _ => return None,
    })
}

impl Carried {
    /// Sorts out what a request asks for: what describes the subject is carried over, what makes a CA is refused
    /// unless `allow_ca`, what the issuer decides is left to it.
    ///
    /// # Errors
    ///
    /// [`Error::AsksForCa`], [`Error::DuplicateExtension`], [`Error::MalformedExtension`].
    pub fn from_request(request: &Request, allow_ca: bool) -> Result<Self, Error> {
        let mut carried = Self { extensions: Vec::new(), ca: None, notes: Vec::new() };
        for (index, extension) in request.extensions.iter().enumerate() {
            if request.extensions[..index].iter().any(|other| other.oid == extension.oid) {
                return Err(Error::DuplicateExtension { oid: extension.oid.clone() });
            }
            carried.add(extension, request, allow_ca)?;
        }
        carried.check(request)?;
        Ok(carried)
    }

    /// What no single extension shows.
    fn check(&self, request: &Request) -> Result<(), Error> {
        let key = key::public_key(&request.spki);
        if key.algorithm.starts_with("RSA") && key.bits.is_some_and(|bits| bits < 2048) {
            return Err(Error::WeakKey { kind: key.to_string() });
        }
        if self.ca.is_some() && request.subject.is_empty() {
            return Err(Error::Contradiction {
                what: "is for a CA, and a CA needs a subject (RFC 5280 section 4.1.2.6)",
            });
        }
        let usage = self.extensions.iter().find(|extension| extension.oid == oid::KEY_USAGE);
        let signs = usage.map(|usage| named_bit(&usage.value, KEY_CERT_SIGN));
        match (self.ca.is_some(), signs) {
            (true, Some(false)) => Err(Error::Contradiction { what: "is for a CA whose keyUsage lacks keyCertSign" }),
            (false, Some(true)) => {
                Err(Error::Contradiction { what: "asks for keyCertSign without basicConstraints CA:TRUE" })
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, extension: &Extension, request: &Request, allow_ca: bool) -> Result<(), Error> {
        let refuse_ca = |what: &str| {
            if allow_ca { Ok(()) } else { Err(Error::AsksForCa { what: what.to_owned() }) }
        };
        match extension.oid.as_str() {
            oid::SUBJECT_KEY_IDENTIFIER | oid::AUTHORITY_KEY_IDENTIFIER => {}
            oid::BASIC_CONSTRAINTS => {
                if let Some(constraints) = basic_constraints(&extension.value)? {
                    refuse_ca("basicConstraints CA:TRUE")?;
                    self.ca = Some(constraints);
                }
            }
            oid::KEY_USAGE => {
                let (extension, signs) = self.key_usage(extension, request)?;
                if signs {
                    refuse_ca("keyUsage keyCertSign")?;
                }
                self.extensions.push(extension);
            }
            oid::NAME_CONSTRAINTS | oid::POLICY_MAPPINGS | oid::POLICY_CONSTRAINTS | oid::INHIBIT_ANY_POLICY => {
                refuse_ca(extension_name(&extension.oid).unwrap_or_default())?;
                self.extensions.push(extension.clone());
            }
            oid::SUBJECT_ALT_NAME => {
                check_names(&extension.value)?;
                // RFC 5280 section 4.2.1.6: critical exactly when there is no other name.
                self.extensions.push(Extension { critical: request.subject.is_empty(), ..extension.clone() });
            }
            oid::EXTENDED_KEY_USAGE => {
                let purposes = Vec::<der::asn1::ObjectIdentifier>::from_der(&extension.value);
                if purposes.map_or(true, |purposes| purposes.is_empty()) {
                    return Err(Error::MalformedExtension { what: "extKeyUsage" });
                }
                self.extensions.push(extension.clone());
            }
            _ => self.extensions.push(extension.clone()),
        }
        Ok(())
    }

    /// The key usage asked for, without what the key cannot do; and whether it includes keyCertSign.
    fn key_usage(&mut self, extension: &Extension, request: &Request) -> Result<(Extension, bool), Error> {
        let malformed = || Error::MalformedExtension { what: "keyUsage" };
        let bits = der::asn1::BitString::from_der(&extension.value).map_err(|_| malformed())?;
        let mut octets = bits.raw_bytes().to_vec();
        let first = octets.first_mut().ok_or_else(malformed)?;
        let is_rsa = key::public_key(&request.spki).algorithm == "RSA";
        if *first & KEY_ENCIPHERMENT != 0 && !is_rsa {
            *first &= !KEY_ENCIPHERMENT;
            self.notes.push("keyEncipherment left out: only an RSA key can be encrypted to".to_owned());
        }
        let signs = *first & KEY_CERT_SIGN != 0;
        if octets.iter().all(|octet| *octet == 0) {
            // RFC 5280 section 4.2.1.3: at least one bit.
            octets = vec![DIGITAL_SIGNATURE];
            self.notes.push("digitalSignature put in: a keyUsage without any is not allowed".to_owned());
        }
        let value = named_bits(&octets).ok_or_else(malformed)?;
        Ok((Extension { value, critical: true, oid: extension.oid.clone() }, signs))
    }

    /// Whether an extension of this OID is carried over.
    fn has(&self, oid: &str) -> bool {
        self.extensions.iter().any(|extension| extension.oid == oid)
    }

    /// Whether the request names its subjects in a subjectAltName.
    #[must_use]
    pub fn has_names(&self) -> bool {
        self.has(oid::SUBJECT_ALT_NAME)
    }

    /// The names of the extensions carried over.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |oid: &str| extension_name(oid).unwrap_or(oid).to_owned();
        self.extensions.iter().map(|extension| name(&extension.oid)).collect()
    }

    /// The names in the subjectAltName carried over, of the kinds that constraints are checked for.
    #[must_use]
    pub fn subject_alt_names(&self) -> Vec<SubjectAltName> {
        use x509_parser::prelude::{FromDer, SubjectAlternativeName};
        let extension = self.extensions.iter().find(|extension| extension.oid == oid::SUBJECT_ALT_NAME);
        let parsed = extension.and_then(|extension| SubjectAlternativeName::from_der(&extension.value).ok());
        let names = parsed.map(|(_, san)| san.general_names).unwrap_or_default();
        let named = names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(SubjectAltName::Dns(name.to_ascii_lowercase())),
            GeneralName::IPAddress(octets) => ip(octets).map(SubjectAltName::Ip),
            GeneralName::RFC822Name(address) => Some(SubjectAltName::Email((*address).to_owned())),
            GeneralName::URI(uri) => Some(SubjectAltName::Uri((*uri).to_owned())),
            _ => None,
        });
        named.collect()
    }

    /// The template for a request: what it asks for; where it is silent, `names` and `purpose` (which, when given,
    /// also overrule it), and what such a key is for.
    #[must_use]
    pub fn template(
        mut self,
        request: &Request,
        names: Vec<SubjectAltName>,
        purpose: Option<Purpose>,
        validity: Validity,
    ) -> Template {
        if !names.is_empty() {
            self.extensions.retain(|extension| extension.oid != oid::SUBJECT_ALT_NAME);
        }
        if purpose.is_some() {
            self.extensions.retain(|extension| extension.oid != oid::EXTENDED_KEY_USAGE);
        }
        let (subject, spki) = (request.subject.clone(), &request.spki);
        let purpose = purpose.unwrap_or_default();
        let mut template = Template::end_entity(subject.clone(), spki, names, purpose, validity);
        if let Some(constraints) = self.ca.take() {
            template = Template { ca: Some(constraints), ..Template::ca(subject, spki, None, validity) };
        }
        if self.has(oid::KEY_USAGE) {
            template.key_usages.clear();
        }
        if self.has(oid::EXTENDED_KEY_USAGE) {
            template.extended_key_usages.clear();
        }
        template.extensions = self.extensions;
        template
    }
}

/// Bits of keyUsage's first octet (RFC 5280 section 4.2.1.3).
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;
const KEY_CERT_SIGN: u8 = 0x04;

fn named_bit(value: &[u8], bit: u8) -> bool {
    let bits = der::asn1::BitString::from_der(value);
    bits.is_ok_and(|bits| bits.raw_bytes().first().is_some_and(|octet| octet & bit != 0))
}

/// Checks a subjectAltName that a request asks for: what cannot be read cannot be judged by the CA's constraints.
fn check_names(value: &[u8]) -> Result<(), Error> {
    use x509_parser::prelude::{FromDer, SubjectAlternativeName};
    let malformed = || Error::MalformedExtension { what: "subjectAltName" };
    let (rest, names) = SubjectAlternativeName::from_der(value).map_err(|_| malformed())?;
    let sound = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => format!("DNS:{name}").parse::<SubjectAltName>().is_ok(),
        GeneralName::RFC822Name(address) => format!("email:{address}").parse::<SubjectAltName>().is_ok(),
        GeneralName::URI(uri) => format!("URI:{uri}").parse::<SubjectAltName>().is_ok(),
        GeneralName::IPAddress(octets) => ip(octets).is_some(),
        GeneralName::Invalid(..) => false,
        _ => true,
    };
    if !rest.is_empty() || names.general_names.is_empty() || !names.general_names.iter().all(sound) {
        return Err(malformed());
    }
    Ok(())
}

/// A BIT STRING of named bits: trailing zero bits are left out (X.690 section 11.2.2).
fn named_bits(octets: &[u8]) -> Option<Vec<u8>> {
    let used = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    let octets = octets.get(..used)?;
    let unused = octets.last().map_or(0, |octet| octet.trailing_zeros());
    der::asn1::BitString::new(u8::try_from(unused).ok()?, octets).ok()?.to_der().ok()
}

/// What a request's basicConstraints say; `None` for CA:FALSE.
fn basic_constraints(value: &[u8]) -> Result<Option<BasicConstraints>, Error> {
    let malformed = || Error::MalformedExtension { what: "basicConstraints" };
    let fields = Vec::<Any>::from_der(value).map_err(|_| malformed())?;
    let (ca, path_len) = match &fields[..] {
        [] => (false, None),
        [ca] => (ca.decode_as::<bool>().map_err(|_| malformed())?, None),
        [ca, path_len] => {
            let path_len = path_len.decode_as::<u8>().map_err(|_| malformed())?;
            (ca.decode_as::<bool>().map_err(|_| malformed())?, Some(path_len))
        }
        _ => return Err(malformed()),
    };
    Ok(ca.then(|| path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained)))
}

/// Whether a certificate names this issuer and its signature verifies with the issuer's key.
#[must_use]
pub fn is_issued_by(der: &[u8], issuer: &Subject, issuer_spki: &[u8]) -> bool {
    inspect::parse(der).is_ok_and(|certificate| certificate.issuer().as_raw() == issuer.as_der())
        && Signed::parse(der).is_ok_and(|signed| signed.verify(issuer_spki).is_ok())
}

/// Checks that a CA may have another CA below it.
///
/// # Errors
///
/// [`Error::NotACa`] when its path length is used up.
pub fn check_path_len(issuer: &Issuer<'_>) -> Result<(), Error> {
    match &issuer.certificate {
        Some(IssuerCertificate { path_len: Some(0), .. }) => {
            Err(Error::NotACa { reason: "its pathLenConstraint of 0 allows no CA below it" })
        }
        _ => Ok(()),
    }
}
