//! The courier to one partner: a change becomes a signed status, its answer a receipt.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Road,
    outbound::{Courier, Sendable, Shipment},
    ports::{Delivery, Leased, Receipt},
    sign::SignError,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use roads::{
    client::Answer,
    jws::{self, Outward},
    way::{Failed, Way},
};
use schemas::{
    id::MessageId,
    proto::{
        Message as _,
        insurance::{Change, change::What},
    },
    wire::civil::{self, StatusAnswered},
};

use super::{KIND, STATUS};
use crate::{DEATH_PURPOSE, PURPOSE, encode};

/// How long to wait after a call that did not succeed; the worker may wait longer.
#[derive(Debug, Clone, Copy)]
pub struct DeskConfig {
    /// After one that failed on the way.
    pub retry_after: Duration,
    /// After the partner said no.
    pub retry_after_refusal: Duration,
}

/// Our signature, to this one partner.
pub trait Pen: Send + Sync + 'static {
    /// A compact JWS over a message of this id, `<protected>.<payload>.<signature>`, sent now.
    fn seal(&self, id: MessageId, body: Bytes) -> BoxFuture<'_, Result<String, SignError>>;
}

/// Carries one signed body and brings the answer back.
pub trait Exchange: Send + Sync + 'static {
    /// By which road; the agreement must allow it.
    fn road(&self) -> Road;

    /// Posts it under these header fields; `id` is its message's.
    fn post<'a>(
        &'a self,
        id: &'a str,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Answer, Failed>>;
}

impl Exchange for Way {
    fn road(&self) -> Road {
        Way::road(self)
    }

    fn post<'a>(
        &'a self,
        id: &'a str,
        headers: HeaderMap,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Answer, Failed>> {
        Box::pin(Way::post(self, id, headers, body))
    }
}

/// One partner's way out.
pub struct Desk {
    config: DeskConfig,
    pen: Arc<dyn Pen>,
    road: Arc<dyn Exchange>,
}

impl Desk {
    /// A desk that sends by `road`.
    #[must_use]
    pub fn new(config: DeskConfig, pen: Arc<dyn Pen>, road: Arc<dyn Exchange>) -> Self {
        Self { config, pen, road }
    }

    fn shipment(&self, leased: &Leased) -> Result<Shipment, &'static str> {
        if leased.kind != KIND {
            return Err("unknown-kind");
        }
        let change = Change::decode(leased.content.clone()).map_err(|_| "unreadable-content")?;
        id_of(&change.id).ok_or("unsayable-id")?;
        let (told, purpose) = match change.what.as_ref().ok_or("unreadable-content")? {
            What::Birth(case) => (encode::birth_update(case), PURPOSE),
            What::Death(case) => (encode::death_update(case), DEATH_PURPOSE),
            What::Dossier(_) | What::Employer(_) | What::Person(_) | What::Vital(_) => {
                return Err("not-a-case");
            }
        };
        let persons = match &change.what {
            Some(What::Birth(case)) => encode::holders(std::slice::from_ref(case)),
            Some(What::Death(case)) => encode::ended(std::slice::from_ref(case)),
            _ => Vec::new(),
        };
        let told = told.map_err(|fault| {
            tracing::warn!(%fault, note = fault.note(), "a case that cannot be told");
            "unsayable"
        })?;
        Ok(Shipment {
            parcels: vec![leased.id.clone()],
            operation: &STATUS,
            fields: BTreeSet::new(),
            lines: 1,
            provinces: None,
            due: None,
            purpose: purpose.into(),
            road: self.road.road(),
            service: STATUS.name,
            persons,
            body: Bytes::from(civil::encode(&told)),
        })
    }

    /// What is recorded and sent is the message inside its signature.
    async fn signed(&self, shipment: Shipment, id: MessageId) -> Result<Shipment, Delivery> {
        let sealed = self.pen.seal(id, shipment.body.clone()).await;
        let sealed = sealed.map_err(|error| {
            tracing::warn!(%error, "a status could not be signed");
            Delivery::Retry {
                after: self.config.retry_after,
                reason: "signing",
            }
        })?;
        Ok(shipment.reworded(Bytes::from(sealed)))
    }

    pub(super) async fn deliver(&self, shipment: &Shipment) -> Delivery {
        const TEXT: HeaderValue = HeaderValue::from_static("text/plain, application/json");
        let Some(Outward {
            id,
            mut headers,
            payload,
        }) = jws::outward(&shipment.body)
        else {
            return Delivery::Quarantined {
                reason: "unreadable-status",
            };
        };
        headers.insert(header::ACCEPT, TEXT);
        match self.road.post(&id, headers, payload).await {
            Ok(answer) => self.judge(&answer),
            Err(failed) => self.failed(&failed),
        }
    }

    fn judge(&self, answer: &Answer) -> Delivery {
        if !answer.status.is_success() {
            return self.unheard(answer.status);
        }
        match StatusAnswered::read(&answer.body) {
            Some(StatusAnswered::Taken) => Delivery::Delivered {
                receipt: Receipt::plain(answer.body.clone(), Some(answer.peer_sha256)),
            },
            // nothing that comes later can change that: a person says what becomes of it
            Some(StatusAnswered::ReturnedAlready) => Delivery::Quarantined {
                reason: "returned-already",
            },
            // what it waits for may still be on its way to it
            Some(StatusAnswered::BadTransition) => self.refused("bad-transition"),
            Some(StatusAnswered::Unknown) => self.refused("unknown-dossier"),
            None => self.unknown("answer-unreadable"),
        }
    }

    fn unheard(&self, status: StatusCode) -> Delivery {
        let status = status.as_u16();
        tracing::warn!(status, "a status is not taken");
        match NEVER_READ.contains(&status) {
            true => Delivery::Retry {
                after: self.config.retry_after,
                reason: "http-status",
            },
            false if (400..500).contains(&status) => self.refused("http-status"),
            false => self.unknown("http-status"),
        }
    }

    fn failed(&self, failed: &Failed) -> Delivery {
        match failed.is_unsent {
            true => Delivery::Retry {
                after: failed.again_after.unwrap_or(self.config.retry_after),
                reason: failed.reason,
            },
            // a state that is told twice is one state
            false => self.unknown(failed.reason),
        }
    }

    fn unknown(&self, reason: &'static str) -> Delivery {
        Delivery::Unknown {
            after: self.config.retry_after,
            reason,
        }
    }

    fn refused(&self, reason: &'static str) -> Delivery {
        tracing::warn!(reason, "a status is refused");
        Delivery::Refused {
            after: self.config.retry_after_refusal,
            reason,
        }
    }
}

impl Courier for Desk {
    fn batch_max(&self) -> usize {
        PER_LEASE
    }

    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
        let (mut shipments, mut unsayable) = (Vec::new(), Vec::new());
        let mut stuck = BTreeSet::new();
        for leased in parcels {
            // what follows a state that cannot be said waits for the person who looks at it
            if stuck.contains(&leased.subject) {
                continue;
            }
            match self.shipment(leased) {
                Ok(shipment) => shipments.push(shipment),
                Err(reason) => {
                    stuck.insert(&leased.subject);
                    unsayable.push((leased.id.clone(), reason));
                }
            }
        }
        (shipments, unsayable)
    }

    fn seal(&self, shipment: Shipment) -> BoxFuture<'_, Result<Shipment, Delivery>> {
        Box::pin(async move {
            let id = shipment.parcels.first().and_then(|parcel| id_of(parcel));
            match id {
                Some(id) => self.signed(shipment, id).await,
                None => Err(Delivery::Quarantined {
                    reason: "unsayable-id",
                }),
            }
        })
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        Box::pin(self.deliver(sendable.shipment()))
    }
}

/// The message's id in its parcel's: without the partner before it.
fn id_of(parcel: &str) -> Option<MessageId> {
    let (_, id) = parcel.split_once('.')?;
    MessageId::parse(id).ok()
}

/// Parcels worth leasing at once: each is a call of its own.
const PER_LEASE: usize = 8;

/// Statuses that a server gives before it looks at a body.
const NEVER_READ: &[u16] = &[401, 403, 404, 405, 413, 415, 429, 503];
