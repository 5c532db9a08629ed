//! A test PKI's `expected.json`, and what the `fixtures` command did.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::Time;
use super::verdict::Code;

/// Content of `expected.json` beside a test PKI: a correct client's verdict on each of its certificates.
///
/// Paths are relative to the file's own folder and have `/` between their parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Expected {
    /// The form of this file: 1.
    pub format: u32,
    /// True if anybody can make the same keys from the manifest's seed: never use them outside tests.
    pub test_only: bool,
    /// The time the verdicts are for: the manifest's clock, else when the tree was last built.
    pub at: Time,
    /// The certificates, good and bad.
    pub fixtures: Vec<Fixture>,
}

/// A certificate with all that belongs to it, and what a right client does with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fixture {
    /// Its name in the manifest.
    pub name: String,
    /// Defect (or oddity) of the certificate, by its name in docs/fixtures.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defect: Option<String>,
    /// The same in badssl.com's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badssl: Option<String>,
    /// The server name (SNI) under which `serve --fixtures` shows it; differs for each.
    pub server_name: String,
    /// The name or address that the client asked for.
    pub host: String,
    /// Purpose for which the client checks the certificate.
    pub purpose: Purpose,
    /// Chain that a server sends: the certificate and those above it, PEM.
    pub chain: String,
    /// The private key, PEM.
    pub key: String,
    /// Trust anchors of the client, PEM.
    pub trust: String,
    /// The CRLs that the client has, PEM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crls: Vec<String>,
    /// Further files of it: DER, PKCS#12.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// The first second of its validity, RFC 3339 UTC.
    pub not_before: Time,
    /// The last second of its validity, RFC 3339 UTC.
    pub not_after: Time,
    /// True if a correct client accepts the certificate.
    pub valid: bool,
    /// Reason for a refusal: the code that `verify` gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// Explanation: the fault, a correct client's behaviour and the reason, by section of the standard.
    pub why: String,
    /// Clients that do something else, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<Difference>,
    /// Clients measured to do something else, for test suites that run in one of them. A client that is not named
    /// accepts the certificate exactly if `valid` says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clients: BTreeMap<Client, Deviation>,
}

/// A client whose answers are measured by the tests of this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Client {
    /// `openssl verify -x509_strict`, with purpose, host and CRLs; it takes no key.
    Openssl,
    /// Node's `https`, with the CRLs.
    Node,
    /// Python's `ssl`, with the CRLs.
    Python,
    /// Go's `crypto/tls`, which knows no CRLs.
    Go,
    /// rustls with its own verifier and the CRLs.
    Rustls,
    /// Java's `SSLSocket` with its PKIX trust manager and the CRLs.
    Java,
    /// Chromium, the root trusted in its certificate store; it reads no CRLs.
    Chromium,
}

/// A client's own answer to a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Deviation {
    /// True if the client accepts the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepts: Option<bool>,
    /// False if a server made with the same library refuses to load the certificate with its key; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loads: Option<bool>,
}

/// A client that does something else than a right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// The client.
    pub client: String,
    /// Behaviour of the client.
    pub does: String,
}

/// Purpose for which a client checks a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Purpose {
    /// A server shows it: serverAuth.
    Server,
    /// A client shows it: clientAuth.
    Client,
}

/// Report of the `fixtures` command; with `--check`, of the work it would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fixtures {
    /// The tree's folder.
    pub folder: String,
    /// True if files were written; false with `--check`, and if nothing was stale.
    pub written: bool,
    /// Number of entries in the tree: authorities, certificates, keys, CRLs, bundles.
    pub entries: usize,
    /// Entries that were made or would be, with the reason.
    pub made: Vec<Made>,
    /// Files that were removed, or would be, since the manifest no longer names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub removed: Vec<String>,
    /// Entries that expire within `--expires-within`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub expiring: Vec<Expiring>,
}

/// An entry that was made, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Reason for making the entry.
    pub because: String,
}

/// An entry that expires soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Expiring {
    /// Its name.
    pub name: String,
    /// Its last second.
    pub not_after: Time,
}

/// Largest number of entries that are listed one by one.
const TOLD: usize = 12;

impl Fixtures {
    /// Returns true if the tree matches the manifest and nothing in it expires soon.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.made.is_empty() && self.removed.is_empty() && self.expiring.is_empty()
    }

    /// Prints the work done, or to be done, one entry per line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let count = |count: usize| if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
        if self.made.is_empty() && self.removed.is_empty() {
            let _ = writeln!(text, "{} is up to date: {}", self.folder, count(self.entries));
        } else {
            let verb = if self.written { "Made" } else { "Would make" };
            let _ = writeln!(text, "{verb} {} of {} in {}", self.made.len(), count(self.entries), self.folder);
        }
        let width = self.made.iter().take(TOLD).map(|made| made.name.chars().count()).max().unwrap_or(0);
        for Made { name, because } in self.made.iter().take(TOLD) {
            let _ = writeln!(text, "  {name:width$}  {because}");
        }
        if let Some(rest) = self.made.len().checked_sub(TOLD).filter(|rest| *rest > 0) {
            let _ = writeln!(text, "  and {rest} more");
        }
        let verb = if self.written { "Removed" } else { "Would remove" };
        for path in &self.removed {
            let _ = writeln!(text, "{verb} {path}: the manifest no longer has it");
        }
        for Expiring { name, not_after } in &self.expiring {
            let _ = writeln!(text, "{name} expires {not_after}");
        }
        text
    }
}
