//! Whatever can be described can be judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secure_io::container::encrypted::Rounds;
use secure_io::lint::{Issuers, Judge};
use secure_io::{container, inspect, validity};

fuzz_target!(|octets: &[u8]| {
    let mut issuers = Issuers::default();
    for found in container::find(octets) {
        let mut inspected = inspect::item(found, "file", None, &Rounds::default());
        issuers.add_item(&inspected);
        let judge = Judge { audience: None, issuers: &issuers, now: validity::now() };
        let _ = judge.item(&mut inspected);
    }
});
