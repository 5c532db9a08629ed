//! npm's socket.io-client.

pub(crate) const MISSING: &str = "No Socket.IO client was built in: supply one with `--client-js FILE`.\n";

/// A file of the client library.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientFile {
    pub(crate) gzip: &'static [u8],
    pub(crate) content_type: &'static str,
    pub(crate) etag: &'static str,
}

/// Finds a file by its name under `/socket.io/`.
pub(crate) fn file(_: &str) -> Option<ClientFile> {
    None
}
