//! Characters of a text in which some are escaped, as JSON, source code, XML, URLs and mails escape them.

/// The characters of a text, escapes resolved; NULs and byte order marks, which UTF-16 leaves, are skipped.
pub(crate) struct Characters<'a> {
    rest: &'a [u8],
    /// True if a backtick escapes, as in PowerShell.
    backtick: bool,
}

impl<'a> Characters<'a> {
    pub(crate) const fn new(text: &'a [u8], backtick: bool) -> Self {
        Self { rest: text, backtick }
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// The character that an escape stands for, and the length of the escape; `None` for other text.
    fn escaped(&self) -> Option<(u8, usize)> {
        match self.rest {
            [b'\\', b'n' | b'r' | b't', ..] => Some((b'\n', 2)),
            [b'`', b'n' | b'r' | b't', ..] if self.backtick => Some((b'\n', 2)),
            [b'\\', b'u', rest @ ..] => Some((number(rest.get(..4)?, 16)?, 6)),
            [b'\\', b'x', rest @ ..] => Some((number(rest.get(..2)?, 16)?, 4)),
            [b'\\', rest @ ..] => {
                let count = rest.iter().take(3).take_while(|digit| (b'0'..b'8').contains(digit)).count();
                Some((number(rest.get(..count)?, 8)?, count + 1))
            }
            [b'%', rest @ ..] => Some((number(rest.get(..2)?, 16)?, 3)),
            [b'=', b'3', b'D', ..] => Some((b'=', 3)),
            [b'&', b'#', rest @ ..] => {
                let end = rest.iter().take(6).position(|octet| *octet == b';')?;
                let digits = rest.get(..end)?;
                let character = match digits {
                    [b'x' | b'X', hex @ ..] => number(hex, 16)?,
                    decimal => number(decimal, 10)?,
                };
                Some((character, end + 3))
            }
            _ => None,
        }
    }
}

impl Iterator for Characters<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        loop {
            if let Some((character, length)) = self.escaped() {
                self.skip(length);
                return Some(character);
            }
            match self.rest {
                // A lone backslash goes on with the line, or escapes a quote or a slash.
                [b'\\' | 0 | 0xfe | 0xff, ..] => self.skip(1),
                [0xef, 0xbb, 0xbf, ..] => self.skip(3),
                [character, rest @ ..] => {
                    self.rest = rest;
                    return Some(*character);
                }
                [] => return None,
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.rest.len()))
    }
}

/// An ASCII character by its number.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let text =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|octet| octet.is_ascii_alphanumeric()))?;
    u8::from_str_radix(text, radix).ok().filter(u8::is_ascii)
}
