//! Name constraints, the names that a CA may certify: read, written, printed and held against names.
//!
//! [RFC 5280 section 4.2.1.10](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10). All kinds that it defines are
//! compared: dNSName, iPAddress, rfc822Name, URI and directoryName. A name of a kind that cannot be compared is refused
//! by any constraint on that kind, as the section asks.

mod dns;
mod email;
mod name;
mod permit;
mod subtree;
#[cfg(test)]
mod tests;
mod uri;

pub(crate) use self::name::Name;
pub use self::permit::Permit;
pub(crate) use self::permit::{BadPermit, NO_SUBJECT, closed, nothing, write};
pub(crate) use self::subtree::Subtree;
use self::subtree::{Base, SUBTREE};
use crate::encoding::asn1::{self, tag};

/// Reason why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The extension violates RFC 5280.
    #[error("its name constraints {reason} (RFC 5280 section 4.2.1.10)")]
    Malformed {
        /// Fault in words.
        reason: &'static str,
    },
    /// A name in an excluded subtree.
    #[error("`{name}` is in the excluded subtree `{subtree}`")]
    Excluded {
        /// The name.
        name: String,
        /// The subtree.
        subtree: String,
    },
    /// A name in none of the permitted subtrees of its kind.
    #[error("`{name}` is in none of the permitted subtrees")]
    NotPermitted {
        /// The name.
        name: String,
    },
    /// A name that cannot be compared, of a kind that is constrained.
    #[error("`{name}` cannot be compared with the constraints on its kind")]
    Incomparable {
        /// The name.
        name: String,
    },
    /// More comparisons than anybody needs.
    #[error("its name constraints take too many comparisons")]
    TooComplex,
}

/// A nameConstraints extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameConstraints<'a> {
    /// permittedSubtrees.
    pub permitted: Vec<Subtree<'a>>,
    /// excludedSubtrees.
    pub excluded: Vec<Subtree<'a>>,
    /// True if one of the two is there and empty, which its ASN.1 forbids.
    pub has_empty_list: bool,
}

/// Largest number of comparisons of names with subtrees along one path: webpki's own limit.
pub(crate) const BUDGET: u32 = 250_000;

const NOT_DER: &str = "are not DER";

impl<'a> NameConstraints<'a> {
    /// Reads the extension's value leniently: a base that is none keeps its octets, with the fault.
    ///
    /// # Errors
    ///
    /// If the value has another structure.
    pub fn read(octets: &'a [u8]) -> Result<Self, asn1::Error> {
        let mut fields = asn1::only(octets, tag::SEQUENCE, "nameConstraints")?.reader();
        let mut has_empty_list = false;
        let mut list = |number, field| -> Result<Vec<_>, asn1::Error> {
            let Some(list) = fields.optional(tag::constructed(number), field)? else { return Ok(Vec::new()) };
            has_empty_list |= list.content.is_empty();
            list.each(tag::SEQUENCE, SUBTREE)?.into_iter().map(Subtree::read).collect()
        };
        let (permitted, excluded) = (list(0, "permittedSubtrees")?, list(1, "excludedSubtrees")?);
        fields.finish("nameConstraints")?;
        Ok(Self { permitted, excluded, has_empty_list })
    }

    /// Reads the extension's value, which must be DER, and each subtree of which must be one.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`].
    pub fn parse(octets: &'a [u8]) -> Result<Self, Error> {
        let malformed = |reason| Error::Malformed { reason };
        let outer = asn1::only(octets, tag::SEQUENCE, "").map_err(|_| malformed("are not a SEQUENCE in DER"))?;
        asn1::der::check(outer, "").map_err(|_| malformed(NOT_DER))?;
        let constraints = Self::read(octets).map_err(|error| {
            malformed(match error.field {
                "nameConstraints" => "have a field that is unknown or in the wrong place",
                "base" => "have a subtree without a base",
                _ => NOT_DER,
            })
        })?;
        constraints.check_form().map(|()| constraints)
    }

    /// Checks that each subtree is one that names can be held against.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for a single malformed subtree: without it, names of its kind would be unconstrained.
    pub fn check_form(&self) -> Result<(), Error> {
        self.subtrees().try_for_each(|subtree| match &subtree.base {
            _ if subtree.has_distance() => Err(Error::Malformed { reason: "have a minimum or a maximum" }),
            Ok(_) => Ok(()),
            Err(reason) => Err(Error::Malformed { reason }),
        })
    }

    /// All subtrees, the permitted ones first.
    pub fn subtrees(&self) -> impl Iterator<Item = &Subtree<'a>> {
        self.permitted.iter().chain(&self.excluded)
    }

    fn bases(&self) -> impl Iterator<Item = &Base<'a>> {
        self.subtrees().filter_map(|subtree| subtree.base.as_ref().ok())
    }

    /// Returns true if no name is constrained, which RFC 5280 forbids.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    /// Returns true if a dNSName begins with a dot, which RFC 5280 does not define and many CAs use for subdomains
    /// only.
    #[must_use]
    pub fn has_leading_dot(&self) -> bool {
        self.bases().any(|base| matches!(base, Base::Dns(base) if base.starts_with('.')))
    }

    /// Returns true if names other than dNSName and iPAddress are constrained.
    #[must_use]
    pub fn has_other_kinds(&self) -> bool {
        self.bases().any(|base| !matches!(base, Base::Dns(_) | Base::Ip(_)))
    }

    /// Returns true if every subject is excluded, which leaves subjectAltName alone.
    #[must_use]
    pub fn excludes_every_subject(&self) -> bool {
        let is_all = |subtree: &Subtree<'_>| matches!(&subtree.base, Ok(Base::Directory(base, _)) if base.is_empty());
        self.excluded.iter().any(is_all)
    }

    /// Returns true if the exclusion of every subject is the only constraint.
    #[must_use]
    pub fn excludes_subjects_alone(&self) -> bool {
        self.permitted.is_empty() && self.excluded.len() == 1 && self.excludes_every_subject()
    }

    /// Checks that each name is in no excluded subtree, and in a permitted one where its kind has any. Each comparison
    /// takes one off the budget, which is [`BUDGET`] for a path.
    ///
    /// # Errors
    ///
    /// All but [`Error::Malformed`].
    pub fn check<'n>(&self, names: impl IntoIterator<Item = &'n Name<'n>>, budget: &mut u32) -> Result<(), Error> {
        for name in names {
            let comparisons = u32::try_from(self.permitted.len() + self.excluded.len()).unwrap_or(u32::MAX);
            *budget = budget.checked_sub(comparisons).ok_or(Error::TooComplex)?;
            self.check_one(name)?;
        }
        Ok(())
    }

    fn check_one(&self, name: &Name<'_>) -> Result<(), Error> {
        let incomparable = || Error::Incomparable { name: name.text() };
        // A base that is none is a constraint on whatever it was meant for.
        if self.subtrees().any(|subtree| subtree.base.is_err()) {
            return Err(incomparable());
        }
        for base in of_kind(&self.excluded, name) {
            if base.overlaps(name).ok_or_else(incomparable)? {
                return Err(Error::Excluded { name: name.text(), subtree: base.text() });
            }
        }
        let mut of_its_kind = of_kind(&self.permitted, name).peekable();
        if of_its_kind.peek().is_none() {
            return Ok(());
        }
        for base in of_its_kind {
            if base.contains(name).ok_or_else(incomparable)? {
                return Ok(());
            }
        }
        Err(Error::NotPermitted { name: name.text() })
    }

    /// The permitted names as people write them, without subtrees that match nothing and those of other kinds.
    #[must_use]
    pub fn permits(&self) -> Vec<Permit> {
        let bases = self.permitted.iter().filter_map(|subtree| subtree.base.as_ref().ok());
        bases.filter(|base| !base.is_nothing()).filter_map(Base::permit).collect()
    }

    /// Lists the permitted names in words, without subtrees that match nothing.
    #[must_use]
    pub fn permitted_text(&self) -> Vec<String> {
        let bases = self.permitted.iter().filter_map(|subtree| subtree.base.as_ref().ok());
        bases.filter(|base| !base.is_nothing()).map(Base::text).collect()
    }
}

/// The bases that a name is held against.
fn of_kind<'s, 'a>(subtrees: &'s [Subtree<'a>], name: &'s Name<'_>) -> impl Iterator<Item = &'s Base<'a>> {
    subtrees.iter().filter_map(|subtree| subtree.base.as_ref().ok()).filter(|base| base.is_kind_of(name))
}
