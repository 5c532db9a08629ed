//! A stapled OCSP response, as far as a person wants to know of it (RFC 6960 section 4.2.1).

use crate::asn1::{self, Value, tag};
use crate::report::remote::Ocsp;
use crate::validity::rfc3339;

/// Reads a response; its signature is not checked.
pub(super) fn read(der: &[u8]) -> Ocsp {
    response(der).unwrap_or_else(|_| status("malformed"))
}

fn status(status: &str) -> Ocsp {
    Ocsp { status: status.to_owned(), this_update: None, next_update: None }
}

fn response(der: &[u8]) -> Result<Ocsp, asn1::Error> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "OCSPResponse")?.reader();
    let own = match fields.tagged(tag::ENUMERATED, "responseStatus")?.small() {
        Some(0) => None,
        Some(1) => Some("malformedRequest"),
        Some(2) => Some("internalError"),
        Some(3) => Some("tryLater"),
        Some(5) => Some("sigRequired"),
        Some(6) => Some("unauthorized"),
        _ => Some("malformed"),
    };
    if let Some(own) = own {
        return Ok(status(own));
    }
    let bytes = fields.tagged(tag::constructed(0), "responseBytes")?.reader().tagged(tag::SEQUENCE, "ResponseBytes")?;
    let mut bytes = bytes.reader();
    bytes.tagged(tag::OID, "responseType")?;
    let basic = bytes.tagged(tag::OCTET_STRING, "response")?;
    let basic = asn1::only(basic.content, tag::SEQUENCE, "BasicOCSPResponse")?;
    let mut data = basic.reader().tagged(tag::SEQUENCE, "tbsResponseData")?.reader();
    data.optional(tag::constructed(0), "version")?;
    data.value("responderID")?;
    data.value("producedAt")?;
    let responses = data.tagged(tag::SEQUENCE, "responses")?;
    single(responses.reader().tagged(tag::SEQUENCE, "SingleResponse")?)
}

fn single(response: Value<'_>) -> Result<Ocsp, asn1::Error> {
    let mut fields = response.reader();
    fields.tagged(tag::SEQUENCE, "certID")?;
    let words = match fields.value("certStatus")?.tag & 0x1f {
        0 => "good",
        1 => "revoked",
        _ => "unknown",
    };
    let this_update = fields.tagged(tag::GENERALIZED_TIME, "thisUpdate")?;
    let next_update = fields.optional(tag::constructed(0), "nextUpdate")?;
    let next_update = next_update.map(|next| next.reader().value("nextUpdate")).transpose()?;
    let time = |value: Value<'_>| asn1::time(value, "time").ok().map(|(time, _)| rfc3339(time));
    Ok(Ocsp { status: words.to_owned(), this_update: time(this_update), next_update: next_update.and_then(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_without_an_answer_says_why() {
        assert_eq!(read(&[0x30, 3, 0x0a, 1, 3]).status, "tryLater");
        assert_eq!(read(b"x").status, "malformed");
        assert_eq!(read(&[0x30, 3, 0x0a, 1, 0]).status, "malformed");
    }
}
