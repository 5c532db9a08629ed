//! Compares distinguished names by [RFC 5280 section 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1):
//! by the values of their attributes, not by their encoding.

use super::DistinguishedName;
use crate::encoding::asn1::{Value, decode_string};

/// A distinguished name in the form in which equal names are equal.
///
/// Strings are compared without regard to their type, to case, and to white space at the ends or repeated within
/// (RFC 4518 section 2, but for the Unicode normalisation of rare characters); other values octet by octet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Canonical {
    /// Each RDN's attributes, sorted: a set has no order.
    rdns: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Canonical {
    /// The normalised form of a name's DER; `None` for anything but a Name, which equals no other.
    #[must_use]
    pub fn of(der: &[u8]) -> Option<Self> {
        DistinguishedName::read(der).ok().map(|name| Self::of_name(&name))
    }

    /// The form of a name that was read.
    #[must_use]
    pub fn of_name(name: &DistinguishedName<'_>) -> Self {
        let rdns = name.rdns().map(|rdn| {
            let mut attributes: Vec<_> =
                rdn.iter().map(|attribute| (attribute.kind.content.to_vec(), value(attribute.value))).collect();
            attributes.sort_unstable();
            attributes
        });
        Self { rdns: rdns.collect() }
    }

    /// Returns true if the name has no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// Returns true if the name is in the subtree of another name: begins with all its RDNs.
    #[must_use]
    pub fn is_within(&self, base: &Self) -> bool {
        self.rdns.starts_with(&base.rdns)
    }
}

/// Decides whether two names' DER have equal values; a malformed name equals nothing, not even itself.
#[must_use]
pub fn same_name(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return DistinguishedName::read(a).is_ok();
    }
    Canonical::of(a).is_some_and(|a| Some(a) == Canonical::of(b))
}

/// Text is marked by a leading zero octet, so that it never equals a value that is not text.
fn value(value: Value<'_>) -> Vec<u8> {
    match decode_string(value.tag, value.content) {
        Some(text) => [b"\0", fold(&text).as_bytes()].concat(),
        None => value.raw.to_vec(),
    }
}

fn fold(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::name::Subject;

    fn wrap(tag: u8, inner: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat()
    }

    /// A name of one organizationName, as a string of a certain type.
    fn organization(tag: u8, value: &[u8]) -> Vec<u8> {
        let pair = [wrap(6, &[0x55, 4, 10]), wrap(tag, value)].concat();
        wrap(0x30, &wrap(0x31, &wrap(0x30, &pair)))
    }

    #[test]
    fn string_types_case_and_white_space_do_not_matter() {
        let name = organization(12, b"Good  CA ");
        assert!(same_name(&name, &organization(19, b" good ca")));
        assert!(same_name(&organization(30, &[0, b'A']), &organization(12, b"a")));
        assert!(!same_name(&name, &organization(12, b"GoodCA")));
        assert!(same_name(&organization(12, "ÄÖ".as_bytes()), &organization(20, &[0xe4, 0xf6])));
    }

    #[test]
    fn what_is_no_text_is_compared_octet_by_octet() {
        assert!(!same_name(&organization(4, b"a"), &organization(4, b"A")));
        assert!(!same_name(&organization(4, b"a"), &organization(12, b"a")));
    }

    /// An issuer and a subject of the same garbage once counted as one name.
    #[test]
    fn what_is_no_name_equals_nothing() {
        let garbage = [organization(12, b"a"), vec![0x31, 0]];
        for name in [&b"\x30\x01"[..], b"\x30\x02\x05\x00", b"\x30\x02\x31\x00", &garbage.concat()] {
            assert!(!same_name(name, name) && Canonical::of(name).is_none(), "{name:x?}");
            assert!(!same_name(name, b"\x30\x00"));
        }
        assert!(same_name(b"\x30\x00", b"\x30\x00"));
    }

    #[test]
    fn a_subtree_begins_with_its_base() {
        let canonical = |text: &str| Canonical::of(text.parse::<Subject>().unwrap().as_der()).unwrap();
        let base = canonical("O=Example,C=DE");
        assert!(canonical("CN=a,O=example,C=de").is_within(&base));
        assert!(base.is_within(&base) && base.is_within(&Canonical::default()));
        assert!(!canonical("CN=a,C=DE,O=Example").is_within(&base));
        assert!(!canonical("C=DE").is_within(&base));
        assert_eq!(canonical("CN=a+OU=b"), canonical("OU=B+CN=A"), "an RDN is a set");
    }
}
