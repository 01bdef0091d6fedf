//! The civil registry's words: a registered birth becomes a health insurance card, a registered death ends what
//! it ends; a poll says how far it is.
//!
//! The adapter turns the inter-linked software's JSON (own profile, see `MAPPING.md`) into requests of
//! the insurance contract and back. It refuses to know keys, sockets and rows, and which rule makes a
//! card valid: that is the registry's.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test stops where it fails"
    )
)]

mod decode;
mod encode;
mod envelope;
mod face;
#[cfg(test)]
mod mapping;
pub mod outbound;
mod perform;
pub mod population;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Evidence, Face, Head, Operation,
    Proven, Route,
    adapter::{Effect, ProofKind},
    files::Files,
    policy::Permit,
};
use http::Method;
use schemas::fault::Fault;

pub use decode::{
    Birth, Child, Claimant, Correction, Death, FactsAsked, Guardian, Paper, Parent, ParentChange,
    Poll, Record, Relation, Request, Said, Supplement, Withdrawal,
};
pub use perform::{Births, Done, KeptPaper, Outcome};

/// The adapter of the system `civil`.
#[derive(Clone)]
pub struct Civil {
    births: Arc<dyn Births>,
    files: Option<Arc<dyn Files>>,
}

impl Civil {
    /// An adapter that registers births with `births`, and keeps the files of cases in `files`; where there is no such place they
    /// stay in the journal alone.
    #[must_use]
    pub fn new(births: Arc<dyn Births>, files: Option<Arc<dyn Files>>) -> Self {
        Self { births, files }
    }
}

impl std::fmt::Debug for Civil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Civil")
    }
}

/// A birth is registered (`NhanDKHT`).
pub static BIRTH: Operation = Operation {
    name: "civil.birth",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// A death is registered (`NhanDKHT` of module LTKT).
pub static DEATH: Operation = Operation {
    name: "civil.death",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// A birth is corrected or completed, or a death taken back, by a new message that names it (`NhanDKHT` of module LTCC, own profile).
pub static CORRECTION: Operation = Operation {
    name: "civil.correction",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// The newest status of cases (`LayKetQua`).
pub static RESULT: Operation = Operation {
    name: "civil.result",
    effect: Effect::Read,
    proof: ProofKind::Jws,
    fields: &[],
};

/// The facts of a birth, asked by its notice and the mother's number (`TraCuuGCS`, own profile).
pub static FACTS: Operation = Operation {
    name: "civil.birth-facts",
    effect: Effect::Read,
    proof: ProofKind::Jws,
    fields: &["name", "sex", "birthDate", "children", "issuedOn"],
};

/// The purpose of questions for the facts of a birth.
pub const FACTS_PURPOSE: &str = "birth-registration";

/// The purpose of births, of their corrections and of polls for them, as agreements name it.
pub const PURPOSE: &str = "child-health-insurance";

/// The purpose of deaths, of what takes them back, and of polls for them.
pub const DEATH_PURPOSE: &str = "end-of-participation";

/// A case with its files in base64.
const CASE_BYTES_MAX: usize = 8 << 20;

static ROUTES: [Route; 3] = [
    Route {
        path: "/civil/v1/NhanDKHT",
        method: Method::POST,
        body_bytes_max: CASE_BYTES_MAX,
        deadline: Duration::from_secs(20),
        bulk: None,
    },
    Route {
        path: "/civil/v1/LayKetQua",
        method: Method::POST,
        body_bytes_max: 8 << 10,
        deadline: Duration::from_secs(10),
        bulk: None,
    },
    Route {
        path: "/civil/v1/TraCuuGCS",
        method: Method::POST,
        body_bytes_max: 8 << 10,
        deadline: Duration::from_secs(10),
        bulk: None,
    },
];

impl Adapter for Civil {
    type Request = Said;
    type Outcome = Done;

    fn system(&self) -> &'static str {
        "civil"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        envelope::envelope(head, body)
    }

    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<Said>, Fault> {
        decode::decode(&head.path, envelope::claims(proven)?, proven.bytes())
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        said: &'a Said,
    ) -> BoxFuture<'a, Result<Done, Fault>> {
        let files = self.files.as_deref();
        Box::pin(perform::carry_out(
            self.births.as_ref(),
            files,
            context,
            said,
        ))
    }

    fn encode(
        &self,
        _head: &AnswerHead,
        permit: &Permit,
        said: &Said,
        done: Done,
    ) -> Result<Encoded, Fault> {
        match (&said.request, done.outcome) {
            (Request::Facts(asked), Outcome::Facts(children)) => {
                let fields = (permit.disclosed(), permit.withheld());
                encode::facts::encode(fields, &asked.mother, &children)
            }
            (request, outcome) => encode::encode(request, outcome, &done.kept),
        }
    }

    fn face(&self, fault: &Fault, _: Evidence, _: Option<&AnswerHead>) -> Face {
        face::face(fault)
    }
}
