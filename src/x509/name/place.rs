//! The name in a certificate's subject or issuer, with all that is worked out from it.

use std::sync::OnceLock;

use super::{Canonical, DistinguishedName};
use crate::base::hex::hex;
use crate::encoding::asn1::{Error, Value};

/// A Name in its place.
#[derive(Debug)]
pub struct Name<'a> {
    /// As it is encoded.
    pub value: Value<'a>,
    /// The name, or the reason why it is none.
    pub read: Result<DistinguishedName<'a>, Error>,
    canonical: OnceLock<Option<Canonical>>,
}

impl<'a> Name<'a> {
    /// Reads a name; a malformed one is kept, with the reason.
    #[must_use]
    pub fn read(value: Value<'a>) -> Self {
        Self { value, read: DistinguishedName::read(value.raw), canonical: OnceLock::new() }
    }

    /// The name's DER.
    #[must_use]
    pub const fn as_raw(&self) -> &'a [u8] {
        self.value.raw
    }

    /// Returns true if it is a SEQUENCE of nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.value.content.is_empty()
    }

    /// The form in which equal names are equal; `None` for a malformed Name, which equals no other.
    #[must_use]
    pub fn canonical(&self) -> Option<&Canonical> {
        let work_out = || self.read.as_ref().ok().map(Canonical::of_name);
        self.canonical.get_or_init(work_out).as_ref()
    }

    /// Decides whether two names are equal by RFC 5280 section 7.1; a malformed Name equals nothing.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        if self.value.raw == other.value.raw {
            return self.read.is_ok();
        }
        self.canonical().is_some_and(|name| Some(name) == other.canonical())
    }

    /// The name in RFC 4514 form; `#` and hex for a malformed Name.
    #[must_use]
    pub fn text(&self) -> String {
        self.read.as_ref().map_or_else(|_| format!("#{}", hex(self.value.raw)), ToString::to_string)
    }
}
