//! Whatever a client sends to the server, over either transport, nothing panics, the answers can be read again, and no
//! memory is held afterwards.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secure_io::server::fuzz;

fuzz_target!(|octets: &[u8]| match octets.split_first() {
    Some((0, frames)) => fuzz::websocket(frames),
    _ => fuzz::polling(octets),
});
