//! Octets read front to back: numbers in network order, and vectors behind their length, as TLS (RFC 8446 section 3),
//! certificate transparency and SSH write them.

/// Octets yet to be read. A read that finds too few returns `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Octets<'a>(pub &'a [u8]);

impl<'a> Octets<'a> {
    /// Returns true if nothing is left.
    #[must_use]
    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Takes that many octets.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Takes one octet.
    pub(crate) fn number8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// Takes a number of two octets.
    pub(crate) fn number16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes a number of eight octets.
    pub(crate) fn number64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes a vector whose length stands before it in `size` octets, four at most.
    pub(crate) fn vector(&mut self, size: usize) -> Option<&'a [u8]> {
        let length = self.take(size)?.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
        self.take(length)
    }

    /// Takes a string of SSH, which is a vector with four octets of length (RFC 4251 section 5).
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        self.vector(4)
    }
}

/// Octets from the system's random source.
///
/// # Panics
///
/// If the system has no random numbers: no secret could be made.
#[must_use]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    aws_lc_rs::rand::fill(&mut octets).expect("the system gives random bytes");
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_vectors_are_read_in_order_and_never_beyond_the_end() {
        let mut octets = Octets(&[1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1, b'a', 0, 2, b'b', b'c', 0, 0, 1, b'd', 9]);
        assert_eq!((octets.number8(), octets.number16(), octets.number64()), (Some(1), Some(2), Some(3)));
        assert_eq!(
            (octets.vector(1), octets.vector(2), octets.vector(3)),
            (Some(&b"a"[..]), Some(&b"bc"[..]), Some(&b"d"[..]))
        );
        assert_eq!((octets.vector(1), octets.number8(), octets.is_empty()), (None, None, true), "the length is taken");
        assert_eq!(Octets(&[0xff; 4]).string(), None);
    }
}
