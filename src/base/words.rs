//! Words that depend on numbers.

use std::fmt::Display;

/// A number with its noun, which gets an s unless there is one: `1 octet`, `2 octets`.
#[must_use]
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    // A number that does not fit is a plural.
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first `most` of a list with commas, and how many more there are: `a, b and 2 more`.
#[must_use]
pub fn first_few<T: Display>(all: &[T], most: usize) -> String {
    let shown: Vec<_> = all.iter().take(most).map(T::to_string).collect();
    let shown = shown.join(", ");
    match all.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::{counted, first_few};

    #[test]
    fn of_a_long_list_the_rest_is_counted() {
        assert_eq!(first_few::<u8>(&[], 2), "");
        assert_eq!(first_few(&[1, 2], 2), "1, 2");
        assert_eq!(first_few(&[1, 2, 3, 4], 2), "1, 2 and 2 more");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(0_usize, "octet"), "0 octets");
        assert_eq!(counted(1_i64, "octet"), "1 octet");
        assert_eq!(counted(2_u32, "octet"), "2 octets");
    }
}
