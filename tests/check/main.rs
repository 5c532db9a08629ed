//! `check` against servers: good ones, defective ones, and a stub for defects that no current server has.
//!
//! The programs are Debian's and npm's. `tests/run` installs them: a test whose program is missing fails.

mod command;
mod defects;
mod fixes;
mod good;
mod reports;
mod reproduced;
#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod sandbox;
mod server;
mod socket_io;
mod stub;
mod stubbed;
