//! Reads a source part by part, UTF-16 turned into octets on the way.

use std::io::Read;

use super::Error;

/// A source and how far it has been read.
pub(super) struct Source<R> {
    reader: R,
    encoding: Encoding,
    is_begun: bool,
    is_ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// ASCII, UTF-8 or no text at all.
    Octets,
    Utf16Le,
    Utf16Be,
}

impl<R: Read> Source<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, encoding: Encoding::Octets, is_begun: false, is_ended: false }
    }

    /// Reads until the buffer has at least `target` octets, or the source ends; says whether it has.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>, target: usize) -> Result<bool, Error> {
        while !self.is_ended && buffer.len() < target {
            let wanted = (target - buffer.len()).next_multiple_of(2);
            match self.encoding {
                Encoding::Octets => self.read(buffer, wanted)?,
                encoding => {
                    let mut units = Vec::new();
                    self.read(&mut units, wanted)?;
                    encoding.append(&units, buffer);
                }
            }
            if !self.is_begun {
                self.is_begun = true;
                self.encoding = Encoding::of(buffer);
                if self.encoding != Encoding::Octets {
                    let units = std::mem::take(buffer);
                    self.encoding.append(&units, buffer);
                }
            }
        }
        Ok(self.is_ended)
    }

    fn read(&mut self, buffer: &mut Vec<u8>, wanted: usize) -> Result<(), Error> {
        // Small sources are left small.
        buffer.reserve(if self.is_begun { wanted + 32 } else { wanted.min(8 << 10) });
        let read = self.reader.by_ref().take(wanted as u64).read_to_end(buffer);
        self.is_ended = read.map_err(|source| Error::Read { source })? < wanted;
        Ok(())
    }
}

impl Encoding {
    /// From a byte order mark, or from how PEM looks without one.
    fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] | [b'-', 0, b'-', 0, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] | [0, b'-', 0, b'-', ..] => Self::Utf16Be,
            _ => Self::Octets,
        }
    }

    /// Appends text; what is beyond ASCII is of no use here.
    fn append(self, units: &[u8], buffer: &mut Vec<u8>) {
        let ascii = |unit: u16| u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(b'?');
        buffer.extend(units.chunks_exact(2).filter_map(|unit| {
            let unit = <[u8; 2]>::try_from(unit).ok()?;
            let unit = if self == Self::Utf16Be { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) };
            (unit != 0xfeff).then(|| ascii(unit))
        }));
    }
}
