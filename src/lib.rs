//! Certificates and development TLS, for people who run Socket.IO and WebSocket applications.
//!
//! This library does the work of the `secure-io` command and knows no terminal: it never prints, exits, reads the
//! environment or asks anything.
//!
//! # The facade
//!
//! Promised to other programs is what stands in this documentation:
//!
//! | module | |
//! | --- | --- |
//! | [`key`], [`csr`], [`name`] | Private keys, certification requests, and the names in them. |
//! | [`generate`] | Certificates, from what a person asks for. |
//! | [`ca`], [`credentials`] | A local CA on disk, and certificates with their keys. |
//! | [`fixtures`] | Whole test PKIs, good certificates and deliberately bad ones. |
//! | [`container`] | PEM and DER in and out, encrypted keys, PKCS#12. |
//! | [`inspect`], [`verify`], [`lint`] | What a certificate says, whether clients accept it, and what is wrong with it. |
//! | [`report`] | Their answers, as plain data; `report::text` turns it into text. |
//! | [`probe`] | The certificates that a server presents. |
//! | [`tls`], [`server`] | rustls configurations; HTTPS and Socket.IO. |
//! | [`validity`] | notBefore, notAfter, spans, the clock. |
//!
//! Everything else that is public is for the program alone, hidden here, and may change.
//!
//! # The map
//!
//! The library is a house of six floors, a folder each. A floor may use those above it in this list, never one below;
//! `tests/architecture.rs` reads the imports and holds that. Inside, a module is named by its floor.
//!
//! | floor | module | |
//! | --- | --- | --- |
//! | `base` | `words` | Words that depend on numbers. |
//! | | `hex` | Octets as text. |
//! | | `octets` | Octets read front to back, as TLS and SSH write them. |
//! | | `files` | Reads a path or standard input; writes sets of files whole or not at all. |
//! | | `ordered` | Works on items on all cores, results in order. |
//! | | [`validity`] | notBefore, notAfter, spans, the clock. |
//! | `encoding` | `asn1` | BER and DER taken apart; object identifiers by name. |
//! | | [`container`] | PEM and DER in and out, encrypted keys, PKCS#12. |
//! | `x509` | [`name`] | What people type to subjectAltName and subject, and back. |
//! | | [`key`] | Algorithms; private keys, public keys, signatures. |
//! | | `certificate`, `crl`, `request` | Certificates, CRLs and requests, each read once, leniently. |
//! | | `extension` | Their extensions, as far as anything is decided by them. |
//! | | `signed_data` | The outer structure of all three, read. |
//! | | `signed` | The same structure, edited and signed. |
//! | | [`csr`] | Certification requests made, and taken from others. |
//! | | `constraints` | Name constraints: which names a CA may certify. |
//! | | `policy` | Certificate policies along a path. |
//! | `judge` | [`report`] | What we can say, as plain data; `report::text` turns it into text. |
//! | | [`inspect`] | DER to report; never judges. |
//! | | [`verify`] | Paths to trust anchors, and the verdict on them. |
//! | | [`lint`] | What is wrong with certificates, requests and CRLs: a table of rules. |
//! | `issue` | `cert` | What a certificate says, and who signs it. |
//! | | [`generate`] | What `gen-cert` makes from what a person asks for. |
//! | | [`ca`] | The local CA on disk. |
//! | | `convert` | Keys and certificates from one kind of file to another. |
//! | | [`fixtures`] | Whole test PKIs, good certificates and deliberately bad ones. |
//! | | `trust` | Where clients look for what they trust: system, browsers, Java. |
//! | | `snippet` | Configurations of other servers for a certificate at hand. |
//! | | [`credentials`] | What a server shows its clients. |
//! | `net` | [`tls`] | The one place that builds rustls configurations. |
//! | | [`probe`] | Connects to a server and tells what it presented. |
//! | | `doctor` | Looks at this machine: environment, files, ports, names. |
//! | | `check` | Audits a running server, and grades it. |
//! | | `connect` | A Socket.IO client that says why a connection fails. |
//! | | [`server`] | HTTPS and Socket.IO. |
//! | | `share` | The local CA's root for phones: a page and a QR code. |
//! | | `proxy` | TLS in front of other servers. |
//! | | `run` | A dev server that is started behind the proxy. |
//! | | `acme` | An ACME server, and a client. |
//!
//! # Features
//!
//! `cli` has what the program needs, `serve` the server and the client library that npm is asked for at build time. Both
//! are on by default. A test suite that makes keys, certificates and test PKIs needs neither:
//! `secure-io = { version = "0.1", default-features = false }`.
//!
//! # Example
//!
//! ```
//! use secure_io::{container, generate, inspect, validity};
//!
//! let (key, chain) = generate::self_signed(&generate::CertificateSpec::default(), validity::now())?;
//! assert_eq!(inspect::certificate(&chain[0])?.subject_alt_names, ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
//! print!("{}", *container::pem("PRIVATE KEY", key.pkcs8())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod base;
mod encoding;
mod x509;

mod judge;

mod issue;

mod net;

#[cfg(test)]
mod schema;

pub use base::validity;
pub use encoding::container;
pub use issue::{ca, credentials, fixtures, generate};
pub use judge::{inspect, lint, report, verify};
#[cfg(feature = "serve")]
pub use net::server;
pub use net::{probe, tls};
pub use x509::{csr, key, name};

// For the program alone.
#[doc(hidden)]
pub use base::{files, hex::hex, ordered, words};
#[doc(hidden)]
pub use encoding::asn1;
#[doc(hidden)]
#[cfg(feature = "serve")]
pub use issue::snippet;
#[doc(hidden)]
pub use issue::{cert, convert, trust};
#[doc(hidden)]
#[cfg(feature = "serve")]
pub use net::{acme, connect, proxy, run, share};
#[doc(hidden)]
pub use net::{check, doctor};
#[doc(hidden)]
pub use x509::{certificate, crl, extension};
