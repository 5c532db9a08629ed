//! The server as its clients see it, byte by byte: neither a browser nor a Socket.IO library comes between.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod client;
mod client_ca;
mod client_certificates;
mod delivery;
mod engine;
mod fixture;
mod front;
mod http;
mod limits;
mod load;
mod memory;
mod origin;
mod own_page;
mod plaintext;
mod process;
mod redis;
mod redis_server;
mod refusal;
mod reload;
mod resumed;
#[expect(dead_code, reason = "what other tests need of it")]
#[path = "../cli/sandbox.rs"]
mod sandbox;
mod soak;
mod socket;
mod stop;
