//! The proxy between a client and a server that are octets: what each of them is sent, and when.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod answers;
mod front;
mod heads;
mod https;
mod peer;
#[expect(dead_code, reason = "what other tests need of it")]
#[path = "../cli/sandbox.rs"]
mod sandbox;
mod smuggling;
mod streams;
mod vite;
