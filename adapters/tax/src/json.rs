//! The same questions as JSON with a detached JWS, through a door of their own.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Evidence, Face, Head, Proven, Route,
    Unsigned, policy::Permit,
};
use http::Method;
use schemas::{
    fault::{Fault, FaultCode},
    json::Reason,
    wire::tax::{
        self as wire, Answer, FaultBody,
        json::{self, BodyError},
    },
};

use crate::{Outcome, Registry, Request, Words, bulk, decode, encode, perform};

/// The adapter of the system `tax` in JSON.
#[derive(Clone)]
pub struct TaxJson {
    registry: Arc<dyn Registry>,
}

impl TaxJson {
    /// An adapter that asks `registry`.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry }
    }
}

impl fmt::Debug for TaxJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaxJson")
    }
}

static ROUTES: [Route; 2] = [
    Route {
        path: "/tax/v1/json",
        method: Method::POST,
        body_bytes_max: 1 << 20,
        deadline: Duration::from_secs(10),
        bulk: None,
    },
    crate::chunks("/tax/v1/json/manifests/{manifest}/chunks/{chunk}"),
];

impl Adapter for TaxJson {
    type Request = Request;
    type Outcome = Outcome;

    fn system(&self) -> &'static str {
        "tax"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        roads::jws::envelope(head, body)
    }

    fn decode(&self, _head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        match proven.ticket() {
            Some((ticket, claims)) => {
                Ok(bulk::chunk(ticket, claims, proven.bytes(), Words::Json).map(Request::Chunk))
            }
            None => {
                let decoded = read(roads::jws::claims(proven)?, proven.bytes())?;
                Ok(decoded.map(Request::Said))
            }
        }
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(perform::carry_out(
            self.registry.as_ref(),
            context,
            permit,
            request,
        ))
    }

    fn encode(
        &self,
        _head: &AnswerHead,
        permit: &Permit,
        request: &Request,
        outcome: Outcome,
    ) -> Result<Encoded, Fault> {
        let said = match request {
            Request::Said(said) => said,
            Request::Chunk(ticket) => {
                let answer = bulk::chunk_answer(ticket, &outcome)?;
                let body = json::encode_answer(&answer);
                return Ok(bulk::about_nobody(Unsigned::Json(body)));
            }
        };
        let persons = encode::told(permit, said, &outcome);
        let answer = encode::answer(permit, said, outcome)?;
        Ok(Encoded {
            unsigned: Unsigned::Json(json::encode_answer(&answer)),
            callbacks: Vec::new(),
            persons,
        })
    }

    fn face(&self, fault: &Fault, _: Evidence, _: Option<&AnswerHead>) -> Face {
        let said = Answer::Fault(FaultBody::from(fault));
        Face {
            content_type: "application/json",
            status: None,
            unsigned: Unsigned::Json(json::encode_answer(&said)),
        }
    }
}

/// The signed header names the operation; the body is its question.
fn read(claims: gateway_core::Claims, bytes: &[u8]) -> Result<Decoded<wire::Request>, Fault> {
    let request = json::decode_request(bytes).map_err(refused)?;
    if claims.operation != request.operation() {
        return Err(Fault::new(FaultCode::Invalid, "operation-unlike-body").field("op"));
    }
    decode::judged(claims, request, Bytes::copy_from_slice(bytes), Words::Json)
}

fn refused(error: BodyError) -> Fault {
    match error {
        BodyError::Json(error) => {
            let code = match error.reason() {
                Reason::TooLong | Reason::TooDeep | Reason::TooMany => FaultCode::TooLarge,
                _ => FaultCode::Malformed,
            };
            Fault::new(code, error.code()).log(format!("at byte {}", error.offset()))
        }
        BodyError::Wire(error) => decode::invalid(error),
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::{Claims, Direction, adapter::ProofKind, partner::Environment};
    use schemas::id::{MessageId, PartnerId};

    use super::*;
    use crate::testscene::{Registry as Always, answer_head, permit, response};

    const ASK: &str = r#"{"VerifyEmployer":{"Fields":["fund","arrears"],"Mst":"9900000016","Period":"2026-10","Purpose":"tax-compliance"}}"#;

    fn claims(operation: &str) -> Claims {
        Claims {
            sender: PartnerId::parse("tax").unwrap(),
            receiver: PartnerId::parse("vss").unwrap(),
            environment: Environment::Sandbox,
            direction: Direction::Request,
            id: MessageId::parse("tax-00000001").unwrap(),
            sent_at: "2026-11-22T05:00:00Z".parse().unwrap(),
            operation: operation.to_owned(),
        }
    }

    fn adapter() -> TaxJson {
        TaxJson::new(Arc::new(Always::answering(Ok(response()))))
    }

    fn json_of(unsigned: Unsigned) -> String {
        match unsigned {
            Unsigned::Json(body) => String::from_utf8(body).unwrap(),
            Unsigned::Xml { .. } | Unsigned::Soap(_) | Unsigned::Dci { .. } => panic!("not JSON"),
        }
    }

    #[test]
    fn a_question_in_json_is_the_same_request_and_wants_a_jws() {
        let decoded = read(claims("tax.verify-employer"), ASK.as_bytes()).unwrap();
        assert_eq!(decoded.operation.name, "tax.verify-employer");
        assert_eq!(decoded.operation.proof, ProofKind::Jws);
        assert_eq!(decoded.operation.fields, crate::VERIFY_EMPLOYER.fields);
        assert_eq!(decoded.asked, ["arrears", "fund"].into());
        assert_eq!(&decoded.payload[..], ASK.as_bytes());
    }

    #[test]
    fn every_refusal_has_its_code_reason_and_field() {
        use FaultCode::{Invalid, Malformed};
        let cases = [
            (
                "9900000016",
                "9900000017",
                Invalid,
                "mst-check-digit",
                Some("Mst"),
            ),
            (
                "2026-10",
                "2026-12",
                Invalid,
                "period-in-the-future",
                Some("Period"),
            ),
            (
                "2026-10",
                "1994-12",
                Invalid,
                "period-before-1995",
                Some("Period"),
            ),
            (
                "\"fund\"",
                "\"arrears\"",
                Invalid,
                "field-twice",
                Some("Field"),
            ),
            (
                "\"Mst\"",
                "\"Mst\":1,\"Mst\"",
                Malformed,
                "json-duplicate-key",
                None,
            ),
        ];
        for (from, to, code, reason, field) in cases {
            let text = ASK.replace(from, to);
            let fault = read(claims("tax.verify-employer"), text.as_bytes()).unwrap_err();
            assert_eq!(
                (fault.code(), fault.reason(), fault.wrong_field()),
                (code, reason, field),
                "{to}"
            );
        }
        let fault = read(claims("tax.ping"), ASK.as_bytes()).unwrap_err();
        assert_eq!(fault.reason(), "operation-unlike-body");
    }

    #[test]
    fn permitted_fields_are_told_in_json() {
        let request = Request::Said(json::decode_request(ASK.as_bytes()).unwrap());
        let permit = permit(&["fund"], &["fund", "arrears"]);
        let outcome = Outcome::Participation(response());
        let encoded = adapter()
            .encode(&answer_head(), &permit, &request, outcome)
            .unwrap();
        assert_eq!(
            json_of(encoded.unsigned),
            r#"{"VerifyEmployerResult":{"Fund":100000000,"Mst":"9900000016","NotDisclosed":["arrears"],"Period":"2026-10","Result":"hasData"}}"#
        );
    }

    #[test]
    fn every_fault_is_said_in_json_without_the_log_note() {
        for &code in FaultCode::ALL {
            let fault = Fault::new(code, "some-reason")
                .field("Mst")
                .log("internal note");
            let said = json_of(adapter().face(&fault, Evidence::fresh(), None).unsigned);
            assert!(!said.contains("internal note"));
            let read = json::decode_answer(said.as_bytes()).unwrap();
            assert_eq!(read, Answer::Fault(FaultBody::from(&fault)));
        }
    }
}
