//! Extensions into words (RFC 5280 sections 4.2 and 5.2, and their kin). Those that anything is decided by were read by
//! `x509`; the others are decoded here, for they are only printed.

mod access;
mod names;
mod policy;
mod sct;
mod words;

use std::borrow::Cow;

use crate::base::hex::hex;
use crate::base::validity::rfc3339;
use crate::encoding::asn1::{self, Error, Reader, Value, oid, tag};
use crate::judge::report::extension::{BasicConstraints, CaVersion, Extension, ExtensionValue, Period, Template};
use crate::x509::extension::{self as x509, Entry, Extensions};

pub(super) use self::words::attribute;

type Decoded = Result<ExtensionValue, Error>;

/// Describes extensions in order, including unreadable ones with the reason.
pub(super) fn extensions(list: &Extensions<'_>) -> Vec<Extension> {
    let entry = |entry: &Entry<'_>| match entry {
        Ok(extension) => described(extension),
        Err(unreadable) => Extension {
            oid: String::new(),
            name: None,
            critical: false,
            value: None,
            value_hex: Some(hex(unreadable.raw)),
            error: Some(unreadable.error.to_string()),
        },
    };
    list.entries.iter().map(entry).collect()
}

fn described(extension: &x509::Extension<'_>) -> Extension {
    let oid = extension.dotted_id();
    let name = oid::name(&oid).map(Cow::Borrowed);
    let octets = || Some(hex(extension.octets));
    let (value, value_hex, error) = match decode(extension, &oid) {
        Some(Ok(Some(value))) => (Some(value), None, None),
        Some(Ok(None)) => (None, None, None),
        Some(Err(error)) => (None, octets(), Some(error.to_string())),
        None => (None, octets(), None),
    };
    Extension { oid, name, critical: extension.is_critical(), value, value_hex, error }
}

/// Explains why an extension of a known kind cannot be read.
#[must_use]
pub fn extension_error(extension: &x509::Extension<'_>) -> Option<Error> {
    match &extension.value {
        // All that is read here is read without copies, and most extensions are of these kinds.
        Ok(x509::ExtensionValue::Other | x509::ExtensionValue::ReasonCode(_)) => {
            decode(extension, &extension.dotted_id())?.err()
        }
        Ok(_) => None,
        Err(error) => Some(error.clone()),
    }
}

/// Puts an extension's value into words: nothing if the extension has no value, `None` if its kind is not known here.
fn decode(extension: &x509::Extension<'_>, oid: &str) -> Option<Result<Option<ExtensionValue>, Error>> {
    let octets = extension.octets;
    if let Some(value) = words_of(&extension.value).transpose() {
        return Some(value.map(Some));
    }
    if let Some(number) = oid.strip_prefix("2.5.29.") {
        return decode_standard(number, octets).map(|decoded| decoded.map(Some));
    }
    Some(match oid {
        "1.3.6.1.4.1.11129.2.4.2" | "1.3.6.1.4.1.11129.2.4.5" => sct::list(octets).map(Some),
        // Their being there is all they say.
        "1.3.6.1.5.5.7.48.1.5" | "1.3.6.1.4.1.11129.2.4.3" => asn1::only(octets, tag::NULL, "the value").map(|_| None),
        _ => return decode_other(oid, octets).map(|decoded| decoded.map(Some)),
    })
}

/// The words for a value that was read; `None` for the kinds that are only printed.
fn words_of(value: &Result<x509::ExtensionValue<'_>, Error>) -> Result<Option<ExtensionValue>, Error> {
    use x509::ExtensionValue as Value;
    Ok(Some(match value.as_ref().map_err(Clone::clone)? {
        Value::SubjectKeyId(id) => ExtensionValue::Text(hex(id)),
        Value::KeyUsage(usage) => ExtensionValue::Names(usage.names().collect()),
        Value::SubjectAltName(list) | Value::IssuerAltName(list) | Value::CertificateIssuer(list) => {
            ExtensionValue::Names(list.0.iter().map(|entry| Cow::Owned(entry.to_string())).collect())
        }
        Value::BasicConstraints(constraints) => {
            ExtensionValue::BasicConstraints(BasicConstraints { ca: constraints.ca, path_len: constraints.path_len })
        }
        Value::CrlNumber(number) | Value::DeltaCrlIndicator(number) => ExtensionValue::Text(hex(number)),
        Value::ReasonCode(number) => ExtensionValue::Text(reason(*number)?.to_owned()),
        Value::IssuingDistributionPoint(point) => access::issuing_distribution_point(point),
        Value::NameConstraints(constraints) => names::constraints(constraints),
        Value::CrlDistributionPoints(points) => access::distribution_points(points),
        Value::AuthorityKeyId(id) => names::authority_key_id(id),
        Value::ExtKeyUsage(usage) => ExtensionValue::Names(usage.0.iter().map(|purpose| purpose.name()).collect()),
        Value::AuthorityInfoAccess(access) | Value::SubjectInfoAccess(access) => access::locations(access),
        Value::Other => return Ok(None),
    }))
}

/// The extensions under id-ce that are only printed, by the last arc.
fn decode_standard(number: &str, octets: &[u8]) -> Option<Decoded> {
    Some(match number {
        "9" => words::attributes(octets),
        "16" => usage_period(octets),
        "24" | "60" => time(octets),
        "32" => policy::policies(octets),
        "33" => policy::mappings(octets),
        "36" => policy::constraints(octets),
        "46" => x509::DistributionPoint::read_all(octets).map(|points| access::distribution_points(&points)),
        "54" => number_of(octets, "inhibitAnyPolicy"),
        _ => return None,
    })
}

/// Extensions of other makers.
fn decode_other(oid: &str, octets: &[u8]) -> Option<Decoded> {
    Some(match oid {
        "1.3.6.1.5.5.7.1.3" => words::statements(octets),
        "1.3.6.1.5.5.7.1.24" => features(octets),
        "1.3.6.1.5.5.7.1.31" | "1.3.6.1.4.1.311.21.2" => key_id(octets),
        "1.3.6.1.4.1.311.20.2" => words::text(octets),
        "1.3.6.1.4.1.311.21.1" => ca_version(octets),
        "1.3.6.1.4.1.311.21.4" => time(octets),
        "1.3.6.1.4.1.311.21.7" => template(octets),
        "1.3.6.1.4.1.311.21.10" => policy::policies(octets),
        "1.3.6.1.4.1.311.21.11" => policy::mappings(octets),
        "2.16.840.1.113730.1.1" => named_bits(octets, "netscapeCertType", &NETSCAPE_TYPES),
        "2.23.140.3.1" => words::texts(octets),
        netscape if netscape.strip_prefix("2.16.840.1.113730.1.").is_some_and(|last| !last.contains('.')) => {
            words::text(octets)
        }
        _ => return None,
    })
}

const NETSCAPE_TYPES: [&str; 8] =
    ["sslClient", "sslServer", "email", "objectSigning", "reserved", "sslCA", "emailCA", "objectSigningCA"];

/// The names of the bits set in a BIT STRING.
fn bit_names(bits: Value<'_>, field: &'static str, names: &[&'static str]) -> Result<Vec<Cow<'static, str>>, Error> {
    let set = bits.named_bits().ok_or_else(|| Error::new(field, "is no BIT STRING"))?;
    let name = |bit: &usize| names.get(*bit).map_or_else(|| format!("bit {bit}").into(), |name| Cow::Borrowed(*name));
    Ok(set.iter().map(name).collect())
}

fn named_bits(octets: &[u8], field: &'static str, names: &[&'static str]) -> Decoded {
    bit_names(asn1::only(octets, tag::BIT_STRING, field)?, field, names).map(ExtensionValue::Names)
}

fn key_id(octets: &[u8]) -> Decoded {
    Ok(ExtensionValue::Text(hex(asn1::only(octets, tag::OCTET_STRING, "the value")?.content)))
}

fn number_of(octets: &[u8], field: &'static str) -> Decoded {
    let number = asn1::only(octets, tag::INTEGER, field)?.small();
    number.map(ExtensionValue::Number).ok_or_else(|| Error::new(field, "is negative or beyond all measure"))
}

/// CRLReason (RFC 5280 section 5.3.1).
fn reason(number: Option<u32>) -> Result<&'static str, Error> {
    Ok(match number {
        Some(0) => "unspecified",
        Some(8) => "removeFromCRL",
        Some(9) => "privilegeWithdrawn",
        Some(10) => "aACompromise",
        Some(number @ 1..=6) => {
            let name = usize::try_from(number).ok().and_then(|bit| x509::ReasonFlags::NAMES.get(bit));
            name.copied().unwrap_or("unused")
        }
        _ => return Err(Error::new("cRLReason", "is none that there is")),
    })
}

fn time(octets: &[u8]) -> Decoded {
    let mut reader = Reader::new(octets);
    let (time, _) = asn1::time(reader.value("the time")?, "the time")?;
    reader.finish("the time")?;
    Ok(ExtensionValue::Text(rfc3339(time)))
}

/// RFC 3280 section 4.2.1.4.
fn usage_period(octets: &[u8]) -> Decoded {
    let mut reader = asn1::only(octets, tag::SEQUENCE, "privateKeyUsagePeriod")?.reader();
    let mut end = |number, field| -> Result<Option<String>, Error> {
        let Some(value) = reader.optional(tag::context(number), field)? else { return Ok(None) };
        asn1::time(Value { tag: tag::GENERALIZED_TIME, ..value }, field).map(|(time, _)| Some(rfc3339(time)))
    };
    let period = Period { not_before: end(0, "notBefore")?, not_after: end(1, "notAfter")? };
    reader.finish("privateKeyUsagePeriod")?;
    Ok(ExtensionValue::Period(period))
}

/// RFC 7633: numbers of TLS extensions.
fn features(octets: &[u8]) -> Decoded {
    let list = asn1::only(octets, tag::SEQUENCE, "tlsFeature")?.each(tag::INTEGER, "a feature")?;
    let name = |feature: &Value<'_>| match feature.small() {
        Some(5) => "status_request".into(),
        Some(17) => "status_request_v2".into(),
        Some(number) => number.to_string().into(),
        None => Cow::Owned(format!("#{}", hex(feature.content))),
    };
    Ok(ExtensionValue::Names(list.iter().map(name).collect()))
}

fn template(octets: &[u8]) -> Decoded {
    let mut reader = asn1::only(octets, tag::SEQUENCE, "the template")?.reader();
    let template = reader.tagged(tag::OID, "templateID")?.oid();
    let major_version = reader.optional(tag::INTEGER, "templateMajorVersion")?.and_then(|number| number.small());
    let minor_version = reader.optional(tag::INTEGER, "templateMinorVersion")?.and_then(|number| number.small());
    reader.finish("the template")?;
    Ok(ExtensionValue::Template(Template { template, major_version, minor_version }))
}

fn ca_version(octets: &[u8]) -> Decoded {
    let number = asn1::only(octets, tag::INTEGER, "caVersion")?.small();
    let number = number.ok_or_else(|| Error::new("caVersion", "is beyond all measure"))?;
    Ok(ExtensionValue::CaVersion(CaVersion { certificate: number & 0xffff, key: number >> 16 }))
}
