//! A subject, as people write it (`CN=…,O=…`) and as certificates hold it (RFC 4514, RFC 5280 section 4.1.2.6).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use der::Encode;

use super::{COMMON_NAME_LIMIT, Error, attribute, distinguished_name, rfc4514_der};
use crate::base::hex::hex;
use crate::encoding::asn1::{self, tag, write};

/// A distinguished name, kept as its original DER: encoding a parsed name again may lose an attribute or change its
/// string types, and then no verifier finds the issuer it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    der: Vec<u8>,
}

impl Subject {
    /// The name without attributes.
    #[must_use]
    pub fn empty() -> Self {
        Self { der: vec![0x30, 0x00] }
    }

    /// A name from its DER.
    ///
    /// # Errors
    ///
    /// When the bytes are not an RDNSequence.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        match distinguished_name(der) {
            Ok(_) => Ok(Self { der: der.to_vec() }),
            Err(error) => Err(Error {
                input: hex(der),
                reason: format!("it is not a distinguished name: {error}"),
                instead: Vec::new(),
            }),
        }
    }

    /// A name of one commonName; empty when the text does not fit into one.
    #[must_use]
    pub fn common_name(text: &str) -> Self {
        let attribute = || {
            let value = der::Any::new(der::Tag::Utf8String, text.as_bytes()).ok()?;
            let oid = der::asn1::ObjectIdentifier::new_unwrap("2.5.4.3");
            let pair = [oid.to_der().ok()?, value.to_der().ok()?].concat();
            let pair = der::Any::new(der::Tag::Sequence, pair).ok()?.to_der().ok()?;
            let rdn = der::Any::new(der::Tag::Set, pair).ok()?.to_der().ok()?;
            der::Any::new(der::Tag::Sequence, rdn).ok()?.to_der().ok()
        };
        let fits = (1..=COMMON_NAME_LIMIT).contains(&text.chars().count());
        fits.then(attribute).flatten().map_or_else(Self::empty, |der| Self { der })
    }

    /// The DER of the RDNSequence.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Returns true if the subject has no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.der == [0x30, 0x00]
    }

    /// The emailAddress attributes, which name constraints hold for as well (RFC 5280 section 4.2.1.10).
    #[must_use]
    pub fn emails(&self) -> Vec<String> {
        let rdns = self.relative_names().unwrap_or_default();
        let emails = rdns.iter().flatten().filter(|attribute| is_email(attribute));
        let values = emails.filter_map(|attribute| {
            let attribute = asn1::only(attribute, tag::SEQUENCE, "an attribute").ok()?;
            let mut pair = attribute.reader();
            pair.value("type").ok()?;
            let value = pair.value("value").ok()?;
            asn1::decode_string(value.tag, value.content).map(Cow::into_owned)
        });
        values.collect()
    }

    /// The name without its emailAddress attributes.
    #[must_use]
    pub fn without_emails(&self) -> Self {
        let kept = || {
            let rdns = self.relative_names()?.into_iter().map(|rdn| {
                let attributes: Vec<_> = rdn.into_iter().filter(|attribute| !is_email(attribute)).collect();
                attributes.concat()
            });
            let sets = rdns.filter(|rdn| !rdn.is_empty()).map(|rdn| der::Any::new(der::Tag::Set, rdn)?.to_der());
            let sets = sets.collect::<Result<Vec<_>, _>>().ok()?;
            der::Any::new(der::Tag::Sequence, sets.concat()).ok()?.to_der().ok()
        };
        kept().map_or_else(|| self.clone(), |der| Self { der })
    }

    /// The DER of each attribute, by RDN.
    fn relative_names(&self) -> Option<Vec<Vec<Vec<u8>>>> {
        let encode = |value: &der::Any| value.to_der().ok();
        let rdns = <Vec<der::Any> as der::Decode>::from_der(&self.der).ok()?;
        let attributes = |rdn: &der::Any| {
            // A SET OF as people write it, which need not be sorted.
            let list = der::Any::new(der::Tag::Sequence, rdn.value()).ok()?.to_der().ok()?;
            <Vec<der::Any> as der::Decode>::from_der(&list).ok()?.iter().map(encode).collect()
        };
        rdns.iter().map(attributes).collect()
    }

    /// The last commonName, which is the most specific.
    #[must_use]
    pub fn last_common_name(&self) -> Option<String> {
        let rdns = asn1::only(&self.der, tag::SEQUENCE, "the name").ok()?.each(tag::SET, "an RDN").ok()?;
        let pairs = rdns.iter().rev().filter_map(|rdn| rdn.each(tag::SEQUENCE, "an attribute").ok()).flatten();
        let mut names = pairs.filter_map(|pair| {
            let (mut pair, common_name) = (pair.reader(), [0x55, 4, 3]);
            let kind = pair.value("type").ok().filter(|kind| kind.content == common_name);
            kind.and_then(|_| pair.value("value").ok())
        });
        names.next().and_then(|value| asn1::decode_string(value.tag, value.content)).map(Cow::into_owned)
    }
}

/// Returns true if an attribute is an emailAddress, 1.2.840.113549.1.9.1.
fn is_email(attribute: &[u8]) -> bool {
    let Ok(attribute) = asn1::only(attribute, tag::SEQUENCE, "an attribute") else { return false };
    let kind = attribute.reader().value("type");
    kind.is_ok_and(|kind| kind.content == [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1])
}

impl fmt::Display for Subject {
    /// As an RFC 4514 string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc4514_der(&self.der))
    }
}

impl FromStr for Subject {
    type Err = Error;

    /// Reads an RFC 4514 string, most specific attribute first: `CN=localhost,O=Example`.
    ///
    /// OpenSSL's `/O=Example/CN=localhost` is read as well, also as Git for Windows rewrites it, and values in double
    /// quotes.
    fn from_str(input: &str) -> Result<Self, Error> {
        let error = |reason: String| {
            let is_host = !input.contains('=') && input.parse::<super::SubjectAltName>().is_ok();
            let instead = is_host.then(|| format!("CN={input}")).into_iter().collect();
            Error { input: input.to_owned(), reason, instead }
        };
        let text = input.trim_start_matches(' ');
        let text = without_shell_folder(text).unwrap_or(text);
        let turned = if text.starts_with('/') { from_slashes(text) } else { without_quotes(text) };
        let text = turned.as_str();
        let mut rdns = Vec::new();
        for rdn in split_unescaped(text, &[',']) {
            let attributes = split_unescaped(rdn, &['+']).into_iter().map(attribute::from_text);
            let mut attributes = attributes.collect::<Result<Vec<_>, _>>().map_err(error)?;
            // A SET OF is in the order of its encodings (X.690 section 11.6).
            attributes.sort();
            if attributes.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(error(format!("`{rdn}` holds an attribute twice")));
            }
            rdns.push(write::tlv(tag::SET, &[&attributes.concat()]));
        }
        rdns.reverse();
        Ok(Self { der: write::sequence(&[&rdns.concat()]) })
    }
}

/// Git Bash takes an argument that begins with a slash for a path and puts its own folder in front:
/// `C:/Program Files/Git/CN=localhost` was typed as `/CN=localhost`.
fn without_shell_folder(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_drive = bytes.first()?.is_ascii_alphabetic() && bytes.get(1..3)? == b":/";
    let (folder, _) = text.split_once('=')?;
    let start = folder.rfind('/')?;
    text.get(start..).filter(|_| is_drive)
}

/// Values in double quotes, as RFC 1779 and many programs write them, with backslashes in their place:
/// `O="Acme, Inc."` as `O=Acme\\, Inc.`.
fn without_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("=\"") {
        let (before, quoted) = rest.split_at(start + 2);
        let Some(length) = closing_quote(quoted) else { break };
        out.push_str(before.trim_end_matches('"'));
        let mut is_escaped = false;
        for c in quoted.get(..length).unwrap_or_default().chars() {
            if !is_escaped && (",+;<>#=".contains(c)) {
                out.push('\\');
            }
            is_escaped = !is_escaped && c == '\\';
            out.push(c);
        }
        rest = quoted.get(length + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The end of the quote, if what follows is the next attribute or nothing.
fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.char_indices().find_map(|(index, c)| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = !is_escaped && c == '\\';
        is_end.then_some(index)
    })?;
    let after = text.get(end + 1..)?.trim_start_matches(' ');
    (after.is_empty() || after.starts_with([',', '+'])).then_some(end)
}

/// `/O=Example/CN=localhost` (root first) as `CN=localhost,O=Example`.
fn from_slashes(text: &str) -> String {
    let mut parts = split_unescaped(text.trim_start_matches('/').trim_end_matches('/'), &['/']);
    parts.reverse();
    let escaped = parts.iter().map(|part| part.replace("\\/", "/").replace(',', "\\,"));
    escaped.collect::<Vec<_>>().join(",")
}

pub(super) fn split_unescaped<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (index, c) in text.char_indices() {
        if !escaped && separators.contains(&c) {
            parts.push(&text[start..index]);
            start = index + c.len_utf8();
        }
        escaped = !escaped && c == '\\';
    }
    parts.push(&text[start..]);
    parts
}
