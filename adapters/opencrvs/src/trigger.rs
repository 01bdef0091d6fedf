//! OpenCRVS 2.0: before a birth or a death is registered its core asks by a trigger, and is told later what became of it.
//!
//! A trigger carries the record as it stands. The action that is asked for becomes the record that a registry of the DCI kind would
//! tell of, and from there on goes the way of `dci`; other actions are let be. Acknowledged with 202 when it is durable, and with
//! that a parcel is put in by which the core hears of the case as soon as it is decided ([`outbound`]).

mod decode;
mod encode;
mod envelope;
pub mod outbound;
mod state;

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
use schemas::{fault::Fault, wire::opencrvs::Topic};

use crate::envelope::claims;

/// A registry asks whether a birth may be registered.
pub static TRIGGER_BIRTH: Operation = asked("opencrvs.trigger.birth", Effect::Change);

/// A registry asks whether a death may be registered.
pub static TRIGGER_DEATH: Operation = asked("opencrvs.trigger.death", Effect::Change);

/// A registry asks for anything else that is done with a birth or a death: it may, and nothing comes of it here.
pub static TRIGGER_OTHER: Operation = asked("opencrvs.trigger.other", Effect::Read);

/// What became of it is told: asked of the agreement when that goes out.
pub static CONFIRM: Operation = asked("opencrvs.confirm", Effect::Change);

const fn asked(name: &'static str, effect: Effect) -> Operation {
    Operation {
        name,
        effect,
        proof: ProofKind::RecordToken,
        fields: &[],
    }
}

/// The event types that are for us, with each action that a core asks for (`ActionType` of its `events`); that of the registration
/// stands first.
macro_rules! doors {
    ($($event:literal)*) => { doors!(@ $($event
        "REGISTER" "NOTIFY" "DECLARE" "EDIT" "REJECT" "ARCHIVE" "PRINT_CERTIFICATE" "REQUEST_CORRECTION" "APPROVE_CORRECTION"
        "REJECT_CORRECTION" "CUSTOM";)*) };
    (@ $($event:literal $($action:literal)*;)*) => {
        &[$($(door(concat!("/trigger/events/", $event, "/actions/", $action)),)*)*]
    };
}

static ROUTES: &[Route] = doors!("birth" "death");

const fn door(path: &'static str) -> Route {
    Route {
        path,
        method: Method::POST,
        body_bytes_max: 1 << 20,
        deadline: Duration::from_secs(20),
        bulk: None,
    }
}

/// The adapter of the system `opencrvs-trigger`.
#[derive(Clone)]
pub struct Triggers {
    registrar: Arc<dyn Registrar>,
}

impl Triggers {
    /// An adapter that has births and deaths registered by `registrar`.
    #[must_use]
    pub fn new(registrar: Arc<dyn Registrar>) -> Self {
        Self { registrar }
    }
}

impl std::fmt::Debug for Triggers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Triggers")
    }
}

/// What a registry asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Whether a birth or a death may be registered.
    Register(Box<Asked>),
    /// Anything else.
    Other,
}

/// A birth or a death that is to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// When it was asked.
    pub sent_at: Timestamp,
    /// Which of the two.
    pub topic: Topic,
    /// The birth or the death.
    pub what: What,
    /// The record's id at the registry.
    pub event: String,
    /// The action's.
    pub action: String,
}

impl Adapter for Triggers {
    type Request = Request;
    type Outcome = ();

    fn system(&self) -> &'static str {
        "opencrvs-trigger"
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        envelope::envelope(head, body)
    }

    fn decode(&self, _head: &Head, proven: &Proven<'_>) -> Result<Decoded<Request>, Fault> {
        decode::decode(claims(proven)?, proven.bytes())
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        request: &'a Request,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        let registrar = self.registrar.as_ref();
        Box::pin(async move {
            match request {
                Request::Register(asked) => {
                    dci::register_one(registrar, context, &asked.what, asked.sent_at).await
                }
                Request::Other => Ok(()),
            }
        })
    }

    fn encode(
        &self,
        head: &AnswerHead,
        _permit: &Permit,
        request: &Request,
        (): (),
    ) -> Result<Encoded, Fault> {
        Ok(encode::receipt(head, request))
    }

    fn done(&self, head: &AnswerHead) -> u16 {
        match head.operation == TRIGGER_OTHER.name {
            true => 200,
            // what becomes of it is told later
            false => 202,
        }
    }

    fn face(&self, fault: &Fault, evidence: Evidence, _: Option<&AnswerHead>) -> Face {
        encode::face(fault, evidence)
    }
}
