//! Trust stores, and their answers about the local CA.

use std::fmt::Write;

use serde::Serialize;

/// Report of `ca trust`, `ca untrust` and `ca status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trust {
    /// The local CA's folder, if its root is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The file of another root, if that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// SHA-256 over the DER of the root, in hex.
    pub sha256_fingerprint: String,
    /// Owner of the CA, if sudo runs the command for another user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// True if every store reached the wanted state: it trusts the root, or no longer has it (`ca untrust`).
    pub complete: bool,
    /// The stores that exist here.
    pub stores: Vec<Store>,
}

/// One store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Store {
    /// Its kind.
    pub store: StoreKind,
    /// Name of the store, as in `Firefox default-release`.
    pub name: String,
    /// Path of the store.
    pub place: String,
    /// Answer of the store: whether it trusts the root now.
    pub trusted: Trusted,
    /// Change made to the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Reason why the store could not be read or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Commands to run by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub commands: Vec<String>,
    /// Further facts to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, schemars(default))]
    pub notes: Vec<String>,
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum StoreKind {
    /// The operating system's.
    System,
    /// Chromium's NSS database.
    Chromium,
    /// A profile of Firefox.
    Firefox,
    /// Java's `cacerts`.
    Java,
    /// That of the Windows beside this WSL.
    Windows,
}

/// Answer of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It trusts the certificate.
    Yes,
    /// It does not.
    No,
    /// It cannot be asked, for this reason.
    Unknown(String),
}

/// An answer without its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Trusted {
    /// It trusts the certificate.
    Yes,
    /// It does not.
    No,
    /// It cannot be asked.
    Unknown,
}

/// Change made to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Change {
    /// The root was added.
    Added,
    /// The root, or an older one, was removed.
    Removed,
    /// Nothing: it was as it should be.
    None,
    /// It could not be changed.
    Failed,
}

impl Trust {
    /// A line for each store, and more where there is more to say.
    #[must_use]
    pub fn text(&self) -> String {
        let width = self.stores.iter().map(|store| store.name.chars().count()).max().unwrap_or_default();
        let mut text = match (&self.ca, &self.root) {
            (Some(folder), _) => format!("Local CA in {folder}\n"),
            (None, root) => format!("Root in {}\n", root.as_deref().unwrap_or_default()),
        };
        for store in &self.stores {
            let pad = width.saturating_sub(store.name.chars().count());
            let _ = writeln!(text, "  {:<13}  {}{:pad$}  {}", store.word(), store.name, "", store.place);
            for line in store.reason.iter().chain(&store.notes) {
                let _ = writeln!(text, "                 {line}");
            }
        }
        if self.stores.is_empty() {
            text.push_str("  no store that we know is here\n");
        }
        text
    }
}

impl Store {
    fn word(&self) -> &'static str {
        match (self.change, self.trusted) {
            (Some(Change::Added), _) => "added",
            (Some(Change::Removed), _) => "removed",
            (Some(Change::None), Trusted::Yes) => "already there",
            (Some(Change::None), _) => "not there",
            (Some(Change::Failed), _) => "failed",
            (None, Trusted::Yes) => "yes",
            (None, Trusted::No) => "no",
            (None, Trusted::Unknown) => "unknown",
        }
    }
}
