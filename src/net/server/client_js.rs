//! npm's socket.io-client as `build.rs` stored it: the files that Node's server offers, too.

// `FILES`: a row for each file, none when the build had no npm.
include!(concat!(env!("OUT_DIR"), "/client_js.rs"));

/// The version of socket.io-client that was built in, if one was.
pub(crate) const VERSION: Option<&str> = option_env!("SOCKET_IO_CLIENT_VERSION");

/// Message for people who ask for a client library that was not built in.
pub(crate) const MISSING: &str = concat!(
    "This secure-io was built without the Socket.IO client: ",
    env!("SOCKET_IO_CLIENT_MISSING"),
    " at the time.\n\n",
    "Supply one when starting the server:\n\n",
    "    npm install socket.io-client\n",
    "    secure-io serve --client-js node_modules/socket.io-client/dist/socket.io.js\n\n",
    "or install Node.js with npm, run `touch build.rs` and build secure-io again.\n",
);

/// A file of the client library.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientFile {
    /// The content, compressed with gzip.
    pub(crate) gzip: &'static [u8],
    /// The media type Node's server gives it.
    pub(crate) content_type: &'static str,
    /// A weak entity tag, so that it fits the content compressed or not.
    pub(crate) etag: &'static str,
}

/// Finds a file by its name under `/socket.io/`: `socket.io.js`, a variant, or the `.map` of either.
pub(crate) fn file(name: &str) -> Option<ClientFile> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, file)| *file)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Read;

    use super::*;

    const SCRIPTS: [&str; 4] = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

    fn inflate(file: ClientFile) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(file.gzip).read_to_string(&mut text).expect("a gzip file");
        text
    }

    #[test]
    fn each_script_and_its_map_inflate_when_the_client_was_built_in() {
        let Some(version) = VERSION else {
            return assert!(FILES.is_empty());
        };
        for name in SCRIPTS {
            let script = file(name).expect(name);
            assert!(inflate(script).contains(&format!("Socket.IO v{version}")), "{name}");
            assert_eq!(script.content_type, "application/javascript; charset=utf-8");
            let map = file(&format!("{name}.map")).expect(name);
            assert!(
                serde_json::from_str::<serde_json::Value>(&inflate(map)).expect(name)["sources"].is_array(),
                "{name}"
            );
            assert_eq!(map.content_type, "application/json; charset=utf-8");
        }
        assert_eq!(FILES.len(), 2 * SCRIPTS.len());
    }

    #[test]
    fn each_file_has_its_own_quoted_entity_tag() {
        let tags: HashSet<_> = FILES.iter().map(|(_, file)| file.etag).collect();
        assert_eq!(tags.len(), FILES.len());
        assert!(tags.iter().all(|tag| tag.starts_with("W/\"") && tag.ends_with('"') && tag.len() > 4));
    }

    #[test]
    fn nothing_else_is_found() {
        for name in ["", "socket.io", "../client_js.rs", "socket.io.js.gz", "Socket.io.js"] {
            assert!(file(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_missing_client_is_explained_with_its_mend() {
        assert!(MISSING.contains("--client-js"), "{MISSING}");
        assert!(MISSING.is_ascii());
    }
}
