//! The tax department's words: an employer, a person, or up to 1,000 of either are verified.
//!
//! The adapter turns signed XML (own profile, see `MAPPING.md`) into requests of the insurance contract
//! and back. It refuses to know keys, sockets and rows, and what the figures mean: those are the
//! registry's.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test stops where it fails"
    )
)]

pub mod compare;
pub mod country;
mod decode;
mod encode;
mod envelope;
mod face;
mod json;
mod perform;
pub mod reconcile;
#[cfg(test)]
mod testscene;
pub mod unpack;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Face, Head, Operation, Proven, Route,
    adapter::{Effect, ProofKind},
    policy::Permit,
};
use http::Method;
use schemas::{fault::Fault, wire::tax as wire};

pub use json::TaxJson;
pub use perform::{Contributors, Disputes, Employers, LineOutcome, Notices, Outcome, Registry};
pub use wire::Request;

/// The adapter of the system `tax`.
#[derive(Clone)]
pub struct Tax {
    registry: Arc<dyn Registry>,
}

impl Tax {
    /// An adapter that asks `registry`.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry }
    }
}

impl fmt::Debug for Tax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tax")
    }
}

/// One employer in one month; each field is granted by itself.
pub static VERIFY_EMPLOYER: Operation = Operation {
    name: wire::VERIFY_EMPLOYER,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[
        "participationState",
        "participants",
        "fund",
        "due",
        "paid",
        "arrears",
        "name",
        "unitCode",
        "registeredFrom",
        "units",
        "ageing",
        "lastD02",
    ],
};

/// One person over some months; each field is granted by itself, for a claim as for a question.
pub static VERIFY_INDIVIDUAL: Operation = Operation {
    name: wire::VERIFY_INDIVIDUAL,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &PERSON_FIELDS,
};

/// Many employers or many persons; fields of both kinds, without those of more than one value.
pub static VERIFY_MANY: Operation = Operation {
    name: wire::VERIFY_MANY,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[
        "participationState",
        "participants",
        "fund",
        "due",
        "paid",
        "arrears",
        "name",
        "unitCode",
        "registeredFrom",
        "birthDate",
        "pin",
        "siNumber",
        "months",
        "base",
    ],
};

const PERSON_FIELDS: [&str; 7] = [
    "name",
    "birthDate",
    "pin",
    "siNumber",
    "employers",
    "months",
    "base",
];

/// A change of one employer is told; kept once, acknowledged.
pub static CHANGE_NOTICE: Operation = Operation {
    name: wire::CHANGE_NOTICE,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// A discrepancy is disputed; written down once, acknowledged.
pub static DISPUTE: Operation = Operation {
    name: wire::DISPUTE,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// A sign of life that asks nobody.
pub static PING: Operation = Operation {
    name: wire::PING,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// The same operations in JSON: agreements know them by the same names, a JWS proves them.
static VERIFY_EMPLOYER_JSON: Operation = by_jws(&VERIFY_EMPLOYER);
static VERIFY_INDIVIDUAL_JSON: Operation = by_jws(&VERIFY_INDIVIDUAL);
static VERIFY_MANY_JSON: Operation = by_jws(&VERIFY_MANY);
static CHANGE_NOTICE_JSON: Operation = by_jws(&CHANGE_NOTICE);
static DISPUTE_JSON: Operation = by_jws(&DISPUTE);
static PING_JSON: Operation = by_jws(&PING);

const fn by_jws(operation: &Operation) -> Operation {
    Operation {
        name: operation.name,
        effect: operation.effect,
        proof: ProofKind::Jws,
        fields: operation.fields,
    }
}

/// In which words a message is said, and so by what it is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    Xml,
    Json,
}

impl Words {
    /// The operation of a request said in these words.
    pub(crate) fn operation(self, request: &Request) -> &'static Operation {
        match (self, request) {
            (Self::Xml, Request::VerifyEmployer(_)) => &VERIFY_EMPLOYER,
            (Self::Xml, Request::VerifyIndividual(_)) => &VERIFY_INDIVIDUAL,
            (Self::Xml, Request::VerifyMany(_)) => &VERIFY_MANY,
            (Self::Xml, Request::ChangeNotice(_)) => &CHANGE_NOTICE,
            (Self::Xml, Request::Dispute(_)) => &DISPUTE,
            (Self::Xml, Request::Ping(_)) => &PING,
            (Self::Json, Request::VerifyEmployer(_)) => &VERIFY_EMPLOYER_JSON,
            (Self::Json, Request::VerifyIndividual(_)) => &VERIFY_INDIVIDUAL_JSON,
            (Self::Json, Request::VerifyMany(_)) => &VERIFY_MANY_JSON,
            (Self::Json, Request::ChangeNotice(_)) => &CHANGE_NOTICE_JSON,
            (Self::Json, Request::Dispute(_)) => &DISPUTE_JSON,
            (Self::Json, Request::Ping(_)) => &PING_JSON,
        }
    }
}

/// A ping states no purpose of its own; agreements allow it for the one that they are made for.
pub const PING_PURPOSE: &str = "tax-compliance";

static ROUTES: [Route; 1] = [Route {
    path: "/tax/v1/messages",
    method: Method::POST,
    body_bytes_max: 1 << 20,
    deadline: Duration::from_secs(10),
}];

impl Adapter for Tax {
    type Request = Request;
    type Outcome = Outcome;

    fn system(&self) -> &'static str {
        "tax"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        envelope::envelope(head, body)
    }

    fn decode(&self, _head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        decode::decode(proven.bytes())
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(perform::perform(
            self.registry.as_ref(),
            context,
            permit,
            request,
        ))
    }

    fn encode(
        &self,
        head: &AnswerHead,
        permit: &Permit,
        request: &Request,
        outcome: Outcome,
    ) -> Result<Encoded, Fault> {
        encode::encode(head, permit, request, outcome)
    }

    fn face(&self, fault: &Fault, head: Option<&AnswerHead>) -> Face {
        face::face(fault, head)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_fields_of_the_operation_are_the_words_of_the_wire() {
        let words: Vec<_> = wire::FieldName::ALL
            .iter()
            .map(|one| one.as_str())
            .collect();
        assert_eq!(VERIFY_EMPLOYER.fields, words);
        let words: Vec<_> = wire::PersonField::ALL
            .iter()
            .map(|one| one.as_str())
            .collect();
        assert_eq!(VERIFY_INDIVIDUAL.fields, words);
        let values = wire::FieldName::ALL.iter().filter(|one| !one.is_a_part());
        let mut many: BTreeSet<_> = values.map(|one| one.as_str()).collect();
        many.extend(words.iter().filter(|one| **one != "employers"));
        assert_eq!(
            BTreeSet::from_iter(VERIFY_MANY.fields.iter().copied()),
            many
        );
    }

    #[test]
    fn the_mapping_document_is_the_table() {
        let document = include_str!("../MAPPING.md");
        let rows: Vec<_> = document
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let table: Vec<_> = wire::FIELDS
            .iter()
            .map(|field| {
                let carried = match field.carried {
                    wire::Carried::Mapped => "mapped",
                    wire::Carried::NotCarried => "not carried",
                };
                let (wire, inside, source) = (field.wire, field.canonical, field.source);
                format!("| `{wire}` | {inside} | {carried} | {source} |")
            })
            .collect();
        assert_eq!(rows, table);
    }
}
