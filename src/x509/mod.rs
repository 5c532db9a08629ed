//! The typed values of X.509: names, keys, requests, constraints, and what is signed.

pub mod constraints;
pub mod csr;
pub mod key;
pub mod name;
pub mod policy;
pub mod signed;
