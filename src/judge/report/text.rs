//! Turns each report into text.

use std::fmt::Write;

use time::OffsetDateTime;

use super::made::{File, FileKind, GenCert, GenCsr, GenKey};
use super::verdict::{Link, Reason, Verdict};
use super::{Certificate, PublicKey};
use crate::base::validity::distance;
use crate::base::words::first_few;
use crate::x509::name::readable;

impl GenKey {
    /// One line per file.
    #[must_use]
    pub fn text(&self) -> String {
        let verb = if self.written { "Made" } else { "Would make" };
        let mut text = format!("{verb} a private key, {}\n", self.public_key);
        files(&mut text, &self.files, &self.public_key, None);
        text
    }
}

impl GenCsr {
    /// Prints a summary, and one line per file.
    #[must_use]
    pub fn text(&self) -> String {
        let verb = if self.written { "Made" } else { "Would make" };
        let mut text = format!("{verb} a certification request for {}\n", plain_names(&self.subject_alt_names));
        files(&mut text, &self.files, &self.public_key, None);
        text
    }
}

impl GenCert {
    /// The names, the issuer, and one line per file.
    #[must_use]
    pub fn text(&self, now: OffsetDateTime) -> String {
        let certificate = &self.certificate;
        let verb = if self.written { "Made" } else { "Would make" };
        let signer = match (certificate.self_signed, certificate.issuer.as_str()) {
            (true, _) => "self-signed".to_owned(),
            (false, issuer) => format!("signed by {issuer}"),
        };
        let mut text = format!("{verb} a certificate for {}, {signer}\n", certificate_names(certificate));
        if let Some(reason) = &self.renewed_because {
            let _ = writeln!(text, "  in place of the one there: {reason}");
        }
        files(&mut text, &self.files, &certificate.public_key, Some((certificate, now)));
        text
    }

    /// Prints that the existing certificate was left unchanged.
    #[must_use]
    pub fn unchanged_text(&self, path: &std::path::Path, now: OffsetDateTime) -> String {
        let (certificate, path) = (&self.certificate, path.display());
        format!("Left {path} as it is: it fits and {}\n", expiry(certificate, now))
    }
}

impl Verdict {
    /// Yes or no, why not, and the path drawn from the certificate up; a path of one that the reason names is not
    /// drawn.
    #[must_use]
    pub fn text(&self, source: &str) -> String {
        let mut text = match &self.error {
            None => format!("{source}: valid\n"),
            Some(reason) => format!("{source}: not valid ({})\n", reason.code),
        };
        if let Some(Reason { message, certificate, .. }) = &self.error {
            let whose = certificate.as_ref().map(|certificate| format!("{certificate}: ")).unwrap_or_default();
            let _ = writeln!(text, "  {whose}{message}");
        }
        let is_named = |link: &Link| self.error.as_ref().is_some_and(|error| error.certificate == Some(link.name()));
        let is_drawn = !matches!(&self.chain[..], [only] if is_named(only));
        for (depth, link) in self.chain.iter().enumerate().filter(|_| is_drawn) {
            let branch = if depth == 0 { String::new() } else { format!("{}└ ", "  ".repeat(depth - 1)) };
            let is_nameless = link.subject.is_empty() && link.subject_alt_names.is_empty();
            let subject = if is_nameless { "(no subject)".to_owned() } else { link.name() };
            let end = if self.valid && depth + 1 == self.chain.len() { " (trusted)" } else { "" };
            let _ = writeln!(text, "  {branch}{subject}{end}");
        }
        text
    }
}

impl Link {
    /// The subject; the names of a certificate without one.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.subject.as_str(), &self.subject_alt_names[..]) {
            ("", []) => "the certificate without a subject".to_owned(),
            ("", names) => plain_names(names),
            (subject, _) => subject.to_owned(),
        }
    }
}

fn files(text: &mut String, files: &[File], key: &PublicKey, certificate: Option<(&Certificate, OffsetDateTime)>) {
    let width = files.iter().map(|file| file.path.display().to_string().chars().count()).max().unwrap_or(0);
    for file in files {
        let mut words = file.kind.words().to_owned();
        match (file.kind, certificate) {
            (FileKind::PrivateKey | FileKind::EncryptedPrivateKey, Some(_)) => words = format!("{words}, {key}"),
            (FileKind::Certificate, Some((certificate, now))) => {
                words = format!("{words}, {}", expiry(certificate, now));
            }
            _ => {}
        }
        let _ = writeln!(text, "  {:width$}  {words}", file.path.display().to_string());
    }
}

/// `expires 2027-01-02 (in 12 days)`.
#[must_use]
pub fn expiry(certificate: &Certificate, now: OffsetDateTime) -> String {
    let end = certificate.not_after;
    let verb = if end.0 < now { "expired" } else { "expires" };
    format!("{verb} {} ({})", end.day(), distance(end.0, now))
}

/// The names of a certificate; its subject if it has no names.
#[must_use]
pub fn certificate_names(certificate: &Certificate) -> String {
    if certificate.subject_alt_names.is_empty() {
        certificate.subject.clone()
    } else {
        plain_names(&certificate.subject_alt_names)
    }
}

/// `localhost, 127.0.0.1 and ::1`, from names with their kinds.
#[must_use]
pub fn plain_names(names: &[String]) -> String {
    let bare: Vec<String> = names.iter().map(|name| plain_name(name)).collect();
    match &bare[..] {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] if first.len() < 6 => format!("{} and {last}", first.join(", ")),
        all => first_few(all, 1),
    }
}

/// A name without its kind where the name shows it; else with the kind, and without octets that say nothing to people.
fn plain_name(name: &str) -> String {
    match name.split_once(':') {
        Some(("DNS" | "IP" | "email" | "URI", bare)) => bare.to_owned(),
        Some((kind @ ("x400Address" | "ediPartyName"), _)) => format!("an {kind}"),
        Some(("otherName", _)) => readable(name).into_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Made a certificate for a.test and #" was once said.
    #[test]
    fn a_name_of_a_rare_kind_is_shown_by_its_kind() {
        let names = ["DNS:a.test", "x400Address:#", "dirName:CN=x", "RID:1.2.3"].map(str::to_owned);
        assert_eq!(plain_names(&names), "a.test, an x400Address, dirName:CN=x and RID:1.2.3");
    }
}
