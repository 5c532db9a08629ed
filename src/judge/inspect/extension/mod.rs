//! Extensions into words (RFC 5280 sections 4.2 and 5.2, and their kin).

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

pub(super) use self::words::attribute;

type Decoded = Result<ExtensionValue, Error>;

/// The extensions of a SEQUENCE, in order, including unreadable ones with the reason.
pub(super) fn extensions(list: Value<'_>) -> Vec<Extension> {
    let mut reader = list.reader();
    let mut extensions = Vec::with_capacity(10);
    while !reader.is_empty() {
        let rest = reader.rest();
        match reader.tagged(tag::SEQUENCE, "an extension") {
            Ok(value) => extensions.push(extension(value)),
            Err(error) => {
                extensions.push(unreadable(rest, &error));
                break;
            }
        }
    }
    extensions
}

fn unreadable(octets: &[u8], error: &Error) -> Extension {
    Extension {
        oid: String::new(),
        name: None,
        critical: false,
        value: None,
        value_hex: Some(hex(octets)),
        error: Some(error.to_string()),
    }
}

/// One extension: `SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }`.
pub(super) fn extension(value: Value<'_>) -> Extension {
    let read = || -> Result<(Value<'_>, bool, Value<'_>), Error> {
        let mut reader = value.reader();
        let id = reader.tagged(tag::OID, "extnID")?;
        let critical = reader.optional(tag::BOOLEAN, "critical")?;
        let octets = reader.tagged(tag::OCTET_STRING, "extnValue")?;
        reader.finish("the extension")?;
        Ok((id, critical.is_some_and(|critical| critical.content != [0]), octets))
    };
    match read() {
        Ok((id, critical, octets)) => decoded(id.oid(), critical, octets.content),
        Err(error) => unreadable(value.raw, &error),
    }
}

fn decoded(oid: String, critical: bool, octets: &[u8]) -> Extension {
    let name = oid::name(&oid).map(Cow::Borrowed);
    let (value, value_hex, error) = match decode(&oid, octets) {
        Some(Ok(Some(value))) => (Some(value), None, None),
        Some(Ok(None)) => (None, None, None),
        Some(Err(error)) => (None, Some(hex(octets)), Some(error.to_string())),
        None => (None, Some(hex(octets)), None),
    };
    Extension { oid, name, critical, value, value_hex, error }
}

/// Explains why an extension of a known kind cannot be read; `oid` is its identifier's content octets.
#[must_use]
pub fn extension_error(oid: &[u8], octets: &[u8]) -> Option<Error> {
    decode(&oid::dotted(oid), octets)?.err()
}

/// Decodes an extension's value: nothing if the extension has no value, `None` if its kind is not known here.
fn decode(oid: &str, octets: &[u8]) -> Option<Result<Option<ExtensionValue>, Error>> {
    if let Some(number) = oid.strip_prefix("2.5.29.") {
        return decode_standard(number, octets).map(|decoded| decoded.map(Some));
    }
    Some(match oid {
        "1.3.6.1.5.5.7.1.1" => access::locations(octets, "authorityInfoAccess").map(Some),
        "1.3.6.1.5.5.7.1.11" => access::locations(octets, "subjectInfoAccess").map(Some),
        "1.3.6.1.4.1.11129.2.4.2" | "1.3.6.1.4.1.11129.2.4.5" => sct::list(octets).map(Some),
        // Their being there is all they say.
        "1.3.6.1.5.5.7.48.1.5" | "1.3.6.1.4.1.11129.2.4.3" => asn1::only(octets, tag::NULL, "the value").map(|_| None),
        _ => return decode_other(oid, octets).map(|decoded| decoded.map(Some)),
    })
}

/// The extensions under id-ce, by the last arc.
fn decode_standard(number: &str, octets: &[u8]) -> Option<Decoded> {
    Some(match number {
        "9" => words::attributes(octets),
        "14" => key_id(octets),
        "15" => named_bits(octets, "keyUsage", &KEY_USAGES),
        "16" => usage_period(octets),
        "17" => names::general_names(octets, "subjectAltName"),
        "18" => names::general_names(octets, "issuerAltName"),
        "19" => basic_constraints(octets),
        "20" | "27" => number_in_hex(octets),
        "21" => reason(octets),
        "24" | "60" => time(octets),
        "28" => access::issuing_distribution_point(octets),
        "29" => names::general_names(octets, "certificateIssuer"),
        "30" => names::constraints(octets),
        "31" | "46" => access::distribution_points(octets),
        "32" => policy::policies(octets),
        "33" => policy::mappings(octets),
        "35" => names::authority_key_id(octets),
        "36" => policy::constraints(octets),
        "37" => purposes(octets),
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

/// The bits of keyUsage (RFC 5280 section 4.2.1.3), the first bit first.
const KEY_USAGES: [&str; 9] = [
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

const NETSCAPE_TYPES: [&str; 8] =
    ["sslClient", "sslServer", "email", "objectSigning", "reserved", "sslCA", "emailCA", "objectSigningCA"];

/// Reasons for revocation by ReasonFlags' bits (RFC 5280 section 4.2.1.13), which are CRLReason's numbers except for
/// for the last two.
const REASON_FLAGS: [&str; 9] = [
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

/// The names of the bits set in a BIT STRING.
fn bit_names(bits: Value<'_>, field: &'static str, names: &[&'static str]) -> Result<Vec<Cow<'static, str>>, Error> {
    let set = bits.named_bits().ok_or_else(|| Error::new(field, "is no BIT STRING"))?;
    let name = |bit: &usize| names.get(*bit).map_or_else(|| format!("bit {bit}").into(), |name| Cow::Borrowed(*name));
    Ok(set.iter().map(name).collect())
}

fn named_bits(octets: &[u8], field: &'static str, names: &[&'static str]) -> Decoded {
    bit_names(asn1::only(octets, tag::BIT_STRING, field)?, field, names).map(ExtensionValue::Names)
}

fn purposes(octets: &[u8]) -> Decoded {
    let list = asn1::only(octets, tag::SEQUENCE, "extKeyUsage")?.each(tag::OID, "KeyPurposeId")?;
    Ok(ExtensionValue::Names(list.iter().map(|purpose| name_or_dotted(*purpose)).collect()))
}

/// An OID by its name, dotted if its name is unknown here.
fn name_or_dotted(value: Value<'_>) -> Cow<'static, str> {
    let dotted = value.oid();
    oid::name(&dotted).map_or(Cow::Owned(dotted), Cow::Borrowed)
}

fn key_id(octets: &[u8]) -> Decoded {
    Ok(ExtensionValue::Text(hex(asn1::only(octets, tag::OCTET_STRING, "the value")?.content)))
}

fn basic_constraints(octets: &[u8]) -> Decoded {
    let mut reader = asn1::only(octets, tag::SEQUENCE, "basicConstraints")?.reader();
    let ca = reader.optional(tag::BOOLEAN, "cA")?.is_some_and(|ca| ca.content != [0]);
    let path_len = match reader.optional(tag::INTEGER, "pathLenConstraint")? {
        Some(number) => {
            Some(number.small().ok_or_else(|| Error::new("pathLenConstraint", "is negative or beyond all measure"))?)
        }
        None => None,
    };
    reader.finish("basicConstraints")?;
    Ok(ExtensionValue::BasicConstraints(BasicConstraints { ca, path_len }))
}

fn number_of(octets: &[u8], field: &'static str) -> Decoded {
    let number = asn1::only(octets, tag::INTEGER, field)?.small();
    number.map(ExtensionValue::Number).ok_or_else(|| Error::new(field, "is negative or beyond all measure"))
}

fn number_in_hex(octets: &[u8]) -> Decoded {
    Ok(ExtensionValue::Text(hex(asn1::only(octets, tag::INTEGER, "the number")?.content)))
}

/// CRLReason (RFC 5280 section 5.3.1).
fn reason(octets: &[u8]) -> Decoded {
    let number = asn1::only(octets, tag::ENUMERATED, "cRLReason")?.small();
    let name = match number {
        Some(0) => "unspecified",
        Some(8) => "removeFromCRL",
        Some(9) => "privilegeWithdrawn",
        Some(10) => "aACompromise",
        Some(number @ 1..=6) => usize::try_from(number).ok().and_then(|bit| REASON_FLAGS.get(bit)).unwrap_or(&"unused"),
        _ => return Err(Error::new("cRLReason", "is none that there is")),
    };
    Ok(ExtensionValue::Text(name.to_owned()))
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
