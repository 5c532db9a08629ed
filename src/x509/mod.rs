//! The typed values of X.509. Each structure is read here, once: `certificate`, `crl` and `request` are what is signed,
//! made of `name`, `key` and `extension`.

pub mod certificate;
pub(crate) mod constraints;
pub mod crl;
pub mod csr;
pub mod extension;
pub mod key;
pub mod name;
pub(crate) mod policy;
pub(crate) mod request;
pub(crate) mod signed;
pub(crate) mod signed_data;
