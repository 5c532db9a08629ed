//! Names of hosts: subjectAltName and commonName.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::subject::Subject;
use super::{Messages, when};
use crate::base::words::counted;
use crate::encoding::asn1::decode_string;
use crate::x509::extension::id;
use crate::x509::name::{self, Entry, GeneralName, GeneralNames, Name, escape_unprintable, ip_address};

const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// Domains without an owner, which no public CA may certify.
const INTERNAL: [&str; 12] = [
    "localhost",
    "test",
    "internal",
    "local",
    "invalid",
    "example",
    "onion",
    "lan",
    "home",
    "corp",
    "localdomain",
    "home.arpa",
];

/// A dNSName as text; octets that are not ASCII become U+FFFD, which no rule takes for a letter.
fn text(name: &[u8]) -> String {
    name.iter().map(|octet| if octet.is_ascii() { char::from(*octet) } else { '\u{fffd}' }).collect()
}

fn quoted(text: &str) -> String {
    format!("`{}`", escape_unprintable(text))
}

/// The well-formed names of subjectAltName.
fn general_names<'s, 'a>(subject: &'s Subject<'a>) -> impl Iterator<Item = &'s GeneralName<'a>> {
    subject.names().iter().filter_map(|entry| entry.name.as_ref().ok())
}

/// The dNSNames of which something is true, each with the words that say so.
fn each_dns(subject: &Subject<'_>, wrong: impl Fn(&str) -> Option<String>) -> Messages {
    let names = subject.extensions().subject_alt_name().into_iter().flat_map(GeneralNames::dns).map(text);
    names.filter_map(|name| wrong(&name).map(|words| format!("{} {words}", quoted(&name)))).collect()
}

fn labels_of(name: &str) -> impl Iterator<Item = &str> {
    name.strip_prefix("*.").unwrap_or(name).split('.')
}

pub(super) fn san_missing(subject: &Subject<'_>) -> Messages {
    when(!subject.names_hosts(), || match subject.extension(id::SUBJECT_ALT_NAME) {
        Some(_) => "its subjectAltName names no host".to_owned(),
        None => "it has no subjectAltName, and clients do not look at the commonName".to_owned(),
    })
}

/// A subject's commonNames as text.
fn common_names(subject: &Subject<'_>) -> Vec<String> {
    let attributes = subject.subject.as_ref().map(super::attributes::all).unwrap_or_default();
    let names = attributes.iter().filter(|attribute| attribute.kind.content == COMMON_NAME).map(|name| name.value);
    names.filter_map(|value| decode_string(value.tag, value.content).map(std::borrow::Cow::into_owned)).collect()
}

fn ip_text(octets: &[u8]) -> Option<String> {
    ip_address(octets).map(|address| address.to_string())
}

pub(super) fn cn_not_in_san(subject: &Subject<'_>) -> Messages {
    if !subject.names_hosts() {
        return Vec::new();
    }
    let names: HashSet<String> = general_names(subject)
        .filter_map(|name| match name {
            GeneralName::Dns(octets) => Some(text(octets)),
            GeneralName::Ip(octets) => ip_text(octets),
            _ => None,
        })
        .collect();
    let missing = common_names(subject).into_iter().filter(|name| !names.contains(name));
    missing.map(|name| format!("the commonName {} is none of the subjectAltNames", quoted(&name))).collect()
}

pub(super) fn cn_present(subject: &Subject<'_>) -> Messages {
    when(!common_names(subject).is_empty(), || "it has a commonName, which no client needs".to_owned())
}

pub(super) fn ip_in_dns_san(subject: &Subject<'_>) -> Messages {
    each_dns(subject, |name| is_address(name).then(|| "is an address in a dNSName: clients look in iPAddress".into()))
}

fn is_address(name: &str) -> bool {
    name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

pub(super) fn dns_bad_syntax(subject: &Subject<'_>) -> Messages {
    each_dns(subject, |name| {
        if is_address(name) {
            return None;
        }
        let bare = name.trim_start_matches("*.");
        let bad = bare.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.*".contains(*c));
        Some(match bad {
            _ if name.is_empty() => "is empty".to_owned(),
            Some(':' | '/') => "has a port or a path, or is a URL".to_owned(),
            Some(bad) if bad.is_whitespace() => "has a space".to_owned(),
            Some('\u{fffd}') => "is not ASCII: internationalised names are written as A-labels (xn--…)".to_owned(),
            Some(_) => "has a character that no host name has".to_owned(),
            None if name.ends_with('.') => "ends with a dot".to_owned(),
            None if bare.split('.').any(str::is_empty) => "has an empty label".to_owned(),
            None if name.len() > 253 => format!("has {} octets, more than 253", name.len()),
            None if bare.split('.').any(|label| label.len() > 63) => "has a label of more than 63 octets".to_owned(),
            None if bare.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) => {
                "has a label that begins or ends with a dash".to_owned()
            }
            None => return None,
        })
    })
}

pub(super) fn dns_underscore(subject: &Subject<'_>) -> Messages {
    each_dns(subject, |name| name.contains('_').then(|| "has an underscore".to_owned()))
}

pub(super) fn wildcard_bad(subject: &Subject<'_>) -> Messages {
    each_dns(subject, |name| {
        let stars = name.matches('*').count();
        let is_good = stars == 0 || stars == 1 && name.starts_with("*.") && name.len() > 2;
        (!is_good).then(|| "has a wildcard that is not the whole of the leftmost label, once".to_owned())
    })
}

pub(super) fn wildcard_too_wide(subject: &Subject<'_>) -> Messages {
    each_dns(subject, |name| {
        let base = name.strip_prefix("*.").filter(|base| !base.is_empty() && !base.contains('*'))?.to_ascii_lowercase();
        let is_wide = !base.contains('.') || name::is_public_suffix(base.as_bytes());
        is_wide.then(|| format!("stands for everything below `{}`: clients do not match it", escape_unprintable(&base)))
    })
}

pub(super) fn dns_reserved_label(subject: &Subject<'_>) -> Messages {
    each_dns(subject, |name| {
        labels_of(name).find_map(|label| {
            let label = label.to_ascii_lowercase();
            if label.as_bytes().get(2..4) != Some(b"--".as_slice()) {
                return None;
            }
            if !label.starts_with("xn--") {
                return Some("has a label with `--` in its third and fourth place that is not xn--".to_owned());
            }
            let (unicode, result) = idna::domain_to_unicode(&label);
            let is_same = idna::domain_to_ascii(&unicode).is_ok_and(|back| back == label);
            (result.is_err() || !is_same || unicode == label).then(|| "has a label that is no A-label".to_owned())
        })
    })
}

pub(super) fn internal_name(subject: &Subject<'_>) -> Messages {
    let internal = |name: &GeneralName<'_>| match name {
        GeneralName::Dns(octets) => Some(text(octets)).filter(|name| is_internal_domain(name)),
        GeneralName::Ip(octets) => ip_address(octets).filter(is_internal_address).map(|address| address.to_string()),
        _ => None,
    };
    let found = general_names(subject).filter_map(internal);
    found.map(|name| format!("{} is nobody's on the Internet: no public CA may certify it", quoted(&name))).collect()
}

fn is_internal_domain(name: &str) -> bool {
    let name = name.trim_start_matches("*.").trim_end_matches('.').to_ascii_lowercase();
    let is_below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let is_listed = || name::listed_suffix(name.as_bytes()).is_some();
    INTERNAL.iter().any(|domain| is_below(domain)) || !name.is_empty() && !is_address(&name) && !is_listed()
}

fn is_internal_address(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_internal_v4(*v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| is_internal_v6(*v6), is_internal_v4),
    }
}

fn is_internal_v4(v4: Ipv4Addr) -> bool {
    let [first, second, ..] = v4.octets();
    let is_shared = first == 100 && second & 0xc0 == 64;
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || v4.is_multicast()
        || is_shared
        || first == 0
        || first >= 240
}

/// All addresses except global unicast (2000::/3), and the documentation ranges within it.
fn is_internal_v6(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    first & 0xe000 != 0x2000 || first == 0x2001 && second == 0xdb8
}

pub(super) fn san_duplicate(subject: &Subject<'_>) -> Messages {
    let mut seen = HashSet::new();
    let mut again = |entry: &&Entry<'_>| {
        let folded = match &entry.name {
            Ok(GeneralName::Dns(name)) => name.to_ascii_lowercase(),
            _ => entry.value.content.to_vec(),
        };
        !seen.insert((entry.value.tag, folded))
    };
    let twice = subject.names().iter().filter(|entry| again(entry));
    twice.map(|entry| format!("`{entry}` is there twice")).collect()
}

pub(super) fn san_ip_length(subject: &Subject<'_>) -> Messages {
    let lengths = general_names(subject).filter_map(|name| match name {
        GeneralName::Ip(octets) => Some(octets.len()),
        _ => None,
    });
    let bad = lengths.filter(|length| !matches!(length, 4 | 16));
    bad.map(|length| format!("an iPAddress has {}, neither 4 nor 16", counted(length, "octet"))).collect()
}

pub(super) fn san_critical(subject: &Subject<'_>) -> Messages {
    let Some(extension) = subject.extension(id::SUBJECT_ALT_NAME) else { return Vec::new() };
    let has_subject = subject.subject.as_ref().is_some_and(|name: &Name<'_>| !name.is_empty());
    match (extension.is_critical(), has_subject) {
        (true, true) => vec!["subjectAltName is critical although there is a subject".to_owned()],
        (false, false) => vec!["subjectAltName is not critical although the subject is empty".to_owned()],
        _ => Vec::new(),
    }
}

pub(super) fn san_bad_entry(subject: &Subject<'_>) -> Messages {
    let wrong = |entry: &Entry<'_>| match entry.name {
        Ok(GeneralName::Email(octets)) if !is_mailbox(octets) => Some("an rfc822Name is no address"),
        Ok(GeneralName::Uri(octets)) if !is_uri(octets) => Some("a URI has no scheme, or nothing behind it"),
        _ => None,
    };
    let found = subject.names().iter().filter_map(|entry| wrong(entry).map(|words| (entry, words)));
    found.map(|(entry, words)| format!("{words}: {entry}")).collect()
}

fn is_mailbox(octets: &[u8]) -> bool {
    let mut parts = octets.rsplitn(2, |octet| *octet == b'@');
    let is_text = |part: Option<&[u8]>| part.is_some_and(|part| !part.is_empty() && part.is_ascii());
    is_text(parts.next()) && is_text(parts.next()) && !octets.iter().any(u8::is_ascii_whitespace)
}

fn is_uri(octets: &[u8]) -> bool {
    let mut parts = octets.splitn(2, |octet| *octet == b':');
    let scheme = parts.next().unwrap_or_default();
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(octet));
    is_scheme && octets.is_ascii() && parts.next().is_some_and(|rest| !rest.is_empty())
}
