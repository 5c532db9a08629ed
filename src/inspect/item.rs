//! What was found in a source into items of a report.

use super::certificate::bare_key;
use super::{Error, certificate, crl, encrypted_private_key, private_key, request};
use crate::container::{Content, Found};
use crate::report::item::{Entry, Item, Pkcs7, Pkcs12, Place, Problem, Unknown};

/// Says what a found thing is; [`Item::Error`] when it is not what it should be.
#[must_use]
pub fn item(found: &Found, source: &str) -> Item {
    let place =
        Place { source: source.to_owned(), index: found.index, line: found.line, label: None, friendly_name: None };
    match &found.content {
        Ok(content) => {
            described(content, found.label.as_deref(), &place).unwrap_or_else(|error| problem(place, &error))
        }
        Err(error) => problem(place, error),
    }
}

fn problem(place: Place, error: &dyn std::error::Error) -> Item {
    Item::Error(Entry { place, content: Problem { message: error.to_string() } })
}

fn described(content: &Content, label: Option<&str>, place: &Place) -> Result<Item, Error> {
    let place = place.clone();
    Ok(match content {
        Content::Certificate(der) => Item::Certificate(Box::new(Entry { place, content: certificate(der)? })),
        Content::Request(der) => Item::Csr(Box::new(Entry { place, content: request(der)? })),
        Content::Crl(der) => Item::Crl(Box::new(Entry { place, content: crl(der)? })),
        Content::PrivateKey { format, der } => Item::PrivateKey(Entry { place, content: private_key(*format, der)? }),
        Content::EncryptedPrivateKey { format, der, dek_info } => {
            let content = encrypted_private_key(*format, der, dek_info.as_deref())?;
            Item::EncryptedPrivateKey(Entry { place, content })
        }
        Content::PublicKey(der) => Item::PublicKey(Entry { place, content: bare_key(der)? }),
        Content::Pkcs7(_) => Item::Pkcs7(Entry { place, content: Pkcs7 { content_type: None, items: Vec::new() } }),
        Content::Pkcs12(_) => Item::Pkcs12(Entry { place, content: Pkcs12 { locked: true, items: Vec::new() } }),
        Content::Parameters { kind, der } => unknown(place, format!("{kind} parameters"), der, label),
        Content::Unknown(der) => unknown(place, "not known here".to_owned(), der, label),
    })
}

fn unknown(place: Place, description: String, der: &[u8], label: Option<&str>) -> Item {
    let place = Place { label: label.map(str::to_owned), ..place };
    Item::Unknown(Entry { place, content: Unknown { description, size: der.len() } })
}
