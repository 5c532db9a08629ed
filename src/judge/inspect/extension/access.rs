//! Extensions that say where something is (RFC 5280 sections 4.2.1.13, 4.2.2, 5.2.5).

use std::borrow::Cow;

use super::{Decoded, REASON_FLAGS, bit_names, name_or_dotted, names};
use crate::encoding::asn1::{self, Error, Value, tag};
use crate::judge::report::extension::{Access, DistributionPoint, ExtensionValue, IssuingDistributionPoint};
use crate::x509::name::{general_name, relative};

pub(super) fn locations(octets: &[u8], field: &'static str) -> Decoded {
    let description = |value: &Value<'_>| {
        let mut reader = value.reader();
        let method = name_or_dotted(reader.tagged(tag::OID, "accessMethod")?);
        let location = general_name(reader.value("accessLocation")?);
        reader.finish("an AccessDescription")?;
        Ok(Access { method, location })
    };
    let list = asn1::only(octets, tag::SEQUENCE, field)?.each(tag::SEQUENCE, "an AccessDescription")?;
    list.iter().map(description).collect::<Result<_, _>>().map(ExtensionValue::Access)
}

pub(super) fn distribution_points(octets: &[u8]) -> Decoded {
    let list =
        asn1::only(octets, tag::SEQUENCE, "cRLDistributionPoints")?.each(tag::SEQUENCE, "a DistributionPoint")?;
    let points = list.iter().map(|point| distribution_point(*point)).collect::<Result<_, _>>()?;
    Ok(ExtensionValue::DistributionPoints(points))
}

fn distribution_point(value: Value<'_>) -> Result<DistributionPoint, Error> {
    let mut reader = value.reader();
    let names = reader.optional(tag::constructed(0), "distributionPoint")?.map_or(Ok(Vec::new()), point_name)?;
    let reasons = reader.optional(tag::context(1), "reasons")?.map_or(Ok(Vec::new()), reasons)?;
    let crl_issuer = reader.optional(tag::constructed(2), "cRLIssuer")?.map_or(Ok(Vec::new()), names::list)?;
    reader.finish("a DistributionPoint")?;
    Ok(DistributionPoint { names, reasons, crl_issuer })
}

/// DistributionPointName: `fullName`, or an RDN to be put behind the issuer's name.
fn point_name(value: Value<'_>) -> Result<Vec<String>, Error> {
    let name = value.reader().value("DistributionPointName")?;
    match name.tag {
        0xa0 => names::list(name),
        0xa1 => {
            let mut text = "relative:".to_owned();
            relative(&mut text, name)?;
            Ok(vec![text])
        }
        _ => Err(Error::new("DistributionPointName", "is neither fullName nor nameRelativeToCRLIssuer")),
    }
}

fn reasons(value: Value<'_>) -> Result<Vec<Cow<'static, str>>, Error> {
    bit_names(value, "reasons", &REASON_FLAGS)
}

pub(super) fn issuing_distribution_point(octets: &[u8]) -> Decoded {
    let mut reader = asn1::only(octets, tag::SEQUENCE, "issuingDistributionPoint")?.reader();
    let names = reader.optional(tag::constructed(0), "distributionPoint")?.map_or(Ok(Vec::new()), point_name)?;
    let flag = |value: Option<Value<'_>>| value.is_some_and(|value| value.content != [0]);
    let only_user_certificates = flag(reader.optional(tag::context(1), "onlyContainsUserCerts")?);
    let only_ca_certificates = flag(reader.optional(tag::context(2), "onlyContainsCACerts")?);
    let only_reasons = reader.optional(tag::context(3), "onlySomeReasons")?.map_or(Ok(Vec::new()), reasons)?;
    let indirect = flag(reader.optional(tag::context(4), "indirectCRL")?);
    let only_attribute_certificates = flag(reader.optional(tag::context(5), "onlyContainsAttributeCerts")?);
    reader.finish("issuingDistributionPoint")?;
    Ok(ExtensionValue::IssuingDistributionPoint(IssuingDistributionPoint {
        names,
        only_user_certificates,
        only_ca_certificates,
        only_attribute_certificates,
        only_reasons,
        indirect,
    }))
}
