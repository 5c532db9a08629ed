//! Base64 of PEM bodies: at memory speed where the lines are even, forgiving where they are not.

mod escape;
mod literal;

use std::fmt;

pub(super) use self::escape::Characters;

/// The first fault of a text that is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A character that is no digit.
    Character {
        /// The character.
        character: char,
        /// The line of the file, from 1.
        line: usize,
        /// Its place in the line, from 1.
        column: usize,
    },
    /// Digits behind the padding that ends the text.
    BehindEnd {
        /// The line of the file, from 1.
        line: usize,
    },
    /// One digit too many, or some that are missing.
    Length,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character { character, line, column } => {
                write!(f, "`{}` in line {line}, column {column}", character.escape_debug())
            }
            Self::BehindEnd { line } => write!(f, "it goes on behind its end, `=`, in line {line}"),
            Self::Length => f.write_str("digits are missing, or too many"),
        }
    }
}

impl Fault {
    /// The first fault of a body that begins in this line of the file, behind a marker or not.
    pub(super) fn of(body: &[u8], line: usize) -> Self {
        let (mut line, mut column, mut has_ended) = (line, 0, false);
        let has_feeds = memchr::memchr(b'\n', body).is_some();
        let mut is_escaped = false;
        for character in String::from_utf8_lossy(body).chars() {
            column += 1;
            if std::mem::take(&mut is_escaped) && "nrt/\\\"".contains(character) {
                continue;
            }
            // Beyond ASCII nothing is a digit.
            match u8::try_from(character).unwrap_or_default() {
                b'\n' => (line, column) = (line + 1, 0),
                b'\r' if !has_feeds => (line, column) = (line + 1, 0),
                b'=' => has_ended = true,
                b'\\' => is_escaped = true,
                // What `forgiving` passes over, too.
                b'>' | b'"' | b'\'' | b',' | b';' => {}
                octet if octet.is_ascii_whitespace() => {}
                octet if digit(octet).is_none() => return Self::Character { character, line, column },
                _ if has_ended => return Self::BehindEnd { line },
                _ => {}
            }
        }
        Self::Length
    }

    /// The same fault in a file with so many lines before the text.
    pub(super) fn below(self, lines: usize) -> Self {
        match self {
            Self::Character { character, line, column } => Self::Character { character, line: line + lines, column },
            Self::BehindEnd { line } => Self::BehindEnd { line: line + lines },
            Self::Length => Self::Length,
        }
    }
}

/// Decodes a body; `None` if the body is not base64.
pub(super) fn decode(body: &[u8]) -> Option<Vec<u8>> {
    even_lines(body).or_else(|| forgiving(body))
}

/// A body of lines that are equally long but for the last one, as all programs write it.
fn even_lines(body: &[u8]) -> Option<Vec<u8>> {
    let body = body.strip_prefix(b"\r").unwrap_or(body);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let first = memchr::memchr(b'\n', body)?;
    let end_of_line = if body.get(..first)?.ends_with(b"\r") { 2 } else { 1 };
    let width = (first + 1).checked_sub(end_of_line).filter(|width| *width > 0)?;
    let mut octets = Vec::with_capacity(body.len());
    for line in body.chunks(width + end_of_line) {
        octets.extend_from_slice(line.get(..width).unwrap_or_else(|| line.trim_ascii_end()));
    }
    let trimmed = octets.trim_ascii_end().len();
    octets.truncate(trimmed);
    let decoded = base64_simd::STANDARD.decode_inplace(&mut octets).ok()?.len();
    octets.truncate(decoded);
    Some(octets)
}

/// Accepts text that passed through mails, web pages, JSON and source code: indentation, spaces, `> ` before each line,
/// escapes, string literals that are joined, the URL alphabet, missing padding.
fn forgiving(body: &[u8]) -> Option<Vec<u8>> {
    let quote = [b'"', b'\'', b'`'].into_iter().find(|quote| memchr::memchr(*quote, body).is_some());
    let joined = quote.and_then(|quote| join(literal::contents(body, quote)?.into_iter()));
    joined.or_else(|| {
        join(Characters::new(body, true).filter(|octet| !matches!(octet, b'>' | b'"' | b'\'' | b',' | b';')))
    })
}

/// Decodes digits with white space between them.
fn join(characters: impl Iterator<Item = u8>) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(characters.size_hint().1.unwrap_or_default() / 4 * 3 + 3);
    let (mut bits, mut digits, mut padding) = (0_u32, 0_usize, 0_usize);
    for character in characters {
        if character.is_ascii_whitespace() {
            continue;
        }
        if character == b'=' {
            padding += 1;
            continue;
        }
        let digit = digit(character).filter(|_| padding == 0)?;
        bits = bits << 6 | u32::from(digit);
        digits += 1;
        if digits.is_multiple_of(4) {
            octets.extend_from_slice(bits.to_be_bytes().get(1..)?);
            bits = 0;
        }
    }
    match digits % 4 {
        0 => {}
        2 => octets.extend((bits << 12).to_be_bytes().get(1..2)?),
        3 => octets.extend((bits << 6).to_be_bytes().get(1..3)?),
        _ => return None,
    }
    (padding <= 2).then_some(octets)
}

fn digit(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Returns true if text may be base64 without armour.
pub(super) fn is_plausible(text: &[u8]) -> bool {
    let is_mark =
        |octet: u8| matches!(octet, b'=' | 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff) || octet.is_ascii_whitespace();
    text.iter().all(|&octet| is_digit(octet) || is_mark(octet))
}

/// Decides whether a character is a digit of base64, of either alphabet.
pub(super) fn is_digit(character: u8) -> bool {
    digit(character).is_some()
}

/// The first octets that a body stands for, if it begins with that many digits and nothing but white space is between
/// them.
pub(super) fn head(body: &[u8]) -> Option<[u8; 6]> {
    let mut octets = [0; 6];
    let mut digits = body.iter().filter(|octet| !octet.is_ascii_whitespace());
    let mut bits: u64 = 0;
    for _ in 0..8 {
        bits = bits << 6 | u64::from(digit(*digits.next()?)?);
    }
    octets.copy_from_slice(bits.to_be_bytes().get(2..)?);
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each was once a file that somebody had.
    #[test]
    fn text_that_went_through_many_hands_is_read() {
        for text in [
            "Zm9vYmE=",
            " Zm9v\r\n YmE=\r\n",
            "> Zm9v\n> YmE=\n> ",
            r"\nZm9v\nYmE=\n",
            "\"Zm9v\"\n\"YmE\"\n",
            "Zm9v YmE",
            "Zm9v\rYmE=\r",
            "Zm9vYmE\\u003D\\u000a",
            "Zm9vYmE=3D\n",
            "Zm9vYmE%3D%0A",
            "Zm9v&#10;YmE&#x3D;",
            "Z\0m\09\0v\0\n\0Y\0m\0E\0",
            "\u{feff}Zm9v\n\u{feff}YmE=",
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(&b"fooba"[..]), "{text:?}");
        }
        assert_eq!(decode(b"_-A\n").as_deref(), Some(&[0xff, 0xe0][..]));
        for text in ["/+A=", "\\/+A=", "/\\u002BA\\u003d", "%2F%2bA%3D", "/&#43;A", r"\x2f\53A"] {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(&[0xff, 0xe0][..]), "{text:?}");
        }
    }

    /// Text between markers begins with a line end: such blocks always took the slow way once.
    #[test]
    fn what_programs_write_is_read_the_quick_way() {
        for text in ["\nZm9v\nYmE=\n", "\r\nZm9v\r\nYmE=\r\n", "\nZm9vYmE=\n"] {
            assert_eq!(even_lines(text.as_bytes()).as_deref(), Some(&b"fooba"[..]), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["Zm9v!", "Z", "Zm9vY", "Zm==9v", "Zm9vYg===", "Zm9v\u{e4}"] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_fault_is_the_first_character_that_nobody_passes_over() {
        let character = |character, line, column| Fault::Character { character, line, column };
        for (text, fault) in [
            ("> QUJD\n> QU!D\n", character('!', 1, 5)),
            ("'QUJD',\n\"QUé\";\n", character('é', 1, 4)),
            ("QUJD\\n*", character('*', 0, 7)),
            ("QUJD\rQU?D", character('?', 1, 3)),
            ("QUI=\nQUJD", Fault::BehindEnd { line: 1 }),
            ("QUJDQ", Fault::Length),
        ] {
            assert_eq!(Fault::of(text.as_bytes(), 0), fault, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_width_of_line_decodes_to_what_was_encoded(
            octets in proptest::collection::vec(any::<u8>(), 0..300),
            width in 1_usize..90,
            end in prop::sample::select(vec!["\n", "\r\n", "\r", " \n", "\n\n"]),
        ) {
            let text = base64_simd::STANDARD.encode_to_string(&octets);
            let lines: Vec<_> = text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
            prop_assert_eq!(decode((lines.join(end) + end).as_bytes()).unwrap(), octets);
        }

        #[test]
        fn nothing_panics(text in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&text);
        }
    }
}
