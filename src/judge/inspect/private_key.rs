//! Private keys of every kind, and their public keys.

use std::borrow::Cow;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use super::Error;
use super::relations::Traits;
use crate::base::hex::hex;
use crate::base::octets::Octets;
use crate::encoding::asn1::{self, Reader, Value, oid, tag, write};
use crate::encoding::container::KeyFormat;
use crate::judge::report::item::{EncryptedKey, PrivateKey};
use crate::x509::key;
use crate::x509::key::id::{DSA, EC, ED25519, RSA, RSA_PSS};

/// Describes a private key.
///
/// # Errors
///
/// [`Error::PrivateKey`].
pub fn private_key(format: KeyFormat, der: &[u8]) -> Result<PrivateKey, Error> {
    read(format, der).map(|(key, _)| key)
}

/// Describes an encrypted private key; `dek_info` is the header of traditional PEM files.
///
/// # Errors
///
/// [`Error::PrivateKey`].
pub fn encrypted_private_key(format: KeyFormat, der: &[u8], dek_info: Option<&str>) -> Result<EncryptedKey, Error> {
    read_encrypted(format, der, dek_info).map(|(key, _)| key)
}

/// Reads a private key and describes it.
pub(super) fn read(format: KeyFormat, der: &[u8]) -> Result<(PrivateKey, Traits), Error> {
    let public = match format {
        KeyFormat::Pkcs8 => pkcs8(der),
        KeyFormat::Pkcs1 => rsa(der, &identifier(RSA, &NULL)),
        KeyFormat::Sec1 => sec1(der),
        KeyFormat::Dsa => dsa(der),
        KeyFormat::OpenSsh => OpenSsh::read(der).map(|key| key.public),
    };
    let public = public.map_err(Error::PrivateKey)?;
    let traits = public.traits();
    let key = PrivateKey {
        format: Cow::Borrowed(format_name(format)),
        public_key: public.describe(),
        spki_sha256: traits.key.as_ref().map(|key| hex(key)),
        was_encrypted: false,
    };
    Ok((key, traits))
}

/// Describes an encrypted private key as far as its passphrase is not needed.
pub(super) fn read_encrypted(
    format: KeyFormat,
    der: &[u8],
    dek_info: Option<&str>,
) -> Result<(EncryptedKey, Traits), Error> {
    let plain = |format, encryption| {
        let key = EncryptedKey { format, encryption, public_key: None, spki_sha256: None, problem: None };
        Ok((key, Traits::default()))
    };
    if let Some(dek_info) = dek_info {
        let cipher = dek_info.split(',').next().unwrap_or_default().trim();
        return plain(Cow::Borrowed("PEM"), Some(format!("{cipher}, the key from one round of MD5")));
    }
    if format == KeyFormat::OpenSsh {
        let key = OpenSsh::read(der).map_err(Error::PrivateKey)?;
        let traits = key.public.traits();
        let described = EncryptedKey {
            format: Cow::Borrowed("OpenSSH"),
            encryption: Some(key.encryption),
            public_key: Some(key.public.describe()),
            spki_sha256: traits.key.as_ref().map(|key| hex(key)),
            problem: None,
        };
        return Ok((described, traits));
    }
    plain(Cow::Borrowed(format_name(format)), Some(encryption(der).map_err(Error::PrivateKey)?))
}

fn format_name(format: KeyFormat) -> &'static str {
    match format {
        KeyFormat::Pkcs8 => "PKCS#8",
        KeyFormat::Pkcs1 => "PKCS#1",
        KeyFormat::Sec1 => "SEC1",
        KeyFormat::Dsa => "DSA",
        KeyFormat::OpenSsh => "OpenSSH",
    }
}

/// The public half, as far as known.
enum Public {
    /// A DER subjectPublicKeyInfo.
    Spki(Vec<u8>),
    /// An algorithm's identifier with its parameters, whose public key would have to be worked out.
    Kind { algorithm: Vec<u8>, parameters: Vec<u8> },
    /// A name that has no subjectPublicKeyInfo.
    Named(String),
}

impl Public {
    fn describe(&self) -> crate::judge::report::PublicKey {
        match self {
            Self::Spki(spki) => (&key::PublicKey::of(spki)).into(),
            Self::Kind { algorithm, parameters } => {
                let parameters = Reader::new(parameters).value("parameters").ok();
                (&key::PublicKey::read(algorithm, parameters, &[])).into()
            }
            Self::Named(name) => {
                crate::judge::report::PublicKey { algorithm: name.clone(), curve: None, bits: None, exponent: None }
            }
        }
    }

    fn traits(&self) -> Traits {
        if let Self::Spki(spki) = self { Traits::of_key(spki) } else { Traits::default() }
    }
}

const NULL: [u8; 2] = [tag::NULL, 0];

/// RFC 5958: `SEQUENCE { version, algorithm, privateKey, [0] attributes, [1] publicKey }`.
fn pkcs8(der: &[u8]) -> Result<Public, asn1::Error> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "PrivateKeyInfo")?.reader();
    fields.tagged(tag::INTEGER, "version")?;
    let identifier = fields.tagged(tag::SEQUENCE, "privateKeyAlgorithm")?;
    let key = fields.tagged(tag::OCTET_STRING, "privateKey")?;
    fields.optional(tag::constructed(0), "attributes")?;
    let public = fields.optional(tag::context(1), "publicKey")?.and_then(|bits| bits.bits());
    let mut parts = identifier.reader();
    let algorithm = parts.tagged(tag::OID, "the algorithm")?;
    let parameters = parts.rest();
    match algorithm.content {
        // The parameters are NULL, whether or not they are written (RFC 8017 appendix A.1).
        RSA => return rsa(key.content, &self::identifier(RSA, &NULL)),
        RSA_PSS => return rsa(key.content, identifier.raw),
        _ => {}
    }
    let inner = if algorithm.content == EC { ec_key(key.content)?.1 } else { None };
    if let Some(public) = public.or(inner) {
        return Ok(spki(identifier.raw, public));
    }
    if matches!(algorithm.content, EC | ED25519)
        && let Ok(key) = key::PrivateKey::load(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)))
    {
        return Ok(Public::Spki(key.spki().to_vec()));
    }
    Ok(Public::Kind { algorithm: algorithm.content.to_vec(), parameters: parameters.to_vec() })
}

/// RFC 8017 appendix A.1.2: the public key is the two numbers behind the version.
fn rsa(der: &[u8], identifier: &[u8]) -> Result<Public, asn1::Error> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "RSAPrivateKey")?.reader();
    fields.tagged(tag::INTEGER, "version")?;
    let modulus = fields.tagged(tag::INTEGER, "modulus")?;
    let exponent = fields.tagged(tag::INTEGER, "publicExponent")?;
    Ok(spki(identifier, &encode(tag::SEQUENCE, &[&minimal(modulus), &minimal(exponent)])))
}

/// A number without needless leading zeros, as in the certificate of the key.
fn minimal(number: Value<'_>) -> Vec<u8> {
    match number.content {
        [0, ..] => write::unsigned(asn1::der::significant(number.content)),
        _ => number.raw.to_vec(),
    }
}

/// An ECPrivateKey's parameters and public key (RFC 5915 section 3).
type EcKey<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

fn ec_key(der: &[u8]) -> Result<EcKey<'_>, asn1::Error> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "ECPrivateKey")?.reader();
    fields.tagged(tag::INTEGER, "version")?;
    fields.tagged(tag::OCTET_STRING, "privateKey")?;
    let parameters = fields.optional(tag::constructed(0), "parameters")?.map(|parameters| parameters.content);
    let public = fields.optional(tag::constructed(1), "publicKey")?;
    let public = public.map(|tagged| tagged.reader().tagged(tag::BIT_STRING, "publicKey")).transpose()?;
    Ok((parameters, public.and_then(|bits| bits.bits())))
}

fn sec1(der: &[u8]) -> Result<Public, asn1::Error> {
    let (parameters, public) = ec_key(der)?;
    let parameters = parameters.unwrap_or_default();
    if let Some(public) = public {
        return Ok(spki(&identifier(EC, parameters), public));
    }
    if let Ok(key) = key::PrivateKey::load(&PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der))) {
        return Ok(Public::Spki(key.spki().to_vec()));
    }
    Ok(Public::Kind { algorithm: EC.to_vec(), parameters: parameters.to_vec() })
}

/// OpenSSL's own: `SEQUENCE { version, p, q, g, y, x }`.
fn dsa(der: &[u8]) -> Result<Public, asn1::Error> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "DSAPrivateKey")?.reader();
    fields.tagged(tag::INTEGER, "version")?;
    let mut number = |field| fields.tagged(tag::INTEGER, field).map(|number| number.raw);
    let parameters = encode(tag::SEQUENCE, &[number("p")?, number("q")?, number("g")?]);
    Ok(spki(&identifier(DSA, &parameters), number("y")?))
}

fn spki(identifier: &[u8], key: &[u8]) -> Public {
    let bits = encode(tag::BIT_STRING, &[&[0], key]);
    Public::Spki(encode(tag::SEQUENCE, &[identifier, &bits]))
}

fn identifier(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    encode(tag::SEQUENCE, &[&encode(tag::OID, &[oid]), parameters])
}

/// A value from its tag and the parts of its content.
fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.iter().copied().skip_while(|octet| *octet == 0).collect();
    let mut der = vec![tag];
    match length[..] {
        [] => der.push(0),
        [short @ ..0x80] => der.push(short),
        _ => {
            der.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
            der.extend(&length);
        }
    }
    der.extend(&content);
    der
}

/// Describes the encryption of an EncryptedPrivateKeyInfo (RFC 5958 section 3, RFC 8018).
fn encryption(der: &[u8]) -> Result<String, asn1::Error> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "EncryptedPrivateKeyInfo")?.reader();
    let algorithm = fields.tagged(tag::SEQUENCE, "encryptionAlgorithm")?;
    fields.tagged(tag::OCTET_STRING, "encryptedData")?;
    scheme(algorithm)
}

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];

fn scheme(algorithm: Value<'_>) -> Result<String, asn1::Error> {
    let mut parts = algorithm.reader();
    let oid = parts.tagged(tag::OID, "the scheme")?;
    let name = oid::name_or_dotted(&oid.oid());
    if oid.content != PBES2 {
        return Ok(name);
    }
    let mut parameters = parts.tagged(tag::SEQUENCE, "PBES2's parameters")?.reader();
    let derivation = parameters.tagged(tag::SEQUENCE, "keyDerivationFunc")?;
    let mut cipher = parameters.tagged(tag::SEQUENCE, "encryptionScheme")?.reader();
    let cipher = oid::name_or_dotted(&cipher.tagged(tag::OID, "the cipher")?.oid());
    Ok(format!("{name}, {}, {cipher}", self::derivation(derivation)?))
}

fn derivation(algorithm: Value<'_>) -> Result<String, asn1::Error> {
    let mut parts = algorithm.reader();
    let name = oid::name_or_dotted(&parts.tagged(tag::OID, "the key derivation")?.oid());
    let Some(parameters) = parts.optional(tag::SEQUENCE, "its parameters")? else { return Ok(name) };
    let mut parameters = parameters.reader();
    parameters.value("salt")?;
    let cost = parameters.tagged(tag::INTEGER, "the cost")?.small();
    let cost = cost.map_or_else(|| "more than 4294967295".to_owned(), |cost| cost.to_string());
    if name != "PBKDF2" {
        return Ok(format!("{name} of cost {cost}"));
    }
    parameters.optional(tag::INTEGER, "keyLength")?;
    let prf = match parameters.optional(tag::SEQUENCE, "prf")? {
        Some(prf) => oid::name_or_dotted(&prf.reader().tagged(tag::OID, "prf")?.oid()),
        None => "hmacWithSHA1".to_owned(),
    };
    Ok(format!("{name} with {prf} and {cost} rounds"))
}

/// An OpenSSH key: its public half is never encrypted (OpenSSH's PROTOCOL.key).
struct OpenSsh {
    public: Public,
    encryption: String,
}

impl OpenSsh {
    fn read(body: &[u8]) -> Result<Self, asn1::Error> {
        let error = || asn1::Error::new("the OpenSSH key", "is cut short");
        let rest = body.strip_prefix(b"openssh-key-v1\0");
        let mut fields =
            Octets(rest.ok_or_else(|| asn1::Error::new("the OpenSSH key", "is of a version not known here"))?);
        let text = |octets: &[u8]| crate::x509::name::escape_unprintable(&String::from_utf8_lossy(octets));
        let cipher = text(fields.string().ok_or_else(error)?);
        let derivation = text(fields.string().ok_or_else(error)?);
        fields.string().ok_or_else(error)?;
        fields.take(4).ok_or_else(error)?;
        let public = fields.string().ok_or_else(error)?;
        Ok(Self { public: ssh_public(public).ok_or_else(error)?, encryption: format!("{derivation}, {cipher}") })
    }
}

/// RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4.
fn ssh_public(blob: &[u8]) -> Option<Public> {
    let mut fields = Octets(blob);
    let kind = fields.string()?;
    Some(match kind {
        b"ssh-rsa" => {
            let (exponent, modulus) = (integer(fields.string()?), integer(fields.string()?));
            spki(&identifier(RSA, &NULL), &encode(tag::SEQUENCE, &[&modulus, &exponent]))
        }
        b"ssh-dss" => {
            let numbers = [integer(fields.string()?), integer(fields.string()?), integer(fields.string()?)];
            let parameters = encode(tag::SEQUENCE, &[&numbers.concat()]);
            spki(&identifier(DSA, &parameters), &integer(fields.string()?))
        }
        b"ssh-ed25519" => spki(&identifier(ED25519, &[]), fields.string()?),
        b"ecdsa-sha2-nistp256" | b"ecdsa-sha2-nistp384" | b"ecdsa-sha2-nistp521" => {
            let curve: &[u8] = match fields.string()? {
                b"nistp256" => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
                b"nistp384" => &[0x2b, 0x81, 4, 0, 0x22],
                _ => &[0x2b, 0x81, 4, 0, 0x23],
            };
            spki(&identifier(EC, &encode(tag::OID, &[curve])), fields.string()?)
        }
        other => Public::Named(crate::x509::name::escape_unprintable(&String::from_utf8_lossy(other))),
    })
}

fn integer(octets: &[u8]) -> Vec<u8> {
    encode(tag::INTEGER, &[octets])
}
