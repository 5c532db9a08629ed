//! Reads a source part by part.

use std::io::Read;

use super::Error;

/// A source and how far it has been read.
pub(super) struct Source<R> {
    reader: R,
    is_begun: bool,
    is_ended: bool,
}

impl<R: Read> Source<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, is_begun: false, is_ended: false }
    }

    /// Reads until the buffer has at least `target` octets, or the source ends; says whether it has.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>, target: usize) -> Result<bool, Error> {
        while !self.is_ended && buffer.len() < target {
            let wanted = target - buffer.len();
            // Small sources are left small.
            buffer.reserve(if self.is_begun { wanted + 32 } else { wanted.min(8 << 10) });
            self.is_begun = true;
            let read = self.reader.by_ref().take(wanted as u64).read_to_end(buffer);
            self.is_ended = read.map_err(|source| Error::Read { source })? < wanted;
        }
        Ok(self.is_ended)
    }
}
