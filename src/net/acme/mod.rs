//! ACME (RFC 8555): certificates over the network.
//!
//! - [`server`] gives them out, from the local CA.
//! - [`client`] gets one for a server and keeps it new.

pub mod client;
mod jwk;
pub mod server;
