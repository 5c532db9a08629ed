//! Certificates and development TLS.
pub mod report;
mod server;
