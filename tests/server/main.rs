//! The server as its clients see it, byte by byte: neither a browser nor a Socket.IO library comes between.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod client;
mod delivery;
mod engine;
mod fixture;
mod http;
mod limits;
mod plaintext;
mod socket;
mod stop;
