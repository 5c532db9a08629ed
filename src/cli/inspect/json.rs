//! Items as one JSON array, written as they come.

use secure_io::report::item::Item;

use crate::cli::failure::Failure;
use crate::cli::output::{Output, push_json};

/// Octets gathered before a write.
const BUFFER: usize = 64 << 10;

/// Writes items as JSON.
pub(super) struct JsonSink {
    buffer: Vec<u8>,
}

impl JsonSink {
    pub(super) fn new() -> Self {
        Self { buffer: vec![b'['] }
    }

    pub(super) fn take(&mut self, item: &Item, out: &mut Output) -> Result<(), Failure> {
        self.comma();
        push_json(&mut self.buffer, item)?;
        self.flush_above(BUFFER, out)
    }

    /// JSON of some items, with commas between.
    pub(super) fn text(&mut self, text: &[u8], out: &mut Output) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        self.comma();
        self.flush_above(0, out)?;
        out.data(text)
    }

    fn comma(&mut self) {
        // The bracket goes out with the first of them: from then on there is always a comma to write.
        if self.buffer != b"[" {
            self.buffer.push(b',');
        }
    }

    fn flush_above(&mut self, limit: usize, out: &mut Output) -> Result<(), Failure> {
        if self.buffer.len() > limit { out.data(&std::mem::take(&mut self.buffer)) } else { Ok(()) }
    }

    pub(super) fn finish(&mut self, out: &mut Output) -> Result<(), Failure> {
        self.buffer.extend_from_slice(b"]\n");
        out.data(&std::mem::take(&mut self.buffer))
    }
}
