//! Certificate policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11).

use std::borrow::Cow;

use super::{Decoded, words};
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Error, Value, oid, tag};
use crate::judge::report::extension::{ExtensionValue, Policy, PolicyConstraints, PolicyMapping};
use crate::x509::name::escape_unprintable;

pub(super) fn policies(octets: &[u8]) -> Decoded {
    let list = asn1::only(octets, tag::SEQUENCE, "certificatePolicies")?.each(tag::SEQUENCE, "PolicyInformation")?;
    list.iter().map(|policy| self::policy(*policy)).collect::<Result<_, _>>().map(ExtensionValue::Policies)
}

fn policy(value: Value<'_>) -> Result<Policy, Error> {
    let mut reader = value.reader();
    let oid = reader.tagged(tag::OID, "policyIdentifier")?.oid();
    let qualifiers = reader.optional(tag::SEQUENCE, "policyQualifiers")?;
    reader.finish("PolicyInformation")?;
    let name = oid::name(&oid).map(Cow::Borrowed);
    let mut policy = Policy { oid, name, cps: Vec::new(), notices: Vec::new(), other_qualifiers: Vec::new() };
    for qualifier in qualifiers.map_or(Ok(Vec::new()), |list| list.each(tag::SEQUENCE, "PolicyQualifierInfo"))? {
        let mut reader = qualifier.reader();
        let kind = reader.tagged(tag::OID, "policyQualifierId")?.oid();
        let value = reader.value("qualifier")?;
        match (kind.as_str(), asn1::decode_string(value.tag, value.content)) {
            ("1.3.6.1.5.5.7.2.1", Some(uri)) => policy.cps.push(escape_unprintable(&uri)),
            ("1.3.6.1.5.5.7.2.2", _) => policy.notices.push(notice(value)?),
            _ => policy.other_qualifiers.push(format!("{kind};#{}", hex(value.raw))),
        }
    }
    Ok(policy)
}

/// UserNotice: a text, and by whose notices it is known.
fn notice(value: Value<'_>) -> Result<String, Error> {
    let mut reader = value.reader();
    let reference = reader.optional(tag::SEQUENCE, "noticeRef")?;
    let text = if reader.is_empty() { None } else { Some(reader.value("explicitText")?) };
    reader.finish("UserNotice")?;
    let mut words: Vec<String> = text.map(words::text_of).into_iter().collect();
    if let Some(reference) = reference {
        let mut parts = reference.reader();
        let organization = words::text_of(parts.value("organization")?);
        let numbers = parts.tagged(tag::SEQUENCE, "noticeNumbers")?.each(tag::INTEGER, "a notice's number")?;
        let numbers: Vec<String> = numbers.iter().map(|number| words::number(*number)).collect();
        words.push(format!("({organization}, {})", numbers.join(", ")));
    }
    Ok(words.join(" "))
}

pub(super) fn mappings(octets: &[u8]) -> Decoded {
    let mapping = |value: &Value<'_>| {
        let mut reader = value.reader();
        let issuer = reader.tagged(tag::OID, "issuerDomainPolicy")?.oid();
        let subject = reader.tagged(tag::OID, "subjectDomainPolicy")?.oid();
        reader.finish("a policy mapping")?;
        Ok(PolicyMapping { issuer, subject })
    };
    let list = asn1::only(octets, tag::SEQUENCE, "policyMappings")?.each(tag::SEQUENCE, "a policy mapping")?;
    list.iter().map(mapping).collect::<Result<_, _>>().map(ExtensionValue::PolicyMappings)
}

pub(super) fn constraints(octets: &[u8]) -> Decoded {
    let mut reader = asn1::only(octets, tag::SEQUENCE, "policyConstraints")?.reader();
    let mut count = |number, field| -> Result<Option<u32>, Error> {
        let Some(value) = reader.optional(tag::context(number), field)? else { return Ok(None) };
        value.small().map(Some).ok_or_else(|| Error::new(field, "is negative or beyond all measure"))
    };
    let require_explicit_policy = count(0, "requireExplicitPolicy")?;
    let inhibit_policy_mapping = count(1, "inhibitPolicyMapping")?;
    reader.finish("policyConstraints")?;
    Ok(ExtensionValue::PolicyConstraints(PolicyConstraints { require_explicit_policy, inhibit_policy_mapping }))
}
