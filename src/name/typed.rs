//! Reads a name that a person typed or a request holds: sorts it by kind, or refuses it with the reason and with what to
//! write instead.

use std::net::{IpAddr, Ipv6Addr};

use super::{Error, SubjectAltName};

/// Longest label of a DNS name, in octets (RFC 1035 section 2.3.4).
const LABEL_LIMIT: usize = 63;

/// Longest DNS name, in octets of its text (RFC 1035 section 2.3.4: 255 on the wire).
const NAME_LIMIT: usize = 253;

/// Kinds that are written in front of a name, as in `DNS:localhost`.
const KINDS: [&str; 4] = ["dns", "ip", "email", "uri"];

/// Times that advice is followed by further advice, as `localhost` for `https://localhost:3000` is.
const STEPS: u8 = 4;

/// A name as a person typed it.
pub(super) struct Typed<'a> {
    text: &'a str,
    /// The times that advice may still be followed by further advice.
    steps: u8,
}

impl<'a> Typed<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, steps: STEPS }
    }

    /// Reads a word that this one is to be replaced by.
    fn next(&self, text: &str) -> Result<SubjectAltName, Error> {
        match self.steps.checked_sub(1) {
            Some(steps) => Typed { text, steps }.parse(),
            None => Err(Typed { text, steps: 0 }.error("it is none of several names")),
        }
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error { input: self.text.to_owned(), reason: reason.into(), instead: Vec::new() }
    }

    /// An error that advises another word, or several; those that could not be names themselves are not advised.
    fn instead<'b>(&self, reason: &str, words: impl IntoIterator<Item = &'b str>) -> Error {
        let mut instead = Vec::new();
        for word in words {
            match self.next(word) {
                Ok(_) => instead.push(word.to_owned()),
                Err(error) if !error.instead.is_empty() => instead.extend(error.instead),
                Err(_) => return self.error(reason),
            }
        }
        Error { instead, ..self.error(reason) }
    }

    pub(super) fn parse(&self) -> Result<SubjectAltName, Error> {
        let input = self.text;
        if input.is_empty() {
            return Err(self.error("it is empty"));
        }
        if input.starts_with('-') {
            return Err(self.error("it begins with a dash, as a flag does"));
        }
        if let Some(bad) = input.chars().find(|c| c.is_control() && !c.is_whitespace()) {
            let what = match bad {
                '\0' => "a NUL character",
                '\u{1b}' => "an escape character",
                _ => "a control character",
            };
            return Err(self.error(format!("it contains {what}")));
        }
        if input.contains(char::is_whitespace) {
            let kind = input.split_once(':').filter(|(kind, _)| KINDS.contains(&kind.to_ascii_lowercase().as_str()));
            let words: Vec<_> = match kind {
                Some((kind, rest)) => rest.split_whitespace().map(|word| format!("{kind}:{word}")).collect(),
                None => input.split_whitespace().map(str::to_owned).collect(),
            };
            return Err(self.instead("it contains white space", words.iter().map(String::as_str)));
        }
        if let Some((kind, rest)) = input.split_once(':') {
            match kind.to_ascii_lowercase().as_str() {
                "dns" => return self.dns(rest),
                "ip" => return Self::ip(rest).ok_or_else(|| self.no_address(rest)),
                "email" => return self.email(rest),
                "uri" => return self.uri(rest),
                "mailto" => return Err(self.instead("an email address has no scheme", [rest])),
                _ => {}
            }
        }
        self.sort(input)
    }

    fn sort(&self, input: &str) -> Result<SubjectAltName, Error> {
        if let Some(address) = Self::ip(input) {
            return Ok(address);
        }
        if is_list(input) {
            let words = input.split([',', ';']).filter(|word| !word.is_empty());
            return Err(self.instead("hosts are separated by spaces", words));
        }
        if let Some(host) = web_host(input) {
            return Err(self.instead("a server's certificate is for a host, which no URL is matched against", [host]));
        }
        if input.contains("://") || input.to_ascii_lowercase().starts_with("urn:") {
            return self.uri(input);
        }
        if input.contains('@') {
            return self.email(input);
        }
        self.not_almost_a_host(input)?;
        self.dns(input)
    }

    fn ip(text: &str) -> Option<SubjectAltName> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        match bare {
            Some(bare) => bare.parse().ok().map(|v6: Ipv6Addr| SubjectAltName::Ip(v6.into())),
            None => text.parse().ok().map(SubjectAltName::Ip),
        }
    }

    fn no_address(&self, text: &str) -> Error {
        let is_name = text.contains(|c: char| c.is_ascii_alphabetic()) && !text.contains([':', '/']);
        if is_name {
            self.instead("it is a name, not an IP address", [text])
        } else {
            self.error("it is not an IP address")
        }
    }

    /// Refuses an address or a host with something that a certificate does not hold: a port, a path, a range, a zone.
    fn not_almost_a_host(&self, text: &str) -> Result<(), Error> {
        if let Some((host, rest)) = text.split_once('/') {
            let is_range = host.parse::<IpAddr>().is_ok() && !rest.is_empty() && !rest.contains('/');
            let reason =
                if is_range { "a range of addresses belongs in a CA's name constraints" } else { "a host has no path" };
            return Err(self.instead(reason, [host]));
        }
        if let Some((address, _)) = text.split_once('%')
            && address.trim_start_matches('[').parse::<Ipv6Addr>().is_ok()
        {
            let address = address.trim_start_matches('[');
            return Err(self.instead("a certificate holds no zone of an IPv6 address", [address]));
        }
        if let Some((host, port)) = text.rsplit_once(':')
            && !host.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && (!host.contains(':') || host.ends_with(']'))
        {
            return Err(self.instead("a certificate holds no port", [host.trim_matches(['[', ']'])]));
        }
        let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        let numeric = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        if numeric && !text.contains(':') || text.matches(':').count() > 1 && !text.contains("]:") {
            return Err(self.error("it looks like an IP address but is none"));
        }
        Ok(())
    }

    fn email(&self, text: &str) -> Result<SubjectAltName, Error> {
        let (local, domain) = text.rsplit_once('@').ok_or_else(|| {
            let name = self.next(text).map(|name| name.to_string());
            match name {
                Ok(name) => self.instead("an email address has an @, and this has none", [name.as_str()]),
                Err(_) => self.error("an email address has an @, and this has none"),
            }
        })?;
        let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        if !local.is_ascii() {
            return Err(self.error("the part before the @ must be ASCII (RFC 5280 section 4.2.1.6)"));
        }
        if local.is_empty() || local.len() > 64 || !local.chars().all(atext) || has_empty_part(local) {
            return Err(self.error("the part before the @ is not one of an email address"));
        }
        if domain.parse::<IpAddr>().is_ok() || domain.starts_with('[') {
            return Err(self.error("an email address in a certificate has a domain behind the @, not an IP address"));
        }
        let domain = self.a_labels(domain, &|domain| format!("{local}@{domain}"))?;
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
        if text.is_empty() {
            return Err(self.error("it is empty"));
        }
        if let Some(SubjectAltName::Ip(address)) = Self::ip(text) {
            return Err(self.instead("an address is no DNS name", [format!("IP:{address}").as_str()]));
        }
        if let Some(host) = web_host(text) {
            return Err(self.instead("a URL is no DNS name", [host]));
        }
        if text.split_once(':').is_some_and(|(kind, _)| KINDS.contains(&kind.to_ascii_lowercase().as_str())) {
            return Err(self.instead("it names its kind twice", [text]));
        }
        if text.contains([',', ';']) {
            return Err(
                self.instead("it is several names in one", text.split([',', ';']).filter(|word| !word.is_empty()))
            );
        }
        if text.contains('@') {
            return Err(self.instead("an email address is no DNS name", [format!("email:{text}").as_str()]));
        }
        self.not_almost_a_host(text)?;
        let bare = text.trim_start_matches("*.");
        if bare == "*" || bare.is_empty() {
            return Err(self.error("a wildcard needs a domain behind it, as in `*.dev.test`"));
        }
        if bare.contains('*') {
            return Err(self.error("a wildcard must be the whole leftmost label, as in `*.dev.test`"));
        }
        let wildcard = text.strip_suffix(bare).unwrap_or_default();
        let name = format!("{wildcard}{}", self.a_labels(bare, &|bare| format!("{wildcard}{bare}"))?);
        if name.len() > NAME_LIMIT {
            return Err(self.error(format!("it is longer than {NAME_LIMIT} octets")));
        }
        Ok(SubjectAltName::Dns(name))
    }

    /// A host name in lower-case A-labels (UTS 46, nontransitional, as browsers do it). `whole` puts it back into what it
    /// is a part of.
    fn a_labels(&self, text: &str, whole: &dyn Fn(&str) -> String) -> Result<String, Error> {
        let other = |reason: &str, text: &str| self.instead(reason, [whole(text).as_str()]);
        if text.is_empty() {
            return Err(self.error("it has no host name"));
        }
        if let Some(name) = text.strip_suffix('.').filter(|name| !name.ends_with('.')) {
            return Err(other("a certificate's names end without a dot", name));
        }
        if let Some(name) = text.strip_prefix('.') {
            return Err(other("a name begins without a dot: `*.` stands for every host below a domain", name));
        }
        if text.contains('\\') {
            return Err(other("a host name holds no backslash", &text.replace('\\', "")));
        }
        if text.contains('%') {
            return Err(self.error("a host name holds no percent sign"));
        }
        if has_empty_part(text) {
            return Err(other("a label is empty: two dots in a row", &text.replace("..", ".")));
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

/// Decides whether a text is several names: a URI of another scheme than the web's may hold commas itself.
fn is_list(text: &str) -> bool {
    let (first, rest) = text.split_once([',', ';']).unwrap_or((text, ""));
    let first_is_whole = || web_host(first).is_some() && !first.trim_end_matches('/').ends_with(':');
    first.len() < text.len()
        && (!first.contains("://") || first_is_whole() && (rest.contains("://") || !has_path(first)))
}

fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?', '#']))
}

/// The host of an http, https, ws or wss URL, however badly it is typed: without user, port, path and brackets.
fn web_host(text: &str) -> Option<&str> {
    let is_web = |scheme: &str| ["http", "https", "ws", "wss"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let is_port = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    let rest = match text.split_once(':') {
        _ if text.starts_with("//") => text,
        Some((scheme, rest)) if is_web(scheme) && !is_port(rest) => rest,
        _ => return None,
    };
    let authority = rest.trim_start_matches(['/', '\\']).split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if let Some((address, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return Some(address.split('%').next().unwrap_or_default());
    }
    Some(host.split(':').next().unwrap_or_default())
}

fn has_empty_part(name: &str) -> bool {
    name.split('.').any(str::is_empty)
}
