//! The HTTPS Socket.IO server.
#![expect(dead_code, reason = "the server that serves these is written elsewhere")]

pub(crate) mod client_js;
pub(crate) mod page;
