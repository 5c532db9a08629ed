//! Records and handshake messages of TLS in the clear, written and read (RFC 8446 sections 4 and 5.1).

use crate::base::octets::Octets;

/// Content type of a record that changes the ciphers.
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;

/// Content type of an alert.
pub(super) const ALERT: u8 = 21;

/// Content type of handshake messages.
pub(super) const HANDSHAKE: u8 = 22;

/// A record; the content is at most 2^14 octets.
pub(super) fn record(version: u16, kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or_default();
    [&[kind][..], &version.to_be_bytes(), &length.to_be_bytes(), content].concat()
}

/// A handshake message; the body is below 2^24 octets.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    [&[kind][..], length.get(1..).unwrap_or_default(), body].concat()
}

/// Takes a whole record: its content type and its content.
pub(super) fn next_record<'a>(octets: &mut Octets<'a>) -> Option<(u8, &'a [u8])> {
    let kind = octets.number8()?;
    octets.number16()?;
    Some((kind, octets.vector(2)?))
}

/// Takes a whole handshake message: its type and its body.
pub(super) fn next_message<'a>(octets: &mut Octets<'a>) -> Option<(u8, &'a [u8])> {
    Some((octets.number8()?, octets.vector(3)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_when_they_are_whole() {
        let all = [message(2, &[1, 2, 3]), message(14, &[])].concat();
        let mut octets = Octets(&all);
        assert_eq!(next_message(&mut octets), Some((2, &[1, 2, 3][..])));
        assert_eq!(octets, Octets(&all[7..]));
        assert_eq!(next_message(&mut Octets(&all[..6])), None);
        assert_eq!(next_message(&mut octets), Some((14, &[][..])));
        assert!(octets.is_empty());
    }
}
