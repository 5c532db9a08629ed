//! Certificates and development TLS, for people who run Socket.IO and WebSocket applications.
//!
//! This library does the work of the `secure-io` command and knows no terminal: it never prints, exits, reads the
//! environment or asks anything.
//!
//! # The map
//!
//! A module may use those above it in this list, never one below.
//!
//! | | |
//! | --- | --- |
//! | [`words`] | Words that depend on numbers. |
//! | [`asn1`] | BER and DER taken apart; object identifiers by name. |
//! | [`files`] | Reads a path or standard input; writes sets of files whole or not at all. |
//! | [`ordered`] | Works on items on all cores, results in order. |
//! | [`container`] | PEM and DER in and out, encrypted keys, PKCS#12. |
//! | [`name`] | What people type to subjectAltName and subject, and back. |
//! | [`validity`] | notBefore, notAfter, spans, the clock. |
//! | [`report`] | What we can say, as plain data; `report::text` turns it into text. |
//! | [`key`] | Algorithms; private keys, public keys, signatures. |
//! | [`signed`] | What certificates and requests have in common. |
//! | [`csr`] | Certification requests (PKCS#10). |
//! | [`inspect`] | DER to report; never judges. |
//! | [`constraints`] | Which names a CA may certify. |
//! | [`policy`] | Certificate policies along a path. |
//! | [`chain`] | Paths to trust anchors, and the verdict on them. |
//! | [`lint`] | What is wrong with certificates, requests and CRLs: a table of rules. |
//! | [`cert`] | What a certificate says, and who signs it. |
//! | [`material`] | What `gen-cert` makes from what a person asks for. |
//! | [`ca`] | The local CA on disk. |
//! | [`fixtures`] | Whole test PKIs, good certificates and deliberately bad ones. |
//! | [`trust`] | Where clients look for what they trust: system, browsers, Java. |
//! | [`credentials`] | What a server shows its clients. |
//! | [`tls`] | The one place that builds rustls configurations. |
//! | [`probe`] | Connects to a server and tells what it presented. |
//! | [`check`] | Audits a running server, and grades it. |
//! | [`server`] | HTTPS and Socket.IO. |
//!
//! # Example
//!
//! ```
//! use secure_io::{container, inspect, material, validity};
//!
//! let (key, chain) = material::self_signed(&material::Order::default(), validity::now())?;
//! assert_eq!(inspect::certificate(&chain[0])?.subject_alt_names, ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]);
//! print!("{}", *container::pem("PRIVATE KEY", key.pkcs8())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod words;

pub mod asn1;
pub mod files;
pub mod ordered;

pub mod container;
pub mod name;
pub mod report;
pub mod validity;

pub mod key;
pub mod signed;

pub mod csr;
pub mod inspect;

pub mod constraints;
pub mod policy;

pub mod chain;
pub mod lint;

pub mod cert;
pub mod material;

pub mod ca;
pub mod fixtures;

pub mod credentials;
pub mod trust;

pub mod tls;

pub mod probe;

pub mod check;

pub mod server;
