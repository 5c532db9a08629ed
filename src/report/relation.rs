//! Which items belong together.

/// What belongs to each item, in the order in which they were found, those within containers behind these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations {
    /// For each item.
    pub links: Vec<Links>,
}

impl Relations {
    /// What belongs to the item in this place; nothing where nothing is known.
    #[must_use]
    pub fn of(&self, position: usize) -> Option<&Links> {
        self.links.get(position)
    }
}

/// What belongs to one item; each named so that a person finds it, as in `#2` or `server-key.pem`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// The certificates that issued it, by name and signature.
    pub issuers: Vec<String>,
    /// Of a certificate that is not self-signed: whether its issuer is among the items.
    pub is_issuer_missing: bool,
    /// Of a key: the certificates and requests that are for it. Of these: the private keys that belong to them.
    pub partners: Vec<String>,
    /// The same thing, seen before.
    pub same_as: Option<String>,
}

/// The certificates of a source, each issued by the next, as a server would send them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Their numbers in the order in which they should be.
    pub numbers: Vec<String>,
    /// Whether that is the order in which they are.
    pub is_in_order: bool,
    /// The issuer of the last, which is not among them; `None` when the last is self-signed.
    pub above: Option<String>,
}
