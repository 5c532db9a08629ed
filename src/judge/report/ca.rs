//! Reports of the `ca` commands about the local CA itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::text::{expiry, plain_names};
use super::{Certificate, Time};
use crate::base::validity::distance;
use crate::base::words::counted;

/// A local CA's certificates.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Authority {
    /// Its folder.
    #[serde(serialize_with = "lossy")]
    pub folder: PathBuf,
    /// The root: the certificate that clients trust.
    pub root: Certificate,
    /// True if the root's key is still in the folder.
    pub root_key_kept: bool,
    /// The intermediate: the certificate that signs for servers.
    pub intermediate: Certificate,
    /// The intermediate above it, which holds the permitted names; absent in a CA that an earlier version made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper_intermediate: Option<Certificate>,
    /// The certificate that signs for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_intermediate: Option<Certificate>,
    /// The root that Firefox alone trusts, in place of the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firefox_root: Option<Certificate>,
    /// The intermediate below Firefox's root: the one that signs for servers, by another certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firefox_intermediate: Option<Certificate>,
    /// Names the CA may sign for; absent if any name is permitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permitted: Option<Vec<String>>,
    /// SHA-256 fingerprints of the roots that were in the folder before, in hex: clients may still trust them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub previous_roots: Vec<String>,
}

/// Report of `ca init`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaInit {
    /// The CA.
    #[serde(flatten)]
    pub authority: Authority,
}

/// Report of `ca renew`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaRenew {
    /// True if a certificate was made.
    pub renewed: bool,
    /// Reason for the renewal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// True if the root is a different certificate than before and has to be trusted again.
    pub new_root: bool,
    /// The present CA.
    #[serde(flatten)]
    pub authority: Authority,
}

/// Report of `ca show`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaShow {
    /// The CA.
    #[serde(flatten)]
    pub authority: Authority,
    /// Certificates issued, newest first.
    pub issued: Vec<Issued>,
    /// Lines of its log that cannot be read.
    #[serde(skip_serializing_if = "is_zero")]
    #[cfg_attr(test, schemars(default))]
    pub unreadable_lines: usize,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Issued {
    /// Time of issue, RFC 3339 UTC.
    pub issued_at: Time,
    /// Its serial number, in hex.
    pub serial: String,
    /// Its subject, as an RFC 4514 string.
    pub subject: String,
    /// Its names, each with its kind.
    pub subject_alt_names: Vec<String>,
    /// Its last second, RFC 3339 UTC.
    pub not_after: Time,
    /// SHA-256 over its DER, in hex.
    pub sha256_fingerprint: String,
    /// The file it was written to; absent when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The user who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// True if a later certificate was written to the same file.
    pub replaced: bool,
    /// Time of revocation, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// Reason for revocation, by its name in RFC 5280.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Report of `ca revoke`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaRevoke {
    /// Each certificate, in the order given.
    pub revoked: Vec<Revoked>,
}

/// A certificate that is revoked.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Revoked {
    /// Its serial number, in hex.
    pub serial: String,
    /// Time of revocation, RFC 3339 UTC.
    pub revoked_at: Time,
    /// Reason for revocation, by its name in RFC 5280.
    pub reason: String,
    /// True if the certificate was already revoked; its entry is unchanged then.
    pub already: bool,
}

/// Report of `ca crl`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaCrl {
    /// Its file; `-` for standard output.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// Its cRLNumber: greater than any before.
    pub crl_number: u64,
    /// Number of certificates listed.
    pub revoked_count: usize,
    /// Time by which the next CRL is due, RFC 3339 UTC.
    pub next_update: Time,
}

/// Report of `ca export`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaExport {
    /// The file.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// `pem`, `der` or `mobileconfig`.
    pub format: String,
    /// SHA-256 over the certificate's DER, in hex.
    pub sha256_fingerprint: String,
}

fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Authority {
    /// Lists the permitted names, in words.
    #[must_use]
    pub fn permitted_text(&self) -> String {
        self.permitted.as_ref().map_or_else(|| "anything".to_owned(), |permitted| permitted.join(", "))
    }

    /// Iterates over all of its certificates.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        let further =
            [&self.upper_intermediate, &self.client_intermediate, &self.firefox_root, &self.firefox_intermediate];
        [&self.root, &self.intermediate].into_iter().chain(further.into_iter().flatten())
    }

    /// Its files and what it may sign for, each with its name.
    fn rows(&self, now: OffsetDateTime) -> Vec<(&'static str, String)> {
        let fingerprint = self.root.sha256_fingerprint.get(..16).unwrap_or_default();
        let key = if self.root_key_kept { "kept in root-key.pem" } else { "destroyed" };
        let trusted =
            format!("what clients trust, {}, sha256 {fingerprint}…; its key is {key}", expiry(&self.root, now));
        let mut rows = vec![("root.pem", trusted)];
        rows.extend(
            self.firefox_root
                .as_ref()
                .map(|root| ("firefox-root.pem", format!("what Firefox trusts instead, {}", expiry(root, now)))),
        );
        match &self.client_intermediate {
            Some(client) => {
                let server = expiry(&self.intermediate, now);
                rows.push(("intermediate.pem", format!("what signs for servers, {server}")));
                rows.push(("client-intermediate.pem", format!("what signs for clients, {}", expiry(client, now))));
            }
            None => rows.push(("intermediate.pem", format!("what signs, {}", expiry(&self.intermediate, now)))),
        }
        rows.push(("may sign for", self.permitted_text()));
        rows
    }

    fn lines(&self, now: OffsetDateTime) -> String {
        table(&self.rows(now))
    }
}

/// Two columns.
fn table(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().fold(String::new(), |mut table, (name, text)| {
        let _ = writeln!(table, "  {name:width$}  {text}");
        table
    })
}

impl CaInit {
    /// Prints the folder and the names the CA may sign for.
    #[must_use]
    pub fn text(&self, now: OffsetDateTime) -> String {
        format!("Made a local CA in {}\n{}", self.authority.folder.display(), self.authority.lines(now))
    }
}

impl CaRenew {
    /// Prints the renewal and its reason.
    #[must_use]
    pub fn text(&self, now: OffsetDateTime) -> String {
        let (folder, lines) = (self.authority.folder.display(), self.authority.lines(now));
        match &self.because {
            None => format!("Left the local CA in {folder} as it is\n{lines}"),
            Some(because) => {
                let what = if self.new_root { "a new root and intermediates" } else { "new intermediates" };
                format!("Made {what} for the local CA in {folder}: {because}\n{lines}")
            }
        }
    }
}

impl CaShow {
    /// The CA, and a line for each certificate.
    #[must_use]
    pub fn text(&self, now: OffsetDateTime) -> String {
        let mut rows = self.authority.rows(now);
        let previous = self.authority.previous_roots.len();
        if previous > 0 {
            let plural = if previous == 1 { "root was" } else { "roots were" };
            rows.push(("previous", format!("{previous} {plural} here before")));
        }
        let mut text = format!("Local CA in {}\n{}", self.authority.folder.display(), table(&rows));
        text.push_str(if self.issued.is_empty() { "It has issued nothing yet\n" } else { "Issued, newest first\n" });
        for issued in &self.issued {
            let _ = writeln!(text, "  {}", issued.text(now));
        }
        text
    }
}

impl CaShow {
    /// Prints the certificates that expire within `--expires-within`, one per line.
    #[must_use]
    pub fn expiring_text(&self, now: OffsetDateTime) -> String {
        let mut text: String = self.issued.iter().map(|issued| issued.text(now) + "\n").collect();
        if text.is_empty() {
            text.push_str("Nothing that was issued expires so soon\n");
        }
        text
    }
}

impl Issued {
    /// The names, how it stands, where it is.
    #[must_use]
    pub fn text(&self, now: OffsetDateTime) -> String {
        let name =
            if self.subject_alt_names.is_empty() { self.subject.clone() } else { plain_names(&self.subject_alt_names) };
        let state = match (&self.revoked_at, &self.reason) {
            (Some(at), Some(reason)) => format!("revoked {} ({reason})", at.day()),
            _ => self.ends(now),
        };
        let replaced = if self.replaced { ", replaced" } else { "" };
        let file = self.file.as_ref().map(|file| format!(", {file}")).unwrap_or_default();
        format!("{name}: {state}{replaced}, serial {}{file}", self.serial)
    }

    fn ends(&self, now: OffsetDateTime) -> String {
        let (end, day) = (self.not_after.0, self.not_after.day());
        let verb = if end < now { "expired" } else { "expires" };
        format!("{verb} {day} ({})", distance(end, now))
    }
}

impl CaRevoke {
    /// A line for each.
    #[must_use]
    pub fn text(&self) -> String {
        let line = |revoked: &Revoked| {
            let (serial, reason) = (&revoked.serial, &revoked.reason);
            if revoked.already {
                format!("{serial} is revoked since {} ({reason})\n", revoked.revoked_at)
            } else {
                format!("Revoked {serial} ({reason})\n")
            }
        };
        self.revoked.iter().map(line).collect()
    }
}

impl CaCrl {
    /// Prints the CRL's path and the number of its entries.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "Made CRL {} with {}, the next is due {}\n  {}\n",
            self.crl_number,
            counted(self.revoked_count, "revoked certificate"),
            self.next_update.day(),
            self.path.display()
        )
    }
}
