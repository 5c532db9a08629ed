//! Writes DER one value at a time: values that no crate here writes, because they are wrong, come from a seed, or are
//! only reassembled.

use super::tag;

/// A value of these parts.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut der = Vec::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + 4);
    append(&mut der, &[tag], parts);
    der
}

/// Appends a value: its identifier octets, the length of the parts together in as few octets as it takes, and the
/// parts.
pub(crate) fn append(out: &mut Vec<u8>, identifier: &[u8], parts: &[&[u8]]) {
    out.extend_from_slice(identifier);
    let length = parts.iter().map(|part| part.len()).sum::<usize>().to_be_bytes();
    let significant = length.iter().position(|octet| *octet != 0).unwrap_or(length.len() - 1);
    match length.get(significant..).unwrap_or_default() {
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend_from_slice(long);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// A SEQUENCE.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag::SEQUENCE, parts)
}

/// A positive INTEGER of these octets, most significant first.
pub(crate) fn unsigned(octets: &[u8]) -> Vec<u8> {
    let first = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len());
    let octets = octets.get(first..).unwrap_or_default();
    let sign: &[u8] = if octets.first().is_none_or(|octet| octet & 0x80 != 0) { &[0] } else { &[] };
    tlv(tag::INTEGER, &[sign, octets])
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, &[&[0], octets])
}

/// An OBJECT IDENTIFIER of these contents octets.
pub(crate) fn oid(contents: &[u8]) -> Vec<u8> {
    tlv(tag::OID, &[contents])
}

/// An Extension (RFC 5280 section 4.2).
pub(crate) fn extension(oid_contents: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    sequence(&[&oid(oid_contents), critical, &tlv(tag::OCTET_STRING, &[value])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(tlv(4, &[]), [4, 0]);
        assert_eq!(tlv(4, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(tlv(4, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(tlv(4, &[&[7; 256]])[..4], [4, 0x82, 1, 0]);
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }
}
