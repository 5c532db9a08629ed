//! Header fields that are lists.

use axum::http::header::{AsHeaderName, HeaderMap};

/// The elements of a field that is a list, over all its lines,
/// [RFC 9110 section 5.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1).
pub(super) fn elements(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The elements with their weights in thousandths,
/// [RFC 9110 section 12.4.2](https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2).
pub(super) fn weighted(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = (&str, u32)> {
    elements(headers, name).filter_map(weight)
}

fn weight(element: &str) -> Option<(&str, u32)> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight: f32 = weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
    // Weights are between 0 and 1.
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000; NaN is 0")]
    Some((name, thousandths as u32))
}
