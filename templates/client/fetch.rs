//! Fetches npm's socket.io-client and stores it, compressed, for `src/net/server/client_js.rs` to include; a part of
//! `build.rs`.
//!
//! The package is pinned by `templates/client/package-lock.json` and installed without running scripts. Everything
//! stays in `OUT_DIR`. The published crate has the files in it. Without them and without npm the build continues, and the
//! server reports the missing client.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs};

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

/// The files Node's socket.io serves, of those in the package's `dist` folder; each has a `.map` beside it.
const SCRIPTS: [&str; 4] = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

/// Files that npm needs to install the client.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

/// The client as the published crate has it, which is built without npm (`packaging/crate.sh`).
const PACKED: &str = "templates/client/packed";

/// Stores the client in `OUT_DIR`, or the reason why it is missing.
pub(crate) fn store_client() -> Result<(), Box<dyn Error>> {
    for manifest in MANIFESTS {
        println!("cargo::rerun-if-changed=templates/client/{manifest}");
    }
    let out_dir = env::var("OUT_DIR")?;
    let out_dir = Path::new(&out_dir);
    let (rows, reason) = match install(out_dir) {
        Ok(rows) => (rows, ""),
        Err(failure) => {
            println!(
                "cargo::warning=built without the Socket.IO client that `serve` hands to browsers: {}; all else works \
                 (to have it: fix that, run `touch build.rs` and build again)",
                failure.detail
            );
            (String::new(), failure.reason)
        }
    };
    println!("cargo::rustc-env=SOCKET_IO_CLIENT_MISSING={reason}");
    fs::write(out_dir.join("client_js.rs"), format!("static FILES: &[(&str, ClientFile)] = &[\n{rows}];\n"))?;
    Ok(())
}

/// Reason why the client is missing: `reason` for the page, without paths or hosts, and `detail` for the builder.
struct Failure {
    reason: &'static str,
    detail: String,
}

/// Installs the client with npm, leaves its files compressed in `out_dir` and returns a table row for each.
fn install(out_dir: &Path) -> Result<String, Failure> {
    let packed = Path::new(PACKED);
    let folder = out_dir.join("client");
    let broken = |error: io::Error| Failure { reason: "npm's package could not be read", detail: error.to_string() };
    if packed.join("package.json").exists() {
        return store(packed, out_dir).map_err(broken);
    }
    fs::create_dir_all(&folder).map_err(broken)?;
    for manifest in MANIFESTS {
        fs::copy(Path::new("templates/client").join(manifest), folder.join(manifest)).map_err(broken)?;
    }
    let output = npm_ci(&folder).map_err(|error| Failure {
        reason: "npm could not be run",
        detail: format!("npm could not be run ({error})"),
    })?;
    if !output.status.success() {
        return Err(Failure { reason: "`npm ci` failed", detail: format!("`npm ci` failed ({})", npm_error(&output)) });
    }
    let rows = store(&folder.join("node_modules/socket.io-client"), out_dir).map_err(broken)?;
    // Only to keep the target folder small.
    fs::remove_dir_all(&folder).ok();
    Ok(rows)
}

/// Runs `npm ci` with its cache and logs inside `folder`, and gives up soon where there is no network.
fn npm_ci(folder: &Path) -> io::Result<Output> {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"])
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"])
        .arg("--cache")
        .arg(folder.join("cache"))
        .current_dir(folder)
        .output()
}

/// The telling lines of npm's complaint, on one line.
fn npm_error(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines = stderr.lines().filter_map(|line| line.strip_prefix("npm error ").or(line.strip_prefix("npm ERR! ")));
    let told: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    if told.is_empty() { output.status.to_string() } else { told.join("; ") }
}

/// Compresses each file into `out_dir` and returns the rows of the table in `src/net/server/client_js.rs`.
fn store(package: &Path, out_dir: &Path) -> io::Result<String> {
    let version = version(package)?;
    let mut rows = String::new();
    for script in SCRIPTS {
        rows += &store_file(script, "javascript", &version, package, out_dir)?;
        rows += &store_file(&format!("{script}.map"), "json", &version, package, out_dir)?;
    }
    println!("cargo::rustc-env=SOCKET_IO_CLIENT_VERSION={version}");
    Ok(rows)
}

fn store_file(name: &str, kind: &str, version: &str, package: &Path, out_dir: &Path) -> io::Result<String> {
    let content = fs::read(package.join("dist").join(name))?;
    fs::write(out_dir.join(format!("{name}.gz")), gzip(&content)?)?;
    let tag = crc32(&content);
    Ok(format!(
        r#"    ({name:?}, ClientFile {{
        gzip: include_bytes!(concat!(env!("OUT_DIR"), "/{name}.gz")),
        content_type: "application/{kind}; charset=utf-8",
        etag: "W/\"{version}-{tag:08x}\"",
    }}),
"#
    ))
}

/// The version in the installed package's own `package.json`, where npm has one field to a line.
fn version(package: &Path) -> io::Result<String> {
    let manifest = fs::read_to_string(package.join("package.json"))?;
    let field = manifest.lines().find_map(|line| line.trim().strip_prefix(r#""version": ""#));
    let version = field.and_then(|rest| rest.split('"').next());
    version.map(str::to_owned).ok_or_else(|| io::Error::other("socket.io-client's package.json has no version"))
}

/// Compresses as well as gzip can; a `GzEncoder` writes neither time nor name, so equal input gives equal output.
fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

fn crc32(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}
