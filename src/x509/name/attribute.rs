//! An attribute of a distinguished name as people write it, `KEY=VALUE` (RFC 4514 section 3), and the names of its types.

use std::borrow::Cow;

use super::COMMON_NAME_LIMIT;
use crate::encoding::asn1::{self, oid, tag, write};

/// A type of attribute with a short name.
pub(super) struct Kind {
    /// Its name in RFC 4514 section 3, or else in RFC 4519, X.520 or PKCS#9.
    pub(super) name: &'static str,
    /// The content octets of its OID.
    pub(super) oid: &'static [u8],
    /// The type of its value where that is not UTF8String (RFC 5280 appendix A.1).
    string: Option<u8>,
    /// Most characters of its value (RFC 5280 appendix A.1).
    limit: Option<usize>,
}

const fn kind(name: &'static str, oid: &'static [u8]) -> Kind {
    Kind { name, oid, string: None, limit: None }
}

impl Kind {
    const fn at_most(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }

    const fn of(self, string: u8) -> Self {
        Self { string: Some(string), ..self }
    }
}

const KINDS: [Kind; 21] = [
    kind("CN", &[0x55, 4, 3]).at_most(COMMON_NAME_LIMIT),
    kind("L", &[0x55, 4, 7]).at_most(128),
    kind("ST", &[0x55, 4, 8]).at_most(128),
    kind("O", &[0x55, 4, 10]).at_most(64),
    kind("OU", &[0x55, 4, 11]).at_most(64),
    kind("C", &[0x55, 4, 6]).of(tag::PRINTABLE_STRING),
    kind("STREET", &[0x55, 4, 9]),
    kind("DC", &[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25]).of(tag::IA5_STRING),
    kind("UID", &[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1]),
    kind("sn", &[0x55, 4, 4]),
    kind("serialNumber", &[0x55, 4, 5]).at_most(64).of(tag::PRINTABLE_STRING),
    kind("title", &[0x55, 4, 12]),
    kind("description", &[0x55, 4, 13]),
    kind("businessCategory", &[0x55, 4, 15]),
    kind("postalCode", &[0x55, 4, 17]),
    kind("givenName", &[0x55, 4, 42]),
    kind("initials", &[0x55, 4, 43]),
    kind("generationQualifier", &[0x55, 4, 44]),
    kind("dnQualifier", &[0x55, 4, 46]),
    kind("pseudonym", &[0x55, 4, 65]),
    kind("emailAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]).at_most(255).of(tag::IA5_STRING),
];

/// Names of attributes that other programs write, and ours for them.
const OTHER_NAMES: [(&str, &str); 17] = [
    ("E", "emailAddress"),
    ("EMAIL", "emailAddress"),
    ("S", "ST"),
    ("SP", "ST"),
    ("COMMONNAME", "CN"),
    ("COUNTRYNAME", "C"),
    ("LOCALITYNAME", "L"),
    ("STATEORPROVINCENAME", "ST"),
    ("ORGANIZATIONNAME", "O"),
    ("ORGANIZATIONALUNITNAME", "OU"),
    ("STREETADDRESS", "STREET"),
    ("DOMAINCOMPONENT", "DC"),
    ("USERID", "UID"),
    ("T", "title"),
    ("G", "givenName"),
    ("GN", "givenName"),
    ("SURNAME", "sn"),
];

/// The type of an OID's content octets, if it has a short name.
pub(super) fn by_oid(octets: &[u8]) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.oid == octets)
}

/// The most characters that RFC 5280 appendix A.1 gives an attribute, by the content octets of its OID.
pub(crate) fn longest_value(oid: &[u8]) -> Option<usize> {
    by_oid(oid)?.limit
}

fn by_name(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// Reads one `KEY=VALUE` into the DER of an AttributeTypeAndValue (RFC 5280 section 4.1.2.4).
pub(super) fn from_text(text: &str) -> Result<Vec<u8>, String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(format!("`{text}` is not of the form KEY=VALUE (RFC 4514)"));
    };
    let (key, value) = (our_name(key), trimmed(value));
    if value.is_empty() {
        return Err(format!("`{key}` has no value"));
    }
    let octets = unescaped(value)
        .ok_or_else(|| format!("`{key}` has a backslash before neither a special character nor two hex digits"))?;
    let oid = oid_of(key).ok_or_else(|| format!("`{key}` is not an attribute known here: write its dotted OID"))?;
    let unreadable = || format!("`{key}={value}` does not read as KEY=VALUE (RFC 4514)");
    let der = match value.strip_prefix('#') {
        Some(hex) => encoded(hex).ok_or_else(unreadable)?,
        None => string(key, &octets, by_oid(&oid), unreadable)?,
    };
    Ok(write::sequence(&[&write::oid(&oid), &der]))
}

/// An attribute's name as it is called here: `E`, `S`, `OID.2.5.4.5` as other programs write them.
fn our_name(key: &str) -> &str {
    let key = key.trim();
    let bare =
        key.get(..4).filter(|start| start.eq_ignore_ascii_case("oid.")).map_or(key, |_| key.get(4..).unwrap_or(key));
    OTHER_NAMES.iter().find(|(other, _)| bare.eq_ignore_ascii_case(other)).map_or(bare, |(_, name)| name)
}

/// The content octets of an attribute's OID, by its name or as a dotted OID.
fn oid_of(key: &str) -> Option<Cow<'static, [u8]>> {
    if let Some(kind) = by_name(key) {
        return Some(Cow::Borrowed(kind.oid));
    }
    let dotted = oid::by_name(key).unwrap_or(key);
    Some(Cow::Owned(der::asn1::ObjectIdentifier::new(dotted).ok()?.as_bytes().to_vec()))
}

/// A value as a string of the attribute's type.
fn string(key: &str, octets: &[u8], kind: Option<&Kind>, unreadable: impl Fn() -> String) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(octets).map_err(|_| unreadable())?;
    if text.contains('\0') {
        return Err(format!("`{key}` contains a NUL character"));
    }
    if key.eq_ignore_ascii_case("C") && (text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        return Err("`C` is a country code of two letters".to_owned());
    }
    let string = kind.and_then(|kind| kind.string);
    if string == Some(tag::PRINTABLE_STRING) && !text.bytes().all(asn1::is_printable) {
        return Err(format!("`{key}` is a PrintableString, which has no letters but ASCII's (RFC 5280 appendix A.1)"));
    }
    if string == Some(tag::IA5_STRING) && !text.is_ascii() {
        return Err(format!("`{key}` must be ASCII (RFC 5280 appendix A.1)"));
    }
    if let Some(limit) = kind.and_then(|kind| kind.limit).filter(|limit| text.chars().count() > *limit) {
        return Err(format!("`{key}` is longer than {limit} characters (RFC 5280 appendix A.1)"));
    }
    Ok(write::tlv(string.unwrap_or(tag::UTF8_STRING), &[octets]))
}

/// The DER behind the `#` of RFC 4514 section 2.4: one value.
fn encoded(hex: &str) -> Option<Vec<u8>> {
    let octets = asn1::unhex(hex)?;
    let mut reader = asn1::Reader::new(&octets);
    let value = reader.value("value").ok()?;
    reader.finish("value").ok()?;
    asn1::der::check(value, "value").ok()?;
    Some(octets)
}

/// Without the white space round it, but with an escaped space at its end.
fn trimmed(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    let ends_in_backslash = (trimmed.len() - trimmed.trim_end_matches('\\').len()) % 2 == 1;
    if ends_in_backslash { value.get(..=trimmed.len()).unwrap_or(trimmed) } else { trimmed }
}

/// The octets of a value; `None` if a backslash stands before neither a special character nor two hex digits (RFC 4514
/// section 3).
fn unescaped(value: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes().iter();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'\\' => match rest.next()? {
                special if b" \"#=\\+,;<>".contains(special) => *special,
                high => hex_digit(*high)? << 4 | hex_digit(*rest.next()?)?,
            },
            octet => *octet,
        });
    }
    Some(octets)
}

fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
