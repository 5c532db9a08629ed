//! Certificate policies, read and held against a path.

mod path;
mod values;

pub(crate) use self::path::check_extension;
pub use self::path::{Certificate, Error, check};
pub(crate) use self::values::{PolicyInformation, constraints, mappings, policies};
