//! Certificate policies, read and held against a path.

mod path;
mod values;

pub(crate) use self::path::{Certificate, Error, check, check_extension};
pub(crate) use self::values::{PolicyInformation, constraints, mappings, policies};
