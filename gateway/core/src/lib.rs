//! The pipeline without sockets or SQL: typed states, the stages that lead from one to the next,
//! the ports that the outside implements, and the policy.
//!
//! It refuses to know how a connection is accepted, which words a partner speaks and where rows are
//! kept. The states `Verified`, `Permitted`, `Recorded` and `Committed` have private contents and are
//! made only here, by the stage whose name they carry.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test stops where it fails"
    )
)]

pub mod adapter;
pub mod attest;
pub mod bulk;
pub mod dci;
pub mod faultpoint;
pub mod files;
pub mod head;
pub mod hub;
pub mod keyed;
pub mod limits;
pub mod login;
pub mod outbound;
pub mod partner;
pub mod policy;
pub mod ports;
pub mod reconcile;
pub mod refusal;
pub mod seal;
pub mod sign;
pub mod stage;
pub mod state;
pub mod tls;
pub mod trigger;

pub use adapter::{
    Adapter, AnswerHead, AnswerKind, Called, Claims, Context, Decoded, Direction, Encoded,
    Envelope, Face, Identity, Operation, Proven, Road, Route, SignatureForm, Unsigned,
};
pub use attest::Attested;
pub use head::{Arrival, Body, Evidence, Head, Peer};
pub use refusal::Refusal;
pub use state::{Admitted, Committed, Permitted, Received, Recorded, Verified};
