//! DCI's words, as civil registries (CRVS) of the world speak them: a registry that we subscribe to notifies us of
//! births and deaths, and others ask us for those that we hold, or are told of them as they come.
//!
//! The adapter turns messages of the SPDCI API standards 1.0.0 (see `MAPPING.md`) into requests of the insurance
//! contract and back. It refuses to know keys, sockets and rows, and whether a child is known already: that is the
//! registry's.
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
pub mod follow;
#[cfg(test)]
mod mapping;
pub mod outbound;
mod perform;
pub mod pull;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Evidence, Face, Head, Operation,
    Proven, Route,
    adapter::{Effect, ProofKind},
    policy::Permit,
    ports::{Clock, Notes, Receipts},
};
use http::Method;
use schemas::fault::Fault;

pub use decode::{
    Asked, Begun, Birth, Death, Guardian, Opening, Parent, Parts, Question, Record, Request,
    Search, Status, Subscribe, Told, Unsubscribe, Wanted, What, Wish,
};
pub use perform::{Kept, Outcome, Promised, Refused, Registrar, Stand, register_one};

/// The adapter of the system `dci`.
#[derive(Clone)]
pub struct Dci {
    registrar: Arc<dyn Registrar>,
    receipts: Arc<dyn Receipts>,
    notes: Arc<dyn Notes>,
    clock: Arc<dyn Clock>,
}

impl Dci {
    /// An adapter that has births and deaths registered by `registrar`, and finds the callbacks of an exchange in
    /// `receipts` and our own subscriptions in `notes`; acknowledgements of what nobody has proven yet bear the time of `clock`.
    #[must_use]
    pub fn new(
        registrar: Arc<dyn Registrar>,
        (receipts, notes): (Arc<dyn Receipts>, Arc<dyn Notes>),
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            registrar,
            receipts,
            notes,
            clock,
        }
    }
}

impl std::fmt::Debug for Dci {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dci")
    }
}

/// A registry tells of births and deaths (`notify`).
pub static NOTIFY: Operation = Operation {
    name: "dci.notify",
    effect: Effect::Change,
    proof: ProofKind::Dci,
    fields: &[],
};

const SEARCH_FIELDS: &[&str] = &[
    "name",
    "sex",
    "birthDate",
    "deathDate",
    "address",
    "parents",
    "registration",
];

/// A birth or a death that is held here is asked for (`search`).
pub static SEARCH: Operation = Operation {
    name: "dci.search",
    effect: Effect::Read,
    proof: ProofKind::Dci,
    fields: SEARCH_FIELDS,
};

/// The same, to be answered by a callback: the agreement is asked when it comes and when the callback goes.
pub static SEARCH_ASYNC: Operation = Operation {
    name: "dci.search-async",
    effect: Effect::Change,
    proof: ProofKind::Dci,
    fields: SEARCH_FIELDS,
};

/// What became of a search that is answered by a callback.
pub static TXN_STATUS: Operation = Operation {
    name: "dci.txn-status",
    effect: Effect::Read,
    proof: ProofKind::Dci,
    fields: &[],
};

/// The same, to be answered by a callback.
pub static TXN_STATUS_ASYNC: Operation = Operation {
    name: "dci.txn-status-async",
    effect: Effect::Change,
    proof: ProofKind::Dci,
    fields: &[],
};

/// Somebody is told of births or deaths from now on (`subscribe`): the agreement is asked when it is begun and each time that
/// something is told.
pub static SUBSCRIBE: Operation = Operation {
    name: "dci.subscribe",
    effect: Effect::Change,
    proof: ProofKind::Dci,
    fields: SEARCH_FIELDS,
};

/// Somebody is not told any more (`unsubscribe`).
pub static UNSUBSCRIBE: Operation = Operation {
    name: "dci.unsubscribe",
    effect: Effect::Change,
    proof: ProofKind::Dci,
    fields: &[],
};

/// We subscribe at a registry and end that, and it tells us what became of it (`on-subscribe`, `on-unsubscribe`): asked of the agreement
/// when we ask and when we are answered.
pub static FOLLOW: Operation = Operation {
    name: "dci.follow",
    effect: Effect::Change,
    proof: ProofKind::Dci,
    fields: &[],
};

/// We ask a registry for what it registered on some days (`search`), to find what it told and we never heard: asked of the agreement
/// when we ask and when what was found is taken.
pub static PULL: Operation = Operation {
    name: "dci.pull",
    effect: Effect::Change,
    proof: ProofKind::Dci,
    fields: &[],
};

/// The purpose of births, as agreements name it.
pub const PURPOSE: &str = "child-health-insurance";

/// The purpose of deaths; a message that tells of one is for what a death ends.
pub const DEATH_PURPOSE: &str = "end-of-participation";

static ROUTES: [Route; 9] = [
    posted(envelope::NOTIFY_PATH, 1 << 20, 20),
    posted(envelope::SYNC_SEARCH_PATH, QUESTION_BYTES_MAX, 10),
    posted(envelope::SEARCH_PATH, QUESTION_BYTES_MAX, 10),
    posted(envelope::SYNC_STATUS_PATH, QUESTION_BYTES_MAX, 10),
    posted(envelope::STATUS_PATH, QUESTION_BYTES_MAX, 10),
    posted(envelope::SUBSCRIBE_PATH, QUESTION_BYTES_MAX, 10),
    posted(envelope::UNSUBSCRIBE_PATH, QUESTION_BYTES_MAX, 10),
    posted(envelope::ON_SUBSCRIBE_PATH, QUESTION_BYTES_MAX, 10),
    posted(envelope::ON_UNSUBSCRIBE_PATH, QUESTION_BYTES_MAX, 10),
];

const QUESTION_BYTES_MAX: usize = 64 << 10;

const fn posted(path: &'static str, body_bytes_max: usize, seconds: u64) -> Route {
    Route {
        path,
        method: Method::POST,
        body_bytes_max,
        deadline: Duration::from_secs(seconds),
        bulk: None,
    }
}

impl Adapter for Dci {
    type Request = Request;
    type Outcome = Outcome;

    fn system(&self) -> &'static str {
        "dci"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        roads::dci::envelope(head, body, envelope::operation)
    }

    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        decode::decode(head, proven.bytes())
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(perform::perform(
            self.registrar.as_ref(),
            (self.receipts.as_ref(), self.notes.as_ref()),
            (context, self.clock.now()),
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

    fn face(&self, fault: &Fault, evidence: Evidence, head: Option<&AnswerHead>) -> Face {
        face::face(
            fault,
            evidence,
            head.map_or_else(|| self.clock.now(), |head| head.sent_at),
        )
    }
}
