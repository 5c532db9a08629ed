//! OCSP responses (RFC 6960 section 4.2.1).

use super::Error;
use super::certificate::noted_name;
use crate::base::hex::hex;
use crate::encoding::asn1::{self, Reader, Value, tag};
use crate::judge::report::Time;
use crate::judge::report::item::{OcspAnswer, OcspResponse};
use crate::judge::report::remote::Ocsp;
use crate::x509::name::Name;

/// Describes an OCSP response; its signature is not checked.
///
/// # Errors
///
/// [`Error::Ocsp`] if the octets do not have the structure of an OCSP response.
pub fn ocsp_response(der: &[u8]) -> Result<OcspResponse, Error> {
    response(der).map_err(Error::Ocsp)
}

/// The answer of a stapled response, for a connection's report.
#[must_use]
pub fn stapled(der: &[u8]) -> Ocsp {
    let status = |status: String| Ocsp { status, this_update: None, next_update: None };
    match response(der) {
        Ok(OcspResponse { answers, .. }) if !answers.is_empty() => {
            let first = answers.into_iter().next();
            first.map_or_else(
                || status("malformed".to_owned()),
                |first| Ocsp {
                    status: first.status.into_owned(),
                    this_update: Some(first.this_update),
                    next_update: first.next_update,
                },
            )
        }
        Ok(response) if response.status != SUCCESSFUL => status(response.status.into_owned()),
        _ => status("malformed".to_owned()),
    }
}

const SUCCESSFUL: &str = "successful";

fn response(der: &[u8]) -> Result<OcspResponse, asn1::Error> {
    let mut fields = asn1::only(der, tag::SEQUENCE, "OCSPResponse")?.reader();
    let status = match fields.tagged(tag::ENUMERATED, "responseStatus")?.small() {
        Some(0) => SUCCESSFUL,
        Some(1) => "malformedRequest",
        Some(2) => "internalError",
        Some(3) => "tryLater",
        Some(5) => "sigRequired",
        Some(6) => "unauthorized",
        _ => return Err(asn1::Error::new("responseStatus", "is not one of RFC 6960")),
    };
    let mut response = OcspResponse {
        status: status.into(),
        responder: None,
        produced_at: None,
        answers: Vec::new(),
        certificate_count: 0,
    };
    if status != SUCCESSFUL {
        return Ok(response);
    }
    let bytes = fields.tagged(tag::constructed(0), "responseBytes")?.reader().tagged(tag::SEQUENCE, "ResponseBytes")?;
    let mut bytes = bytes.reader();
    bytes.tagged(tag::OID, "responseType")?;
    let basic = bytes.tagged(tag::OCTET_STRING, "response")?;
    let mut basic = asn1::only(basic.content, tag::SEQUENCE, "BasicOCSPResponse")?.reader();
    data(&mut basic.tagged(tag::SEQUENCE, "tbsResponseData")?.reader(), &mut response)?;
    basic.tagged(tag::SEQUENCE, "signatureAlgorithm")?;
    basic.tagged(tag::BIT_STRING, "signature")?;
    if let Some(certificates) = basic.optional(tag::constructed(0), "certs")? {
        let mut certificates = certificates.reader().tagged(tag::SEQUENCE, "certs")?.reader();
        while !certificates.is_empty() {
            certificates.value("certificate")?;
            response.certificate_count += 1;
        }
    }
    Ok(response)
}

fn data(data: &mut Reader<'_>, response: &mut OcspResponse) -> Result<(), asn1::Error> {
    data.optional(tag::constructed(0), "version")?;
    let id = data.value("responderID")?;
    let inner = id.reader().value("responderID")?;
    response.responder = Some(if id.tag == tag::constructed(1) {
        noted_name(&Name::read(inner), "responderID", &mut Vec::new())
    } else {
        hex(inner.content)
    });
    response.produced_at = Some(time(data.tagged(tag::GENERALIZED_TIME, "producedAt")?)?);
    let mut answers = data.tagged(tag::SEQUENCE, "responses")?.reader();
    while !answers.is_empty() {
        response.answers.push(answer(answers.tagged(tag::SEQUENCE, "SingleResponse")?)?);
    }
    Ok(())
}

fn answer(answer: Value<'_>) -> Result<OcspAnswer, asn1::Error> {
    let mut fields = answer.reader();
    let mut id = fields.tagged(tag::SEQUENCE, "certID")?.reader();
    id.tagged(tag::SEQUENCE, "hashAlgorithm")?;
    id.tagged(tag::OCTET_STRING, "issuerNameHash")?;
    id.tagged(tag::OCTET_STRING, "issuerKeyHash")?;
    let serial = hex(id.tagged(tag::INTEGER, "serialNumber")?.content);
    let status = fields.value("certStatus")?;
    let (word, revoked_at) = match status.tag & 0x1f {
        0 => ("good", None),
        1 => ("revoked", Some(time(status.reader().tagged(tag::GENERALIZED_TIME, "revocationTime")?)?)),
        _ => ("unknown", None),
    };
    let this_update = time(fields.tagged(tag::GENERALIZED_TIME, "thisUpdate")?)?;
    let next_update = fields.optional(tag::constructed(0), "nextUpdate")?;
    let next_update = next_update.map(|next| time(next.reader().tagged(tag::GENERALIZED_TIME, "nextUpdate")?));
    Ok(OcspAnswer { serial, status: word.into(), revoked_at, this_update, next_update: next_update.transpose()? })
}

fn time(value: Value<'_>) -> Result<Time, asn1::Error> {
    asn1::time(value, "time").map(|(time, _)| time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_without_an_answer_says_why() {
        assert_eq!(stapled(&[0x30, 3, 0x0a, 1, 3]).status, "tryLater");
        assert_eq!(stapled(b"x").status, "malformed");
        assert_eq!(stapled(&[0x30, 3, 0x0a, 1, 0]).status, "malformed");
        assert_eq!(ocsp_response(&[0x30, 3, 0x0a, 1, 3]).unwrap().status, "tryLater");
        assert!(ocsp_response(&[0x30, 3, 0x0a, 1, 4]).is_err());
    }
}
