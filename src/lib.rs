//! Certificates and development TLS.
pub mod files;
pub mod container;
pub mod name;
pub mod validity;
pub mod report;
pub mod key;
pub mod signed;
pub mod csr;
pub mod inspect;
pub mod cert;
pub mod material;
pub mod ca;
