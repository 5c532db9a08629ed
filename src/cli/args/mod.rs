//! Argument groups that commands share, and the values read from them.

mod algorithm;
mod ca;
mod issuer;
mod listen;
mod names;
mod reading;
mod secrets;
mod validity;
mod writing;

pub(crate) use self::algorithm::algorithm_parser;
pub(crate) use self::ca::{CaDirArgs, make_missing_ca};
pub(crate) use self::issuer::{IssuerArgs, LoadedIssuer};
pub(crate) use self::listen::{ListenArgs, parse_address};
pub(crate) use self::names::{NameArgs, name_warnings};
pub(crate) use self::reading::{load_certificates, load_key, test_key_warning, try_key, warn_of_doubt};
pub(crate) use self::secrets::{PassphraseArgs, ask, new_secret, secret};
pub(crate) use self::validity::{ValidityArgs, days};
pub(crate) use self::writing::{WriteArgs, check_not_input, key_kind, key_pem, write_set};
