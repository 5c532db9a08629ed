//! Makes, reads and checks certification requests (PKCS#10, RFC 2986).

use der::asn1::{Any, ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, KeyUsagePurpose};

use crate::x509::key::{self, PrivateKey};
use crate::x509::name::{self, Subject, SubjectAltName};
use crate::x509::signed::{self, Signed, Unsigned};

/// Reason why a request could not be made or accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not PKCS#10.
    #[error("it is not a certification request (RFC 2986): {what}")]
    Malformed {
        /// The part that is wrong.
        what: &'static str,
    },
    /// The request is not signed with its own key, so possession of the key is not proven.
    #[error("its own signature cannot be taken: {source}")]
    Signature {
        /// Fault of the key.
        source: key::Error,
    },
    /// Making one failed.
    #[error("cannot make the request")]
    Write(#[from] signed::Error),
}

/// Purpose of a certificate: its extended key usage (RFC 5280 section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// A server shows it to its clients: serverAuth.
    #[default]
    Server,
    /// A client shows it to a server: clientAuth.
    Client,
    /// Both.
    Both,
}

impl Purpose {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Server, Self::Client, Self::Both];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Both => "both",
        }
    }

    /// The extended key usages.
    #[must_use]
    pub fn extended_key_usages(self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            Self::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Self::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Self::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        }
    }
}

/// The key usages of a TLS end-entity certificate: an RSA key may also be encrypted to, in TLS 1.2's RSA key exchange.
#[must_use]
pub fn key_usages(is_rsa: bool) -> Vec<KeyUsagePurpose> {
    let mut usages = vec![KeyUsagePurpose::DigitalSignature];
    usages.extend(is_rsa.then_some(KeyUsagePurpose::KeyEncipherment));
    usages
}

/// Makes a request for these names, signed by the key; returns its DER.
///
/// # Errors
///
/// [`Error::Write`].
pub fn generate(
    key: &PrivateKey,
    subject: &Subject,
    names: &[SubjectAltName],
    purpose: Purpose,
) -> Result<Vec<u8>, Error> {
    write(
        key,
        &Wanted {
            subject,
            names,
            key_usages: &key_usages(key.is_rsa()),
            extended_key_usages: &purpose.extended_key_usages(),
            extensions: &[],
        },
    )
}

/// Everything that a request asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The subject.
    pub subject: &'a Subject,
    /// subjectAltName, unless it is among `extensions`.
    pub names: &'a [SubjectAltName],
    /// The key usages, unless they are among `extensions`.
    pub key_usages: &'a [KeyUsagePurpose],
    /// The extended key usages, unless they are among `extensions`.
    pub extended_key_usages: &'a [ExtendedKeyUsagePurpose],
    /// Other extensions, as they are.
    pub extensions: &'a [Extension],
}

/// Makes a request, signed by the key; returns its DER.
///
/// # Errors
///
/// [`Error::Write`], [`Error::Malformed`] for an extension whose OID is too large.
pub fn write(key: &PrivateKey, wanted: &Wanted<'_>) -> Result<Vec<u8>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = placeholder(wanted.subject);
    params.subject_alt_names = name::to_rcgen(wanted.names);
    params.key_usages = wanted.key_usages.to_vec();
    params.extended_key_usages = wanted.extended_key_usages.to_vec();
    let extensions = wanted.extensions.iter().map(Extension::to_rcgen).collect::<Option<_>>();
    params.custom_extensions = extensions.ok_or(Error::Malformed { what: "an extension's OID" })?;
    let unsigned = params.serialize_request(&Unsigned(key)).map_err(signed::Error::from)?;
    Ok(signed::sign(unsigned.der(), key, &[(1, wanted.subject.as_der()), (2, key.spki())])?)
}

/// A name for rcgen that is as empty as the one that will take its place: an empty subject makes the subjectAltName
/// critical.
#[must_use]
pub fn placeholder(subject: &Subject) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if !subject.is_empty() {
        name.push(rcgen::DnType::CommonName, "placeholder");
    }
    name
}

/// An extension as asked for (RFC 5280 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Dotted OID.
    pub oid: String,
    /// True if a client that does not understand the extension must refuse the certificate.
    pub critical: bool,
    /// DER of its value.
    pub value: Vec<u8>,
}

impl Extension {
    /// The extension as rcgen takes it; `None` when an arc of its OID is too large.
    #[must_use]
    pub fn to_rcgen(&self) -> Option<CustomExtension> {
        let oid = self.oid.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let mut custom = CustomExtension::from_oid_content(&oid, self.value.clone());
        custom.set_criticality(self.critical);
        Some(custom)
    }
}

/// A request, read and with its signature checked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The name asked for.
    pub subject: Subject,
    /// DER of the subjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// The extensions asked for, in order.
    pub extensions: Vec<Extension>,
}

/// The attributes that ask for extensions: PKCS#9's (RFC 2985 section 5.4.2), and the one Microsoft had before.
const EXTENSION_REQUESTS: [&str; 2] = ["1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14"];

impl Request {
    /// The purpose that its extKeyUsage asks for: a client's if clientAuth stands there alone, both if with others.
    #[must_use]
    pub fn purpose(&self) -> Option<Purpose> {
        const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
        let extension = self.extensions.iter().find(|extension| extension.oid == "2.5.29.37")?;
        let usages = Vec::<ObjectIdentifier>::from_der(&extension.value).ok()?;
        Some(match (usages.contains(&CLIENT_AUTH), usages.len()) {
            (true, 1) => Purpose::Client,
            (true, _) => Purpose::Both,
            (false, _) => Purpose::Server,
        })
    }

    /// Reads a request and checks that it is signed by the key it is for.
    ///
    /// Attributes that are not understood are passed over, as RFC 2986 lets a CA do.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Signature`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let malformed = |what| move |_| Error::Malformed { what };
        let signed = Signed::parse(der).map_err(malformed("its outermost structure"))?;
        let fields = signed.fields().map_err(malformed("what is signed"))?;
        let [_version, subject, spki, rest @ ..] = &fields[..] else {
            return Err(Error::Malformed { what: "fields are missing" });
        };
        let encoded = |any: &Any| any.to_der().map_err(|_| Error::Malformed { what: "a field" });
        let subject = Subject::from_der(&encoded(subject)?).map_err(|_| Error::Malformed { what: "its subject" })?;
        let spki = encoded(spki)?;
        signed.verify(&spki).map_err(|source| Error::Signature { source })?;
        let attributes = rest
            .first()
            .map_or(Ok(Vec::new()), |any| extensions(any.value()).ok_or(Error::Malformed { what: "its attributes" }))?;
        Ok(Self { subject, spki, extensions: attributes })
    }
}

/// The extensions that a SET of attributes asks for.
fn extensions(attributes: &[u8]) -> Option<Vec<Extension>> {
    let mut found = Vec::new();
    for attribute in elements(attributes)? {
        let [oid, values] = &elements(attribute.value())?[..] else {
            return None;
        };
        // An OID with an arc too large to be read is none of the two looked for.
        let Ok(oid) = oid.decode_as::<ObjectIdentifier>() else { continue };
        if !EXTENSION_REQUESTS.contains(&oid.to_string().as_str()) {
            continue;
        }
        for list in elements(values.value())? {
            for extension in elements(list.value())? {
                found.push(self::extension(&elements(extension.value())?)?);
            }
        }
    }
    Some(found)
}

fn extension(fields: &[Any]) -> Option<Extension> {
    let (oid, critical, value) = match fields {
        [oid, value] => (oid, false, value),
        [oid, critical, value] => (oid, critical.decode_as::<bool>().ok()?, value),
        _ => return None,
    };
    let oid = oid.decode_as::<ObjectIdentifier>().ok()?.to_string();
    let value = value.decode_as::<OctetString>().ok()?;
    Some(Extension { oid, critical, value: value.as_bytes().to_vec() })
}

/// The elements in the contents of a SEQUENCE or SET.
fn elements(contents: &[u8]) -> Option<Vec<Any>> {
    let sequence = Any::new(der::Tag::Sequence, contents).ok()?.to_der().ok()?;
    Vec::<Any>::from_der(&sequence).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::key::Algorithm;

    #[test]
    fn what_is_asked_for_is_read_back() {
        let key = PrivateKey::generate(Algorithm::EcdsaP256).unwrap();
        let subject: Subject = "CN=a,OU=2,OU=1".parse().unwrap();
        let names = name::parse_all(["a.test", "::1"]).unwrap();
        let der = generate(&key, &subject, &names, Purpose::Both).unwrap();
        let request = Request::from_der(&der).unwrap();
        assert_eq!(request.subject, subject);
        assert_eq!(request.spki, key.spki());
        let asked: Vec<_> = request.extensions.iter().map(|extension| extension.oid.as_str()).collect();
        assert_eq!(asked, ["2.5.29.15", "2.5.29.17", "2.5.29.37"]);
    }

    /// A requester who cannot prove possession of the key gets no certificate for it.
    #[test]
    fn a_request_signed_by_another_key_is_refused() {
        let (key, other) =
            (PrivateKey::generate(Algorithm::EcdsaP256).unwrap(), PrivateKey::generate(Algorithm::EcdsaP256).unwrap());
        let der = generate(&key, &Subject::common_name("a"), &[], Purpose::Server).unwrap();
        let forged = signed::sign(&der, &other, &[]).unwrap();
        assert!(matches!(Request::from_der(&forged), Err(Error::Signature { .. })));
        assert!(matches!(Request::from_der(&der[..der.len() - 1]), Err(Error::Malformed { .. })));
    }
}
