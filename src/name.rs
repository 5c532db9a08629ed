//! What people type ("localhost", "::1", "*.dev.test", an email, a URI, `CN=…,O=…`) to subjectAltName and subject;
//! and names in certificates back to text.

mod compare;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use der::Encode;
use der::asn1::SetOfVec;
use x509_cert::attr::AttributeTypeAndValue;

use crate::asn1::{self, tag};

pub use self::text::{
    constraint, distinguished_name, escape_unprintable, general_name, hex, is_unprintable, readable, relative, rfc4514,
    rfc4514_der,
};

pub use self::compare::{Canonical, same_name};

/// Longest label of a DNS name, in octets (RFC 1035 section 2.3.4).
const LABEL_LIMIT: usize = 63;

/// Longest DNS name, in octets of its text (RFC 1035 section 2.3.4: 255 on the wire).
const NAME_LIMIT: usize = 253;

/// Longest commonName, in characters (RFC 5280 appendix A.1, `ub-common-name`).
pub const COMMON_NAME_LIMIT: usize = 64;

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

/// A distinguished name, kept as the DER it is: encoded anew, a name may lose an attribute or change its string
/// types, and then no verifier finds the issuer it names.
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
                instead: None,
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

    /// Whether it has no attributes.
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

/// Whether an attribute is an emailAddress, 1.2.840.113549.1.9.1.
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
    /// OpenSSL's `/O=Example/CN=localhost` is read as well.
    fn from_str(input: &str) -> Result<Self, Error> {
        let error = |reason: String| Error { input: input.to_owned(), reason, instead: None };
        let text = input.trim_start_matches(' ');
        let turned = text.starts_with('/').then(|| from_slashes(text));
        let text = turned.as_deref().unwrap_or(text);
        let mut rdns = Vec::new();
        for rdn in split_unescaped(text, &[',']) {
            let attributes =
                split_unescaped(rdn, &['+']).into_iter().map(attribute_from_text).collect::<Result<Vec<_>, _>>();
            let set = attributes.and_then(|set| SetOfVec::try_from(set).map_err(|source| source.to_string()));
            let der = set.and_then(|set| set.to_der().map_err(|source| source.to_string())).map_err(error)?;
            rdns.push(der);
        }
        rdns.reverse();
        let name = der::Any::new(der::Tag::Sequence, rdns.concat()).and_then(|name| name.to_der());
        Ok(Self { der: name.map_err(|source| error(source.to_string()))? })
    }
}

/// `/O=Example/CN=localhost` (root first) as `CN=localhost,O=Example`.
fn from_slashes(text: &str) -> String {
    let mut parts = split_unescaped(text.trim_start_matches('/').trim_end_matches('/'), &['/']);
    parts.reverse();
    let escaped = parts.iter().map(|part| part.replace("\\/", "/").replace(',', "\\,"));
    escaped.collect::<Vec<_>>().join(",")
}

fn split_unescaped<'a>(text: &'a str, separators: &[char]) -> Vec<&'a str> {
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

/// Reads one `KEY=VALUE`. (x509-cert's own splitting of whole names trips over `\\\,`.)
fn attribute_from_text(text: &str) -> Result<AttributeTypeAndValue, String> {
    check_attribute(text)?;
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let text = format!("{}={}", key.trim(), trim_value(value));
    let unreadable = || format!("`{text}` does not read as KEY=VALUE (RFC 4514)");
    let attribute: AttributeTypeAndValue = text.parse().map_err(|_| unreadable())?;
    let decoded = attribute.value.value();
    let tag = der::Tagged::tag(&attribute.value);
    if tag == der::Tag::Ia5String && !decoded.is_ascii() || tag == der::Tag::PrintableString && !is_printable(decoded) {
        return Err(format!("`{}` holds ASCII alone (RFC 5280 appendix A.1)", key.trim()));
    }
    if !value.starts_with('#') {
        let characters = std::str::from_utf8(attribute.value.value()).map_err(|_| unreadable())?.chars().count();
        let limit = ATTRIBUTE_LIMITS.iter().find(|(name, _)| key.trim().eq_ignore_ascii_case(name));
        if let Some((name, limit)) = limit.filter(|(_, limit)| characters > *limit) {
            return Err(format!("`{name}` is longer than {limit} characters (RFC 5280 appendix A.1)"));
        }
    }
    Ok(attribute)
}

/// Without the white space round it, but with an escaped space at its end.
fn trim_value(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    if ends_in_backslash(trimmed) { value.get(..=trimmed.len()).unwrap_or(trimmed) } else { trimmed }
}

/// RFC 4514 section 3: a backslash stands before a special character or two hex digits.
fn escapes_are_whole(value: &str) -> bool {
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            continue;
        }
        let whole = match chars.next() {
            Some(c) if c.is_ascii_hexdigit() => chars.next().is_some_and(|c| c.is_ascii_hexdigit()),
            Some(c) => " \"#=\\+,;<>".contains(c),
            None => false,
        };
        if !whole {
            return false;
        }
    }
    true
}

fn ends_in_backslash(text: &str) -> bool {
    (text.len() - text.trim_end_matches('\\').len()) % 2 == 1
}

/// Whether octets may be in a PrintableString (X.680 section 41.4).
fn is_printable(octets: &[u8]) -> bool {
    octets.iter().all(|octet| octet.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(octet))
}

/// Longest values of attributes, in characters (RFC 5280 appendix A.1).
const ATTRIBUTE_LIMITS: [(&str, usize); 7] = [
    ("CN", COMMON_NAME_LIMIT),
    ("O", 64),
    ("OU", 64),
    ("L", 128),
    ("ST", 128),
    ("SERIALNUMBER", 64),
    ("EMAILADDRESS", 255),
];

fn check_attribute(text: &str) -> Result<(), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(format!("`{text}` is not of the form KEY=VALUE (RFC 4514)"));
    };
    let (key, value) = (key.trim(), trim_value(value));
    if value.is_empty() {
        return Err(format!("`{key}` has no value"));
    }
    if !escapes_are_whole(value) {
        return Err(format!("`{key}` has a backslash before neither a special character nor two hex digits"));
    }
    if value.starts_with('#') {
        return Ok(());
    }
    let known = der::oid::db::DB.by_name(key).is_some() || der::asn1::ObjectIdentifier::new(key).is_ok();
    if !known {
        return Err(format!("`{key}` is not an attribute known here: write its dotted OID"));
    }
    if value.contains("\\00") {
        return Err(format!("`{key}` contains a NUL character"));
    }
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?\\".contains(c);
    match key.to_ascii_uppercase().as_str() {
        "C" if value.len() != 2 || !value.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            Err("`C` is a country code of two letters".to_owned())
        }
        "SERIALNUMBER" if !value.chars().all(printable) => {
            Err(format!("`{key}` is a PrintableString, which has no letters but ASCII's (RFC 5280 appendix A.1)"))
        }
        "DC" | "EMAILADDRESS" if !value.is_ascii() => Err(format!("`{key}` must be ASCII (RFC 5280 appendix A.1)")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(input: &str) -> String {
        input
            .parse::<SubjectAltName>()
            .map_or_else(|error| format!("refused: {}", error.reason), |name| name.to_string())
    }

    #[test]
    fn hosts_are_sorted_by_kind() {
        for (input, expected) in [
            ("localhost", "DNS:localhost"),
            ("LocalHost", "DNS:localhost"),
            ("*.dev.test", "DNS:*.dev.test"),
            ("my_service", "DNS:my_service"),
            ("xn--bcher-kva.test", "DNS:xn--bcher-kva.test"),
            ("bücher.test", "DNS:xn--bcher-kva.test"),
            ("*.bücher.test", "DNS:*.xn--bcher-kva.test"),
            ("faß.test", "DNS:xn--fa-hia.test"),
            ("127.0.0.1", "IP:127.0.0.1"),
            ("::1", "IP:::1"),
            ("[::1]", "IP:::1"),
            ("2001:DB8::1", "IP:2001:db8::1"),
            ("me@example.com", "email:me@example.com"),
            ("me@bücher.test", "email:me@xn--bcher-kva.test"),
            ("spiffe://td/app", "URI:spiffe://td/app"),
            ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ("DNS:localhost", "DNS:localhost"),
            ("URI:https://a.test/", "URI:https://a.test/"),
        ] {
            assert_eq!(kind(input), expected, "{input}");
        }
    }

    #[test]
    fn what_cannot_be_in_a_certificate_is_refused_with_the_reason() {
        for (input, reason) in [
            ("", "it is empty"),
            ("--days", "it begins with a dash, as a flag does"),
            ("-x.test", "it begins with a dash, as a flag does"),
            ("a b", "it contains white space"),
            ("a\0b", "it contains a control character"),
            ("localhost:3000", "a certificate holds no port"),
            ("[::1]:3000", "a certificate holds no port"),
            ("10.0.0.0/8", "a range of addresses belongs in a CA's name constraints"),
            ("example.com/path", "a host has no path"),
            ("fe80::1%eth0", "a certificate holds no zone of an IPv6 address"),
            ("256.1.1.1", "it looks like an IP address but is none"),
            ("1.2.3", "it looks like an IP address but is none"),
            (":::1", "it looks like an IP address but is none"),
            ("DNS:127.0.0.1", "an address is no DNS name"),
            ("example.com.", "a certificate's names end without a dot"),
            ("a..b", "a label is empty"),
            (".test", "a label is empty"),
            ("a.-b.test", "a label begins or ends with a dash"),
            ("*", "a wildcard needs a domain behind it, as in `*.dev.test`"),
            ("a.*.test", "a wildcard must be the whole leftmost label, as in `*.dev.test`"),
            ("f*.test", "a wildcard must be the whole leftmost label, as in `*.dev.test`"),
            ("a,b", "a host name holds no `,`"),
            ("@example.com", "the part before the @ is not one of an email address"),
            ("jürgen@example.com", "the part before the @ must be ASCII (RFC 5280 section 4.2.1.6)"),
            ("://x", "its scheme is not one of a URI"),
            ("spiffe://", "a URI needs something behind its scheme"),
        ] {
            assert_eq!(kind(input), format!("refused: {reason}"), "{input:?}");
        }
        assert!(kind(&format!("{}.test", "a".repeat(64))).contains("63 octets"));
        assert!(kind(&["a"; 130].join(".")).contains("253 octets"));
    }

    #[test]
    fn odd_wildcards_and_pasted_addresses_are_warned_about() {
        let warning = |input: &str| input.parse::<SubjectAltName>().unwrap().warning().map(|warning| warning.0);
        assert!(warning("*.*.dev.test").unwrap().contains("one label"));
        assert!(warning("*.test").unwrap().contains("top-level domain"));
        assert!(warning("https://localhost:3000/x").unwrap().contains("write `localhost:3000`"));
        assert_eq!(warning("*.dev.test"), None);
        assert_eq!(warning("spiffe://td/app"), None);
    }

    #[test]
    fn the_same_name_twice_counts_once() {
        let names = parse_all(["localhost", "LOCALHOST", "::1", "0:0::1"]).unwrap();
        assert_eq!(names.len(), 2);
    }

    /// rcgen keeps one attribute of a kind; a name with two must come out with both, in order.
    #[test]
    fn subjects_keep_repeated_and_multi_valued_attributes() {
        for text in [
            "CN=localhost",
            "CN=ca,OU=B,OU=A,DC=example,DC=com",
            "CN=a+OU=b,O=c",
            r"CN=Smith\, J.,O=A\+B",
            r"CN=\#1,O=\ x\ ",
            "CN=bücher,C=DE",
            "STREET=Main 1,UID=u1",
        ] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        assert_eq!("cn = a , o = b".parse::<Subject>().unwrap().to_string(), "CN=a,O=b");
        assert_eq!("/DC=com/O=A, Inc/CN=x".parse::<Subject>().unwrap().to_string(), r"CN=x,O=A\, Inc,DC=com");
        assert_eq!("1.2.3.4=x".parse::<Subject>().unwrap().to_string(), "1.2.3.4=#0c0178");
    }

    #[test]
    fn subjects_that_cannot_be_say_why() {
        let reason = |input: &str| input.parse::<Subject>().unwrap_err().reason;
        assert_eq!(reason("localhost"), "`localhost` is not of the form KEY=VALUE (RFC 4514)");
        assert_eq!(reason("CN="), "`CN` has no value");
        assert_eq!(reason("XY=1"), "`XY` is not an attribute known here: write its dotted OID");
        assert_eq!(reason("C=Germany"), "`C` is a country code of two letters");
        assert!(reason(&format!("CN={}", "a".repeat(65))).contains("longer than 64"));
        assert!(reason("CN=a\\00b").contains("NUL"));
        assert!(reason(r"CN=\a").contains("two hex digits"));
        assert!(reason(r"CN=a\").contains("two hex digits"));
        assert!(reason("").contains("KEY=VALUE"));
    }

    #[test]
    fn strings_are_decoded_by_their_type() {
        let name = |tag: u8, value: &[u8]| {
            let value = [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
            let pair = [&[6, 3, 0x55, 4, 3], &value[..]].concat();
            let wrap = |tag: u8, inner: &[u8]| [&[tag, u8::try_from(inner.len()).unwrap()], inner].concat();
            Subject::from_der(&wrap(0x30, &wrap(0x31, &wrap(0x30, &pair)))).unwrap().to_string()
        };
        assert_eq!(name(30, &[0, b'h', 0, 0xfc]), "CN=hü");
        assert_eq!(name(28, &[0, 0, 0, b'h', 0, 1, 0xf6, 0]), "CN=h\u{1f600}");
        assert_eq!(name(20, &[b'h', 0xfc]), "CN=hü");
        assert_eq!(name(12, b"a\x1b[31m"), r"CN=a\1b[31m");
        assert_eq!(name(12, "a\u{202e}b".as_bytes()), r"CN=a\e2\80\aeb");
    }

    proptest! {
        #[test]
        fn no_host_panics_and_what_is_taken_is_taken_again(input in "\\PC{0,80}") {
            if let Ok(name) = input.parse::<SubjectAltName>() {
                prop_assert!(name.to_rcgen().is_some());
                prop_assert_eq!(&name.to_string().parse::<SubjectAltName>().unwrap(), &name);
            }
        }

        #[test]
        fn hosts_made_of_their_letters(input in "[-*a-zü0-9.:@/\\[\\]%_]{0,40}") {
            if let Ok(name) = input.parse::<SubjectAltName>() {
                prop_assert_eq!(&name.to_string().parse::<SubjectAltName>().unwrap(), &name);
            }
        }

        #[test]
        fn no_subject_panics(input in "\\PC{0,80}") {
            let _ = input.parse::<Subject>();
        }

        /// Any text can be an attribute's value, and comes out as it went in.
        #[test]
        fn escaped_values_come_back(value in "[^\\x00]{1,40}") {
            let mut text = "O=".to_owned();
            text::escape_value(&mut text, &value);
            let subject = text.parse::<Subject>().unwrap();
            prop_assert_eq!(subject.to_string(), text);
        }

        #[test]
        fn subjects_of_attributes(input in "(CN|O|DC|ou|1\\.2\\.3)=[ a-z\\\\,+#\"]{0,12}([,+/]CN=[a-z ]{0,4})?") {
            if let Ok(subject) = input.parse::<Subject>() {
                prop_assert_eq!(&subject.to_string().parse::<Subject>().unwrap(), &subject);
            }
        }
    }
}
