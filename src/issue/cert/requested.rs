//! Selection of the extensions of a CSR that are copied into the certificate, refused, or left to the issuer.

use rcgen::BasicConstraints;

use super::{Error, Template, asked_names};
use crate::base::validity::Validity;
use crate::encoding::asn1::{self, Reader, tag};
use crate::x509::csr::{Extension, Purpose, Request};
use crate::x509::extension::{self, ExtKeyUsage, KeyUsage};
use crate::x509::key::PublicKey;
use crate::x509::name::{GeneralName, GeneralNames, SubjectAltName, ip_address};

/// Extensions copied from a request into a certificate.
#[derive(Debug, Clone)]
pub(crate) struct RequestedExtensions {
    /// The extensions, in the order asked for.
    pub(crate) extensions: Vec<Extension>,
    /// Path length and whether a CA was asked for, and allowed.
    pub(crate) ca: Option<BasicConstraints>,
    /// Changes and omissions, in words.
    pub(crate) notes: Vec<String>,
    /// True if the request has names that others take the place of.
    pub(crate) drops_names: bool,
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
pub(crate) fn extension_name(oid: &str) -> Option<&'static str> {
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

impl RequestedExtensions {
    /// Sorts the extensions of a request: those that describe the subject are copied, those that make a CA are refused
    /// unless `allow_ca`, what the issuer decides is left to it. Names are left out unless `keeps_names`.
    ///
    /// # Errors
    ///
    /// [`Error::AsksForCa`], [`Error::BadNames`], [`Error::DuplicateExtension`], [`Error::MalformedExtension`].
    pub(crate) fn from_request(request: &Request, allow_ca: bool, keeps_names: bool) -> Result<Self, Error> {
        let mut requested = Self { extensions: Vec::new(), ca: None, notes: Vec::new(), drops_names: false };
        for (index, extension) in request.extensions.iter().enumerate() {
            if request.extensions[..index].iter().any(|other| other.oid == extension.oid) {
                return Err(Error::DuplicateExtension { oid: extension.oid.clone() });
            }
            if keeps_names || extension.oid != oid::SUBJECT_ALT_NAME {
                requested.add(extension, request, allow_ca)?;
            } else {
                requested.drops_names = true;
            }
        }
        requested.check(request)?;
        Ok(requested)
    }

    /// Checks conditions that involve more than one extension.
    fn check(&self, request: &Request) -> Result<(), Error> {
        let key = PublicKey::of(&request.spki);
        if key.rsa().is_some_and(|numbers| numbers.bits() < 2048) {
            return Err(Error::WeakKey { kind: key.to_string() });
        }
        if self.ca.is_some() && request.subject.is_empty() {
            return Err(Error::Contradiction {
                what: "is for a CA, and a CA needs a subject (RFC 5280 section 4.1.2.6)",
            });
        }
        let usage = self.extensions.iter().find(|extension| extension.oid == oid::KEY_USAGE);
        let signs =
            usage.map(|usage| KeyUsage::read(&usage.value).is_ok_and(|usage| usage.has(KeyUsage::KEY_CERT_SIGN)));
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
                let (value, notes) = asked_names::checked(&extension.value)?;
                self.notes.extend(notes);
                // RFC 5280 section 4.2.1.6: critical exactly when there is no other name.
                let critical = request.subject.is_empty();
                self.extensions.push(Extension { critical, value, oid: extension.oid.clone() });
            }
            oid::EXTENDED_KEY_USAGE => {
                let is_der = is_der(&extension.value);
                if !is_der || ExtKeyUsage::read(&extension.value).map_or(true, |purposes| purposes.0.is_empty()) {
                    return Err(Error::MalformedExtension { what: "extKeyUsage" });
                }
                self.extensions.push(extension.clone());
            }
            _ => self.extensions.push(extension.clone()),
        }
        Ok(())
    }

    /// The requested key usage, without bits that the key cannot serve; and true if it includes keyCertSign.
    fn key_usage(&mut self, extension: &Extension, request: &Request) -> Result<(Extension, bool), Error> {
        let malformed = || Error::MalformedExtension { what: "keyUsage" };
        let mut usage =
            KeyUsage::read(&extension.value).ok().filter(|_| is_der(&extension.value)).ok_or_else(malformed)?;
        if usage.has(KeyUsage::KEY_ENCIPHERMENT) && !PublicKey::of(&request.spki).is_rsa() {
            usage = usage.without(KeyUsage::KEY_ENCIPHERMENT);
            self.notes.push("keyEncipherment left out: only an RSA key can be encrypted to".to_owned());
        }
        let signs = usage.has(KeyUsage::KEY_CERT_SIGN);
        if usage.is_empty() {
            // RFC 5280 section 4.2.1.3: at least one bit.
            usage = KeyUsage::DIGITAL_SIGNATURE;
            self.notes.push("digitalSignature put in: a keyUsage without any is not allowed".to_owned());
        }
        Ok((Extension { value: usage.to_der(), critical: true, oid: extension.oid.clone() }, signs))
    }

    /// Leaves out what a CA of narrow name constraints cannot vouch for: all extensions but keyUsage, extKeyUsage and
    /// subjectAltName. A name in that of a kind that the constraints do not cover is refused.
    ///
    /// # Errors
    ///
    /// [`Error::UnconstrainedName`].
    pub(crate) fn keep_names_alone(&mut self) -> Result<(), Error> {
        const KEPT: [&str; 3] = [oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE, oid::SUBJECT_ALT_NAME];
        let (kept, left): (Vec<_>, Vec<_>) =
            self.extensions.drain(..).partition(|extension| KEPT.contains(&extension.oid.as_str()));
        self.extensions = kept;
        if !left.is_empty() {
            let names: Vec<_> = left.iter().map(|extension| asn1::oid::name_or_dotted(&extension.oid)).collect();
            self.notes.push(format!("left out, because the local CA does not answer for it: {}", names.join(", ")));
        }
        let names = self.extensions.iter().find(|extension| extension.oid == oid::SUBJECT_ALT_NAME);
        match names.and_then(|names| unconstrained_name(&names.value)) {
            Some(kind) => Err(Error::UnconstrainedName { kind }),
            None => Ok(()),
        }
    }

    /// Returns true if an extension of this OID is copied.
    fn has(&self, oid: &str) -> bool {
        self.extensions.iter().any(|extension| extension.oid == oid)
    }

    /// Returns true if the request names its subjects in a subjectAltName.
    #[must_use]
    pub(crate) fn has_names(&self) -> bool {
        self.has(oid::SUBJECT_ALT_NAME)
    }

    /// The names of the extensions carried over.
    #[must_use]
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |oid: &str| extension_name(oid).unwrap_or(oid).to_owned();
        self.extensions.iter().map(|extension| name(&extension.oid)).collect()
    }

    /// The names in the subjectAltName carried over, of the kinds that constraints are checked for.
    #[must_use]
    pub(crate) fn subject_alt_names(&self) -> Vec<SubjectAltName> {
        let extension = self.extensions.iter().find(|extension| extension.oid == oid::SUBJECT_ALT_NAME);
        let names = extension.and_then(|extension| general_names(&extension.value)).unwrap_or_default();
        let text = |octets: &[u8]| std::str::from_utf8(octets).ok().map(str::to_owned);
        let named = names.iter().filter_map(|name| match name {
            GeneralName::Dns(name) => text(name).map(|name| SubjectAltName::Dns(name.to_ascii_lowercase())),
            GeneralName::Ip(octets) => ip_address(octets).map(SubjectAltName::Ip),
            GeneralName::Email(address) => text(address).map(SubjectAltName::Email),
            GeneralName::Uri(uri) => text(uri).map(SubjectAltName::Uri),
            _ => None,
        });
        named.collect()
    }

    /// The template for a request. Where the request is silent, `names` and `purpose` apply (a given `purpose` also
    /// overrules the request), and the usual key usage for such a key.
    #[must_use]
    pub(crate) fn template(
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

/// Returns true if an extension's value is DER: a certificate must not be signed with another encoding in it.
fn is_der(value: &[u8]) -> bool {
    Reader::new(value).value("its value").and_then(|value| asn1::der::check(value, "its value")).is_ok()
}

fn general_names(value: &[u8]) -> Option<GeneralNames<'_>> {
    GeneralNames::read(asn1::only(value, tag::SEQUENCE, "subjectAltName").ok()?).ok()
}

/// The first name of a subjectAltName that is neither a dNSName, iPAddress, rfc822Name nor URI, in words.
fn unconstrained_name(value: &[u8]) -> Option<String> {
    general_names(value)?.0.iter().find_map(|entry| match &entry.name {
        Ok(GeneralName::Dns(_) | GeneralName::Email(_) | GeneralName::Uri(_) | GeneralName::Ip(_)) => None,
        Ok(GeneralName::Other { kind, .. }) => {
            Some(format!("an otherName of the type {}", asn1::oid::name_or_dotted(&asn1::oid::dotted(kind))))
        }
        Ok(GeneralName::Directory(_)) => Some("a directoryName".to_owned()),
        Ok(GeneralName::RegisteredId(_)) => Some("a registeredID".to_owned()),
        Ok(GeneralName::X400Address(_)) => Some("an x400Address".to_owned()),
        Ok(GeneralName::EdiPartyName(_)) => Some("an ediPartyName".to_owned()),
        Err(_) => Some("a name that cannot be read".to_owned()),
    })
}

/// Reads a request's basicConstraints; `None` for CA:FALSE.
fn basic_constraints(value: &[u8]) -> Result<Option<BasicConstraints>, Error> {
    let malformed = || Error::MalformedExtension { what: "basicConstraints" };
    let read = extension::BasicConstraints::read(value).ok().filter(|_| is_der(value)).ok_or_else(malformed)?;
    let path_len = read.path_len.map(u8::try_from).transpose().map_err(|_too_long| malformed())?;
    Ok(read.ca.then(|| path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained)))
}
