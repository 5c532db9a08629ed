//! The commands, as a person or a script meets them.

mod ca;
mod ca_env;
mod ca_promise;
mod ca_runs;
mod ca_trust;
mod command;
mod convert;
mod difference;
mod docs;
mod doctor;
mod fingerprint;
mod fixtures;
mod found;
mod gen_cert;
mod gen_csr;
mod gen_key;
mod hints;
mod inspect;
mod interrupted;
mod like;
mod lint;
mod planted;
mod proxy;
mod reading;
mod remote;
mod renewal;
mod requests;
#[expect(dead_code, reason = "the part that is used here")]
mod sandbox;
mod serve;
mod share;
mod snippet;
mod sudo;
mod verify;
mod web_transport;

#[track_caller]
fn read_text(sandbox: &sandbox::Sandbox, name: &str) -> String {
    String::from_utf8(sandbox.read(name)).unwrap_or_else(|error| panic!("{name} is not text: {error}"))
}
