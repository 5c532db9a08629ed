//! Items as one JSON array, written as they come.

use secure_io::report::item::Item;

use crate::cli::failure::Failure;
use crate::cli::output::{Output, json_text};

/// So much is gathered before it is written.
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
        self.text(&json_text(item)?, out)
    }

    /// JSON of some items, with commas between.
    pub(super) fn text(&mut self, text: &str, out: &mut Output) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        if self.buffer != b"[" {
            self.buffer.push(b',');
        }
        self.buffer.extend_from_slice(text.as_bytes());
        if self.buffer.len() < BUFFER {
            return Ok(());
        }
        // The bracket went out with the first of them: from here on there is always a comma to write.
        out.data(&std::mem::take(&mut self.buffer))
    }

    pub(super) fn finish(&mut self, out: &mut Output) -> Result<(), Failure> {
        self.buffer.extend_from_slice(b"]\n");
        out.data(&std::mem::take(&mut self.buffer))
    }
}
