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
pub mod papers;
pub mod payment;
mod perform;
pub mod soap;

use std::{sync::Arc, time::Duration};

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
    fault::{Fault, FaultCode},
    id::DossierCode,
    procedure::Catalog,
    proto::insurance::Dossier,
};

use jiff::Timestamp;
use papers::{Announcement, Kept, Papers};

pub use decode::{Asks, HeldBy, Later, Paper, Reissue, Submit, Supplement};
pub use outbound::{Desk, DeskConfig};
pub use perform::Dossiers;

/// The adapter of the system `portal`.
#[derive(Clone)]
pub struct Portal {
    dossiers: Arc<dyn Dossiers>,
    papers: Arc<dyn Papers>,
    procedures: &'static Catalog,
}

impl Portal {
    /// An adapter that submits dossiers of the procedures of this build to `dossiers`, and keeps their files in `papers`.
    #[must_use]
    pub fn new(dossiers: Arc<dyn Dossiers>, papers: Arc<dyn Papers>) -> Self {
        Self {
            dossiers,
            papers,
            procedures: Catalog::embedded(),
        }
    }

    /// The operation of a door.
    fn door(head: &Head) -> &'static Operation {
        match head.path.as_str() {
            UPLOADS => &ANNOUNCE,
            SUPPLEMENTS => &SUPPLEMENT,
            WITHDRAWALS => &WITHDRAW,
            STATUSES => &STATUS,
            _ => &SUBMIT,
        }
    }
}

/// What the portal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A dossier.
    Dossier(Box<Submit>),
    /// What its applicant says of a dossier later.
    Later(Box<Later>),
    /// How the dossier of this code stands.
    Status(DossierCode),
    /// Files that follow.
    Announcement(Announcement),
    /// A file, by its ticket.
    Part(Ticket),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The dossier as it is now.
    Dossier(Box<Dossier>),
    /// How it stands; none of a dossier that the asker does not have.
    Stands(Option<Box<Dossier>>),
    /// Until when files are awaited.
    Awaited(Timestamp),
    /// A file that is kept.
    Kept(Kept),
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

/// Papers that were asked for come.
pub static SUPPLEMENT: Operation = Operation {
    name: "portal.supplement-dossier",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// An applicant takes a dossier back.
pub static WITHDRAW: Operation = Operation {
    name: "portal.withdraw-dossier",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// The portal asks how one of its dossiers stands, as JSON or as SOAP; the word of its security server suffices.
pub static STATUS: Operation = Operation {
    name: "portal.dossier-status",
    effect: Effect::Read,
    proof: ProofKind::XRoadRelay,
    fields: &[],
};

/// Files are announced; their parts follow.
pub static ANNOUNCE: Operation = Operation {
    name: "portal.announce-files",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// A file that was announced, proven by its digest.
pub static UPLOAD: Operation = Operation {
    name: "portal.upload-file",
    effect: Effect::Change,
    proof: ProofKind::ManifestDigest,
    fields: &[],
};

/// The purpose of a reissue, and of the way out whatever a dossier is about, since one call tells of several; as
/// agreements name it. What comes in of other procedures has the purpose of its row.
pub const PURPOSE: &str = "card-reissue";
/// The purpose of files before a dossier names them.
pub const PAPERS_PURPOSE: &str = "dossier-papers";

const UPLOADS: &str = "/portal/v1/uploads";
const SUPPLEMENTS: &str = "/portal/v1/supplements";
const WITHDRAWALS: &str = "/portal/v1/withdrawals";
const STATUSES: &str = "/portal/v1/dossier-status";
/// The largest file that any config can allow.
const FILE_BYTES_MAX: usize = 64 << 20;

static ROUTES: [Route; 6] = [
    message("/portal/v1/dossiers"),
    message(SUPPLEMENTS),
    message(WITHDRAWALS),
    message(STATUSES),
    message(UPLOADS),
    Route {
        path: "/portal/v1/uploads/{manifest}/files/{chunk}",
        method: Method::PUT,
        body_bytes_max: FILE_BYTES_MAX,
        deadline: Duration::from_secs(120),
        bulk: Some(&UPLOAD),
    },
];

const fn message(path: &'static str) -> Route {
    Route {
        path,
        method: Method::POST,
        body_bytes_max: 64 << 10,
        deadline: Duration::from_secs(20),
        bulk: None,
    }
}

fn later(said: Decoded<Later>) -> Decoded<Request> {
    said.map(|said| Request::Later(Box::new(said)))
}

impl Adapter for Portal {
    type Request = Request;
    type Outcome = Outcome;

    fn system(&self) -> &'static str {
        "portal"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        envelope::envelope(head, body, Self::door(head))
    }

    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        if let Some((ticket, claims)) = proven.ticket() {
            return Ok(papers::part(ticket, claims, proven.bytes()).map(Request::Part));
        }
        let door = Self::door(head);
        let claims = envelope::claims(head, proven, door)?;
        let (catalog, bytes) = (self.procedures, proven.bytes());
        match head.path.as_str() {
            UPLOADS => papers::announce(claims, bytes).map(|said| said.map(Request::Announcement)),
            SUPPLEMENTS => decode::supplement(catalog, claims, bytes).map(later),
            WITHDRAWALS => decode::withdrawal(catalog, claims, bytes).map(later),
            STATUSES => decode::status(claims, bytes).map(|said| said.map(Request::Status)),
            _ => decode::decode(catalog, claims, bytes)
                .map(|said| said.map(|submit| Request::Dossier(Box::new(submit)))),
        }
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(perform::carry_out(self, context, request))
    }

    fn encode(
        &self,
        _head: &AnswerHead,
        _permit: &Permit,
        request: &Request,
        outcome: Outcome,
    ) -> Result<Encoded, Fault> {
        match (request, outcome) {
            (Request::Dossier(submit), Outcome::Dossier(dossier)) => {
                let mut encoded = encode::encode(&submit.reference, &dossier)?;
                encoded.persons = submit.proven(&dossier);
                Ok(encoded)
            }
            (Request::Later(_), Outcome::Dossier(dossier)) => {
                encode::encode(&dossier.foreign_id, &dossier)
            }
            (Request::Status(code), Outcome::Stands(dossier)) => {
                encode::stands(code, dossier.as_deref())
            }
            (Request::Announcement(asked), Outcome::Awaited(until)) => {
                Ok(papers::announced(asked, until))
            }
            (Request::Part(ticket), Outcome::Kept(kept)) => Ok(papers::taken(ticket, &kept)),
            _ => Err(Fault::new(
                FaultCode::Internal,
                "outcome-of-another-operation",
            )),
        }
    }

    fn face(&self, fault: &Fault, _: Evidence, _: Option<&AnswerHead>) -> Face {
        face::face(fault)
    }
}
