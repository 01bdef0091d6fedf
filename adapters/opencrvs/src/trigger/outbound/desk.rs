//! The courier to one core: a case that is decided becomes a call, its answer the receipt.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Road,
    outbound::{Courier, Sendable, Shipment},
    ports::{Delivery, Leased, Receipt},
};
use http::StatusCode;
use roads::{client::Answer, way::Failed};
use schemas::{
    fault::Fault,
    wire::opencrvs::{self as wire, Call, Confirmation, Topic},
};
use serde_json::Value;

use super::{KIND, Letter};
use crate::trigger::{CONFIRM, decode::purpose};

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct DeskConfig {
    /// Between two looks at a case that is not decided.
    pub ask_again: Duration,
    /// After a call that failed on the way; the worker may wait longer.
    pub retry_after: Duration,
    /// After the core said no.
    pub retry_after_refusal: Duration,
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is not decided.
    Open,
    /// It is registered here.
    Accepted,
    /// It is not, for good.
    Refused,
}

/// Where cases stand.
pub trait Cases: Send + Sync + 'static {
    /// What became of one that this partner told; none where there is none.
    fn decision(
        &self,
        topic: Topic,
        case_id: String,
    ) -> BoxFuture<'_, Result<Option<Decision>, Fault>>;
}

/// Carries one call about an action of a record and brings the answer back.
pub trait Exchange: Send + Sync + 'static {
    /// Posts it, with a token that is made for this action alone.
    fn post<'a>(
        &'a self,
        procedure: &'static str,
        of: &'a Confirmation,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Answer, Failed>>;
}

/// One core's way in.
pub struct Desk {
    config: DeskConfig,
    cases: Arc<dyn Cases>,
    road: Arc<dyn Exchange>,
}

impl Desk {
    /// A desk that tells by `road` what `cases` decide.
    #[must_use]
    pub fn new(config: DeskConfig, cases: Arc<dyn Cases>, road: Arc<dyn Exchange>) -> Self {
        Self {
            config,
            cases,
            road,
        }
    }

    fn shipment(leased: &Leased) -> Result<Shipment, &'static str> {
        if leased.kind != KIND {
            return Err("unknown-kind");
        }
        let letter = Letter::read(&leased.content).ok_or("unreadable-content")?;
        let topic = letter.topic().ok_or("unreadable-content")?;
        Ok(Shipment {
            parcels: vec![leased.id.clone()],
            operation: &CONFIRM,
            fields: BTreeSet::new(),
            lines: 1,
            provinces: None,
            due: None,
            purpose: purpose(topic).into(),
            road: Road::Direct,
            service: CONFIRM.name,
            // it names an action, and nobody
            persons: Vec::new(),
            body: leased.content.clone(),
        })
    }

    /// The call, where the case is decided; else it waits, and that is no try.
    async fn decided(&self, shipment: Shipment) -> Result<Shipment, Delivery> {
        let letter = Letter::read(&shipment.body);
        let Some((letter, topic)) = letter.and_then(|one| one.topic().map(|topic| (one, topic)))
        else {
            return Err(Delivery::Quarantined {
                reason: "unreadable-content",
            });
        };
        let asked = self.cases.decision(topic, letter.case_id.clone());
        let decision = asked.await.map_err(|fault| {
            tracing::warn!(%fault, note = fault.note(), "a case could not be looked up");
            Delivery::Untried {
                after: self.config.retry_after.max(UNREACHED),
            }
        })?;
        let number = match decision {
            Some(Decision::Accepted) => Some(letter.number),
            Some(Decision::Refused) => None,
            Some(Decision::Open) => {
                return Err(Delivery::Untried {
                    after: self.config.ask_again,
                });
            }
            None => return Err(self.refused("case-unknown")),
        };
        let call = Call {
            json: Confirmation {
                transaction_id: format!("vss-{}", letter.action),
                event_id: letter.event,
                action_id: letter.action,
                registration_number: number,
            },
        };
        Ok(shipment.reworded(Bytes::from(wire::encode(&call))))
    }

    pub(super) async fn deliver(&self, shipment: &Shipment) -> Delivery {
        let Ok(call) = wire::decode::<Call>(&shipment.body) else {
            return Delivery::Quarantined {
                reason: "unreadable-content",
            };
        };
        let procedure = match call.json.registration_number {
            Some(_) => ACCEPT,
            None => REJECT,
        };
        let posted = self.road.post(procedure, &call.json, shipment.body.clone());
        match posted.await {
            Ok(answer) => self.judge(&answer),
            Err(failed) if failed.is_unsent => Delivery::Retry {
                after: failed.again_after.unwrap_or(self.config.retry_after),
                reason: failed.reason,
            },
            // said twice it is one confirmation
            Err(failed) => self.unknown(failed.reason),
        }
    }

    fn judge(&self, answer: &Answer) -> Delivery {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status == StatusCode::OK && said.get("result").is_some() {
            return Delivery::Delivered {
                receipt: Receipt::plain(answer.body.clone(), Some(answer.peer_sha256)),
            };
        }
        let message = said["error"]["json"]["message"]
            .as_str()
            .unwrap_or_default();
        for (known, reason) in DECIDED_OTHERWISE {
            // nothing that comes later can change that: a person says what becomes of it
            if message.contains(known) {
                return Delivery::Quarantined { reason };
            }
        }
        let status = answer.status.as_u16();
        tracing::warn!(status, "a confirmation is not taken");
        match status {
            _ if NEVER_READ.contains(&status) => Delivery::Retry {
                after: self.config.retry_after,
                reason: "http-status",
            },
            404 => self.refused("unknown-action"),
            400..500 => self.refused("http-status"),
            200..300 => self.unknown("answer-unreadable"),
            _ => self.unknown("http-status"),
        }
    }

    fn unknown(&self, reason: &'static str) -> Delivery {
        Delivery::Unknown {
            after: self.config.retry_after,
            reason,
        }
    }

    fn refused(&self, reason: &'static str) -> Delivery {
        tracing::warn!(reason, "a confirmation is refused");
        Delivery::Refused {
            after: self.config.retry_after_refusal,
            reason,
        }
    }
}

impl Courier for Desk {
    /// One that waits for a person holds up no other.
    fn batch_max(&self) -> usize {
        1
    }

    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
        let (mut shipments, mut unsayable) = (Vec::new(), Vec::new());
        for leased in parcels {
            match Self::shipment(leased) {
                Ok(shipment) => shipments.push(shipment),
                Err(reason) => unsayable.push((leased.id.clone(), reason)),
            }
        }
        (shipments, unsayable)
    }

    fn seal(&self, shipment: Shipment) -> BoxFuture<'_, Result<Shipment, Delivery>> {
        Box::pin(self.decided(shipment))
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        Box::pin(self.deliver(sendable.shipment()))
    }
}

/// What the core calls the two.
const ACCEPT: &str = "/event.actions.register.accept";
const REJECT: &str = "/event.actions.register.reject";

/// The core's own words for what was decided elsewhere.
const DECIDED_OTHERWISE: [(&str, &str); 2] = [
    ("already been rejected", "rejected-already"),
    ("already been accepted", "accepted-already"),
];

/// How long to wait where it cannot be looked up, at least.
const UNREACHED: Duration = Duration::from_secs(1);

/// Statuses that a server gives before it looks at a body.
const NEVER_READ: &[u16] = &[401, 403, 405, 413, 415, 429, 503];
