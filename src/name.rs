//! What people type ("localhost", "::1", "*.dev.test", an email, a URI, `CN=…,O=…`) to subjectAltName and subject;
//! and names in certificates back to text.

mod compare;
mod distinguished;
mod general;
mod subject;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

pub use self::compare::{Canonical, same_name};
pub use self::distinguished::{Attribute, DistinguishedName};
pub use self::general::GeneralName;
pub use self::subject::Subject;
pub use self::text::{
    constraint, distinguished_name, escape_unprintable, general_name, hex, is_unprintable, readable, relative,
    rfc4514_der,
};

/// Longest label of a DNS name, in octets (RFC 1035 section 2.3.4).
const LABEL_LIMIT: usize = 63;

/// Longest DNS name, in octets of its text (RFC 1035 section 2.3.4: 255 on the wire).
const NAME_LIMIT: usize = 253;

/// Longest commonName, in characters (RFC 5280 appendix A.1, `ub-common-name`).
pub const COMMON_NAME_LIMIT: usize = 64;

/// Decides whether a domain is a public suffix: one under which a registry gives out names, not a company to its
/// customers.
///
/// Those are the list's private section, which CA/Browser Forum 3.2.2.6 leaves out.
#[must_use]
pub fn is_public_suffix(domain: &[u8]) -> bool {
    let domain = domain.to_ascii_lowercase();
    psl::suffix(&domain).is_some_and(|suffix| suffix.as_bytes() == domain && suffix.typ() == Some(psl::Type::Icann))
}

/// Why something typed cannot be a name in a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` cannot be a name in a certificate: {reason}")]
#[non_exhaustive]
pub struct Error {
    /// What was typed.
    pub input: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to write instead, where that is clear.
    pub instead: Option<String>,
}

/// Something about a name that is allowed but that hardly anybody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry of a subjectAltName (RFC 5280 section 4.2.1.6), valid by construction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SubjectAltName {
    /// dNSName: lower-case A-labels, perhaps behind `*.`.
    Dns(String),
    /// iPAddress.
    Ip(IpAddr),
    /// rfc822Name: `local@domain`, in ASCII.
    Email(String),
    /// uniformResourceIdentifier, in ASCII.
    Uri(String),
}

/// The names a certificate is for when none are given: this machine, as browsers reach it.
#[must_use]
pub fn loopback() -> Vec<SubjectAltName> {
    vec![
        SubjectAltName::Dns("localhost".to_owned()),
        SubjectAltName::Ip(Ipv4Addr::LOCALHOST.into()),
        SubjectAltName::Ip(Ipv6Addr::LOCALHOST.into()),
    ]
}

impl fmt::Display for SubjectAltName {
    /// With its kind in front, as in `DNS:localhost`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
        }
    }
}

impl FromStr for SubjectAltName {
    type Err = Error;

    /// Sorts what was typed by its kind; `DNS:`, `IP:`, `email:` and `URI:` in front say it outright.
    fn from_str(input: &str) -> Result<Self, Error> {
        Typed(input).parse()
    }
}

impl SubjectAltName {
    /// The name without its kind.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) => text.clone(),
            Self::Ip(address) => address.to_string(),
        }
    }

    /// What hardly anybody wants of such a name.
    #[must_use]
    pub fn warning(&self) -> Option<Warning> {
        let text = match self {
            Self::Dns(name) if name.starts_with("*.*.") => {
                format!("no client matches `{name}`: a wildcard stands for one label, the leftmost")
            }
            Self::Dns(name) if name.starts_with("*.") && name.matches('.').count() == 1 => {
                format!("`{name}` covers a whole top-level domain, and no browser accepts that")
            }
            Self::Uri(uri) => {
                let (scheme, rest) = uri.split_once("://")?;
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                if !is_web(scheme) {
                    return None;
                }
                format!("`{uri}` is put in as a URI, which no client matches a server against: write `{host}`")
            }
            _ => return None,
        };
        Some(Warning(text))
    }

    fn to_rcgen(&self) -> Option<rcgen::SanType> {
        Some(match self {
            Self::Dns(name) => rcgen::SanType::DnsName(name.as_str().try_into().ok()?),
            Self::Ip(address) => rcgen::SanType::IpAddress(*address),
            Self::Email(address) => rcgen::SanType::Rfc822Name(address.as_str().try_into().ok()?),
            Self::Uri(uri) => rcgen::SanType::URI(uri.as_str().try_into().ok()?),
        })
    }
}

/// The entries as rcgen takes them: all are ASCII by construction.
#[must_use]
pub fn to_rcgen(names: &[SubjectAltName]) -> Vec<rcgen::SanType> {
    names.iter().filter_map(SubjectAltName::to_rcgen).collect()
}

/// Reads several names; the same one twice counts once.
///
/// # Errors
///
/// The first that cannot be in a certificate.
pub fn parse_all<'a>(inputs: impl IntoIterator<Item = &'a str>) -> Result<Vec<SubjectAltName>, Error> {
    let mut names = Vec::new();
    for input in inputs {
        let name = input.parse()?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn is_web(scheme: &str) -> bool {
    ["http", "https", "ws", "wss"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
}

/// What a person typed, on its way to a name.
struct Typed<'a>(&'a str);

impl Typed<'_> {
    fn error(&self, reason: impl Into<String>) -> Error {
        Error { input: self.0.to_owned(), reason: reason.into(), instead: None }
    }

    fn instead(&self, reason: &str, instead: impl Into<String>) -> Error {
        Error { instead: Some(instead.into()), ..self.error(reason) }
    }

    fn parse(&self) -> Result<SubjectAltName, Error> {
        let input = self.0;
        if input.is_empty() {
            return Err(self.error("it is empty"));
        }
        if input.starts_with('-') {
            return Err(self.error("it begins with a dash, as a flag does"));
        }
        if let Some(bad) = input.chars().find(|c| c.is_control() || c.is_whitespace()) {
            return Err(self.error(format!(
                "it contains {}",
                if bad.is_whitespace() { "white space" } else { "a control character" }
            )));
        }
        if let Some((kind, rest)) = input.split_once(':') {
            match kind.to_ascii_lowercase().as_str() {
                "dns" => return self.dns(rest),
                "ip" => return Self::ip(rest).ok_or_else(|| self.error("it is not an IP address")),
                "email" => return self.email(rest),
                "uri" => return self.uri(rest),
                _ => {}
            }
        }
        self.sort(input)
    }

    fn sort(&self, input: &str) -> Result<SubjectAltName, Error> {
        if let Some(address) = Self::ip(input) {
            return Ok(address);
        }
        if input.contains("://") || input.to_ascii_lowercase().starts_with("urn:") {
            return self.uri(input);
        }
        if input.contains('@') {
            return self.email(input);
        }
        self.not_almost_an_address(input)?;
        if let Some((host, port)) = input.rsplit_once(':')
            && !host.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(self.instead("a certificate holds no port", host.trim_matches(['[', ']'])));
        }
        self.dns(input)
    }

    fn ip(text: &str) -> Option<SubjectAltName> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        match bare {
            Some(bare) => bare.parse().ok().map(|v6: Ipv6Addr| SubjectAltName::Ip(v6.into())),
            None => text.parse().ok().map(SubjectAltName::Ip),
        }
    }

    /// Refuses what was meant as an address or a range but is no single address.
    fn not_almost_an_address(&self, text: &str) -> Result<(), Error> {
        if let Some((address, length)) = text.split_once('/') {
            if address.parse::<IpAddr>().is_ok() && !length.is_empty() {
                return Err(self.instead("a range of addresses belongs in a CA's name constraints", address));
            }
            return Err(self.instead("a host has no path", address));
        }
        if let Some((address, _)) = text.split_once('%')
            && address.trim_start_matches('[').parse::<Ipv6Addr>().is_ok()
        {
            let address = address.trim_start_matches('[');
            return Err(self.instead("a certificate holds no zone of an IPv6 address", address));
        }
        let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        let numeric = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        if numeric && !text.contains(':') || text.matches(':').count() > 1 && !text.contains("]:") {
            return Err(self.error("it looks like an IP address but is none"));
        }
        Ok(())
    }

    fn email(&self, text: &str) -> Result<SubjectAltName, Error> {
        let (local, domain) = text.rsplit_once('@').ok_or_else(|| self.error("it is not an email address"))?;
        let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        if !local.is_ascii() {
            return Err(self.error("the part before the @ must be ASCII (RFC 5280 section 4.2.1.6)"));
        }
        if local.is_empty() || local.len() > 64 || !local.chars().all(atext) || has_empty_part(local) {
            return Err(self.error("the part before the @ is not one of an email address"));
        }
        let domain = self.a_labels(domain)?;
        Ok(SubjectAltName::Email(format!("{local}@{domain}")))
    }

    /// RFC 5280 section 4.2.1.6: absolute, with a scheme and a scheme-specific part, in ASCII.
    fn uri(&self, text: &str) -> Result<SubjectAltName, Error> {
        let (scheme, rest) = text.split_once(':').ok_or_else(|| self.error("a URI needs a scheme"))?;
        let mut letters = scheme.chars();
        let scheme_is_valid = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !scheme_is_valid {
            return Err(self.error("its scheme is not one of a URI"));
        }
        if !text.is_ascii() {
            return Err(self.error("a URI in a certificate must be ASCII: percent-encode the rest"));
        }
        if rest.trim_start_matches('/').is_empty() {
            return Err(self.error("a URI needs something behind its scheme"));
        }
        if let Some(bad) = rest.chars().find(|c| "\"<>\\^`{|}".contains(*c)) {
            return Err(self.error(format!("a URI holds no `{bad}` unless percent-encoded")));
        }
        Ok(SubjectAltName::Uri(text.to_owned()))
    }

    fn dns(&self, text: &str) -> Result<SubjectAltName, Error> {
        let bare = text.trim_start_matches("*.");
        if bare == "*" || bare.is_empty() {
            return Err(self.error("a wildcard needs a domain behind it, as in `*.dev.test`"));
        }
        if bare.contains('*') {
            return Err(self.error("a wildcard must be the whole leftmost label, as in `*.dev.test`"));
        }
        if bare.parse::<IpAddr>().is_ok() {
            return Err(self.instead("an address is no DNS name", format!("IP:{bare}")));
        }
        let name = format!("{}{}", &text[..text.len() - bare.len()], self.a_labels(bare)?);
        if name.len() > NAME_LIMIT {
            return Err(self.error(format!("it is longer than {NAME_LIMIT} octets")));
        }
        Ok(SubjectAltName::Dns(name))
    }

    /// A host name in lower-case A-labels (UTS 46, nontransitional, as browsers do it).
    fn a_labels(&self, text: &str) -> Result<String, Error> {
        if let Some(name) = text.strip_suffix('.') {
            return Err(self.instead("a certificate's names end without a dot", name));
        }
        let name = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL)
            .map_err(|_| self.error("it is not a host name"))?;
        if has_empty_part(&name) {
            return Err(self.error("a label is empty"));
        }
        for label in name.split('.') {
            if label.len() > LABEL_LIMIT {
                return Err(self.error(format!("a label is longer than {LABEL_LIMIT} octets")));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(self.error("a label begins or ends with a dash"));
            }
            // An underscore is no letter of a host name, but names such as `my_service` resolve in containers.
            if let Some(bad) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-' && *c != '_') {
                return Err(self.error(format!("a host name holds no `{bad}`")));
            }
        }
        if name.len() > NAME_LIMIT {
            return Err(self.error(format!("it is longer than {NAME_LIMIT} octets")));
        }
        Ok(name.into_owned())
    }
}

fn has_empty_part(name: &str) -> bool {
    name.split('.').any(str::is_empty)
}
