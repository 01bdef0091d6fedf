//! OpenCRVS's words: a registry tells of births and deaths by the webhooks of 1.x, or asks by the triggers of 2.0.
//!
//! The adapter turns a bundle of FHIR resources (see `MAPPING.md`) into the record that a registry of the DCI kind would tell
//! of, and from there goes the `dci` adapter's way: one set of checks, one call of the insurance contract. It refuses to
//! know keys, sockets and rows, and whether a child is known already: that is the registry's.
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
#[cfg(test)]
mod mapping;
pub mod subscribe;
pub mod trigger;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use dci::{Registrar, What};
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Evidence, Face, Head, Operation,
    Proven, Route,
    adapter::{Effect, ProofKind},
    policy::Permit,
};
use http::Method;
use jiff::Timestamp;
use schemas::fault::Fault;

/// The adapter of the system `opencrvs`.
#[derive(Clone)]
pub struct OpenCrvs {
    registrar: Arc<dyn Registrar>,
}

impl OpenCrvs {
    /// An adapter that has births and deaths registered by `registrar`.
    #[must_use]
    pub fn new(registrar: Arc<dyn Registrar>) -> Self {
        Self { registrar }
    }
}

impl std::fmt::Debug for OpenCrvs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenCrvs")
    }
}

/// A registry tells of a birth (`BIRTH_REGISTERED`).
pub static BIRTH: Operation = Operation {
    name: "opencrvs.birth",
    effect: Effect::Change,
    proof: ProofKind::Hub,
    fields: &[],
};

/// A registry tells of a death (`DEATH_REGISTERED`).
pub static DEATH: Operation = Operation {
    name: "opencrvs.death",
    effect: Effect::Change,
    proof: ProofKind::Hub,
    fields: &[],
};

/// Where webhooks are called (own profile: OpenCRVS calls whatever address it was told).
pub const WEBHOOK: &str = "/opencrvs/webhook";

static ROUTES: [Route; 1] = [Route {
    path: WEBHOOK,
    method: Method::POST,
    body_bytes_max: 1 << 20,
    deadline: Duration::from_secs(20),
    bulk: None,
}];

/// What a registry tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// When it was sent.
    pub sent_at: Timestamp,
    /// A birth or a death.
    pub what: What,
}

impl Adapter for OpenCrvs {
    type Request = Request;
    type Outcome = ();

    fn system(&self) -> &'static str {
        "opencrvs"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        envelope::envelope(head, body)
    }

    fn decode(&self, _head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        decode::decode(envelope::claims(proven)?, proven.bytes())
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let registrar = self.registrar.as_ref();
        Box::pin(dci::register_one(
            registrar,
            context,
            &request.what,
            request.sent_at,
        ))
    }

    fn encode(
        &self,
        head: &AnswerHead,
        _permit: &Permit,
        _request: &Request,
        (): (),
    ) -> Result<Encoded, Fault> {
        Ok(encode::receipt(head))
    }

    fn face(&self, fault: &Fault, evidence: Evidence, _: Option<&AnswerHead>) -> Face {
        encode::face(fault, evidence)
    }
}
