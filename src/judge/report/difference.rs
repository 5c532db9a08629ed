//! Report of `inspect --diff`: where two certificates differ.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::Certificate;

/// Two certificates compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Comparison {
    /// True if they are the same, octet for octet.
    pub equal: bool,
    /// The first.
    pub a: Side,
    /// The second.
    pub b: Side,
    /// The fields that differ, by their names in `inspect --json`.
    pub differences: Vec<Difference>,
}

/// One of two certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Side {
    /// The file or server; `-` for standard input.
    pub source: String,
    /// The subject as an RFC 4514 string.
    pub subject: String,
    /// SHA-256 over its DER, in hex.
    pub sha256_fingerprint: String,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// Its name in `inspect --json`; `extensions.NAME` for an extension.
    pub field: String,
    /// Its value in the first certificate; absent if the field is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Value>,
    /// Its value in the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Value>,
}

impl Comparison {
    /// Compares two certificates, field by field, in the order of the report.
    #[must_use]
    pub fn of((source_a, a): (&str, &Certificate), (source_b, b): (&str, &Certificate)) -> Self {
        let side = |source: &str, certificate: &Certificate| Side {
            source: source.to_owned(),
            subject: certificate.subject.clone(),
            sha256_fingerprint: certificate.sha256_fingerprint.clone(),
        };
        let (fields_a, fields_b) = (fields(a), fields(b));
        let names = fields_a.iter().chain(&fields_b).map(|(name, _)| name);
        let mut differences: Vec<Difference> = Vec::new();
        for name in names {
            let value = |fields: &[(String, Value)]| {
                fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
            };
            let (a, b) = (value(&fields_a), value(&fields_b));
            if a != b && !differences.iter().any(|known| known.field == *name) {
                differences.push(Difference { field: name.clone(), a, b });
            }
        }
        Self { equal: differences.is_empty(), a: side(source_a, a), b: side(source_b, b), differences }
    }

    /// Each field with both values.
    #[must_use]
    pub fn text(&self) -> String {
        let (a, b) = (&self.a.source, &self.b.source);
        if self.equal {
            return format!("{a} and {b} are the same certificate\n");
        }
        let mut text = format!("{a} and {b} differ\n");
        let width = self.differences.iter().map(|difference| difference.field.len()).max().unwrap_or(0);
        for Difference { field, a, b } in &self.differences {
            let _ = writeln!(text, "  {field:width$}  - {}", shown(a.as_ref()));
            let _ = writeln!(text, "  {:width$}  + {}", "", shown(b.as_ref()));
        }
        text
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "(absent)".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "(empty)".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) if values.is_empty() => "(none)".to_owned(),
        Some(Value::Array(values)) => values.iter().map(|value| shown(Some(value))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(fields)) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} {}", shown(Some(value))));
            fields.collect::<Vec<_>>().join(", ")
        }
        Some(value) => value.to_string(),
    }
}

/// The fields of a certificate with their values, each extension by its name.
fn fields(certificate: &Certificate) -> Vec<(String, Value)> {
    let Ok(Value::Object(all)) = serde_json::to_value(certificate) else { return Vec::new() };
    let mut fields = Vec::new();
    for (name, value) in all {
        match value {
            Value::Array(extensions) if name == "extensions" => {
                for mut extension in extensions {
                    let known = extension.get("name").or_else(|| extension.get("oid")).and_then(Value::as_str);
                    let name = format!("extensions.{}", known.unwrap_or("unknown"));
                    if let Some(extension) = extension.as_object_mut() {
                        extension.retain(|key, _| key != "oid" && key != "name");
                    }
                    fields.push((name, extension));
                }
            }
            value => fields.push((name, value)),
        }
    }
    fields
}
