//! The essentials of an item: subject, names, issuer, time left, key, deviations.

use super::{Tone, View, and};
use crate::base::words::counted;
use crate::judge::report::Certificate;
use crate::judge::report::extension::ExtensionValue;
use crate::judge::report::item::{Crl, Csr, Item, OcspResponse, Revoked};
use crate::x509::name::readable;

/// Largest number of names, revoked certificates and other lists that are shown; the rest is counted.
const SHOWN: usize = 8;

impl View<'_> {
    pub(super) fn short(&mut self, item: &Item) {
        match item {
            Item::Certificate(entry) => self.short_certificate(&entry.content),
            Item::Csr(entry) => self.short_request(&entry.content),
            Item::Crl(entry) => self.short_crl(&entry.content),
            Item::PrivateKey(entry) => {
                self.heading("private key", entry.content.public_key.to_string());
                let was = if entry.content.was_encrypted { ", opened with the passphrase" } else { "" };
                self.say("format", format!("{}{was}", entry.content.format));
                self.partners("belongs to");
            }
            Item::EncryptedPrivateKey(entry) => {
                let format = entry.content.format.as_ref();
                let key = entry.content.public_key.as_ref().map(|key| format!("{key}, {format}"));
                self.heading("encrypted private key", key.unwrap_or_else(|| format.to_owned()));
                self.say_some("encryption", entry.content.encryption.as_deref());
                self.list("odd", &entry.content.problem, Tone::Bad);
                self.partners("belongs to");
            }
            Item::PublicKey(entry) => {
                self.heading("public key", entry.content.public_key.to_string());
                self.partners("belongs to");
            }
            Item::Pkcs7(entry) => {
                let kind = entry.content.content_type.as_deref().unwrap_or("no content");
                self.heading("PKCS#7", format!("{kind}, {}", counted(entry.content.items.len(), "item")));
                self.odd(&entry.content.notes);
            }
            Item::Pkcs12(entry) => {
                let locked = "under a password: give it with --passphrase-file or --passphrase-env";
                let text =
                    if entry.content.locked { locked.to_owned() } else { counted(entry.content.items.len(), "item") };
                self.heading("PKCS#12", text);
                self.list("odd", &entry.content.problem, Tone::Bad);
            }
            Item::JavaKeystore(entry) => {
                let store = &entry.content;
                let text = counted(store.items.len(), "item");
                let checked = if store.verified { ", unchanged by its password" } else { "" };
                self.heading(&store.format, format!("{text}{checked}"));
                self.list("odd", &store.problem, Tone::Bad);
            }
            Item::OcspResponse(entry) => self.ocsp_response(&entry.content),
            Item::Unknown(entry) => {
                let label = entry.place.label.as_deref().map_or("unknown".to_owned(), |label| format!("`{label}`"));
                self.heading(
                    &label,
                    format!("{}, {}", entry.content.description, counted(entry.content.size, "octet")),
                );
            }
            Item::Error(entry) => self.push_error(&entry.content.message),
        }
    }

    fn ocsp_response(&mut self, response: &OcspResponse) {
        let answers = counted(response.answers.len(), "answer");
        let is_answer = !response.answers.is_empty();
        self.heading("OCSP response", if is_answer { answers } else { response.status.clone().into_owned() });
        self.say_some("responder", response.responder.as_deref().map(readable));
        if let Some(produced_at) = &response.produced_at {
            self.say("signed", produced_at.to_string());
        }
        let words = response.answers.iter().map(|answer| {
            let revoked = answer.revoked_at.as_ref().map(|time| format!(" at {time}")).unwrap_or_default();
            let until = answer.next_update.as_ref().map(|time| format!(", until {time}")).unwrap_or_default();
            format!("{} {}{revoked}; as of {}{until}", answer.serial, answer.status, answer.this_update)
        });
        self.list("serial number", words.collect::<Vec<_>>(), Tone::Plain);
        if response.certificate_count > 0 {
            self.say(
                "holds as well",
                format!("{} of the responder", counted(response.certificate_count, "certificate")),
            );
        }
    }

    pub(super) fn push_error(&mut self, message: &str) {
        self.toned_heading("error", message, Tone::Bad);
    }

    fn short_certificate(&mut self, certificate: &Certificate) {
        let subject = readable(&certificate.subject).into_owned();
        let names = some_names(&certificate.subject_alt_names);
        let is_named = !names.is_empty() && !certificate.is_ca;
        self.heading(kind(certificate), if is_named { and(&names) } else { or_none(&subject) });
        if is_named && !is_first_name(&subject, &certificate.subject_alt_names) && !subject.is_empty() {
            self.say("subject", subject.as_str());
        } else if certificate.is_ca && !names.is_empty() {
            self.say("names", and(&names));
        }
        self.issuer(certificate);
        self.validity(certificate);
        self.say("key", format!("{}{}", certificate.public_key, purposes(certificate)));
        self.partners("private key");
        self.odd(&certificate.notes);
        self.lint(certificate.lint.as_ref());
    }

    fn issuer(&mut self, certificate: &Certificate) {
        let links = self.relations.of(*self.position);
        let issuers = links.map(|links| links.issuers.clone()).unwrap_or_default();
        let issuer = or_none(&readable(&certificate.issuer));
        match (&issuers[..], certificate.self_signed) {
            (_, true) => self.say("issuer", "itself (self-signed)"),
            ([_, ..], _) => self.say("issuer", format!("{issuer} ({})", issuers.join(", "))),
            _ => self.say("issuer", issuer),
        }
        if let Some(same) = links.and_then(|links| links.same_as.as_deref()) {
            self.push("odd", format!("the same as {same}"), Tone::Warning);
        }
    }

    pub(super) fn validity(&mut self, certificate: &Certificate) {
        let (distance, tone) = self.end(certificate.not_after);
        let end = certificate.not_after.day();
        if self.is_future(certificate.not_before) {
            let (begins, _) = self.end(certificate.not_before);
            let text = format!("not yet: from {} ({begins}) until {end}", certificate.not_before.day());
            return self.push("valid", text, Tone::Bad);
        }
        let text = if self.is_future(certificate.not_after) {
            format!("until {end}, {distance}")
        } else {
            format!("expired {end}, {distance}")
        };
        self.push("valid", text, tone);
    }

    fn short_request(&mut self, request: &Csr) {
        let subject = readable(&request.subject).into_owned();
        let names = some_names(&request.subject_alt_names);
        self.heading("certification request", if names.is_empty() { or_none(&subject) } else { and(&names) });
        if !names.is_empty() && !is_first_name(&subject, &request.subject_alt_names) && !subject.is_empty() {
            self.say("subject", subject.as_str());
        }
        self.say("key", request.public_key.to_string());
        self.partners("private key");
        let extensions: Vec<String> =
            request.extensions.iter().map(|one| one.name.as_deref().unwrap_or(&one.oid).to_owned()).collect();
        if !extensions.is_empty() {
            self.say("asks for", extensions.join(", "));
        }
        self.signature(request);
        if request.challenge_password.is_some() {
            self.say("password", "a challenge password, readable for everybody");
        }
        self.odd(&request.notes);
        self.lint(request.lint.as_ref());
    }

    pub(super) fn signature(&mut self, request: &Csr) {
        match request.signature_valid {
            Some(true) => {}
            Some(false) => self.push("signature", "is not that of its key: it was damaged or forged", Tone::Bad),
            None => self.push("signature", format!("{}, not checked here", request.signature_algorithm), Tone::Dim),
        }
    }

    fn short_crl(&mut self, crl: &Crl) {
        self.heading("revocation list", or_none(&readable(&crl.issuer)));
        let issuers = self.relations.of(*self.position).map(|links| links.issuers.join(", ")).unwrap_or_default();
        if !issuers.is_empty() {
            self.say("signed by", issuers);
        }
        self.next_update(crl);
        self.say_some("only adds to", crl.delta_of.as_deref().map(|number| format!("the CRL of number {number}")));
        self.say("revoked", counted(crl.revoked.len(), "certificate"));
        for revoked in crl.revoked.iter().take(SHOWN) {
            self.push("", revoked_words(&revoked), Tone::Plain);
        }
        if let Some(more) = crl.revoked.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            self.push("", format!("and {more} more"), Tone::Dim);
        }
        self.odd(&crl.notes);
        self.lint(crl.lint.as_ref());
    }

    pub(super) fn next_update(&mut self, crl: &Crl) {
        let Some(next) = crl.next_update else {
            return self.push("valid", format!("since {}, without an end", crl.this_update.day()), Tone::Warning);
        };
        let (distance, tone) = self.end(next);
        let verb = if self.is_future(next) { "until" } else { "stale since" };
        self.push("valid", format!("{verb} {}, {distance}", next.day()), tone);
    }

    pub(super) fn partners(&mut self, label: &str) {
        let links = self.relations.of(*self.position);
        let partners = links.map(|links| links.partners.join(", ")).filter(|partners| !partners.is_empty());
        if let Some(partners) = partners {
            self.push(label, partners, Tone::Good);
        }
    }

    pub(super) fn odd(&mut self, notes: &[String]) {
        self.list("odd", notes, Tone::Warning);
    }
}

pub(super) fn revoked_words(revoked: &Revoked) -> String {
    let reason = revoked.reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default();
    format!("{} on {}{reason}", revoked.serial, revoked.revoked_at.day())
}

fn or_none(name: &str) -> String {
    if name.is_empty() { "(an empty name)".to_owned() } else { name.to_owned() }
}

pub(super) fn kind(certificate: &Certificate) -> &'static str {
    if certificate.is_ca { "CA certificate" } else { "certificate" }
}

/// The first names without their kinds, as people write them; one that could be taken for two is in quotes.
fn some_names(names: &[String]) -> Vec<String> {
    let mut some: Vec<String> = names.iter().take(SHOWN).map(|name| bare(name)).collect();
    if let Some(more) = names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        some.push(format!("{more} more"));
    }
    some
}

pub(super) fn bare(name: &str) -> String {
    let readable = readable(name);
    let bare = match name.split_once(':') {
        Some(("DNS" | "IP" | "email" | "URI", bare)) => bare,
        _ => &readable,
    };
    if bare.contains([',', ' ']) && !readable.starts_with("dirName:") { format!("\"{bare}\"") } else { bare.to_owned() }
}

/// Returns true if the subject only repeats the first name.
fn is_first_name(subject: &str, names: &[String]) -> bool {
    let common_name = subject.strip_prefix("CN=");
    common_name.is_some_and(|common_name| names.iter().any(|name| bare(name) == common_name))
}

/// Summarises the purposes of a key.
fn purposes(certificate: &Certificate) -> String {
    let word = |purpose: &str| match purpose {
        "serverAuth" => "servers".to_owned(),
        "clientAuth" => "clients".to_owned(),
        "codeSigning" => "code".to_owned(),
        "emailProtection" => "email".to_owned(),
        "timeStamping" => "time stamps".to_owned(),
        "OCSPSigning" => "OCSP answers".to_owned(),
        "anyExtendedKeyUsage" => "anything".to_owned(),
        other => other.to_owned(),
    };
    let purposes: Vec<String> = certificate.extended_key_usage.iter().map(|purpose| word(purpose)).collect();
    let mut text = String::new();
    if !purposes.is_empty() {
        text = format!(", for {}", and(&purposes));
    }
    if certificate.is_ca {
        match certificate.path_len {
            Some(0) => text.push_str(", may issue to end entities only"),
            Some(1) => text.push_str(", may have 1 CA below it"),
            Some(more) => text.extend([", may have ", &more.to_string(), " CAs below it"]),
            None => {}
        }
        if let Some(permitted) = permitted(certificate) {
            text.push_str(&permitted);
        }
    }
    text
}

/// The names a CA is limited to.
fn permitted(certificate: &Certificate) -> Option<String> {
    let constraints = certificate.extensions.iter().find_map(|extension| match &extension.value {
        Some(ExtensionValue::NameConstraints(constraints)) => Some(constraints),
        _ => None,
    })?;
    let mut permitted = some_names(&constraints.permitted);
    // Of several kinds of names one can be meant to be none, and is written the same.
    permitted.dedup();
    if permitted.is_empty() { None } else { Some(format!(", for {} only", and(&permitted))) }
}
