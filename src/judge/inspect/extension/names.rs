//! Extensions of names (RFC 5280 sections 4.2.1.1, 4.2.1.6, 4.2.1.10).

use std::borrow::Cow;

use super::Decoded;
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Error, Value, tag};
use crate::judge::report::extension::{AuthorityKeyId, ExtensionValue, NameConstraints};
use crate::x509::name::{constraint, general_name};

/// GeneralNames, malformed ones included.
pub(super) fn general_names(octets: &[u8], field: &'static str) -> Decoded {
    let names = list(asn1::only(octets, tag::SEQUENCE, field)?)?;
    Ok(ExtensionValue::Names(names.into_iter().map(Cow::Owned).collect()))
}

/// The names in a SEQUENCE of them, whatever its tag.
pub(super) fn list(value: Value<'_>) -> Result<Vec<String>, Error> {
    let (mut reader, mut names) = (value.reader(), Vec::new());
    while !reader.is_empty() {
        names.push(general_name(reader.value("a GeneralName")?));
    }
    Ok(names)
}

pub(super) fn authority_key_id(octets: &[u8]) -> Decoded {
    let mut reader = asn1::only(octets, tag::SEQUENCE, "authorityKeyIdentifier")?.reader();
    let key_id = reader.optional(tag::context(0), "keyIdentifier")?.map(|id| hex(id.content));
    let issuer = reader.optional(tag::constructed(1), "authorityCertIssuer")?.map_or(Ok(Vec::new()), list)?;
    let serial = reader.optional(tag::context(2), "authorityCertSerialNumber")?.map(|serial| hex(serial.content));
    reader.finish("authorityKeyIdentifier")?;
    Ok(ExtensionValue::AuthorityKeyId(AuthorityKeyId { key_id, issuer, serial }))
}

pub(super) fn constraints(octets: &[u8]) -> Decoded {
    let mut reader = asn1::only(octets, tag::SEQUENCE, "nameConstraints")?.reader();
    let permitted = reader.optional(tag::constructed(0), "permittedSubtrees")?.map_or(Ok(Vec::new()), subtrees)?;
    let excluded = reader.optional(tag::constructed(1), "excludedSubtrees")?.map_or(Ok(Vec::new()), subtrees)?;
    reader.finish("nameConstraints")?;
    Ok(ExtensionValue::NameConstraints(NameConstraints { permitted, excluded }))
}

/// By RFC 5280 `minimum` is 0 and `maximum` absent; other values are shown.
fn subtrees(list: Value<'_>) -> Result<Vec<String>, Error> {
    let subtree = |value: &Value<'_>| {
        let mut reader = value.reader();
        let mut text = constraint(reader.value("base")?);
        for (number, name) in [(0, "minimum"), (1, "maximum")] {
            if let Some(distance) = reader.optional(tag::context(number), name)? {
                text = format!("{text} ({name} #{})", hex(distance.content));
            }
        }
        reader.finish("a GeneralSubtree")?;
        Ok(text)
    };
    list.each(tag::SEQUENCE, "a GeneralSubtree")?.iter().map(subtree).collect()
}
