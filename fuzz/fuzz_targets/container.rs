//! Whatever the octets, the same is found however they come, and nothing panics.
#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;
use secure_io::container;

/// Gives a few octets at a time, as a slow pipe does.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(7);
        self.0.read(&mut buffer[..length])
    }
}

fuzz_target!(|octets: &[u8]| {
    let whole = container::find(octets);
    let slow: Vec<_> = container::stream(Slow(octets)).flatten().collect();
    assert_eq!(format!("{whole:?}"), format!("{slow:?}"));
    assert!(whole.iter().enumerate().all(|(index, found)| found.index == index || found.line.is_some()));
});
