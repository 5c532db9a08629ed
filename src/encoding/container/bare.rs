//! Sources without armour: DER, one structure or several, and DER in base64.

use super::ber;
use super::der_kind::DerKind;
use super::flaw::{Decoded, Flaw};
use super::marker;
use crate::base::files::READ_LIMIT;
use crate::encoding::asn1::{self, Reader, tag};

/// More structures than anybody puts behind one another.
const ITEM_LIMIT: usize = 250_000;

/// Returns true if the octets begin like DER or BER: an identifier and a length that text would not have, or, if they
/// are `whole`, something known that is there to its end.
pub(super) fn is_der(octets: &[u8], whole: bool) -> bool {
    match octets {
        [0x30, 0x80..=0x84, ..] => true,
        [0x30 | 0x06, ..] => whole && Reader::new(octets).value("structure").is_ok() && DerKind::of(octets).is_some(),
        _ => false,
    }
}

/// The structures at the front of octets that begin with DER, and where those end that are none.
pub(super) fn leading(octets: &[u8]) -> (Vec<Decoded>, usize) {
    let (mut contents, mut at) = (Vec::new(), 0);
    while contents.len() < ITEM_LIMIT {
        let rest = octets.get(at..).unwrap_or_default();
        let (content, used) = match (DerKind::of(rest), length(rest)) {
            (None, _) if !contents.is_empty() => break,
            (None, Ok(length)) => (Err(Flaw::Unknown), length),
            // What the structure lacks cannot be told from what follows it, except for PEM.
            (_, Err(reason)) => (Err(Flaw::Cut(reason)), next_marker(rest)),
            (Some(kind), Ok(length)) => (Ok(kind.content(rest.get(..length).unwrap_or_default().to_vec())), length),
        };
        contents.push(content);
        at += used;
    }
    (contents, at)
}

fn next_marker(octets: &[u8]) -> usize {
    marker::find_begin(octets, 0, marker::is_wide(octets)).unwrap_or(octets.len())
}

/// The structures in octets of DER alone, and the faults of the octets behind them.
pub(super) fn behind(octets: &[u8]) -> Vec<Decoded> {
    let mut contents = Vec::new();
    let mut rest = octets;
    while !rest.trim_ascii().is_empty() {
        match (DerKind::of(rest), length(rest)) {
            (Some(kind), Ok(length)) if contents.len() < ITEM_LIMIT => {
                contents.push(Ok(kind.content(rest.get(..length).unwrap_or_default().to_vec())));
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

/// The length that a structure's first octets announce; `None` unless the length is definite.
pub(super) fn announced(octets: &[u8]) -> Option<usize> {
    matches!(octets.first(), Some(&tag::SEQUENCE | &tag::OID)).then_some(())?;
    let (header, length) = asn1::header(octets).ok()?;
    header.checked_add(length)
}

/// DER that may begin in the middle of a text.
pub(super) enum Start {
    /// Something known, whole, and its length.
    Whole(DerKind, usize),
    /// A structure that goes on beyond the octets at hand.
    Open,
    Nothing,
}

/// What begins at the front of octets: DER of a kind that is known, to its end or, when that is not there yet, by its
/// first two headers.
pub(super) fn start(octets: &[u8]) -> Start {
    let is_structure =
        |octet: Option<&u8>| matches!(octet, Some(&tag::SEQUENCE | &tag::INTEGER | &tag::OID | &tag::ENUMERATED));
    if octets.get(1) == Some(&0x80) {
        return match (is_structure(octets.get(2)).then(|| DerKind::of(octets)).flatten(), ber::length_of_first(octets))
        {
            (Some(kind), Ok(length)) => Start::Whole(kind, length),
            (Some(_), Err(_)) => Start::Open,
            (None, _) => Start::Nothing,
        };
    }
    let Ok((header, length)) = asn1::header(octets) else { return Start::Nothing };
    let Some(total) = header.checked_add(length).filter(|total| *total as u64 <= READ_LIMIT) else {
        return Start::Nothing;
    };
    match octets.get(..total) {
        Some(whole) => DerKind::of(whole).map_or(Start::Nothing, |kind| Start::Whole(kind, total)),
        None if length >= 0x80 && is_structure(octets.get(header)) && fits(octets.get(header..), length) => Start::Open,
        None => Start::Nothing,
    }
}

/// Decides whether the first value in a structure is no longer than the structure.
fn fits(content: Option<&[u8]>, length: usize) -> bool {
    asn1::header(content.unwrap_or_default())
        .is_ok_and(|(inner, inner_length)| inner.saturating_add(inner_length) <= length)
}
