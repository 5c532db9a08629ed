//! The commands, as a person or a script meets them.

mod ca;
mod command;
mod gen_cert;
mod gen_csr;
mod gen_key;
mod interrupted;
mod sandbox;
mod serve;
