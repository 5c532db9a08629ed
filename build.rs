//! Says how the program is linked, and with the server, stores the Socket.IO client that the server hands to browsers.

#![cfg_attr(
    feature = "serve",
    expect(clippy::disallowed_methods, reason = "the library's own file functions are not built yet")
)]

use std::env;

#[cfg(feature = "serve")]
#[path = "templates/client/fetch.rs"]
mod client;

#[cfg_attr(not(feature = "serve"), expect(clippy::unnecessary_wraps, reason = "the server's client may not be stored"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SECURE_IO_PIE");
    if is_at_one_address() && env::var_os("SECURE_IO_PIE").is_none() {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    #[cfg(feature = "serve")]
    client::store_client()?;
    Ok(())
}

/// Decides whether the program is linked for one address (docs/architecture.md, section 'Start of the program').
///
/// Other systems demand or expect a program that can lie anywhere, and a static one is linked by flags of its own.
fn is_at_one_address() -> bool {
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    target("OS") == "linux"
        && target("ENV") == "gnu"
        && matches!(&*target("ARCH"), "x86_64" | "aarch64")
        && !target("FEATURE").split(',').any(|feature| feature == "crt-static")
}
