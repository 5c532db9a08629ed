//! The typed values of X.509. Each structure is read here, once: `certificate`, `crl` and `request` are what is signed,
//! made of `name`, `key` and `extension`.

pub mod certificate;
pub mod constraints;
pub mod crl;
pub mod csr;
pub mod extension;
pub mod key;
pub mod name;
pub mod policy;
pub mod request;
pub mod signed;
pub mod signed_data;
