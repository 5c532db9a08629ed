//! Messages between the processes that share a port: a line of JSON each.

use serde::{Deserialize, Serialize};

use crate::judge::report::running::App;

/// From a process to the one that has the port.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// Wants to know who shares the port.
    List,
    /// Wants its server to be served there for as long as the connection lasts.
    Join {
        app: App,
        /// The SHA-256 fingerprint of the root that its clients trust.
        root: String,
        /// The rules for clients that it was started with.
        #[serde(default)]
        terms: String,
    },
    /// Its server listens elsewhere now.
    Moved { target: String },
}

/// From the process that has the port.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Sharing {
        apps: Vec<App>,
    },
    Joined,
    /// Another one has the host.
    Taken {
        by: App,
    },
    /// Another local CA signs there.
    OtherRoot,
    /// Other rules hold for clients there.
    OtherTerms,
    /// The server did not answer a client.
    Unreachable,
    /// The server refuses the host.
    Blocked,
}

/// The longest message.
#[cfg(unix)]
const LONGEST: u64 = 256 * 1024;

#[cfg(unix)]
pub(super) use wire::{Reader, Wire, Writer};

/// A connection between two of them.
#[cfg(unix)]
mod wire {
    use std::io;
    use std::path::Path;

    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::UnixStream;
    use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

    pub(in super::super) struct Wire {
        pub(in super::super) from: Reader,
        pub(in super::super) to: Writer,
    }

    impl Wire {
        pub(in super::super) fn new(stream: UnixStream) -> Self {
            let (from, to) = stream.into_split();
            Self { from: Reader(BufReader::new(from)), to: Writer(to) }
        }

        /// Connects to a socket; `None` if nobody listens there.
        pub(in super::super) async fn to(path: &Path) -> Option<Self> {
            UnixStream::connect(path).await.ok().map(Self::new)
        }
    }

    pub(in super::super) struct Reader(BufReader<OwnedReadHalf>);

    impl Reader {
        /// Reads a message; `None` at the end.
        pub(in super::super) async fn read<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
            let mut line = Vec::new();
            if (&mut self.0).take(super::LONGEST).read_until(b'\n', &mut line).await? == 0 {
                return Ok(None);
            }
            Ok(Some(serde_json::from_slice(&line)?))
        }
    }

    pub(in super::super) struct Writer(OwnedWriteHalf);

    impl Writer {
        pub(in super::super) async fn write(&mut self, message: &impl Serialize) -> io::Result<()> {
            let mut line = serde_json::to_vec(message)?;
            line.push(b'\n');
            self.0.write_all(&line).await
        }
    }
}
