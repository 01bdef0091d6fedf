//! The National Public Service Portal's words: a dossier to reissue a card comes in, its progress goes out.
//!
//! In: JSON with a detached JWS, or attested by X-Road (own profile, see `MAPPING.md`). Out: `DongBoHoSoMC` and
//! `CapNhatTienDoHoSoMC` through the portal's session. It refuses to know keys, sockets and rows, and
//! which step may follow which: that is the registry's.
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

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Context, Decoded, Encoded, Envelope, Face, Head, Operation, Proven, Route,
    adapter::{Effect, ProofKind},
    policy::Permit,
};
use http::Method;
use schemas::{fault::Fault, proto::insurance::Dossier};

pub use decode::{HeldBy, Submit};
pub use outbound::{Desk, DeskConfig};
pub use perform::Dossiers;

/// The adapter of the system `portal`.
#[derive(Clone)]
pub struct Portal {
    dossiers: Arc<dyn Dossiers>,
}

impl Portal {
    /// An adapter that submits dossiers to `dossiers`.
    #[must_use]
    pub fn new(dossiers: Arc<dyn Dossiers>) -> Self {
        Self { dossiers }
    }
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Portal")
    }
}

/// A dossier is submitted.
pub static SUBMIT: Operation = Operation {
    name: "portal.submit-dossier",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// The one purpose of dossiers, as agreements name it; both ways.
pub const PURPOSE: &str = "card-reissue";

static ROUTES: [Route; 1] = [Route {
    path: "/portal/v1/dossiers",
    method: Method::POST,
    body_bytes_max: 64 << 10,
    deadline: Duration::from_secs(20),
    bulk: None,
}];

impl Adapter for Portal {
    type Request = Submit;
    type Outcome = Dossier;

    fn system(&self) -> &'static str {
        "portal"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        envelope::envelope(head, body)
    }

    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<Submit>, Fault> {
        decode::decode(envelope::claims(head, proven)?, proven.bytes())
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        request: &'a Submit,
    ) -> BoxFuture<'a, Result<Dossier, Fault>> {
        Box::pin(perform::perform(self.dossiers.as_ref(), context, request))
    }

    fn encode(
        &self,
        _head: &AnswerHead,
        _permit: &Permit,
        request: &Submit,
        outcome: Dossier,
    ) -> Result<Encoded, Fault> {
        encode::encode(request, &outcome)
    }

    fn face(&self, fault: &Fault, _head: Option<&AnswerHead>) -> Face {
        face::face(fault)
    }
}
