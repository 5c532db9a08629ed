//! The server that a connection is asked of.

use std::net::SocketAddr;

use super::address::Address;
use crate::net::client::Server;
use crate::net::tls::Listening;

/// A server, and how it was reached.
pub(super) struct Asked<'a> {
    pub(super) address: &'a Address,
    pub(super) server: &'a Server,
    /// Facts that the handshake of TLS revealed.
    pub(super) listening: Option<&'a Listening>,
    /// Other addresses of localhost.
    pub(super) others: &'a [SocketAddr],
}
