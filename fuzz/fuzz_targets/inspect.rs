//! Whatever is found, it can be described.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secure_io::container::encrypted::Rounds;
use secure_io::{container, inspect};

fuzz_target!(|octets: &[u8]| {
    for found in container::find(octets) {
        let _ = inspect::item(found, "file", None, &Rounds::default());
    }
});
