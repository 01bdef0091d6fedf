//! What an agency sends and what came back, whatever the words.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Request, header};

use crate::client::{self, Reply};
use crate::{identity, landmarks, state};

/// The named parameters of an operation, for example `mst=9900000016`.
pub type Params = BTreeMap<String, String>;

/// Why an exchange did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The agency's folder cannot be used.
    #[error(transparent)]
    Identity(#[from] identity::Error),
    /// The agency's memory cannot be used.
    #[error(transparent)]
    State(#[from] state::Error),
    /// The synthetic people cannot be read.
    #[error(transparent)]
    Landmarks(#[from] landmarks::Error),
    /// Nothing came back.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The operation or one of its parameters is unknown or missing.
    #[error("parameter {0}")]
    Params(String),
    /// The message could not be signed.
    #[error("signing failed: {0}")]
    Sign(String),
    /// What came back is not a proven answer to what was sent: a stable word, and where.
    #[error("the answer is refused: {0}")]
    Answer(String),
    /// The gateway answered with a fault.
    #[error("fault {0}")]
    Fault(Fault),
    /// What was waited for did not happen.
    #[error("not in time: {0}")]
    Late(String),
}

impl Trouble {
    pub(crate) fn answer(why: impl Into<String>) -> Self {
        Self::Answer(why.into())
    }
}

/// A fault as it was read from a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code in the `Lienthong-Fault` header.
    pub code: String,
    /// The stable word for what was wrong, from the body.
    pub reason: Option<String>,
    /// The wire field that was wrong.
    pub field: Option<String>,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let field = self.field.as_deref().unwrap_or("-");
        write!(
            f,
            "{} ({}, field {field})",
            self.code,
            self.reason.as_deref().unwrap_or("-")
        )
    }
}

/// A signed message, ready to go out.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Operation, for example `tax.ping`.
    pub operation: String,
    /// The sender's message id.
    pub id: String,
    /// The id that the answer must name: the message id, or the one made from the content.
    pub answers_to: String,
    /// Content digest.
    pub digest: [u8; 32],
    /// Path of the route.
    pub path: &'static str,
    /// Media type.
    pub content_type: &'static str,
    /// The detached JWS beside a JSON body.
    pub signature: Option<String>,
    /// The body's exact bytes.
    pub body: Vec<u8>,
}

impl Prepared {
    /// The headers beside Host and Content-Length, in the order in which they are sent.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("Content-Type", self.content_type.to_owned())];
        if let Some(signature) = &self.signature {
            headers.push((SIGNATURE_HEADER, signature.clone()));
        }
        headers
    }

    /// The HTTP request.
    pub fn request(&self) -> Result<Request<Bytes>, Trouble> {
        let mut request = Request::builder()
            .method("POST")
            .uri(self.path)
            .header(header::CONTENT_TYPE, self.content_type)
            .body(Bytes::from(self.body.clone()))
            .map_err(|error| Trouble::Params(error.to_string()))?;
        if let Some(signature) = &self.signature {
            let value = HeaderValue::from_str(signature)
                .map_err(|_| Trouble::Sign("the JWS is no header value".to_owned()))?;
            request.headers_mut().insert("x-jws-signature", value);
        }
        Ok(request)
    }

    /// The request as exact bytes with these header lines after Content-Type; Content-Length is added.
    pub(crate) fn raw(&self, host_lines: &str) -> Vec<u8> {
        let mut head = format!("POST {} HTTP/1.1\r\n{host_lines}", self.path);
        for (name, value) in self.headers() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }
}

/// What came back for one message, proven to be its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Operation.
    pub operation: String,
    /// The id under which the gateway remembers it.
    pub id: String,
    /// The gateway's evidence id.
    pub evidence: Option<String>,
    /// The answer's members by their wire names, read from the proven bytes; lists joined by commas.
    pub answer: Params,
    /// The answer's exact bytes.
    pub body: Bytes,
}

/// The evidence id of a reply, where it has exactly one.
pub(crate) fn evidence(reply: &Reply) -> Option<String> {
    let id = reply.header("lienthong-evidence")?;
    uuid::Uuid::try_parse(id).ok().map(|id| id.to_string())
}

/// The fault of a reply, where it says one; the header and the body must name the same code.
pub fn fault(reply: &Reply) -> Result<Option<Fault>, Trouble> {
    let Some(code) = reply.header("lienthong-fault") else {
        return match reply.status {
            200 => Ok(None),
            status => Err(Trouble::answer(format!(
                "status {status} without Lienthong-Fault"
            ))),
        };
    };
    let fault = match reply.body.first() {
        Some(b'<') => xml_fault(code, &reply.body),
        _ => json_fault(code, &reply.body),
    };
    fault
        .map(Some)
        .ok_or_else(|| Trouble::answer(format!("the body of fault {code} is not its face")))
}

fn json_fault(code: &str, body: &[u8]) -> Option<Fault> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    if let Some(fault) = body.get("Fault") {
        return tax_fault(code, fault);
    }
    let text = |name: &str| {
        body.get(name)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    if let Some(result) = text("maKetQua") {
        return hospital_fault(code, &result, &text("message").unwrap_or_default());
    }
    if let Some(ack) = body.get("message").filter(|ack| ack.is_object()) {
        return dci_fault(code, ack);
    }
    let said = text("code").or_else(|| text("errorCode"))?;
    let told = text("errorDescription").unwrap_or_default();
    let reason = text("reason").or_else(|| sentence(&told, "Lý do: "));
    let field = text("field").or_else(|| sentence(&told, "Trường: "));
    (said == code).then_some(Fault {
        code: said,
        reason,
        field,
    })
}

/// The hospitals' words: a number of their own, which must be the one that this fault is said as.
fn hospital_fault(code: &str, result: &str, told: &str) -> Option<Fault> {
    let reason = sentence(told, "Lý do: ");
    let expected = match code {
        _ if reason.as_deref() == Some("bad-base64") => "205",
        "TOO-LARGE" => "1001",
        "UNAUTHENTICATED" | "BAD-SIGNATURE" | "TOKEN-REFUSED" | "WRONG-ENVIRONMENT"
        | "FORBIDDEN" => "401",
        "CONFLICT" => "409",
        "RATE-LIMITED" | "OVERLOADED" => "429",
        "INVALID"
        | "MALFORMED"
        | "RULE-REFUSED"
        | "AMBIGUOUS-SUBJECT"
        | "UNKNOWN-SUBJECT"
        | "UNSUPPORTED-MEDIA-TYPE"
        | "UNKNOWN-ROUTE"
        | "FRAMING"
        | "STALE" => "422",
        _ => "500",
    };
    (result == expected).then(|| Fault {
        code: code.to_owned(),
        reason,
        field: sentence(told, "Trường: "),
    })
}

/// DCI's words: an acknowledgement of kind ERR, with a code of the standard and two sentences.
fn dci_fault(code: &str, ack: &serde_json::Value) -> Option<Fault> {
    let is_err = ack.get("ack_status")?.as_str()? == "ERR";
    let error = ack.get("error")?;
    let said = error.get("code")?.as_str()?;
    let told = error.get("message")?.as_str()?;
    let is_known = said.starts_with("err.") || said.starts_with("rjct.");
    (is_err && is_known).then(|| Fault {
        code: code.to_owned(),
        reason: sentence(told, "Reason: "),
        field: sentence(told, "Field: "),
    })
}

/// The tax words in JSON: the members of the XML element.
fn tax_fault(code: &str, fault: &serde_json::Value) -> Option<Fault> {
    let text = |name: &str| fault.get(name)?.as_str().map(str::to_owned);
    let said = text("Code")?;
    (said == code).then(|| Fault {
        code: said,
        reason: text("Reason"),
        field: text("Field"),
    })
}

/// The civil words have no members for reason and field: both stand as sentences in `errorDescription`.
fn sentence(told: &str, label: &str) -> Option<String> {
    let (_, rest) = told.split_once(label)?;
    rest.split('.').next().map(str::to_owned)
}

/// An unsigned fault is canonical by construction; a signed one is read up to its signature.
fn xml_fault(code: &str, body: &[u8]) -> Option<Fault> {
    let body = std::str::from_utf8(body).ok()?;
    let text = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.to_owned())
    };
    let said = text("Code")?;
    (said == code).then(|| Fault {
        code: said,
        reason: text("Reason"),
        field: text("Field"),
    })
}

/// The header that carries a detached JWS.
pub const SIGNATURE_HEADER: &str = "X-JWS-Signature";

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, code: Option<&str>, body: &str) -> Reply {
        let mut headers = http::HeaderMap::new();
        if let Some(code) = code {
            headers.insert("lienthong-fault", code.parse().unwrap());
        }
        Reply {
            status,
            headers,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn a_fault_is_read_from_problem_details_and_from_xml() {
        let json = reply(
            409,
            Some("CONFLICT"),
            r#"{"code":"CONFLICT","reason":"same-id-other-content"}"#,
        );
        let seen = fault(&json).unwrap().unwrap();
        assert_eq!(seen.reason.as_deref(), Some("same-id-other-content"));
        let civil = reply(
            422,
            Some("INVALID"),
            r#"{"status":"0","errorCode":"INVALID","errorDescription":"Sai. Trường: soDinhDanh. Lý do: pin-sex-mismatch."}"#,
        );
        let seen = fault(&civil).unwrap().unwrap();
        assert_eq!(
            (seen.reason.as_deref(), seen.field.as_deref()),
            (Some("pin-sex-mismatch"), Some("soDinhDanh"))
        );
        let xml = reply(
            422,
            Some("INVALID"),
            "<T><Fault><Code>INVALID</Code><Field>Mst</Field></Fault></T>",
        );
        assert_eq!(fault(&xml).unwrap().unwrap().field.as_deref(), Some("Mst"));
    }

    #[test]
    fn a_fault_whose_header_and_body_differ_is_no_fault_of_ours() {
        let lying = reply(409, Some("CONFLICT"), r#"{"code":"STALE"}"#);
        assert!(matches!(fault(&lying), Err(Trouble::Answer(_))));
        assert!(matches!(
            fault(&reply(400, None, "Bad Request")),
            Err(Trouble::Answer(_))
        ));
        assert_eq!(fault(&reply(200, None, "{}")).unwrap(), None);
    }
}
