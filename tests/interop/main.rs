//! Acceptance and refusal of our output by implementations that we did not write, and of their output by ours.
//!
//! The programs are Debian's and npm's. `tests/run` installs them: a test whose program is missing fails.

mod ca;
mod chromium;
mod convert;
mod curl;
mod fixtures;
mod from_rust;
mod go;
mod inspect;
mod java;
mod node;
mod npm;
mod openssl;
mod openssl_ca;
mod openssl_keys;
mod python_package;
mod readme;
mod recipes;
mod redis;
#[path = "../server/redis_server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "a test that fails may panic; the part that is used here")]
mod redis_server;
mod rustls_client;
#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "the part that is used here")]
mod sandbox;
mod stolen;
mod stores;
mod trust;
mod vectors;
