//! Extensions of names (RFC 5280 sections 4.2.1.1, 4.2.1.10).

use crate::base::hex::hex;
use crate::judge::report::extension::{AuthorityKeyId, ExtensionValue, NameConstraints};
use crate::x509::constraints::{self, Subtree};
use crate::x509::extension;
use crate::x509::name::GeneralNames;

/// The names in a list, malformed ones included.
pub(super) fn list(names: &GeneralNames<'_>) -> Vec<String> {
    names.0.iter().map(ToString::to_string).collect()
}

pub(super) fn authority_key_id(id: &extension::AuthorityKeyId<'_>) -> ExtensionValue {
    ExtensionValue::AuthorityKeyId(AuthorityKeyId {
        key_id: id.key_id.map(hex),
        issuer: id.issuer.as_ref().map(list).unwrap_or_default(),
        serial: id.serial.map(hex),
    })
}

/// By RFC 5280 `minimum` is 0 and `maximum` absent; other values are shown.
pub(super) fn constraints(constraints: &constraints::NameConstraints<'_>) -> ExtensionValue {
    let texts = |subtrees: &[Subtree<'_>]| subtrees.iter().map(ToString::to_string).collect();
    ExtensionValue::NameConstraints(NameConstraints {
        permitted: texts(&constraints.permitted),
        excluded: texts(&constraints.excluded),
    })
}
