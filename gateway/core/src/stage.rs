//! The rooms, one file each, as tower layers that change the message's type.

mod admit;
mod answer;
mod aside;
mod bearer;
mod face;
mod framing;
mod perform;
mod permit;
mod receive;
mod record;
mod resume;
mod room;
pub(crate) mod verify;

pub(crate) use admit::Place;
pub use admit::{Admit, AdmitLayer, Bounds, Gate, Held, TIMEOUT_HEADER};
pub use answer::{Answer, AnswerLayer, Prepared};
pub use aside::{Aside, Said};
pub use bearer::{Bearer, BearerLayer};
pub use face::{EVIDENCE, FAULT, FaceLayer, FaceService, Reply, SIGNATURE, unknown_route};
pub use perform::Perform;
pub use permit::{Permit, PermitLayer, today};
pub use receive::{Receive, ReceiveLayer};
pub use record::{Record, RecordLayer};
pub use resume::{Resume, ResumeLayer};
pub use verify::{Verify, VerifyLayer};

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::task::TaskTracker;

use crate::{
    bulk::Bulk,
    login::Logins,
    partner::Partners,
    ports::{Clock, MessageLog, Sight, Tokens},
    sign::Signer,
};

/// What the rooms share.
#[derive(Clone)]
pub struct Parts {
    /// The registrations, swapped whole.
    pub partners: Arc<ArcSwap<Partners>>,
    /// Our signature, swapped when the key is.
    pub signer: Arc<ArcSwap<Signer>>,
    /// The key sets of token issuers.
    pub tokens: Arc<dyn Tokens>,
    /// Tokens for passwords, of partners for whom danger allows them.
    pub logins: Arc<Logins>,
    /// Manifests and the bytes of chunks.
    pub bulk: Arc<dyn Bulk>,
    /// Inbox and journal.
    pub log: Arc<dyn MessageLog>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where rooms report.
    pub sight: Arc<dyn Sight>,
    /// Messages past T1, which outlive their connections; drain waits for them.
    pub tasks: TaskTracker,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
