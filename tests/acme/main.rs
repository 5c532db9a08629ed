//! The ACME server against the clients that people use and against hostile requests; the client of `serve` against pebble
//! and our own server.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "the part that is used here")]
mod sandbox;

mod authority;
mod clients;
mod hostile;
mod nonces;
mod ours;
mod pebble;
mod protocol;
mod signer;
