//! Mailboxes: `local@host`, and constraints on them.

use super::dns::{host_matches, is_name};
use crate::asn1::{self, tag};
use crate::name::is_unprintable;

/// Whether text is a constraint on rfc822Names: a mailbox, a host, or a domain behind a dot.
pub(super) fn is_constraint(text: &str) -> bool {
    match text.strip_prefix('.') {
        _ if text.is_empty() || split(text).is_some() => true,
        domain => !text.contains('@') && is_name(domain.unwrap_or(text)),
    }
}

/// Whether a mailbox is in a subtree; `None` for what is no mailbox.
pub(super) fn contains(base: &str, mailbox: &[u8]) -> Option<bool> {
    let (local, host) = split(std::str::from_utf8(mailbox).ok()?)?;
    Some(match split(base) {
        // The local part is the host's affair: RFC 5321 section 2.4 has it differ by case.
        Some((base_local, base_host)) => local == base_local && host.eq_ignore_ascii_case(base_host),
        None => host_matches(base, host),
    })
}

/// As [`contains`], for the UTF8String of an SmtpUTF8Mailbox, by its domain ([RFC 9598 section 6](https://www.rfc-editor.org/rfc/rfc9598#section-6)).
///
/// A constraint on one mailbox never is that of a local part beyond ASCII. U-labels, which RFC 8398 had in the domain,
/// are compared as the A-labels they stand for.
pub(super) fn contains_international(base: &str, value: &[u8]) -> Option<bool> {
    let (local, host) = international(value)?.rsplit_once('@')?;
    let is_local = !local.is_empty() && !local.contains(|c: char| c == '@' || c == '"' || is_unprintable(c));
    let host = idna::domain_to_ascii_strict(host).ok().filter(|host| is_local && is_name(host))?;
    if local.is_ascii() {
        return contains(base, format!("{local}@{host}").as_bytes());
    }
    Some(split(base).is_none() && host_matches(base, &host))
}

/// The text of an SmtpUTF8Mailbox; `None` for what is no UTF8String.
pub(super) fn international(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(asn1::only(value, tag::UTF8_STRING, "").ok()?.content).ok()
}

fn split(mailbox: &str) -> Option<(&str, &str)> {
    let (local, host) = mailbox.rsplit_once('@')?;
    let is_atom =
        !local.is_empty() && local.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@' && byte != b'"');
    ((is_quoted(local) || is_atom) && is_name(host)).then_some((local, host))
}

/// Decides whether a local part stands in quotes as a whole (RFC 5321 section 4.1.2, Quoted-string).
fn is_quoted(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut octets = inner.bytes();
    let is_text = |octet: u8| octet == b' ' || octet.is_ascii_graphic();
    while let Some(octet) = octets.next() {
        let is_good = match octet {
            b'\\' => octets.next().is_some_and(is_text),
            b'"' => false,
            octet => is_text(octet),
        };
        if !is_good {
            return false;
        }
    }
    !inner.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_mailboxes_hosts_or_domains() {
        for (base, mailbox, expected) in [
            ("me@example.com", "me@EXAMPLE.com", Some(true)),
            ("me@example.com", "Me@example.com", Some(false)),
            ("example.com", "you@example.com", Some(true)),
            ("example.com", "you@mail.example.com", Some(false)),
            (".example.com", "you@mail.example.com", Some(true)),
            (".example.com", "you@example.com", Some(false)),
            ("", "you@example.com", Some(true)),
            ("example.com", "a@b@example.com", None),
            ("example.com", "@example.com", None),
            ("example.com", "example.com", None),
            ("example.com", "\"a@b\"@example.com", Some(true)),
            ("example.com", "\"a\\\"b\"@example.com", Some(true)),
            ("example.com", "\"a\"b@\"@example.com", None),
            ("example.com", "\"a\\\"@example.com", None),
            ("example.com", "\"\"@example.com", None),
            ("example.com", "you@example.com.", None),
            ("example.com", "you@[192.0.2.1]", None),
            ("example.com", "you@evil.test\0@example.com", None),
        ] {
            assert_eq!(contains(base, mailbox.as_bytes()), expected, "{base} {mailbox}");
        }
        assert!(is_constraint("a@b.test") && is_constraint(".b.test") && is_constraint("b.test") && is_constraint(""));
        assert!(!is_constraint("a@b@c.test") && !is_constraint("@b.test") && !is_constraint("*.b.test"));
    }

    /// SmtpUTF8Mailbox was free of constraints on mailboxes.
    #[test]
    fn international_mailboxes_are_compared_by_their_domain() {
        let der = |text: &str| [&[0x0c, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        for (base, mailbox, expected) in [
            ("example.com", "bübi@example.com", Some(true)),
            ("example.com", "bübi@EXAMPLE.com", Some(true)),
            ("example.com", "bübi@evil.example", Some(false)),
            ("example.com", "bübi@mail.example.com", Some(false)),
            (".example.com", "bübi@mail.example.com", Some(true)),
            ("xn--bcher-kva.example", "bübi@bücher.example", Some(true)),
            ("xn--bcher-kva.example", "bübi@xn--bcher-kva.example", Some(true)),
            ("me@example.com", "bübi@example.com", Some(false)),
            ("me@example.com", "me@example.com", Some(true)),
            ("", "bübi@example.com", Some(true)),
            ("example.com", "bü@bi@example.com", None),
            ("example.com", "@example.com", None),
            ("example.com", "bübi", None),
            ("example.com", "bübi@example.com.", None),
            ("example.com", "bübi@exa mple.com", None),
            ("example.com", "bü\u{202e}bi@example.com", None),
        ] {
            assert_eq!(contains_international(base, &der(mailbox)), expected, "{base} {mailbox}");
        }
        assert_eq!(contains_international("", b"\x0c\x03a@\xff"), None);
        assert_eq!(contains_international("", b"\x16\x03a@b"), None, "an IA5String");
    }
}
