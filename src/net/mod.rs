//! TLS connections, and the programs on both of their ends.

#[cfg(feature = "serve")]
pub mod acme;
pub mod check;
#[cfg(feature = "serve")]
pub(crate) mod client;
#[cfg(feature = "serve")]
pub mod connect;
pub mod doctor;
#[cfg(feature = "serve")]
pub(crate) mod engine_io;
pub mod probe;
#[cfg(feature = "serve")]
pub mod proxy;
#[cfg(feature = "serve")]
pub mod run;
#[cfg(feature = "serve")]
pub mod server;
#[cfg(feature = "serve")]
pub mod share;
pub mod tls;
