//! Names in certificates as text: distinguished names by RFC 4514, GeneralNames with their kind in front.

use super::general::ip_address;
use crate::base::hex::hex;
use std::borrow::Cow;
use std::fmt::{self, Write};

use super::{Attribute, DistinguishedName, Entry, GeneralName, attribute};
use crate::encoding::asn1::{self, Reader, Value, oid};

/// Prints a DER distinguished name by RFC 4514: last attribute first, by registered short names, else dotted OIDs with the
/// value in hex. Octets that are no distinguished name are printed as `#` and hex.
#[must_use]
pub fn rfc4514_der(der: &[u8]) -> String {
    distinguished_name(der).unwrap_or_else(|_| format!("#{}", hex(der)))
}

/// Prints a DER distinguished name by RFC 4514.
///
/// # Errors
///
/// As [`DistinguishedName::read`].
pub fn distinguished_name(der: &[u8]) -> Result<String, asn1::Error> {
    DistinguishedName::read(der).map(|name| name.to_string())
}

impl fmt::Display for DistinguishedName<'_> {
    /// By RFC 4514.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.attributes().len() * 32);
        for (index, rdn) in self.rdns().rev().enumerate() {
            if index > 0 {
                text.push(',');
            }
            attributes(&mut text, rdn);
        }
        f.write_str(&text)
    }
}

/// Prints the attributes of one RelativeDistinguishedName.
pub(crate) fn attributes(text: &mut String, rdn: &[Attribute<'_>]) {
    for (index, pair) in rdn.iter().enumerate() {
        if index > 0 {
            text.push('+');
        }
        push_attribute(text, pair.kind, pair.value);
    }
}

fn push_attribute(text: &mut String, kind: Value<'_>, value: Value<'_>) {
    let short = attribute::by_oid(kind.content).map(|kind| kind.name);
    let known = short
        .and_then(|short| Some((short, asn1::decode_string(value.tag, value.content)?)))
        .filter(|(short, decoded)| can_be_read_back(short, decoded));
    match (known, short) {
        (Some((short, decoded)), _) => {
            text.push_str(short);
            text.push('=');
            escape_value(text, &decoded);
        }
        (None, short) => {
            let _ = match short {
                Some(short) => write!(text, "{short}=#{}", hex(value.raw)),
                None => write!(text, "{}=#{}", kind.oid(), hex(value.raw)),
            };
        }
    }
}

/// Decides whether a value is read back from its text: some attributes are of types that hold a part of Unicode alone.
fn can_be_read_back(name: &str, text: &str) -> bool {
    match name {
        "serialNumber" => text.bytes().all(asn1::is_printable),
        "emailAddress" => text.is_ascii(),
        _ => true,
    }
}

/// Escapes the characters of RFC 4514 section 2.4, and every character that could disturb a terminal.
pub(super) fn escape_value(out: &mut String, text: &str) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-./:_@*'()&!?=".contains(&byte);
    let is_inside = |byte: u8| is_plain(byte) || byte == b' ';
    let (first, last) = (text.bytes().next().is_some_and(is_plain), text.bytes().last().is_some_and(is_plain));
    if first && last && text.bytes().all(is_inside) {
        out.push_str(text);
        return;
    }
    let last = text.chars().count().saturating_sub(1);
    for (index, c) in text.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            '#' | ' ' if index == 0 => out.extend(['\\', c]),
            ' ' if index == last => out.extend(['\\', c]),
            c if is_unprintable(c) => {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    let _ = write!(out, "\\{byte:02x}");
                }
            }
            c => out.push(c),
        }
    }
}

/// A GeneralName (RFC 5280 section 4.2.1.6) with its kind in front, as in `DNS:localhost`; a malformed one
/// is printed as `invalid:` with its tag and octets.
#[must_use]
pub fn general_name(name: Value<'_>) -> String {
    Entry::read(name).to_string()
}

impl fmt::Display for Entry<'_> {
    /// With its kind in front, as in `DNS:localhost`; a malformed one as `invalid:` with its tag and octets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(&text),
            None => write!(f, "invalid:[{}]#{}", self.value.tag & 0x1f, hex(self.value.content)),
        }
    }
}

impl Entry<'_> {
    /// The name with its kind in front; `None` if malformed.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        Some(match self.name.as_ref().ok()? {
            GeneralName::Email(octets) => format!("email:{}", ascii(octets)?),
            GeneralName::Dns(octets) => format!("DNS:{}", ascii(octets)?),
            GeneralName::Uri(octets) => format!("URI:{}", ascii(octets)?),
            GeneralName::Ip(octets) => format!("IP:{}", address(octets)?),
            GeneralName::RegisteredId(id) => format!("RID:{}", id.oid()),
            GeneralName::Other { kind, value } => other_name(kind, value),
            GeneralName::X400Address(octets) => format!("x400Address:#{}", hex(octets)),
            GeneralName::Directory(name) => format!("dirName:{}", escape_unprintable(&name.to_string())),
            GeneralName::EdiPartyName(octets) => format!("ediPartyName:#{}", hex(octets)),
        })
    }
}

/// An IA5String with characters escaped that could disturb a terminal. UTF-8, though not allowed, is shown; other
/// octets make it invalid.
fn ascii(octets: &[u8]) -> Option<Cow<'_, str>> {
    std::str::from_utf8(octets).ok().map(escape_unprintable_cow)
}

/// `otherName:OID;UTF8:text`, as OpenSSL's configuration files write it, or `otherName:OID;#hex`.
fn other_name(kind: &[u8], value: &[u8]) -> String {
    let kind = oid::dotted(kind);
    let text = Reader::new(value).value("value").ok();
    match text.and_then(|value| asn1::decode_string(value.tag, value.content)) {
        Some(text) => format!("otherName:{kind};UTF8:{}", escape_unprintable(&text)),
        None => format!("otherName:{kind};#{}", hex(value)),
    }
}

fn address(octets: &[u8]) -> Option<String> {
    ip_address(octets).map(|address| address.to_string())
}

/// An RFC 4514 string or a name with its kind for people: OIDs by their names, values in hex as the text they hold.
#[must_use]
pub fn readable(name: &str) -> Cow<'_, str> {
    if let Some(rest) = name.strip_prefix("otherName:")
        && let Some((kind, value)) = rest.split_once(';')
    {
        let value = value.strip_prefix("UTF8:").unwrap_or(value);
        return Cow::Owned(format!("{} {value}", oid::name(kind).unwrap_or(kind)));
    }
    if !name.contains("=#") {
        return Cow::Borrowed(name);
    }
    let parts = super::subject::split_unescaped(name, &[',', '+']);
    let mut text = String::with_capacity(name.len());
    let mut at = 0;
    for part in parts {
        if at > 0 {
            text.push_str(name.get(at - 1..at).unwrap_or_default());
        }
        at += part.len() + 1;
        text.push_str(&readable_attribute(part).unwrap_or_else(|| part.to_owned()));
    }
    Cow::Owned(text)
}

fn readable_attribute(part: &str) -> Option<String> {
    let (kind, value) = part.split_once("=#")?;
    let der = asn1::unhex(value)?;
    let value = Reader::new(&der).value("value").ok()?;
    let mut text = format!("{}=", oid::name(kind).unwrap_or(kind));
    escape_value(&mut text, &asn1::decode_string(value.tag, value.content)?);
    Some(text)
}

/// Returns true if a character could change how a terminal shows the rest: controls, and marks that turn the direction.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text with every character that could trouble a terminal written as `\u{…}`.
#[must_use]
pub fn escape_unprintable(text: &str) -> String {
    escape_unprintable_cow(text).into_owned()
}

fn escape_unprintable_cow(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) || !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unprintable(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(der: &[u8]) -> String {
        general_name(Reader::new(der).value("name").unwrap())
    }

    #[test]
    fn general_names_say_their_kind() {
        assert_eq!(read(b"\x82\x03a\x00b"), r"DNS:a\u{0}b");
        assert_eq!(read(b"\x82\x02\xff\xfe"), "invalid:[2]#fffe");
        assert_eq!(read(b"\x87\x03\x01\x02\x03"), "invalid:[7]#010203");
        assert_eq!(read(b"\x88\x03\x2a\x03\x04"), "RID:1.2.3.4");
        let upn = b"\xa0\x12\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x04\x0c\x02me";
        assert_eq!(read(upn), "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:me");
        assert_eq!(readable(&read(upn)), "UPN me");
    }

    /// An email in a subject was once shown as its DER.
    #[test]
    fn people_read_names_not_oids() {
        assert_eq!(readable("1.2.840.113549.1.9.1=#1603614062+CN=x,O=y"), "emailAddress=a@b+CN=x,O=y");
        assert_eq!(readable("1.2.3=#ff,CN=a"), "1.2.3=#ff,CN=a");
        assert_eq!(readable("CN=a"), "CN=a");
    }
}
