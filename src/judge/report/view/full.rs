//! Everything.

use super::short::{bare, kind, revoked_words};
use super::{Line, Tone, View, and};
use crate::base::words::counted;
use crate::judge::report::extension::Extension;
use crate::judge::report::item::{Crl, Csr, Item};
use crate::judge::report::{Certificate, PublicKey, Time};
use crate::x509::name::readable;

impl View<'_> {
    pub(super) fn full(&mut self, item: &Item) {
        match item {
            Item::Certificate(entry) => self.full_certificate(&entry.content),
            Item::Csr(entry) => self.full_request(&entry.content),
            Item::Crl(entry) => self.full_crl(&entry.content),
            Item::PrivateKey(entry) => {
                self.short(item);
                self.say_some("SPKI SHA-256", entry.content.spki_sha256.as_deref());
            }
            Item::EncryptedPrivateKey(entry) => {
                self.short(item);
                self.say_some("SPKI SHA-256", entry.content.spki_sha256.as_deref());
            }
            Item::PublicKey(entry) => {
                self.short(item);
                self.say("SPKI SHA-256", entry.content.spki_sha256.as_str());
            }
            _ => self.short(item),
        }
        self.say_some("name", item.place().friendly_name.as_deref());
    }

    fn full_certificate(&mut self, certificate: &Certificate) {
        let names: Vec<String> = certificate.subject_alt_names.iter().map(|name| bare(name)).collect();
        let subject = readable(&certificate.subject);
        self.heading(kind(certificate), if names.is_empty() { subject.into_owned() } else { and(&names) });
        self.validity(certificate);
        self.partners("private key");
        let links = self.relations.of(*self.position).cloned().unwrap_or_default();
        self.list("issued by", links.issuers, Tone::Good);
        self.list("same as", links.same_as, Tone::Warning);
        self.odd(&certificate.notes);
        self.lint(certificate.lint.as_ref());
        self.say("version", certificate.version.to_string());
        self.say("serial number", certificate.serial.as_str());
        self.say("subject", readable(&certificate.subject));
        let issuer = readable(&certificate.issuer);
        let itself = if certificate.self_signed { " (self-signed)" } else { "" };
        self.say("issuer", format!("{issuer}{itself}"));
        self.say("notBefore", self.timed(certificate.not_before));
        self.say("notAfter", self.timed(certificate.not_after));
        self.public_key(&certificate.public_key);
        self.say("signature", certificate.signature_algorithm.as_str());
        self.say("SHA-256", certificate.sha256_fingerprint.as_str());
        self.say("SHA-1", certificate.sha1_fingerprint.as_str());
        self.say("SPKI SHA-256", certificate.spki_sha256.as_str());
        self.say_some("issuerUniqueID", certificate.issuer_unique_id.as_deref());
        self.say_some("subjectUniqueID", certificate.subject_unique_id.as_deref());
        self.extensions("extensions", &certificate.extensions);
    }

    fn full_request(&mut self, request: &Csr) {
        let names: Vec<String> = request.subject_alt_names.iter().map(|name| bare(name)).collect();
        let subject = readable(&request.subject);
        self.heading("certification request", if names.is_empty() { subject.into_owned() } else { and(&names) });
        self.partners("private key");
        self.odd(&request.notes);
        self.lint(request.lint.as_ref());
        self.say("version", request.version.to_string());
        self.say("subject", readable(&request.subject));
        self.public_key(&request.public_key);
        match request.signature_valid {
            Some(true) => self.say("signature", format!("{}, by its own key", request.signature_algorithm)),
            _ => self.signature(request),
        }
        self.say("SHA-256", request.sha256_fingerprint.as_str());
        self.say("SPKI SHA-256", request.spki_sha256.as_str());
        self.say_some("challenge", request.challenge_password.as_deref());
        for attribute in &request.attributes {
            self.list(attribute.name.as_deref().unwrap_or(&attribute.oid), &attribute.values, Tone::Plain);
        }
        self.extensions("asks for", &request.extensions);
    }

    fn full_crl(&mut self, crl: &Crl) {
        self.heading("revocation list", readable(&crl.issuer));
        self.next_update(crl);
        let links = self.relations.of(*self.position).cloned().unwrap_or_default();
        self.list("signed by", links.issuers, Tone::Good);
        self.odd(&crl.notes);
        self.lint(crl.lint.as_ref());
        self.say("version", crl.version.to_string());
        self.say("thisUpdate", self.timed(crl.this_update));
        let next_update = crl.next_update.map(|next| self.timed(next));
        self.say_some("nextUpdate", next_update);
        self.say("signature", crl.signature_algorithm.as_str());
        self.say("SHA-256", crl.sha256_fingerprint.as_str());
        self.extensions("extensions", &crl.extensions);
        self.say("revoked", counted(crl.revoked.len(), "certificate"));
        for revoked in crl.revoked.iter() {
            let since = revoked.invalid_since.as_ref().map(|since| format!(", invalid since {since}"));
            let text = format!("{}{}", revoked_words(&revoked), since.unwrap_or_default());
            self.push("", text, Tone::Plain);
            self.list(
                "",
                revoked.certificate_issuer.iter().map(|name| format!("issued by {}", readable(name))),
                Tone::Plain,
            );
            for extension in &revoked.extensions {
                self.extension(extension);
            }
        }
    }

    fn public_key(&mut self, key: &PublicKey) {
        let bits = key.bits.filter(|_| key.curve.is_some() || key.algorithm.starts_with("Ed"));
        let bits = bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
        let exponent = key.exponent.as_ref().map(|exponent| format!(", exponent {exponent}")).unwrap_or_default();
        self.say("public key", format!("{key}{bits}{exponent}"));
    }

    fn timed(&self, time: Time) -> String {
        format!("{time} ({})", self.end(time).0)
    }

    fn extensions(&mut self, label: &str, extensions: &[Extension]) {
        if !extensions.is_empty() {
            self.say(label, extensions.len().to_string());
        }
        for extension in extensions {
            self.extension(extension);
        }
    }

    /// The extension's name, and its value below.
    fn extension(&mut self, extension: &Extension) {
        let unnamed = if extension.oid.is_empty() { "unreadable" } else { &extension.oid };
        let critical = if extension.critical { " (critical)" } else { "" };
        let name = format!("{}{critical}", extension.name.as_deref().unwrap_or(unnamed));
        let depth = self.depth + 2;
        self.line(&Line { depth, ..Line::default() }.plain(name));
        let mut below = |text: String, tone| {
            self.line(&Line { depth: depth + 1, ..Line::default() }.toned(text, tone));
        };
        extension.error.iter().for_each(|error| below(error.clone(), Tone::Bad));
        extension.value_hex.iter().for_each(|hex| below(format!("#{hex}"), Tone::Dim));
        extension.value.iter().flat_map(super::extension::words).for_each(|text| below(text, Tone::Dim));
    }
}
