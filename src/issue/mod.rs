//! Makes certificates, CAs and test PKIs, and brings roots into trust stores.

pub mod ca;
pub mod cert;
pub mod convert;
pub mod credentials;
pub mod fixtures;
pub mod generate;
#[cfg(feature = "serve")]
pub mod snippet;
pub mod trust;
