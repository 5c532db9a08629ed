//! A key, or what is like one, is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secure_io::{container, key};

fuzz_target!(|octets: &[u8]| {
    let passphrase = || Ok::<_, container::Error>(Some("passphrase".to_owned().into()));
    if let Ok(der) = container::private_key(octets, passphrase) {
        let _ = key::PrivateKey::load(&der);
    }
});
