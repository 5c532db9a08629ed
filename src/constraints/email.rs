//! Mailboxes: `local@host`, and constraints on them.

use super::dns::{host_matches, is_name};

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

fn split(mailbox: &str) -> Option<(&str, &str)> {
    let (local, host) = mailbox.rsplit_once('@')?;
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_atom =
        !local.is_empty() && local.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@' && byte != b'"');
    ((is_quoted || is_atom) && is_name(host)).then_some((local, host))
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
        ] {
            assert_eq!(contains(base, mailbox.as_bytes()), expected, "{base} {mailbox}");
        }
        assert!(is_constraint("a@b.test") && is_constraint(".b.test") && is_constraint("b.test") && is_constraint(""));
        assert!(!is_constraint("a@b@c.test") && !is_constraint("@b.test") && !is_constraint("*.b.test"));
    }
}
