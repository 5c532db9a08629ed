//! TLS connections, and the programs on both of their ends.

pub mod check;
pub mod probe;
#[cfg(feature = "serve")]
pub mod proxy;
#[cfg(feature = "serve")]
pub mod server;
pub mod tls;
