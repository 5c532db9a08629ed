//! Writes DER.

/// A value in DER.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("nothing here is so long").to_be_bytes();
    let header: &[u8] = match length {
        [0, short @ ..0x80] => &[tag, short],
        [0, long] => &[tag, 0x81, long],
        [high, low] => &[tag, 0x82, high, low],
    };
    [header, content].concat()
}
