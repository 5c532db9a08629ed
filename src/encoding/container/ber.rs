//! BER to DER, as far as containers need it: indefinite lengths, and strings in pieces.
//!
//! PKCS#7 and PKCS#12 files of Java, Windows and old programs have both
//! ([X.690](https://www.itu.int/rec/T-REC-X.690) sections 8.1.3.6 and 8.7.3).

use crate::encoding::asn1::{tag, write};

/// Deeper than any container is nested.
const DEPTH_LIMIT: usize = 64;

/// An OCTET STRING in pieces.
const CONSTRUCTED_STRING: u8 = tag::OCTET_STRING | 0x20;

/// A value whose end has not come yet.
struct Open<'a> {
    /// The identifier octets.
    tag: &'a [u8],
    /// End of the value; `None` if two zero octets end it.
    end: Option<usize>,
    /// The values inside so far.
    content: Vec<u8>,
}

impl Open<'_> {
    fn is_string(&self) -> bool {
        self.tag == [CONSTRUCTED_STRING]
    }

    /// Takes in a value that has come to its end.
    fn take(&mut self, tag: &[u8], content: &[u8]) -> Result<(), &'static str> {
        match self.is_string() {
            true if tag != [tag::OCTET_STRING] => return Err("a part of a string is no string"),
            true => self.content.extend_from_slice(content),
            false => write::append(&mut self.content, tag, &[content]),
        }
        Ok(())
    }

    /// The identifier octets of the value in one piece.
    fn whole_tag(&self) -> &[u8] {
        if self.is_string() { &[tag::OCTET_STRING] } else { self.tag }
    }
}

/// Writes the one value in the octets with definite lengths, and its OCTET STRINGs in one piece each.
///
/// # Errors
///
/// The fault of the encoding.
pub fn to_der(ber: &[u8]) -> Result<Vec<u8>, &'static str> {
    let (der, end) = first(ber)?;
    if end == ber.len() { Ok(der) } else { Err("something follows it") }
}

/// The length of the first value in the octets.
///
/// # Errors
///
/// As [`to_der`], except that something may follow the value.
pub fn length_of_first(ber: &[u8]) -> Result<usize, &'static str> {
    first(ber).map(|(_, end)| end)
}

/// The DER of the first value in the octets, and where the value ends.
fn first(ber: &[u8]) -> Result<(Vec<u8>, usize), &'static str> {
    const CUT: &str = "it is cut short";
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = 0;
    loop {
        if let Some(last) = open.last() {
            let ended_here = last.end == Some(at);
            let end_of_contents = last.end.is_none() && ber.get(at..at + 2) == Some(&[0, 0]);
            if ended_here || end_of_contents {
                at += if end_of_contents { 2 } else { 0 };
                let Some(closed) = open.pop() else { return Err(CUT) };
                match open.last_mut() {
                    Some(parent) => parent.take(closed.whole_tag(), &closed.content)?,
                    None => return Ok((one(closed.whole_tag(), &closed.content), at)),
                }
                continue;
            }
        }
        let tag_length = tag_length(ber.get(at..).unwrap_or_default()).ok_or(CUT)?;
        let tag = ber.get(at..at + tag_length).ok_or(CUT)?;
        let (length, length_octets) = length(ber.get(at + tag_length..).unwrap_or_default()).ok_or(CUT)?;
        let start = at + tag_length + length_octets;
        let end = length.map(|length| start.checked_add(length).ok_or(CUT)).transpose()?;
        let limit = open.last().and_then(|parent| parent.end).unwrap_or(ber.len());
        if end.is_some_and(|end| end > limit) || start > limit {
            return Err(CUT);
        }
        let is_constructed = tag.first().is_some_and(|first| first & 0x20 != 0);
        let depth = open.len();
        match (is_constructed, end, open.last_mut()) {
            (true, _, _) if depth == DEPTH_LIMIT => return Err("it is nested too deeply"),
            (true, _, _) => {
                open.push(Open { tag, end, content: Vec::new() });
                at = start;
            }
            (false, Some(end), parent) => {
                let content = ber.get(start..end).ok_or(CUT)?;
                match parent {
                    Some(parent) => parent.take(tag, content)?,
                    None => return Ok((one(tag, content), end)),
                }
                at = end;
            }
            (false, None, _) => return Err("a value without parts has an indefinite length"),
        }
    }
}

/// One value.
fn one(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 8);
    write::append(&mut out, tag, &[content]);
    out
}

fn tag_length(octets: &[u8]) -> Option<usize> {
    let first = octets.first()?;
    if first & 0x1f != 0x1f {
        return Some(1);
    }
    let more = octets.get(1..)?.iter().take(5).position(|octet| octet & 0x80 == 0)?;
    Some(more + 2)
}

/// A length, `None` if indefinite, and the number of its octets.
fn length(octets: &[u8]) -> Option<(Option<usize>, usize)> {
    let first = *octets.first()?;
    match first {
        0..0x80 => Some((Some(usize::from(first)), 1)),
        0x80 => Some((None, 1)),
        _ => {
            let count = usize::from(first & 0x7f);
            let octets = octets.get(1..=count)?;
            let significant = octets.iter().skip_while(|octet| **octet == 0);
            let fits = significant.clone().count() <= 4;
            let length = || significant.fold(0, |length, octet| length << 8 | usize::from(*octet));
            fits.then(|| (Some(length()), count + 1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn indefinite_lengths_become_definite() {
        let ber = [0x30, 0x80, 0x02, 1, 5, 0x30, 0x80, 0x05, 0, 0, 0, 0, 0];
        assert_eq!(to_der(&ber).unwrap(), [0x30, 7, 2, 1, 5, 0x30, 2, 5, 0]);
    }

    #[test]
    fn strings_in_pieces_are_put_together() {
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 0x24, 3, 4, 1, b'b', 0, 0, 0, 0];
        assert_eq!(to_der(&ber).unwrap(), [0x30, 4, 4, 2, b'a', b'b']);
    }

    /// The outermost value may be such a string, even an empty one.
    #[test]
    fn a_string_alone_is_put_together() {
        assert_eq!(to_der(&[0x24, 0]).unwrap(), [4, 0]);
        assert_eq!(to_der(&[0x24, 0x80, 4, 1, b'a', 4, 1, b'b', 0, 0]).unwrap(), [4, 2, b'a', b'b']);
    }

    #[test]
    fn der_stays_as_it_is() {
        assert_eq!(to_der(&[4, 0]).unwrap(), [4, 0]);
        let der = [&[0x30, 0x82, 1, 4, 4, 0x82, 1, 0][..], &[7; 256]].concat();
        assert_eq!(to_der(&der).unwrap(), der);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(to_der(&[0x30, 0x80, 5, 0]), Err("it is cut short"));
        assert_eq!(to_der(&[0x30, 5, 4, 9, 0, 0, 0]), Err("it is cut short"));
        assert_eq!(to_der(&[0x30, 0, 0]), Err("something follows it"));
        assert_eq!(to_der(&[0x04, 0, 0]), Err("something follows it"));
        assert_eq!(to_der(&[0x24, 2, 0x05, 0]), Err("a part of a string is no string"));
        assert_eq!(to_der(&[0x30, 0x80, 0x04, 0x80]), Err("a value without parts has an indefinite length"));
        assert_eq!(to_der(&[0x30, 0x80].repeat(100_000)), Err("it is nested too deeply"));
        assert_eq!(to_der(&[]), Err("it is cut short"));
    }

    /// A tag number above 30 takes more octets: the first zero bit at the top of one ends it.
    #[test]
    fn tags_of_several_octets_are_kept() {
        let der = [0x30, 7, 0x9f, 0x81, 0x01, 1, 5, 5, 0];
        assert_eq!(to_der(&der).unwrap(), der);
        let ber = [0xbf, 0x85, 0x01, 0x80, 0x04, 1, 7, 0, 0];
        assert_eq!(to_der(&ber).unwrap(), [0xbf, 0x85, 0x01, 3, 4, 1, 7]);
        assert_eq!(to_der(&[0x9f, 0x81, 0x81, 0x81, 0x81, 0x81, 0x01, 0]), Err("it is cut short"));
        assert_eq!(to_der(&[0x9f, 0x81]), Err("it is cut short"));
    }

    #[test]
    fn the_first_of_several_values_has_its_length() {
        let ber = [0x30, 0x80, 5, 0, 0, 0, 0x30, 0];
        assert_eq!(length_of_first(&ber), Ok(6));
        assert_eq!(length_of_first(&[4, 1, 7, 9]), Ok(3));
        assert_eq!(length_of_first(&ber[..5]), Err("it is cut short"));
    }

    proptest! {
        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = to_der(&octets);
        }

        #[test]
        fn what_comes_out_is_stable(octets in proptest::collection::vec(prop_oneof![Just(0x30), Just(0x80), Just(0), Just(4), Just(0x24), any::<u8>()], 0..40)) {
            if let Ok(der) = to_der(&octets) {
                prop_assert_eq!(to_der(&der).unwrap(), der);
            }
        }
    }
}
