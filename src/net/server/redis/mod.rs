//! Several servers as one: through Redis, each has the others' clients, in the protocol of Node's
//! `@socket.io/redis-adapter`, so that its servers may be among them.
//!
//! - The clients of this server get events at once, whether Redis is there or not: what is to be published goes into a
//!   queue, and nobody waits for Redis.
//! - While Redis is away, events stay on the server that they were sent to. How many is reported when it is back.
//! - Events of one server arrive at the clients of another in their order.

mod address;
mod connection;
mod link;
mod outbox;
mod wire;

pub use self::address::{Redis, RedisUrlError};
pub use self::connection::RedisError;

pub(super) use self::link::{Incoming, Link, Opened};
pub(super) use self::wire::{Channel, Request, Response, Selection, read_event, read_request};
