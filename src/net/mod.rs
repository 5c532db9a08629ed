//! TLS connections, and the programs on both of their ends.

pub mod check;
pub(crate) mod client;
pub mod connect;
pub(crate) mod engine_io;
pub mod probe;
#[cfg(feature = "serve")]
pub mod server;
pub mod tls;
