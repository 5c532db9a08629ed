//! Certificates and development TLS.
pub mod report;
