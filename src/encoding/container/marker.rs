//! The lines that begin and end a PEM block (RFC 7468 section 2), in ASCII, UTF-16 and UTF-32, and percent-encoded.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

pub(super) const DASHES: &[u8] = b"-----";

/// Longer than any known label. Other octets must not be shown, because they may be a key.
const MAX_LABEL: usize = 64;

/// More octets than a marker has, in any encoding.
pub(super) const MAX_MARKER: usize = 4 * (BEGIN.len() + MAX_LABEL + DASHES.len());

const BEGIN: &[u8] = b"-----BEGIN ";

static FIND_BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"-----BEGIN"));
static FIND_WIDE: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [2, 4].map(|stride| Finder::new(&spread(b"-----BEGIN", stride)).into_owned()));

/// ASCII with zero octets between its characters, as far as UTF-16 and UTF-32 of either order have them.
fn spread(text: &[u8], stride: usize) -> Vec<u8> {
    let mut wide = Vec::new();
    for character in text {
        wide.push(*character);
        wide.resize(wide.len() + stride - 1, 0);
    }
    wide.truncate(wide.len() + 1 - stride);
    wide
}

/// The two words that follow the dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Begin,
    End,
}

/// A marker in a text.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub(super) label: Range<usize>,
    /// The end of the marker.
    pub(super) end: usize,
    /// Octets from one character to the next.
    pub(super) stride: usize,
}

impl Word {
    const fn text(self) -> &'static [u8] {
        match self {
            Self::Begin => b"-----BEGIN",
            Self::End => b"-----END",
        }
    }

    /// The marker whose first dash is at `start`.
    pub(super) fn at(self, text: &[u8], start: usize) -> Option<Marker> {
        let here = text.get(start..)?;
        let stride = match here {
            [b'-', b'-', ..] => 1,
            [b'-', 0, b'-', ..] => 2,
            [b'-', 0, 0, 0, b'-', ..] => 4,
            _ => return None,
        };
        let at = after(here, self.text(), stride)?;
        let space = [&b" "[..], b"%20", b"+"].into_iter().find_map(|space| after(here.get(at..)?, space, stride))?;
        let label_start = start + at + space;
        let near = text.get(label_start..text.len().min(label_start + 4 * MAX_LABEL + DASHES.len() * stride))?;
        let length = (0..near.len())
            .step_by(stride)
            .find(|at| near.get(*at..).is_some_and(|rest| after(rest, DASHES, stride).is_some()))?;
        let label = label_start..label_start + length;
        let end = label.end + (DASHES.len() - 1) * stride + 1;
        is_label(&label_text(text.get(label.clone())?)).then_some(Marker { label, end, stride })
    }
}

/// The length of a word at the front of a text, up to the next character.
fn after(text: &[u8], word: &[u8], stride: usize) -> Option<usize> {
    for (index, character) in word.iter().enumerate() {
        let at = index * stride;
        (text.get(at) == Some(character)).then_some(())?;
        // Nothing is asked of the octets behind the last character, which may be those of another encoding.
        let is_last = index + 1 == word.len() && *character == b'-';
        let zeros = text.get(at + 1..at + stride);
        (is_last || zeros.is_some_and(|zeros| zeros.iter().all(|octet| *octet == 0))).then_some(())?;
    }
    Some(word.len() * stride)
}

fn is_label(label: &str) -> bool {
    label.len() <= MAX_LABEL
        && label.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ')
        && !label.contains("--")
}

/// A label in its usual form.
pub(super) fn label_text(label: &[u8]) -> Cow<'_, str> {
    if label.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b' ') {
        return String::from_utf8_lossy(label);
    }
    let text: Vec<u8> = label.iter().copied().filter(|octet| *octet != 0).collect();
    Cow::Owned(String::from_utf8_lossy(&text).replace("%20", " ").replace('+', " "))
}

/// The position of the next word `BEGIN` with its dashes, with or without a label.
pub(super) fn find_begin(text: &[u8], from: usize, is_wide: bool) -> Option<usize> {
    let rest = text.get(from..)?;
    let narrow = FIND_BEGIN.find(rest);
    let near = rest.get(..narrow.unwrap_or(rest.len()))?;
    let wide = if is_wide { FIND_WIDE.iter().filter_map(|finder| finder.find(near)).min() } else { None };
    wide.or(narrow).map(|offset| from + offset)
}

/// Decides whether a text has octets that UTF-16 and UTF-32 put between ASCII characters.
pub(super) fn is_wide(text: &[u8]) -> bool {
    memchr::memchr(0, text).is_some()
}

/// Decides whether there may be a block in a text.
pub(super) fn is_begun(text: &[u8]) -> bool {
    find_begin(text, 0, is_wide(text)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_all_encodings_are_found() {
        let ascii = "-----BEGIN A KEY-----\n";
        let utf16: Vec<u16> = ascii.encode_utf16().collect();
        let utf32: Vec<u32> = ascii.chars().map(u32::from).collect();
        let texts: [Vec<u8>; 7] = [
            ascii.into(),
            utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            utf32.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            utf32.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            b"-----BEGIN%20A%20KEY-----%0A".to_vec(),
            b"-----BEGIN+A+KEY-----%0A".to_vec(),
        ];
        for text in texts {
            for before in 0..4 {
                let text = [&vec![b'x'; before][..], &text].concat();
                let start = find_begin(&text, 0, is_wide(&text)).unwrap();
                let marker = Word::Begin.at(&text, start).unwrap();
                assert_eq!(label_text(&text[marker.label]), "A KEY", "{text:?}");
                assert_eq!(text[marker.end - 1], b'-');
            }
        }
    }

    #[test]
    fn what_is_no_label_is_no_marker() {
        for text in
            ["-----BEGIN \u{1}-----", "-----BEGIN A", "-----BEGIN-----", "-----BEGIN a--b-----", "----BEGIN A-----"]
        {
            assert!(Word::Begin.at(text.as_bytes(), 0).is_none(), "{text}");
        }
        assert!(Word::Begin.at(format!("-----BEGIN {}-----", "A".repeat(65)).as_bytes(), 0).is_none());
    }
}
