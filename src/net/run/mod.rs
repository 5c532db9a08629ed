//! A dev server that is started behind the proxy.
//!
//! [`host`] finds its name, [`flags`] those with which it listens where it is told, and [`Child`] runs it. [`follow`]
//! finds the port on which its processes really listen. Several such servers share one port through a [`Sharing`].

mod child;
mod door;
mod hub;
mod name;
mod ports;
mod script;
mod servers;
mod sharing;
mod talk;
mod tree;

pub use self::child::Child;
pub use self::name::{NameError, host};
pub use self::ports::{Found, follow, free_port};
pub use self::script::{Added, flags};
pub use self::servers::variables;
pub use self::sharing::{Change, Error, Place, Sharing, running};
