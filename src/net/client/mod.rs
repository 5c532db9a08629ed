//! A client of Engine.IO 4 and Socket.IO 5 over streams of our own, in which no layer hides the message of another.
//!
//! From the bottom up:
//!
//! - [`Dialer`] connects to one address: TCP, perhaps through a proxy, and TLS that accepts any certificate. Its user
//!   judges the certificates first.
//! - [`http`] sends one request over one connection. An answer that is not wanted is kept whole.
//! - [`websocket`] opens a WebSocket by such a request.
//! - [`Server`] names an Engine.IO server; [`Session`] is a session there, by polling or WebSocket, with the upgrade
//!   between them.
//! - [`Socket`] speaks Socket.IO over a session.
//! - [`answer`] reads an answer of HTTP as Engine.IO's, and gives one that is not its code.

pub(crate) mod answer;
pub(crate) mod dial;
pub(crate) mod frames;
pub(crate) mod http;
pub(crate) mod packet;
pub(crate) mod session;
pub(crate) mod socket;
pub(crate) mod stream;
pub(crate) mod websocket;

pub(crate) use self::answer::opened;
pub use self::dial::Proxy;
pub(crate) use self::dial::{Dialer, Undialed};
pub(crate) use self::http::{Answer, Answered, Request, Unanswered};
pub(crate) use self::packet::{Kind, Message};
pub use self::session::Transport;
pub(crate) use self::session::{Lost, NotUpgraded, Server, Session, Trace};
pub(crate) use self::socket::{Incoming, Socket};
pub(crate) use self::websocket::NoWebSocket;
