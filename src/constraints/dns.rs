//! Domains: of dNSNames, and of the hosts in URIs.

/// Whether text is a domain: labels of letters, digits, dashes and underscores, within RFC 1035's lengths.
pub(super) fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let ends = |c: char| c == '-';
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with(ends)
            && !label.ends_with(ends)
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// A dNSName without its wildcard, and whether it had one; `None` for what is no dNSName.
fn split(name: &[u8]) -> Option<(&str, bool)> {
    let text = std::str::from_utf8(name).ok()?;
    let (rest, is_wildcard) = text.strip_prefix("*.").map_or((text, false), |rest| (rest, true));
    is_name(rest).then_some((rest, is_wildcard))
}

/// Whether all hosts that a dNSName stands for are in a subtree.
pub(super) fn contains(base: &str, name: &[u8]) -> Option<bool> {
    let (name, is_wildcard) = split(name)?;
    Some(match base.strip_prefix('.') {
        // A wildcard's hosts are all below the domain that it stands before.
        Some(domain) => is_below(domain, name) || (is_wildcard && name.eq_ignore_ascii_case(domain)),
        None => base.is_empty() || name.eq_ignore_ascii_case(base) || is_below(base, name),
    })
}

/// Whether any host that a dNSName stands for is in a subtree: `*.example.com` may be `www.example.com`.
pub(super) fn overlaps(base: &str, name: &[u8]) -> Option<bool> {
    let (domain, is_wildcard) = split(name)?;
    let is_matched = || base.split_once('.').is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(domain));
    Some(contains(base, name)? || (is_wildcard && !base.starts_with('.') && is_matched()))
}

fn is_below(domain: &str, name: &str) -> bool {
    let (name, domain) = (name.as_bytes(), domain.as_bytes());
    name.len().checked_sub(domain.len() + 1).is_some_and(|dot| {
        name.get(dot) == Some(&b'.') && name.get(dot + 1..).is_some_and(|end| end.eq_ignore_ascii_case(domain))
    })
}

/// Whether a host is one that a URI's or an rfc822Name's constraint names: itself, or those below a leading dot.
pub(super) fn host_matches(base: &str, host: &str) -> bool {
    match base.strip_prefix('.') {
        Some(domain) => is_below(domain, host),
        None => base.is_empty() || base.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtrees_hold_their_domain_and_all_below() {
        for (base, name, expected) in [
            ("example.com", "example.com", Some(true)),
            ("example.com", "A.B.EXAMPLE.com", Some(true)),
            ("example.com", "notexample.com", Some(false)),
            ("example.com", "com", Some(false)),
            ("example.com", "*.example.com", Some(true)),
            ("example.com", "*.com", Some(false)),
            (".example.com", "example.com", Some(false)),
            (".example.com", "*.example.com", Some(true)),
            ("", "anything.test", Some(true)),
            ("example.com", ".example.com", None),
            ("example.com", "a..example.com", None),
            ("example.com", "*", None),
            ("example.com", "a.*.example.com", None),
            ("example.com", "", None),
            ("example.com", "a b.example.com", None),
        ] {
            assert_eq!(contains(base, name.as_bytes()), expected, "{base} {name}");
        }
        assert_eq!(contains("example.com", "ä.example.com".as_bytes()), None);
    }

    /// `*.example.com` would otherwise be a way round the exclusion of `secret.example.com`.
    #[test]
    fn an_exclusion_holds_against_a_wildcard_that_may_be_it() {
        for (base, name, expected) in [
            ("secret.example.com", "*.example.com", true),
            ("a.secret.example.com", "*.example.com", false),
            ("example.com", "*.example.com", true),
            ("other.com", "*.example.com", false),
            (".secret.example.com", "*.example.com", false),
        ] {
            assert_eq!(overlaps(base, name.as_bytes()), Some(expected), "{base} {name}");
        }
    }

    #[test]
    fn a_host_is_itself_or_below_a_dot() {
        assert!(host_matches(".test", "a.test") && !host_matches(".test", "test") && !host_matches("test", "a.test"));
    }
}
