//! Words that depend on numbers.

/// A number with its noun, which gets an s unless there is one: `1 octet`, `2 octets`.
#[must_use]
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    // A number that does not fit is a plural.
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(0_usize, "octet"), "0 octets");
        assert_eq!(counted(1_i64, "octet"), "1 octet");
        assert_eq!(counted(2_u32, "octet"), "2 octets");
    }
}
