//! Names that certificates are ordered for (RFC 8555 section 9.7.7).

use serde::{Deserialize, Serialize};

use crate::x509::name::SubjectAltName;

/// A name that a certificate is ordered for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// `dns`, or `ip` (RFC 8738).
    #[serde(rename = "type")]
    pub kind: String,
    /// The name, or the address as text.
    pub value: String,
}

impl From<&SubjectAltName> for Identifier {
    fn from(name: &SubjectAltName) -> Self {
        let kind = if matches!(name, SubjectAltName::Ip(_)) { "ip" } else { "dns" };
        Self { kind: kind.to_owned(), value: name.value() }
    }
}
