//! TLS connections, and the programs on both of their ends.

pub mod check;
pub mod probe;
pub mod server;
pub mod tls;
