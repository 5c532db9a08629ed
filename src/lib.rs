//! Certificates and development TLS, for people who run Socket.IO and WebSocket applications.
//!
//! This library does the work of the `secure-io` command and knows no terminal: it never prints, exits, reads the
//! environment or asks anything.
//!
//! # The map
//!
//! The library is a house of six floors, a folder each. A floor may use those above it in this list, never one below;
//! `tests/architecture.rs` reads the imports and holds that. Inside, a module is named by its floor; other programs see
//! the modules themselves.
//!
//! | floor | module | |
//! | --- | --- | --- |
//! | `base` | [`words`] | Words that depend on numbers. |
//! | | [`hex()`] | Octets as text. |
//! | | [`octets`] | Octets read front to back, as TLS and SSH write them. |
//! | | [`files`] | Reads a path or standard input; writes sets of files whole or not at all. |
//! | | [`ordered`] | Works on items on all cores, results in order. |
//! | | [`validity`] | notBefore, notAfter, spans, the clock. |
//! | `encoding` | [`asn1`] | BER and DER taken apart; object identifiers by name. |
//! | | [`container`] | PEM and DER in and out, encrypted keys, PKCS#12. |
//! | `x509` | [`name`] | What people type to subjectAltName and subject, and back. |
//! | | [`key`] | Algorithms; private keys, public keys, signatures. |
//! | | [`signed`] | What certificates and requests have in common. |
//! | | [`csr`] | Certification requests (PKCS#10). |
//! | | [`constraints`] | Which names a CA may certify. |
//! | | [`policy`] | Certificate policies along a path. |
//! | `judge` | [`report`] | What we can say, as plain data; `report::text` turns it into text. |
//! | | [`inspect`] | DER to report; never judges. |
//! | | [`verify`] | Paths to trust anchors, and the verdict on them. |
//! | | [`lint`] | What is wrong with certificates, requests and CRLs: a table of rules. |
//! | `issue` | [`cert`] | What a certificate says, and who signs it. |
//! | | [`generate`] | What `gen-cert` makes from what a person asks for. |
//! | | [`ca`] | The local CA on disk. |
//! | | [`convert`] | Keys and certificates from one kind of file to another. |
//! | | [`fixtures`] | Whole test PKIs, good certificates and deliberately bad ones. |
//! | | [`trust`] | Where clients look for what they trust: system, browsers, Java. |
//! | | [`snippet`] | Configurations of other servers for a certificate at hand. |
//! | | [`credentials`] | What a server shows its clients. |
//! | `net` | [`tls`] | The one place that builds rustls configurations. |
//! | | [`probe`] | Connects to a server and tells what it presented. |
//! | | [`doctor`] | Looks at this machine: environment, files, ports, names. |
//! | | [`check`] | Audits a running server, and grades it. |
//! | | [`connect`] | A Socket.IO client that says why a connection fails. |
//! | | [`server`] | HTTPS and Socket.IO. |
//! | | [`share`] | The local CA's root for phones: a page and a QR code. |
//! | | [`proxy`] | TLS in front of other servers. |
//! | | [`run`] | A dev server that is started behind the proxy. |
//! | | [`acme`] | An ACME server. |
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

pub use base::hex::hex;
pub use base::{files, octets, ordered, validity, words};
pub use encoding::{asn1, container};
#[cfg(feature = "serve")]
pub use issue::snippet;
pub use issue::{ca, cert, convert, credentials, fixtures, generate, trust};
pub use judge::{inspect, lint, report, verify};
#[cfg(feature = "serve")]
pub use net::{acme, connect, proxy, run, server, share};
pub use net::{check, doctor, probe, tls};
pub use x509::{constraints, csr, key, name, policy, signed};
