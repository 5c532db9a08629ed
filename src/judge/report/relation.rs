//! Relations between items: key of a certificate, issuer of a certificate.

/// Relations of each item, in the order in which the items were found; items in containers come last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations {
    /// For each item.
    pub links: Vec<Links>,
}

impl Relations {
    /// Returns the relations of the item at this position; empty if none are known.
    #[must_use]
    pub fn of(&self, position: usize) -> Option<&Links> {
        self.links.get(position)
    }
}

/// Relations of one item; each names its partner as in `#2` or `server-key.pem`.
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
    /// True if the certificates are in that order.
    pub is_in_order: bool,
    /// The issuer of the last, which is not among them; `None` when the last is self-signed.
    pub above: Option<String>,
}
