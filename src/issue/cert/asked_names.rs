//! The names that a request asks for: each is valid in a certificate, or reported with its fault.

use crate::x509::name::ip_address;
use std::net::IpAddr;

use der::Encode;
use der::asn1::Any;

use super::Error;
use crate::base::words::counted;
use crate::encoding::asn1::{self, Value, tag};
use crate::x509::name::{self, SubjectAltName, escape_unprintable};

/// A name in a request that cannot be in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName {
    /// The name with its kind, as in `DNS:a b.test`.
    pub name: String,
    /// The fault.
    pub reason: String,
    /// The names that were probably meant, each with its kind; empty if unclear.
    pub instead: Vec<String>,
}

/// Bad names in a sentence, each with its fault and the fix.
pub(super) fn listed(names: &[BadName]) -> String {
    let words = names.iter().map(|bad| {
        let instead = match &bad.instead[..] {
            [] => String::new(),
            [one] => format!(" (`{one}` is meant)"),
            several => format!(" (`{}` are meant)", several.join("` and `")),
        };
        format!("`{}`: {}{instead}", bad.name, bad.reason)
    });
    words.collect::<Vec<_>>().join("; ")
}

/// The form in which an entry is signed.
enum Entry {
    /// The entry is unchanged.
    Kept(Vec<u8>),
    /// The entry is rewritten: a name with letters beyond ASCII as its A-label.
    Changed(SubjectAltName),
}

/// The extension's value with every name one that a certificate may hold, and what was changed, in words.
///
/// # Errors
///
/// [`Error::BadNames`]; [`Error::MalformedExtension`] when there is no list of names.
pub(super) fn checked(value: &[u8]) -> Result<(Vec<u8>, Vec<String>), Error> {
    let malformed = || Error::MalformedExtension { what: "subjectAltName" };
    let mut reader = asn1::only(value, tag::SEQUENCE, "subjectAltName").map_err(|_| malformed())?.reader();
    let (mut bad, mut entries, mut notes, mut typed) = (Vec::new(), Vec::new(), Vec::new(), Some(Vec::new()));
    while !reader.is_empty() {
        let entry = reader.value("a name").map_err(|_| malformed())?;
        match check(entry) {
            Ok(Entry::Kept(octets)) => {
                entries.extend(octets);
                let known = entry.text().and_then(|text| text.parse::<SubjectAltName>().ok());
                typed = typed.zip(known).map(|(mut typed, name)| {
                    typed.push(name.to_string());
                    typed
                });
            }
            Ok(Entry::Changed(name)) => {
                notes.push(format!("`{}` is written as `{}`", entry.shown(), name.value()));
                if let Some(typed) = &mut typed {
                    typed.push(name.to_string());
                }
                entries.extend(encoded(&name).ok_or_else(malformed)?);
            }
            Err(reason) => {
                typed = typed.filter(|_| !reason.instead.is_empty());
                if let Some(typed) = &mut typed {
                    typed.extend(reason.instead.iter().cloned());
                }
                bad.push(reason);
            }
        }
    }
    if !bad.is_empty() {
        return Err(Error::BadNames { names: bad, instead: typed.unwrap_or_default() });
    }
    if entries.is_empty() {
        return Err(malformed());
    }
    let value = Any::new(der::Tag::Sequence, entries).and_then(|names| names.to_der()).map_err(|_| malformed())?;
    Ok((value, notes))
}

/// The kinds of names that are text, by tag.
const TEXTS: [(u8, &str); 3] = [(0x81, "email"), (0x82, "DNS"), (0x86, "URI")];

/// An entry of the list, to be shown.
trait Shown {
    /// The name with its kind, as typed; `None` for a value that is not text.
    fn text(&self) -> Option<String>;
    /// With its kind, in characters that trouble no terminal.
    fn shown(&self) -> String;
}

impl Shown for Value<'_> {
    fn text(&self) -> Option<String> {
        if self.tag == 0x87 {
            return ip_address(self.content).map(|address| format!("IP:{address}"));
        }
        let (_, kind) = TEXTS.iter().find(|(tag, _)| *tag == self.tag)?;
        std::str::from_utf8(self.content).ok().map(|text| format!("{kind}:{text}"))
    }

    fn shown(&self) -> String {
        match (self.text(), TEXTS.iter().find(|(tag, _)| *tag == self.tag)) {
            (Some(text), _) => escape_unprintable(&text),
            (None, Some((_, kind))) => format!("{kind}:{}", escape_unprintable(&latin1(self.content))),
            (None, None) => name::general_name(*self),
        }
    }
}

fn latin1(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

fn check(entry: Value<'_>) -> Result<Entry, BadName> {
    let bad = |reason: String, instead: Vec<String>| BadName { name: entry.shown(), reason, instead };
    let kept = || Ok(Entry::Kept(entry.raw.to_vec()));
    match entry.tag {
        0x81 | 0x82 | 0x86 => {
            let Some(text) = entry.text() else {
                let latin1 = format!("{}:{}", kind(entry.tag), latin1(entry.content));
                let instead = latin1.parse::<SubjectAltName>().map(|name| name.to_string()).into_iter().collect();
                return Err(bad("it is neither ASCII nor UTF-8, but perhaps Latin-1".to_owned(), instead));
            };
            let name = text.parse::<SubjectAltName>().map_err(|error| bad(error.reason, typed(error.instead)))?;
            if entry.content.is_ascii() { kept() } else { Ok(Entry::Changed(name)) }
        }
        0x87 if ip_address(entry.content).is_some() => kept(),
        0x87 => {
            let (reason, instead) = no_address(entry.content);
            Err(bad(reason, instead))
        }
        0x88 if entry.oid().starts_with(|c: char| c.is_ascii_digit()) => kept(),
        0xa0 | 0xa4 if !name::general_name(entry).starts_with("invalid:") => kept(),
        0xa3 | 0xa5 => kept(),
        0x88 | 0xa0 | 0xa4 => Err(bad("its octets are not what its kind says".to_owned(), Vec::new())),
        _ => Err(bad("it is of no kind that RFC 5280 section 4.2.1.6 knows".to_owned(), Vec::new())),
    }
}

fn kind(tag: u8) -> &'static str {
    TEXTS.iter().find(|(other, _)| *other == tag).map_or("", |(_, kind)| kind)
}

/// Words that were advised, each with its kind.
fn typed(words: Vec<String>) -> Vec<String> {
    words.into_iter().filter_map(|word| word.parse().ok()).map(|name: SubjectAltName| name.to_string()).collect()
}

/// Says why octets are no address, and which address they may stand for.
fn no_address(octets: &[u8]) -> (String, Vec<String>) {
    let name = |address: IpAddr| vec![SubjectAltName::Ip(address).to_string()];
    if let Some(address) = std::str::from_utf8(octets).ok().and_then(|text| text.parse::<IpAddr>().ok()) {
        return ("the address is written as text, not as its octets".to_owned(), name(address));
    }
    let length = octets.len();
    let reason = format!("it has {}; an address has 4 or 16", counted(length, "octet"));
    let half = octets.get(..length / 2).filter(|_| length == 8 || length == 32).and_then(ip_address);
    match half {
        Some(address) => (format!("{reason}, and a mask belongs in a CA's name constraints"), name(address)),
        None => (reason, Vec::new()),
    }
}

fn encoded(name: &SubjectAltName) -> Option<Vec<u8>> {
    let (number, text) = match name {
        SubjectAltName::Email(text) => (1, text),
        SubjectAltName::Dns(text) => (2, text),
        SubjectAltName::Uri(text) => (6, text),
        SubjectAltName::Ip(_) => return None,
    };
    let tag = der::Tag::ContextSpecific { constructed: false, number: der::TagNumber(number) };
    Any::new(tag, text.as_bytes()).ok()?.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u8, &[u8])]) -> Vec<u8> {
        let value = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
        value(0x30, &entries.iter().flat_map(|(tag, content)| value(*tag, content)).collect::<Vec<_>>())
    }

    fn refused(tag: u8, content: &[u8]) -> String {
        checked(&list(&[(0x82, b"a.test"), (tag, content)])).unwrap_err().to_string()
    }

    /// All of these were once one error: that the subjectAltName cannot be read.
    #[test]
    fn each_bad_name_is_named_with_what_is_meant() {
        for (tag, content, expected) in [
            (0x82, &b"192.168.1.10"[..], "`DNS:192.168.1.10`: an address is no DNS name (`IP:192.168.1.10` is meant)"),
            (0x82, b"::1", "`DNS:::1`: an address is no DNS name (`IP:::1` is meant)"),
            (0x82, b"[::1]", "`DNS:[::1]`: an address is no DNS name (`IP:::1` is meant)"),
            (0x82, b"a.test:443", "`DNS:a.test:443`: a certificate holds no port (`DNS:a.test` is meant)"),
            (0x82, b"a.test.", "`DNS:a.test.`: a certificate's names end without a dot (`DNS:a.test` is meant)"),
            (0x82, b"a.*.test", "`DNS:a.*.test`: a wildcard must be the whole leftmost label, as in `*.dev.test`"),
            (0x82, b"a b.test", "`DNS:a b.test`: it contains white space (`DNS:a` and `DNS:b.test` are meant)"),
            (0x82, b" a.test", "`DNS: a.test`: it contains white space (`DNS:a.test` is meant)"),
            (0x82, b"a\0b.test", r"`DNS:a\u{0}b.test`: it contains a NUL character"),
            (0x82, b"a\x1b[31m", r"`DNS:a\u{1b}[31m`: it contains an escape character"),
            (
                0x82,
                b"b\xfccher.test",
                "`DNS:b\u{fc}cher.test`: it is neither ASCII nor UTF-8, but perhaps Latin-1 (`DNS:xn--bcher-kva.test` is meant)",
            ),
            (0x82, b"b..test", "`DNS:b..test`: a label is empty: two dots in a row (`DNS:b.test` is meant)"),
            (0x82, br"b\.test", r"`DNS:b\.test`: a host name holds no backslash (`DNS:b.test` is meant)"),
            (0x82, b"b%2etest", "`DNS:b%2etest`: a host name holds no percent sign"),
            (0x82, b"https://b.test/x", "`DNS:https://b.test/x`: a URL is no DNS name (`DNS:b.test` is meant)"),
            (0x82, b"b.test/x", "`DNS:b.test/x`: a host has no path (`DNS:b.test` is meant)"),
            (0x82, b"DNS:b.test", "`DNS:DNS:b.test`: it names its kind twice (`DNS:b.test` is meant)"),
            (
                0x82,
                b"b.test,c.test",
                "`DNS:b.test,c.test`: it is several names in one (`DNS:b.test` and `DNS:c.test` are meant)",
            ),
            (0x82, b"me@b.test", "`DNS:me@b.test`: an email address is no DNS name (`email:me@b.test` is meant)"),
            (
                0x82,
                b".b.test",
                "`DNS:.b.test`: a name begins without a dot: `*.` stands for every host below a domain (`DNS:b.test` is meant)",
            ),
            (0x82, b"-b.test", "`DNS:-b.test`: a label begins or ends with a dash"),
            (0x82, b"", "`DNS:`: it is empty"),
            (0x82, b"*", "`DNS:*`: a wildcard needs a domain behind it, as in `*.dev.test`"),
            (0x81, b"b.test", "`email:b.test`: an email address has an @, and this has none (`DNS:b.test` is meant)"),
            (0x81, b"me@", "`email:me@`: it has no host name"),
            (
                0x81,
                b"me@[10.0.0.1]",
                "`email:me@[10.0.0.1]`: an email address in a certificate has a domain behind the @, not an IP address",
            ),
            (
                0x81,
                "m\u{fc}@b.test".as_bytes(),
                "`email:m\u{fc}@b.test`: the part before the @ must be ASCII (RFC 5280 section 4.2.1.6)",
            ),
            (0x86, b"b.test", "`URI:b.test`: a URI needs a scheme"),
            (0x87, &[10, 0, 0, 0, 1], "`invalid:[7]#0a00000001`: it has 5 octets; an address has 4 or 16"),
            (
                0x87,
                &[10, 0, 0, 0, 255, 0, 0, 0],
                "`invalid:[7]#0a000000ff000000`: it has 8 octets; an address has 4 or 16, and a mask belongs in a CA's name constraints (`IP:10.0.0.0` is meant)",
            ),
            (
                0x87,
                b"10.0.0.1",
                "`invalid:[7]#31302e302e302e31`: the address is written as text, not as its octets (`IP:10.0.0.1` is meant)",
            ),
            (0x87, b"", "`invalid:[7]#`: it has 0 octets; an address has 4 or 16"),
            (0x88, b"", "`invalid:[8]#`: its octets are not what its kind says"),
            (0xa4, b"x", "`invalid:[4]#78`: its octets are not what its kind says"),
            (0x89, b"x", "`invalid:[9]#78`: it is of no kind that RFC 5280 section 4.2.1.6 knows"),
        ] {
            let prefix = "the request's subjectAltName holds ";
            assert_eq!(refused(tag, content).strip_prefix(prefix), Some(expected), "{tag:x} {content:?}");
        }
    }

    /// `bücher.test` was once signed in this form, which no client matches.
    #[test]
    fn letters_beyond_ascii_become_a_labels() {
        let names = list(&[
            (0x82, "b\u{fc}cher.test".as_bytes()),
            (0x81, "me@b\u{fc}cher.test".as_bytes()),
            (0x87, &[10, 0, 0, 1]),
        ]);
        let (value, notes) = checked(&names).unwrap();
        let expected = list(&[(0x82, b"xn--bcher-kva.test"), (0x81, b"me@xn--bcher-kva.test"), (0x87, &[10, 0, 0, 1])]);
        assert_eq!(value, expected);
        assert_eq!(notes[0], "`DNS:b\u{fc}cher.test` is written as `xn--bcher-kva.test`");
    }

    #[test]
    fn the_names_put_right_can_be_typed() {
        let instead = |entries: &[(u8, &[u8])]| match checked(&list(entries)) {
            Err(Error::BadNames { instead, .. }) => instead,
            other => panic!("{other:?}"),
        };
        assert_eq!(instead(&[(0x82, b"a.test"), (0x82, b"10.0.0.1")]), ["DNS:a.test", "IP:10.0.0.1"]);
        assert!(instead(&[(0x82, b"a.test"), (0x82, b"a.*.test")]).is_empty(), "what is meant is not clear");
        assert!(instead(&[(0xa3, b""), (0x82, b"10.0.0.1")]).is_empty(), "this kind cannot be typed");
    }

    #[test]
    fn good_names_stay_as_they_are() {
        let names =
            list(&[(0x82, b"A.test"), (0x81, b"me@a.test"), (0x86, b"spiffe://td/a"), (0x88, &[0x2a, 3]), (0xa3, b"")]);
        assert_eq!(checked(&names).unwrap(), (names, Vec::new()));
        assert!(matches!(checked(&list(&[])), Err(Error::MalformedExtension { .. })));
    }
}
