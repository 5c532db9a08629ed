//! Certificates and development TLS.
