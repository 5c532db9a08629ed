//! Certificates and development TLS.
pub mod ca;
pub mod cert;
pub mod container;
pub mod csr;
pub mod files;
pub mod inspect;
pub mod key;
pub mod material;
pub mod name;
pub mod report;
pub mod signed;
pub mod validity;
