//! ACME (RFC 8555): certificates over the network.
//!
//! - [`server`] gives them out, from the local CA.

mod jwk;
pub mod server;
