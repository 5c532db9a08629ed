//! An extension's value in words, a line each.

use crate::judge::report::extension::{
    Access, Attribute, DistributionPoint, ExtensionValue, IssuingDistributionPoint, NameConstraints, Policy, Sct,
    Statement,
};
use crate::x509::name::readable;

pub(super) fn words(value: &ExtensionValue) -> Vec<String> {
    match value {
        ExtensionValue::BasicConstraints(constraints) => {
            let path_len = constraints.path_len.map(|len| format!(", pathLenConstraint {len}")).unwrap_or_default();
            vec![format!("{}{path_len}", if constraints.ca { "a CA" } else { "no CA" })]
        }
        ExtensionValue::Names(names) if names.iter().any(|name| name.contains(':')) => {
            names.iter().map(|name| readable(name).into_owned()).collect()
        }
        ExtensionValue::Names(names) => vec![names.join(", ")],
        ExtensionValue::Text(text) => vec![text.clone()],
        ExtensionValue::Number(number) => vec![number.to_string()],
        ExtensionValue::AuthorityKeyId(id) => {
            let issuer = id.issuer.iter().map(|name| format!("issued by {}", readable(name)));
            let serial = id.serial.iter().map(|serial| format!("serial number {serial}"));
            id.key_id.iter().cloned().chain(issuer).chain(serial).collect()
        }
        ExtensionValue::NameConstraints(constraints) => name_constraints(constraints),
        ExtensionValue::Policies(policies) => policies.iter().flat_map(policy).collect(),
        ExtensionValue::PolicyMappings(mappings) => {
            mappings.iter().map(|mapping| format!("{} is taken for {}", mapping.issuer, mapping.subject)).collect()
        }
        ExtensionValue::PolicyConstraints(constraints) => {
            let require = constraints.require_explicit_policy.map(|n| format!("requireExplicitPolicy {n}"));
            let inhibit = constraints.inhibit_policy_mapping.map(|n| format!("inhibitPolicyMapping {n}"));
            require.into_iter().chain(inhibit).collect()
        }
        ExtensionValue::DistributionPoints(points) => points.iter().map(distribution_point).collect(),
        ExtensionValue::IssuingDistributionPoint(point) => issuing_distribution_point(point),
        ExtensionValue::Access(locations) => locations.iter().map(access).collect(),
        ExtensionValue::Timestamps(timestamps) => timestamps.iter().map(timestamp).collect(),
        ExtensionValue::Period(period) => {
            let from = period.not_before.iter().map(|time| format!("from {time}"));
            from.chain(period.not_after.iter().map(|time| format!("until {time}"))).collect()
        }
        ExtensionValue::Attributes(attributes) => attributes.iter().map(attribute).collect(),
        ExtensionValue::Statements(statements) => statements.iter().map(statement).collect(),
        ExtensionValue::Template(template) => {
            let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            let version = format!("{}.{}", number(template.major_version), number(template.minor_version));
            vec![format!("{}, version {version}", template.template)]
        }
        ExtensionValue::CaVersion(version) => {
            vec![format!("certificate {}, key {}", version.certificate, version.key)]
        }
    }
}

fn name_constraints(constraints: &NameConstraints) -> Vec<String> {
    let permitted = constraints.permitted.iter().map(|name| format!("permitted {}", readable(name)));
    permitted.chain(constraints.excluded.iter().map(|name| format!("excluded {}", readable(name)))).collect()
}

fn policy(policy: &Policy) -> Vec<String> {
    let name = policy.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let mut lines = vec![format!("{}{name}", policy.oid)];
    lines.extend(policy.cps.iter().map(|uri| format!("  practice statement {uri}")));
    lines.extend(policy.notices.iter().map(|text| format!("  notice: {text}")));
    lines.extend(policy.other_qualifiers.iter().map(|qualifier| format!("  qualifier {qualifier}")));
    lines
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| readable(name)).collect::<Vec<_>>().join(", ")
}

fn distribution_point(point: &DistributionPoint) -> String {
    let mut text = list(&point.names);
    if !point.reasons.is_empty() {
        text = format!("{text} for {}", point.reasons.join(", "));
    }
    if !point.crl_issuer.is_empty() {
        text = format!("{text} signed by {}", list(&point.crl_issuer));
    }
    text.trim_start().to_owned()
}

fn issuing_distribution_point(point: &IssuingDistributionPoint) -> Vec<String> {
    let mut lines: Vec<String> = point.names.iter().map(|name| readable(name).into_owned()).collect();
    let only = [
        (point.only_user_certificates, "for end-entity certificates only"),
        (point.only_ca_certificates, "for CA certificates only"),
        (point.only_attribute_certificates, "for attribute certificates only"),
        (point.indirect, "indirect: other issuers' certificates are on it"),
    ];
    lines.extend(only.iter().filter(|(is, _)| *is).map(|(_, words)| (*words).to_owned()));
    if !point.only_reasons.is_empty() {
        lines.push(format!("for these reasons only: {}", point.only_reasons.join(", ")));
    }
    lines
}

fn access(access: &Access) -> String {
    format!("{}: {}", access.method, readable(&access.location))
}

fn timestamp(sct: &Sct) -> String {
    let extensions = sct.extensions.as_ref().map(|hex| format!(", extensions #{hex}")).unwrap_or_default();
    format!("v{} {} by log {}, {}{extensions}", sct.version, sct.timestamp, sct.log_id, sct.signature_algorithm)
}

fn attribute(attribute: &Attribute) -> String {
    format!("{}: {}", attribute.name.as_deref().unwrap_or(&attribute.oid), attribute.values.join(", "))
}

fn statement(statement: &Statement) -> String {
    let name = statement.name.as_deref().unwrap_or(&statement.oid);
    if statement.info.is_empty() { name.to_owned() } else { format!("{name}: {}", statement.info.join(", ")) }
}
