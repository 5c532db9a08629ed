//! Sources without armour: DER, one structure or several, and base64 of it.

use super::decode::shaped;
use super::shape::Shape;
use super::{Error, Found, base64, find};
use crate::asn1::Reader;

/// More structures than anybody puts behind one another.
const ITEM_LIMIT: usize = 250_000;

/// Whether the octets begin like DER or BER: an identifier and a length that text would not have, or, when they are
/// `whole`, something known that is there to its end.
pub(super) fn is_der(octets: &[u8], whole: bool) -> bool {
    match octets {
        [0x30, 0x80..=0x84, ..] => true,
        [0x30 | 0x06, ..] => whole && Reader::new(octets).value("structure").is_ok() && Shape::of(octets).is_some(),
        _ => false,
    }
}

/// The structures in DER, one behind the other.
pub(super) fn der(octets: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut rest = octets;
    while !rest.trim_ascii().is_empty() && found.len() < ITEM_LIMIT {
        let (content, length) = match (Shape::of(rest), length(rest)) {
            (None, _) if !found.is_empty() => (Err(Error::TrailingOctets { count: rest.len() }), rest.len()),
            (None, Ok(_)) => (Err(Error::UnknownStructure), rest.len()),
            (_, Err(source)) => (Err(Error::Cut { reason: source }), rest.len()),
            (Some(shape), Ok(length)) => (Ok(shaped(shape, rest.get(..length).unwrap_or_default().to_vec())), length),
        };
        found.push(Found { index: found.len(), line: None, label: None, content });
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

/// The length of the first structure; one of indefinite length is taken to be all there is.
fn length(octets: &[u8]) -> Result<usize, String> {
    if octets.get(1) == Some(&0x80) {
        return Ok(octets.len());
    }
    Reader::new(octets).value("the structure").map(|value| value.raw.len()).map_err(|error| error.to_string())
}

/// What base64 without armour holds: DER, or PEM as Kubernetes' secrets have it.
pub(super) fn base64(text: &[u8]) -> Option<Vec<Found>> {
    let octets = base64::decode(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))?;
    if octets.starts_with(b"-----BEGIN ") {
        return Some(find(&octets));
    }
    (Shape::of(&octets).is_some() && length(&octets).is_ok()).then(|| der(&octets))
}
