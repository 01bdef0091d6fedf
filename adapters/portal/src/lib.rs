//! The National Public Service Portal's words: a dossier comes in, its progress goes out. Which procedures there
//! are, and what each asks, is data ([`schemas::procedure`]).
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
pub mod payment;
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
use schemas::{fault::Fault, procedure::Catalog, proto::insurance::Dossier};

pub use decode::{Asks, HeldBy, Reissue, Submit};
pub use outbound::{Desk, DeskConfig};
pub use perform::Dossiers;

/// The adapter of the system `portal`.
#[derive(Clone)]
pub struct Portal {
    dossiers: Arc<dyn Dossiers>,
    procedures: &'static Catalog,
}

impl Portal {
    /// An adapter that submits dossiers of the procedures of this build to `dossiers`.
    #[must_use]
    pub fn new(dossiers: Arc<dyn Dossiers>) -> Self {
        Self::with(dossiers, Catalog::embedded())
    }

    /// The same with other procedures.
    #[must_use]
    pub fn with(dossiers: Arc<dyn Dossiers>, procedures: &'static Catalog) -> Self {
        Self {
            dossiers,
            procedures,
        }
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

/// The purpose of a reissue, and of the way out whatever a dossier is about, since one call tells of several; as
/// agreements name it. What comes in of other procedures has the purpose of its row.
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
        let claims = envelope::claims(head, proven)?;
        decode::decode(self.procedures, claims, proven.bytes())
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
