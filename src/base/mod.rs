//! Files, words, time and work on all cores: knows nothing of certificates.

pub mod files;
pub(crate) mod hex;
pub(crate) mod octets;
pub mod ordered;
pub mod validity;
pub mod words;
