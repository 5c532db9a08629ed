//! Linting of the items that `inspect` found.

use super::{Issuers, Judge, Origin};
use crate::encoding::container::Content;
use crate::judge::inspect::Inspected;
use crate::judge::report::finding::Lint;
use crate::judge::report::item::Item;

impl Issuers {
    /// Adds the CA certificates among an item and those within it.
    pub fn add_item(&mut self, inspected: &Inspected) {
        for content in inspected.contents() {
            if let Content::Certificate(der) = content {
                self.add(der, Origin::Read);
            }
        }
    }
}

impl Judge<'_> {
    /// Lints an item and the items within it, and returns their findings in order.
    pub fn item(&self, inspected: &mut Inspected) -> Vec<Lint> {
        let mut found = Vec::new();
        inspected.visit(&mut |item, content| {
            // What has not the structure of its kind is an error of `inspect`, which says so itself.
            let lint = match content {
                Some(Content::Certificate(der)) => self.certificate(der).ok(),
                Some(Content::Request(der)) => self.request(der).ok(),
                Some(Content::Crl(der)) => self.crl(der).ok(),
                _ => None,
            };
            found.extend(lint.clone());
            match item {
                Item::Certificate(entry) => entry.content.lint = lint,
                Item::Csr(entry) => entry.content.lint = lint,
                Item::Crl(entry) => entry.content.lint = lint,
                _ => {}
            }
        });
        found
    }
}
