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

pub mod bulk;
pub mod compare;
pub mod country;
mod decode;
mod encode;
mod envelope;
mod face;
mod json;
mod perform;
pub mod reconcile;
pub mod taxpayer;
#[cfg(test)]
mod testscene;
pub mod unpack;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Evidence, Face, Head, Operation,
    Proven, Route,
    adapter::{Effect, ProofKind},
    bulk::Ticket,
    policy::Permit,
};
use http::Method;
use schemas::{
    fault::Fault,
    wire::{tax as wire, tax_records::CHUNK_BYTES_MAX},
};

pub use bulk::{Reconciliations, Told};
pub use json::TaxJson;
pub use perform::{
    Contributors, Disputes, Employers, LineOutcome, NoticeBook, Notices, Outcome, Registry,
};

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

/// Which of the sender's notices we hold, and which of ours it receipted.
pub static LOOK_UP_NOTICES: Operation = Operation {
    name: wire::LOOK_UP_NOTICES,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// Notices of ours go again, under their ids.
pub static RESEND_NOTICES: Operation = Operation {
    name: wire::RESEND_NOTICES,
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

/// A month is announced in bulk: taken once, its chunks follow.
pub static RECONCILE: Operation = Operation {
    name: wire::RECONCILE,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// A chunk of a month, proven by what its manifest announces.
pub static RECONCILE_CHUNK: Operation = Operation {
    name: wire::RECONCILE_CHUNK,
    effect: Effect::Change,
    proof: ProofKind::ManifestDigest,
    fields: &[],
};

/// What a reconciliation found; the values of each field are granted by themselves.
pub static RECONCILE_RESULT: Operation = Operation {
    name: wire::RECONCILE_RESULT,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &RECORD_FIELDS,
};

pub(crate) const RECORD_FIELDS: [&str; 15] = [
    "mst", "unit", "person", "number", "province", "region", "status", "name", "address", "born",
    "count", "amount", "due", "paid", "full",
];

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
static LOOK_UP_NOTICES_JSON: Operation = by_jws(&LOOK_UP_NOTICES);
static RESEND_NOTICES_JSON: Operation = by_jws(&RESEND_NOTICES);
static DISPUTE_JSON: Operation = by_jws(&DISPUTE);
static RECONCILE_JSON: Operation = by_jws(&RECONCILE);
static RECONCILE_RESULT_JSON: Operation = by_jws(&RECONCILE_RESULT);
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
    pub(crate) fn operation(self, request: &wire::Request) -> &'static Operation {
        use wire::Request;
        match (self, request) {
            (Self::Xml, Request::VerifyEmployer(_)) => &VERIFY_EMPLOYER,
            (Self::Xml, Request::VerifyIndividual(_)) => &VERIFY_INDIVIDUAL,
            (Self::Xml, Request::VerifyMany(_)) => &VERIFY_MANY,
            (Self::Xml, Request::ChangeNotice(_)) => &CHANGE_NOTICE,
            (Self::Xml, Request::LookUpNotices(_)) => &LOOK_UP_NOTICES,
            (Self::Xml, Request::ResendNotices(_)) => &RESEND_NOTICES,
            (Self::Xml, Request::Dispute(_)) => &DISPUTE,
            (Self::Xml, Request::Reconcile(_)) => &RECONCILE,
            (Self::Xml, Request::ReconcileResult(_)) => &RECONCILE_RESULT,
            (Self::Xml, Request::Ping(_)) => &PING,
            (Self::Json, Request::VerifyEmployer(_)) => &VERIFY_EMPLOYER_JSON,
            (Self::Json, Request::VerifyIndividual(_)) => &VERIFY_INDIVIDUAL_JSON,
            (Self::Json, Request::VerifyMany(_)) => &VERIFY_MANY_JSON,
            (Self::Json, Request::ChangeNotice(_)) => &CHANGE_NOTICE_JSON,
            (Self::Json, Request::LookUpNotices(_)) => &LOOK_UP_NOTICES_JSON,
            (Self::Json, Request::ResendNotices(_)) => &RESEND_NOTICES_JSON,
            (Self::Json, Request::Dispute(_)) => &DISPUTE_JSON,
            (Self::Json, Request::Reconcile(_)) => &RECONCILE_JSON,
            (Self::Json, Request::ReconcileResult(_)) => &RECONCILE_RESULT_JSON,
            (Self::Json, Request::Ping(_)) => &PING_JSON,
        }
    }

    /// The operation of a chunk, whatever the words of its receipt.
    pub(crate) fn chunk(self) -> &'static Operation {
        match self {
            Self::Xml | Self::Json => &RECONCILE_CHUNK,
        }
    }
}

/// A ping and a chunk state no purpose of their own; agreements allow them for the one that they are made for.
pub const PURPOSE: &str = "tax-compliance";

static ROUTES: [Route; 2] = [
    Route {
        path: "/tax/v1/messages",
        method: Method::POST,
        body_bytes_max: 1 << 20,
        deadline: Duration::from_secs(10),
        bulk: None,
    },
    chunks("/tax/v1/manifests/{manifest}/chunks/{chunk}"),
];

/// A door of chunks; its receipts are in the words of the adapter that has it.
const fn chunks(path: &'static str) -> Route {
    Route {
        path,
        method: Method::PUT,
        body_bytes_max: CHUNK_BYTES_MAX,
        deadline: Duration::from_secs(120),
        bulk: Some(&RECONCILE_CHUNK),
    }
}

/// What a partner says: a message in its words, or a chunk.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A message.
    Said(wire::Request),
    /// A chunk, by its ticket.
    Chunk(Ticket),
}

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
        match proven.ticket() {
            Some((ticket, claims)) => {
                Ok(bulk::chunk(ticket, claims, proven.bytes(), Words::Xml).map(Request::Chunk))
            }
            None => decode::decode(proven.bytes()).map(|decoded| decoded.map(Request::Said)),
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
        head: &AnswerHead,
        permit: &Permit,
        request: &Request,
        outcome: Outcome,
    ) -> Result<Encoded, Fault> {
        match request {
            Request::Said(said) => encode::encode(head, permit, said, outcome),
            Request::Chunk(ticket) => {
                let answer = bulk::chunk_answer(ticket, &outcome)?;
                Ok(bulk::about_nobody(encode::message(head, answer)))
            }
        }
    }

    fn face(&self, fault: &Fault, _: Evidence, head: Option<&AnswerHead>) -> Face {
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
        let words: Vec<_> = schemas::wire::tax_records::fields::FIELDS
            .iter()
            .map(|row| row.word)
            .collect();
        assert_eq!(RECONCILE_RESULT.fields, words);
    }

    #[test]
    fn the_mapping_of_what_we_ask_is_the_table() {
        let document = include_str!("../MAPPING_TAXPAYER.md");
        let rows: Vec<_> = document
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let table: Vec<_> = wire::taxpayer::FIELDS
            .iter()
            .map(|field| {
                let (wire, inside, source) = (field.wire, field.canonical, field.source);
                format!("| `{wire}` | {inside} | {source} |")
            })
            .collect();
        assert_eq!(rows, table);
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
