//! RSASSA-PSS: its parameters, and signatures checked ([RFC 4055 section
//! 3](https://www.rfc-editor.org/rfc/rfc4055#section-3)).

use aws_lc_rs::signature::{self, RsaPssSaltLength, VerificationAlgorithm};

use super::RsaNumbers;
use crate::base::words::counted;
use crate::encoding::asn1::{self, Reader, Value, tag};

/// The content octets of id-RSASSA-PSS, 1.2.840.113549.1.1.10.
pub(crate) const ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];

/// RSASSA-PSS-params that can be verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// The bits of SHA-2 that the message and the mask are hashed with.
    hash: u16,
    /// The salt's length in octets.
    salt: u16,
}

/// Reason why RSASSA-PSS parameters cannot be used for verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The parameters violate RFC 4055 section 3.1.
    Malformed(asn1::Error),
    /// The parameters need an unsupported feature, described in words.
    Unsupported(String),
}

impl From<asn1::Error> for Refused {
    fn from(error: asn1::Error) -> Self {
        Self::Malformed(error)
    }
}

impl Parameters {
    /// Reads the parameters of an AlgorithmIdentifier.
    pub(crate) fn read(parameters: Value<'_>) -> Result<Self, Refused> {
        asn1::der::check(parameters, "RSASSA-PSS-params")?;
        let mut fields = asn1::only(parameters.raw, tag::SEQUENCE, "RSASSA-PSS-params")?.reader();
        let hash = match explicit(&mut fields, 0, "hashAlgorithm")? {
            Some(hash) => hash_of(hash)?,
            None => Err("SHA-1".to_owned()),
        };
        let mask = match explicit(&mut fields, 1, "maskGenAlgorithm")? {
            Some(mask) => mask_of(mask)?,
            None => Err("MGF1 with SHA-1".to_owned()),
        };
        let salt = match explicit(&mut fields, 2, "saltLength")? {
            Some(salt) => number(salt, "saltLength")?,
            None => 20,
        };
        let trailer = match explicit(&mut fields, 3, "trailerField")? {
            Some(trailer) => number(trailer, "trailerField")?,
            None => 1,
        };
        fields.finish("RSASSA-PSS-params")?;
        let unsupported = |what: String| Err(Refused::Unsupported(format!("RSASSA-PSS with {what}")));
        match (hash, mask) {
            (Err(name), _) => unsupported(name),
            (Ok(_), Err(name)) => unsupported(format!("the mask of {name}")),
            (Ok(hash), Ok(mask)) if hash != mask => {
                unsupported(format!("SHA-{hash} and the mask of MGF1 with SHA-{mask}"))
            }
            _ if trailer != 1 => unsupported(format!("the trailer {trailer}")),
            (Ok(hash), _) => match u16::try_from(salt) {
                Ok(salt) => Ok(Self { hash, salt }),
                Err(_) => unsupported(format!("a salt of {}", counted(salt, "octet"))),
            },
        }
    }

    /// Checks a signature with an RSAPublicKey.
    fn is_good(self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let algorithm = match self.hash {
            256 => signature::RSA_PSS_2048_8192_SHA256,
            384 => signature::RSA_PSS_2048_8192_SHA384,
            _ => signature::RSA_PSS_2048_8192_SHA512,
        };
        let algorithm = algorithm.with_pss_salt_length(RsaPssSaltLength::Custom(self.salt));
        algorithm.verify_sig(key, message, signature).is_ok()
    }
}

/// Decides whether an AlgorithmIdentifier's content is of RSASSA-PSS.
pub(crate) fn is(identifier: &[u8]) -> bool {
    Reader::new(identifier).tagged(tag::OID, "").is_ok_and(|id| id.content == ID)
}

/// Checks a signature, by the content of its AlgorithmIdentifier and that of the key's, whose parameters may narrow the
/// key's use (section 3.3).
pub(crate) fn verify(
    identifier: &[u8],
    (key_identifier, key): (&[u8], &[u8]),
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Refused> {
    let mut fields = Reader::new(identifier);
    fields.tagged(tag::OID, "signatureAlgorithm")?;
    // Without parameters nobody knows with what it was made.
    let parameters = Parameters::read(fields.value("RSASSA-PSS-params")?)?;
    fields.finish("signatureAlgorithm")?;
    let mut key_fields = Reader::new(key_identifier);
    let key_id = key_fields.tagged(tag::OID, "the key's algorithm")?.content;
    let is_for_key = match key_id {
        ID if key_fields.is_empty() => true,
        ID => {
            let narrowed = Parameters::read(key_fields.value("the key's parameters")?)?;
            narrowed.hash == parameters.hash && narrowed.salt <= parameters.salt
        }
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => true,
        _ => false,
    };
    let bits = RsaNumbers::read(key).map_or(0, |numbers| numbers.bits());
    if is_for_key && !(2048..=8192).contains(&bits) {
        return Err(Refused::Unsupported(format!("RSASSA-PSS and a key of {bits} bits")));
    }
    Ok(is_for_key && parameters.is_good(key, message, signature))
}

/// The value in an explicit tag, if that is there.
fn explicit<'a>(fields: &mut Reader<'a>, number: u8, field: &'static str) -> Result<Option<Value<'a>>, asn1::Error> {
    let Some(tagged) = fields.optional(tag::constructed(number), field)? else { return Ok(None) };
    let mut inner = tagged.reader();
    let value = inner.value(field)?;
    inner.finish(field)?;
    Ok(Some(value))
}

fn number(value: Value<'_>, field: &'static str) -> Result<u32, asn1::Error> {
    let number = asn1::only(value.raw, tag::INTEGER, field)?.small();
    number.ok_or_else(|| asn1::Error::new(field, "is negative or beyond all measure"))
}

/// The bits of a SHA-2; the name of any other hash.
fn hash_of(identifier: Value<'_>) -> Result<Result<u16, String>, asn1::Error> {
    let mut fields = asn1::only(identifier.raw, tag::SEQUENCE, "hashAlgorithm")?.reader();
    let id = fields.tagged(tag::OID, "hashAlgorithm")?.content;
    fields.optional(tag::NULL, "hashAlgorithm")?;
    fields.finish("hashAlgorithm")?;
    Ok(match id {
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1] => Ok(256),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2] => Ok(384),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3] => Ok(512),
        [0x2b, 14, 3, 2, 26] => Err("SHA-1".to_owned()),
        id => Err(asn1::oid::name_or_dotted(&asn1::oid::dotted(id))),
    })
}

/// The hash of MGF1; the name of any other mask generation.
fn mask_of(identifier: Value<'_>) -> Result<Result<u16, String>, asn1::Error> {
    let mut fields = asn1::only(identifier.raw, tag::SEQUENCE, "maskGenAlgorithm")?.reader();
    let id = fields.tagged(tag::OID, "maskGenAlgorithm")?.content;
    if id != [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8] {
        return Ok(Err(asn1::oid::name_or_dotted(&asn1::oid::dotted(id))));
    }
    let hash = hash_of(fields.value("maskGenAlgorithm")?)?;
    fields.finish("maskGenAlgorithm")?;
    Ok(hash.map_err(|name| format!("MGF1 with {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::asn1::write::{sequence, tlv};

    const MGF1: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];

    fn sha2(last: u8) -> Vec<u8> {
        sequence(&[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last], &[5, 0]])
    }

    fn read(fields: &[&[u8]]) -> Result<Parameters, Refused> {
        let der = sequence(fields);
        Parameters::read(Reader::new(&der).value("").unwrap())
    }

    /// Each hash is its own: a signature with one is none with another.
    #[test]
    fn a_signature_counts_for_its_hash_and_salt() {
        use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
        let key = crate::x509::key::PrivateKey::generate(crate::x509::key::Algorithm::Rsa2048).unwrap();
        let pair = RsaKeyPair::from_pkcs8(key.pkcs8()).unwrap();
        let (public, random) = (pair.public_key().as_ref(), aws_lc_rs::rand::SystemRandom::new());
        let all =
            [(256, &signature::RSA_PSS_SHA256), (384, &signature::RSA_PSS_SHA384), (512, &signature::RSA_PSS_SHA512)];
        for (hash, algorithm) in all {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(algorithm, &random, b"message", &mut signature).unwrap();
            for (other, _) in all {
                let salt = hash / 8;
                let is_good = Parameters { hash: other, salt }.is_good(public, b"message", &signature);
                assert_eq!(is_good, other == hash, "{hash} as {other}");
            }
            assert!(!Parameters { hash, salt: 20 }.is_good(public, b"message", &signature));
            assert!(!Parameters { hash, salt: hash / 8 }.is_good(public, b"massage", &signature));
        }
    }

    #[test]
    fn parameters_are_read_with_any_salt() {
        let hash = |last| tlv(0xa0, &[&sha2(last)]);
        let mask = |last| tlv(0xa1, &[&sequence(&[MGF1, &sha2(last)])]);
        let salt = |octets: &[u8]| tlv(0xa2, &[&tlv(2, &[octets])]);
        let parameters = |hash, salt| Ok(Parameters { hash, salt });
        assert_eq!(read(&[&hash(1), &mask(1), &salt(&[32])]), parameters(256, 32));
        assert_eq!(read(&[&hash(2), &mask(2)]), parameters(384, 20));
        assert_eq!(read(&[&hash(3), &mask(3), &salt(&[0, 222]), &tlv(0xa3, &[&[2, 1, 1]])]), parameters(512, 222));
        assert_eq!(read(&[&hash(1), &mask(1), &salt(&[0])]), parameters(256, 0));
        let unsupported = |fields: &[&[u8]]| match read(fields) {
            Err(Refused::Unsupported(what)) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(unsupported(&[]), "RSASSA-PSS with SHA-1");
        assert_eq!(unsupported(&[&hash(1)]), "RSASSA-PSS with the mask of MGF1 with SHA-1");
        assert_eq!(unsupported(&[&hash(1), &mask(2)]), "RSASSA-PSS with SHA-256 and the mask of MGF1 with SHA-384");
        assert_eq!(unsupported(&[&hash(1), &mask(1), &salt(&[1, 0, 0])]), "RSASSA-PSS with a salt of 65536 octets");
        assert_eq!(unsupported(&[&hash(1), &mask(1), &tlv(0xa3, &[&[2, 1, 2]])]), "RSASSA-PSS with the trailer 2");
        for bad in [
            &[&salt(&[32])[..], &hash(1), &mask(1)][..],
            &[&hash(1), &mask(1), &salt(&[0xff])],
            &[&hash(1), &mask(1), &salt(&[0, 32])],
            &[&hash(1), &mask(1), &salt(&[32]), &[5, 0]],
            &[&tlv(0xa0, &[&sha2(1), &[5, 0]])],
        ] {
            assert!(matches!(read(bad), Err(Refused::Malformed(_))), "{bad:x?}");
        }
    }
}
