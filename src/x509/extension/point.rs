//! cRLDistributionPoints and issuingDistributionPoint (RFC 5280 sections 4.2.1.13 and 5.2.5).

use std::borrow::Cow;

use crate::encoding::asn1::{self, Error, Reader, Value, der, tag};
use crate::x509::name::{Attribute, DistinguishedName, GeneralNames};

/// A DistributionPoint.
#[derive(Debug, Clone)]
pub struct DistributionPoint<'a> {
    /// distributionPoint.
    pub name: Option<PointName<'a>>,
    /// reasons.
    pub reasons: Option<ReasonFlags>,
    /// cRLIssuer.
    pub crl_issuer: Option<GeneralNames<'a>>,
}

impl<'a> DistributionPoint<'a> {
    /// Reads a cRLDistributionPoints or freshestCRL.
    ///
    /// # Errors
    ///
    /// The first field of a point that cannot be read.
    pub fn read_all(octets: &'a [u8]) -> Result<Vec<Self>, Error> {
        let list = asn1::only(octets, tag::SEQUENCE, "cRLDistributionPoints")?;
        list.each(tag::SEQUENCE, "a DistributionPoint")?.into_iter().map(Self::read).collect()
    }

    fn read(point: Value<'a>) -> Result<Self, Error> {
        let mut fields = point.reader();
        let name = fields.optional(tag::constructed(0), "distributionPoint")?.map(PointName::read).transpose()?;
        let reasons = fields.optional(tag::context(1), "reasons")?.map(ReasonFlags::read).transpose()?;
        let crl_issuer = fields.optional(tag::constructed(2), "cRLIssuer")?.map(GeneralNames::read).transpose()?;
        fields.finish("a DistributionPoint")?;
        Ok(Self { name, reasons, crl_issuer })
    }
}

/// DistributionPointName: the place that offers a CRL.
#[derive(Debug, Clone)]
pub enum PointName<'a> {
    /// fullName.
    Full(GeneralNames<'a>),
    /// nameRelativeToCRLIssuer: a RelativeDistinguishedName, which is put behind the issuer's name.
    Relative(Value<'a>, Vec<Attribute<'a>>),
}

impl<'a> PointName<'a> {
    fn read(tagged: Value<'a>) -> Result<Self, Error> {
        let mut inner = tagged.reader();
        let name = inner.value("DistributionPointName")?;
        inner.finish("distributionPoint")?;
        match name.tag {
            0xa0 => GeneralNames::read(name).map(Self::Full),
            0xa1 => Ok(Self::Relative(name, DistinguishedName::read_relative(name)?)),
            _ => Err(Error::new("DistributionPointName", "is neither fullName nor nameRelativeToCRLIssuer")),
        }
    }
}

/// ReasonFlags: reasons for revocation, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonFlags {
    /// The bits, the first being the lowest.
    pub bits: u64,
    /// True if the BIT STRING is DER.
    pub is_der: bool,
}

impl ReasonFlags {
    /// Reasons by their bits, which are CRLReason's numbers except for the last two.
    pub const NAMES: [&'static str; 9] = [
        "unused",
        "keyCompromise",
        "cACompromise",
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "certificateHold",
        "privilegeWithdrawn",
        "aACompromise",
    ];

    fn read(flags: Value<'_>) -> Result<Self, Error> {
        let bits = flags.named_bits().ok_or_else(|| Error::new("reasons", "is no BIT STRING"))?;
        Ok(Self {
            bits: bits.into_iter().filter(|bit| *bit < 64).fold(0, |all, bit| all | 1 << bit),
            is_der: der::deviation(Value { tag: tag::BIT_STRING, ..flags }).is_none(),
        })
    }

    /// The reasons' names, in the order of their bits.
    pub fn names(self) -> impl Iterator<Item = Cow<'static, str>> {
        let set = (0..64_usize).filter(move |bit| self.bits >> bit & 1 == 1);
        set.map(|bit| Self::NAMES.get(bit).map_or_else(|| format!("bit {bit}").into(), |name| Cow::Borrowed(*name)))
    }
}

/// issuingDistributionPoint: the certificates that a CRL is about.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "RFC 5280 section 5.2.5 has them so")]
pub struct IssuingDistributionPoint<'a> {
    /// distributionPoint.
    pub name: Option<PointName<'a>>,
    /// onlyContainsUserCerts.
    pub only_user_certificates: bool,
    /// onlyContainsCACerts.
    pub only_ca_certificates: bool,
    /// onlySomeReasons.
    pub only_reasons: Option<ReasonFlags>,
    /// indirectCRL.
    pub is_indirect: bool,
    /// onlyContainsAttributeCerts.
    pub only_attribute_certificates: bool,
    /// True if one of the flags is neither 00 nor ff.
    pub has_odd_flag: bool,
}

impl<'a> IssuingDistributionPoint<'a> {
    /// Reads the extension's value.
    ///
    /// # Errors
    ///
    /// The first field that cannot be read.
    pub fn read(octets: &'a [u8]) -> Result<Self, Error> {
        let mut fields = asn1::only(octets, tag::SEQUENCE, "issuingDistributionPoint")?.reader();
        let mut has_odd_flag = false;
        let mut flag = |fields: &mut Reader<'a>, number, field| -> Result<bool, Error> {
            let flag = fields.optional(tag::context(number), field)?.map(|flag| flag.content);
            has_odd_flag |= !matches!(flag, None | Some([0 | 0xff]));
            Ok(flag.is_some_and(|flag| flag != [0]))
        };
        let name = fields.optional(tag::constructed(0), "distributionPoint")?.map(PointName::read).transpose()?;
        let only_user_certificates = flag(&mut fields, 1, "onlyContainsUserCerts")?;
        let only_ca_certificates = flag(&mut fields, 2, "onlyContainsCACerts")?;
        let only_reasons = fields.optional(tag::context(3), "onlySomeReasons")?.map(ReasonFlags::read).transpose()?;
        let is_indirect = flag(&mut fields, 4, "indirectCRL")?;
        let only_attribute_certificates = flag(&mut fields, 5, "onlyContainsAttributeCerts")?;
        fields.finish("issuingDistributionPoint")?;
        Ok(Self {
            name,
            only_user_certificates,
            only_ca_certificates,
            only_reasons,
            is_indirect,
            only_attribute_certificates,
            has_odd_flag,
        })
    }
}
