//! The states of one message. Each is made by one stage and consumed by the next.
//!
//! A state cannot be forged outside this crate:
//! ```compile_fail
//! let proven = gateway_core::Verified::<()> { request: () };
//! ```
//! nor skipped: the record stage takes `Permitted`, not `Verified`:
//! ```compile_fail
//! fn skip<R>(verified: gateway_core::Verified<R>) -> gateway_core::Permitted<R> { verified }
//! ```
//! and only the record stage can make a reply that was committed:
//! ```compile_fail
//! let reply = gateway_core::Committed { answer: panic!(), operation: "tax.ping" };
//! ```
//! Proven bytes come from the verify stage alone:
//! ```compile_fail
//! let proven = gateway_core::Proven::xml(b"<a></a>");
//! ```

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use schemas::{codes::province_set::ProvinceSet, fault::Fault, id::MessageId};
use tokio::time::Instant;

use crate::{
    adapter::{Claims, Envelope, Operation, ProofKind, Road, Route},
    head::{Body, Head},
    partner::Partner,
    policy::Permit,
    ports::{Person, StoredAnswer},
};

/// Past the admit room: well framed, within its peer's limit, on a known route. Body unread.
#[derive(Debug)]
pub struct Admitted {
    pub(crate) head: Head,
    pub(crate) route: &'static Route,
    pub(crate) body: Body,
    pub(crate) body_by: Instant,
    pub(crate) body_bytes_max: usize,
}

/// Past the receive room: the whole body, and what its envelope claims.
#[derive(Debug)]
pub struct Received {
    pub(crate) head: Head,
    pub(crate) route: &'static Route,
    pub(crate) body: Bytes,
    pub(crate) envelope: Envelope,
}

/// Past the verify room: the sender said exactly this.
#[derive(Debug)]
pub struct Verified<R> {
    pub(crate) head: Head,
    pub(crate) route: &'static Route,
    pub(crate) body: Bytes,
    pub(crate) signature: Option<String>,
    pub(crate) proof: ProofKind,
    pub(crate) road: Road,
    pub(crate) partner: Arc<Partner>,
    pub(crate) claims: Claims,
    pub(crate) operation: &'static Operation,
    pub(crate) id: MessageId,
    pub(crate) remembered: bool,
    pub(crate) purpose: String,
    pub(crate) asked: BTreeSet<&'static str>,
    pub(crate) lines: u64,
    pub(crate) provinces: Option<ProvinceSet>,
    pub(crate) synthetic: bool,
    pub(crate) objection: Option<Fault>,
    pub(crate) persons: Vec<Person>,
    pub(crate) digest: [u8; 32],
    pub(crate) fresh: bool,
    pub(crate) request: R,
}

impl<R> Verified<R> {
    /// The typed request.
    pub fn request(&self) -> &R {
        &self.request
    }

    /// The content digest.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// Past the permit room: an agreement in force allows it.
#[derive(Debug)]
pub struct Permitted<R> {
    pub(crate) verified: Verified<R>,
    pub(crate) permit: Permit,
}

/// Past T1: committed to the journal and claimed; it may be acted upon.
#[derive(Debug)]
pub struct Recorded<R> {
    pub(crate) permitted: Permitted<R>,
}

impl<R> Recorded<R> {
    /// The rule under which it is acted upon.
    #[must_use]
    pub fn permit(&self) -> &Permit {
        &self.permitted.permit
    }
}

/// Past T2: an answer that is in the journal. The only answer that may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub(crate) answer: StoredAnswer,
    pub(crate) operation: &'static str,
}

impl Committed {
    /// The committed answer.
    #[must_use]
    pub fn answer(&self) -> &StoredAnswer {
        &self.answer
    }
}
