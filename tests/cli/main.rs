//! The commands, as a person or a script meets them.

mod interrupted;
mod sandbox;
