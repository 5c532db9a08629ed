//! The `secure-io` command.
fn main() {}
