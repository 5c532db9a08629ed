//! Lines of a text whose characters may take one octet, two or four.

use std::ops::Range;

/// The furthest that the start of a line is looked for before its BEGIN.
const MAX_PREFIX: usize = 256;

/// The start of the line that `at` is in, if that is near and not before `floor`.
pub(super) fn line_start(text: &[u8], at: usize, floor: usize) -> usize {
    let floor = floor.max(at.saturating_sub(MAX_PREFIX)).min(at);
    let before = text.get(floor..at).unwrap_or_default();
    memchr::memrchr2(b'\n', b'\r', before).map_or(floor, |offset| floor + offset + 1)
}

/// Counts the line ends in a stretch of the text: LF, CRLF, or CR alone.
pub(super) fn lines(text: &[u8], stretch: Range<usize>, is_wide: bool) -> usize {
    let part = text.get(stretch.clone()).unwrap_or_default();
    if is_wide {
        return wide_lines(part);
    }
    let is_alone = |at: &usize| text.get(stretch.start + at + 1) != Some(&b'\n');
    memchr::memchr_iter(b'\n', part).count() + memchr::memchr_iter(b'\r', part).filter(is_alone).count()
}

/// As [`lines`], where zero octets may stand between characters: an octet of a character beyond ASCII ends no line.
fn wide_lines(text: &[u8]) -> usize {
    let ends = memchr::memchr2_iter(b'\n', b'\r', text).filter(|at| {
        let is_zero = |octet: Option<&u8>| octet.is_none_or(|octet| *octet == 0);
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        is_zero(before) == is_zero(text.get(at + 1)) || before.is_none() || text.get(at + 1).is_none()
    });
    let mut count = 0;
    let mut last_return = None;
    for at in ends {
        let is_second = text.get(at) == Some(&b'\n') && last_return.is_some_and(|last| at - last <= 4);
        count += usize::from(!is_second);
        last_return = (text.get(at) == Some(&b'\r')).then_some(at);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_and_a_feed_are_one_end_however_wide() {
        for (text, count) in [("a\r\nb\r\n", 2), ("a\nb\n\n", 3), ("a\rb\r\r", 3), ("\r\n\r\n", 2), ("a\n\rb", 2)] {
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(lines(text.as_bytes(), 0..text.len(), false), count, "{text:?}");
            assert_eq!(lines(&wide, 0..wide.len(), true), count, "{text:?} in UTF-16");
        }
    }
}
