//! With the server, stores the Socket.IO client that the server hands to browsers. Without the server, does nothing.

#![cfg_attr(
    feature = "serve",
    expect(clippy::disallowed_methods, reason = "the library's own file functions are not built yet")
)]

#[cfg(feature = "serve")]
#[path = "templates/client/fetch.rs"]
mod client;

#[cfg_attr(not(feature = "serve"), expect(clippy::unnecessary_wraps, reason = "the server's client may not be stored"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "serve")]
    client::store_client()?;
    Ok(())
}
