//! The audit of a running server: facts by hellos of our own, two verdicts, findings with their fixes.

mod flight;
mod group;
mod hello;
mod prober;
mod suite;
mod survey;
mod version;
