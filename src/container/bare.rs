//! Sources without armour: DER, one structure or several, and base64 of it.

use super::decode::{Decoded, Flaw, shaped};
use super::marker;
use super::shape::Shape;
use super::{Found, base64, ber, find};
use crate::asn1::{self, Reader, tag};
use crate::files::READ_LIMIT;

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

/// The structures at the front of octets that begin with DER, and where those end that are none.
pub(super) fn leading(octets: &[u8]) -> (Vec<Decoded>, usize) {
    let (mut contents, mut at) = (Vec::new(), 0);
    while contents.len() < ITEM_LIMIT {
        let rest = octets.get(at..).unwrap_or_default();
        let (content, used) = match (Shape::of(rest), length(rest)) {
            (None, _) if !contents.is_empty() => break,
            (None, Ok(length)) => (Err(Flaw::Unknown), length),
            // What the structure lacks cannot be told from what follows it, except for PEM.
            (_, Err(reason)) => (Err(Flaw::Cut(reason)), next_marker(rest)),
            (Some(shape), Ok(length)) => (Ok(shaped(shape, rest.get(..length).unwrap_or_default().to_vec())), length),
        };
        contents.push(content);
        at += used;
    }
    (contents, at)
}

fn next_marker(octets: &[u8]) -> usize {
    marker::find_begin(octets, 0, marker::is_wide(octets)).unwrap_or(octets.len())
}

/// The structures in octets that are nothing else, and what is wrong with those behind them.
pub(super) fn behind(octets: &[u8]) -> Vec<Decoded> {
    let mut contents = Vec::new();
    let mut rest = octets;
    while !rest.trim_ascii().is_empty() {
        match (Shape::of(rest), length(rest)) {
            (Some(shape), Ok(length)) if contents.len() < ITEM_LIMIT => {
                contents.push(Ok(shaped(shape, rest.get(..length).unwrap_or_default().to_vec())));
                rest = rest.get(length..).unwrap_or_default();
            }
            _ => {
                contents.push(Err(Flaw::Trailing(rest.len())));
                break;
            }
        }
    }
    contents
}

/// The length of the first structure.
pub(super) fn length(octets: &[u8]) -> Result<usize, String> {
    if octets.get(1) == Some(&0x80) {
        // What is wrong with BER is for its reader to say.
        return Ok(ber::length_of_first(octets).unwrap_or(octets.len()));
    }
    Reader::new(octets).value("the structure").map(|value| value.raw.len()).map_err(|error| error.to_string())
}

/// The length of a structure as its first octets announce it; `None` for what is not one of definite length.
pub(super) fn announced(octets: &[u8]) -> Option<usize> {
    matches!(octets.first(), Some(&tag::SEQUENCE | &tag::OID)).then_some(())?;
    let (header, length) = asn1::header(octets).ok()?;
    header.checked_add(length)
}

/// DER that may begin in the middle of a text.
pub(super) enum Start {
    /// Something known, whole, and its length.
    Whole(Shape, usize),
    /// Something that goes on beyond what is there.
    Open,
    Nothing,
}

/// What begins at the front of octets: DER of a kind that is known, to its end or, when that is not there yet, by its
/// first two headers.
pub(super) fn start(octets: &[u8]) -> Start {
    let is_structure =
        |octet: Option<&u8>| matches!(octet, Some(&tag::SEQUENCE | &tag::INTEGER | &tag::OID | &tag::ENUMERATED));
    if octets.get(1) == Some(&0x80) {
        return match (is_structure(octets.get(2)).then(|| Shape::of(octets)).flatten(), ber::length_of_first(octets)) {
            (Some(shape), Ok(length)) => Start::Whole(shape, length),
            (Some(_), Err(_)) => Start::Open,
            (None, _) => Start::Nothing,
        };
    }
    let Ok((header, length)) = asn1::header(octets) else { return Start::Nothing };
    let Some(total) = header.checked_add(length).filter(|total| *total as u64 <= READ_LIMIT) else {
        return Start::Nothing;
    };
    match octets.get(..total) {
        Some(whole) => Shape::of(whole).map_or(Start::Nothing, |shape| Start::Whole(shape, total)),
        None if length >= 0x80 && is_structure(octets.get(header)) && fits(octets.get(header..), length) => Start::Open,
        None => Start::Nothing,
    }
}

/// Whether the first value in a structure is not longer than that.
fn fits(content: Option<&[u8]>, length: usize) -> bool {
    asn1::header(content.unwrap_or_default())
        .is_ok_and(|(inner, inner_length)| inner.saturating_add(inner_length) <= length)
}

/// What base64 without armour holds: DER, or PEM as Kubernetes' secrets have it.
pub(super) fn base64(text: &[u8]) -> Option<Vec<Found>> {
    let octets = base64::decode(text)?;
    let is_text = marker::is_begun(&octets) && !is_der(&octets, true);
    let is_known = Shape::of(&octets).is_some() && length(&octets).is_ok();
    (is_text || is_known).then(|| find(&octets))
}
