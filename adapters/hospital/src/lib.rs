//! Hospitals' words: a birth notice becomes a temporary card, a death notice ends what a death ends.
//!
//! The adapter turns what hospitals send to VSS's gateway for electronic papers (eGW, annex PL02; see `MAPPING.md`)
//! into requests of the insurance contract and back. It refuses to know keys, sockets and rows, and whether a child
//! is known already: that is the registry's.
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
mod perform;
pub mod token;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Evidence, Face, Head, Operation,
    Proven, Route,
    adapter::{Effect, ProofKind},
    policy::Permit,
};
use http::Method;
use schemas::fault::Fault;

pub use decode::{Birth, Death, Notice, Request};
pub use perform::{Hospitals, Outcome};
pub use roads::egw::Here;

/// The adapter of the system `hospital`.
#[derive(Clone)]
pub struct Hospital {
    hospitals: Arc<dyn Hospitals>,
    here: Here,
}

impl Hospital {
    /// An adapter that has notices kept by `hospitals`; forms name no receiver, so whoever opens the door says who that is.
    #[must_use]
    pub fn new(hospitals: Arc<dyn Hospitals>, here: Here) -> Self {
        Self { hospitals, here }
    }
}

impl std::fmt::Debug for Hospital {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hospital")
    }
}

/// A birth notice (`loaiHs` 61).
pub static BIRTH_NOTICE: Operation = Operation {
    name: "hospital.birth-notice",
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &CARD_FIELDS,
};

/// A death notice (`loaiHs` 60).
pub static DEATH_NOTICE: Operation = Operation {
    name: "hospital.death-notice",
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// A packet of notices (`loaiHs` 39), kept whole or not at all.
pub static PACKET: Operation = Operation {
    name: "hospital.packet",
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &CARD_FIELDS,
};

/// What an answer may tell of a child: its number, and its card.
const CARD_FIELDS: [&str; 2] = ["siNumber", "card"];

/// The purpose of birth notices, as agreements name it.
pub const PURPOSE: &str = "child-health-insurance";

/// The purpose of death notices. A packet is for both: an agreement for it names this one as well where it holds deaths.
pub const DEATH_PURPOSE: &str = "end-of-participation";

static ROUTES: [Route; 3] = [
    submission(envelope::NOTICES),
    submission(envelope::PACKETS),
    Route {
        path: envelope::TOKEN,
        method: Method::POST,
        body_bytes_max: 4 << 10,
        deadline: Duration::from_secs(5),
        bulk: None,
    },
];

const fn submission(path: &'static str) -> Route {
    Route {
        path,
        method: Method::POST,
        body_bytes_max: 2 << 20,
        deadline: Duration::from_secs(20),
        bulk: None,
    }
}

impl Adapter for Hospital {
    type Request = Request;
    type Outcome = Outcome;

    fn system(&self) -> &'static str {
        "hospital"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        envelope::envelope(head, body, &self.here)
    }

    fn decode(&self, _head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        decode::decode(envelope::claims(proven)?, proven.bytes())
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(perform::perform(self.hospitals.as_ref(), context, request))
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

    fn face(&self, fault: &Fault, evidence: Evidence, _: Option<&AnswerHead>) -> Face {
        face::face(fault, evidence)
    }
}
