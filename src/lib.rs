//! Certificates and development TLS.
pub mod report;
pub mod server;
pub mod tls;
