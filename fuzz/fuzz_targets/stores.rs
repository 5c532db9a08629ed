//! PKCS#7 and PKCS#12, in DER or BER, with a password and without.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secure_io::container::encrypted::Rounds;
use secure_io::container::{pkcs7, pkcs12};

fuzz_target!(|octets: &[u8]| {
    let _ = pkcs7::open(octets);
    let _ = pkcs12::open(octets, None, &Rounds::default());
    let _ = pkcs12::open(octets, Some("password"), &Rounds::default());
});
