//! Certificate policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11).

use std::borrow::Cow;

use super::{Decoded, words};
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Error, Value, oid, tag};
use crate::judge::report::extension::{ExtensionValue, Policy, PolicyConstraints, PolicyMapping};
use crate::x509::name::escape_unprintable;
use crate::x509::policy::{self, PolicyInformation};

pub(super) fn policies(octets: &[u8]) -> Decoded {
    policy::policies(octets).map(|policy| described(policy?)).collect::<Result<_, _>>().map(ExtensionValue::Policies)
}

fn described(policy: PolicyInformation<'_>) -> Result<Policy, Error> {
    let (oid, qualifiers) = (oid::dotted(policy.id), policy.qualifiers);
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
    let described = |(issuer, subject)| PolicyMapping { issuer: oid::dotted(issuer), subject: oid::dotted(subject) };
    let mappings = policy::mappings(octets).map(|pair| pair.map(described)).collect::<Result<_, _>>();
    mappings.map(ExtensionValue::PolicyMappings)
}

pub(super) fn constraints(octets: &[u8]) -> Decoded {
    let constraints = policy::constraints(octets)?;
    let count = |value: Option<Value<'_>>, field| -> Result<Option<u32>, Error> {
        let Some(value) = value else { return Ok(None) };
        value.small().map(Some).ok_or_else(|| Error::new(field, "is negative or beyond all measure"))
    };
    Ok(ExtensionValue::PolicyConstraints(PolicyConstraints {
        require_explicit_policy: count(constraints.require_explicit_policy, "requireExplicitPolicy")?,
        inhibit_policy_mapping: count(constraints.inhibit_policy_mapping, "inhibitPolicyMapping")?,
    }))
}
