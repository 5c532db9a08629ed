//! Purposes of keys: keyUsage, extKeyUsage, basicConstraints (RFC 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.12).

use std::borrow::Cow;

use crate::encoding::asn1::{self, Error, oid, tag, write};

/// keyUsage: a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyUsage(u64);

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// nonRepudiation.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// dataEncipherment.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// keyAgreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// keyCertSign.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// cRLSign.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// encipherOnly.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// decipherOnly.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    /// The names of the bits, the first bit first.
    pub const NAMES: [&str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Reads the extension's value.
    ///
    /// # Errors
    ///
    /// If the value is not a BIT STRING.
    pub fn read(octets: &[u8]) -> Result<Self, Error> {
        let bits = asn1::only(octets, tag::BIT_STRING, "keyUsage")?.named_bits();
        let bits = bits.ok_or_else(|| Error::new("keyUsage", "is no BIT STRING"))?;
        Ok(Self(bits.into_iter().filter(|bit| *bit < 64).fold(0, |all, bit| all | 1 << bit)))
    }

    /// The extension's value in DER: zero bits at the end are left out (X.690 section 11.2.2).
    #[must_use]
    pub fn to_der(self) -> Vec<u8> {
        // The first bit of a BIT STRING is the highest of its octet.
        let octets = self.0.to_le_bytes().map(u8::reverse_bits);
        let used = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        let octets = octets.get(..used).unwrap_or_default();
        let unused = octets.last().map_or(0, |octet| octet.trailing_zeros());
        write::tlv(tag::BIT_STRING, &[&[u8::try_from(unused).unwrap_or_default()], octets])
    }

    /// The bits without those of the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Both sets in one.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns true if all bits of the other are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns true if any bit of the other is set.
    #[must_use]
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns true if no bit is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the bits that are set, in their order; `bit 9` and so on for those without a name.
    pub fn names(self) -> impl Iterator<Item = Cow<'static, str>> {
        let set = (0..64_usize).filter(move |bit| self.0 >> bit & 1 == 1);
        set.map(|bit| Self::NAMES.get(bit).map_or_else(|| format!("bit {bit}").into(), |name| Cow::Borrowed(*name)))
    }
}

/// A purpose of extKeyUsage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose<'a> {
    /// serverAuth.
    Server,
    /// clientAuth.
    Client,
    /// anyExtendedKeyUsage.
    Any,
    /// Any other, by the content octets of its identifier.
    Other(&'a [u8]),
}

impl<'a> KeyPurpose<'a> {
    const SERVER: &'static [u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    const CLIENT: &'static [u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
    const ANY: &'static [u8] = &[0x55, 0x1d, 37, 0];

    fn of(id: &'a [u8]) -> Self {
        match id {
            Self::SERVER => Self::Server,
            Self::CLIENT => Self::Client,
            Self::ANY => Self::Any,
            other => Self::Other(other),
        }
    }

    /// The purpose's RFC 5280 name; its identifier in dots if it has none here.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Server => "serverAuth".into(),
            Self::Client => "clientAuth".into(),
            Self::Any => "anyExtendedKeyUsage".into(),
            Self::Other(id) => {
                let dotted = oid::dotted(id);
                oid::name(&dotted).map_or(Cow::Owned(dotted), Cow::Borrowed)
            }
        }
    }
}

/// extKeyUsage: purposes in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtKeyUsage<'a>(pub Vec<KeyPurpose<'a>>);

impl<'a> ExtKeyUsage<'a> {
    /// Reads the extension's value.
    ///
    /// # Errors
    ///
    /// If the value is not a list of identifiers.
    pub fn read(octets: &'a [u8]) -> Result<Self, Error> {
        let list = asn1::only(octets, tag::SEQUENCE, "extKeyUsage")?.each(tag::OID, "KeyPurposeId")?;
        Ok(Self(list.iter().map(|purpose| KeyPurpose::of(purpose.content)).collect()))
    }

    /// Returns true if a purpose is among them.
    #[must_use]
    pub fn has(&self, purpose: KeyPurpose<'_>) -> bool {
        self.0.contains(&purpose)
    }

    /// Returns true if a purpose other than serverAuth, clientAuth and anyExtendedKeyUsage is among them.
    #[must_use]
    pub fn has_other(&self) -> bool {
        self.0.iter().any(|purpose| matches!(purpose, KeyPurpose::Other(_)))
    }
}

/// basicConstraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BasicConstraints {
    /// cA.
    pub ca: bool,
    /// pathLenConstraint.
    pub path_len: Option<u32>,
    /// True if the default of cA is encoded.
    pub spells_default: bool,
}

impl BasicConstraints {
    /// Reads the extension's value.
    ///
    /// # Errors
    ///
    /// If the value is not `SEQUENCE { cA DEFAULT FALSE, pathLenConstraint OPTIONAL }`.
    pub fn read(octets: &[u8]) -> Result<Self, Error> {
        let mut fields = asn1::only(octets, tag::SEQUENCE, "basicConstraints")?.reader();
        let ca = fields.optional(tag::BOOLEAN, "cA")?;
        let path_len = match fields.optional(tag::INTEGER, "pathLenConstraint")? {
            Some(number) => {
                let beyond = || Error::new("pathLenConstraint", "is negative or beyond all measure");
                Some(number.small().ok_or_else(beyond)?)
            }
            None => None,
        };
        fields.finish("basicConstraints")?;
        let spells_default = ca.is_some_and(|ca| ca.content == [0]);
        Ok(Self { ca: ca.is_some_and(|ca| ca.content != [0]), path_len, spells_default })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_key_usage_are_read_by_their_numbers() {
        let names = |octets: &[u8]| KeyUsage::read(octets).map(|usage| usage.names().collect::<Vec<_>>());
        assert_eq!(names(b"\x03\x03\x07\x80\x80").unwrap(), ["digitalSignature", "decipherOnly"]);
        assert_eq!(names(b"\x03\x03\x05\x00\x20").unwrap(), ["bit 10"]);
        assert_eq!(names(b"\x03\x01\x00").unwrap(), [""; 0]);
        assert!(names(b"\x03\x00").is_err() && names(b"\x04\x01\x00").is_err());
        for octets in [&b"\x03\x03\x07\x80\x80"[..], b"\x03\x03\x05\x00\x20", b"\x03\x02\x05\xa0", b"\x03\x01\x00"] {
            assert_eq!(KeyUsage::read(octets).unwrap().to_der(), octets);
        }
        let signing = KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN);
        assert!(signing.has(KeyUsage::CRL_SIGN) && !KeyUsage::CRL_SIGN.has(signing));
        assert!(KeyUsage::CRL_SIGN.has_any(signing) && !signing.has_any(KeyUsage::DIGITAL_SIGNATURE));
    }

    #[test]
    fn basic_constraints_are_read_as_they_are_written() {
        let read =
            |octets: &[u8]| BasicConstraints::read(octets).map(|read| (read.ca, read.path_len, read.spells_default));
        assert_eq!(read(b"\x30\x00"), Ok((false, None, false)));
        assert_eq!(read(b"\x30\x03\x01\x01\x00"), Ok((false, None, true)));
        assert_eq!(read(b"\x30\x06\x01\x01\x01\x02\x01\x07"), Ok((true, Some(7), false)));
        assert_eq!(read(b"\x30\x07\x01\x01\xff\x02\x02\x01\x00"), Ok((true, Some(256), false)));
        for bad in [&b"\x30\x03\x02\x01\xff"[..], b"\x30\x08\x01\x01\xff\x02\x01\x00\x05\x00", b"\x31\x00", b""] {
            assert!(read(bad).is_err(), "{bad:x?}");
        }
    }

    #[test]
    fn purposes_are_told_apart() {
        let usage = ExtKeyUsage::read(
            b"\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03",
        );
        let usage = usage.unwrap();
        assert!(usage.has(KeyPurpose::Server) && !usage.has(KeyPurpose::Client) && usage.has_other());
        assert_eq!(usage.0.iter().map(|purpose| purpose.name()).collect::<Vec<_>>(), ["serverAuth", "codeSigning"]);
    }
}
