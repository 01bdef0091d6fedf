//! The courier to one registry: a callback is signed and posted, its acknowledgement is the receipt.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Operation, Road,
    outbound::{Courier, Sendable, Shipment},
    partner::Partner,
    ports::{Delivery, Leased, Person, PersonNumber, Receipt},
    sign::SignError,
};
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use roads::{client::Answer, direct::Direct, way::Failed};
use schemas::{
    fault::Fault,
    id::Pin,
    wire::dci::{AckStatus, Code},
};
use serde_json::Value;

use super::{Letter, road_of};
use crate::{FOLLOW, PULL, follow, pull};

/// How long to wait after a call that did not succeed; the worker may wait longer.
#[derive(Debug, Clone, Copy)]
pub struct DeskConfig {
    /// After one that failed on the way.
    pub retry_after: Duration,
    /// After the partner said no.
    pub retry_after_refusal: Duration,
}

/// Our signature under DCI messages, and whom they go to.
pub trait Pen: Send + Sync + 'static {
    /// The partner as it is registered now; none where it is suspended.
    fn partner(&self) -> Option<Arc<Partner>>;

    /// The time.
    fn now(&self) -> Timestamp;

    /// A body of this header and message with our signature in it.
    fn seal(&self, header: Vec<u8>, message: Vec<u8>) -> BoxFuture<'_, Result<Bytes, SignError>>;
}

/// Carries one body to a path behind the registered address and brings the answer back.
pub trait Exchange: Send + Sync + 'static {
    /// Posts it.
    fn post<'a>(&'a self, path: &'static str, body: Bytes)
    -> BoxFuture<'a, Result<Answer, Failed>>;
}

/// Which subscriptions of one registry stand, and what is to be done with notices of others.
pub trait Subscriptions: Send + Sync + 'static {
    /// Whether a subscription stands now.
    fn stands(&self, code: String) -> BoxFuture<'_, Result<bool, Fault>>;

    /// The notice in this parcel has waited for longer than its subscription stood: nobody wants it any more.
    fn over(&self, parcel: &str);
}

impl Exchange for Direct {
    fn post<'a>(
        &'a self,
        path: &'static str,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Answer, Failed>> {
        Box::pin(async move {
            self.post_json_to(path, body).await.map_err(|error| {
                tracing::warn!(%error, "a callback did not reach its partner");
                Failed {
                    reason: error.reason(),
                    is_unsent: error.is_unsent(),
                    again_after: None,
                }
            })
        })
    }
}

/// One registry's way out.
pub struct Desk {
    config: DeskConfig,
    pen: Arc<dyn Pen>,
    subscriptions: Arc<dyn Subscriptions>,
    road: Arc<dyn Exchange>,
}

impl Desk {
    /// A desk that sends by `road`.
    #[must_use]
    pub fn new(
        config: DeskConfig,
        pen: Arc<dyn Pen>,
        subscriptions: Arc<dyn Subscriptions>,
        road: Arc<dyn Exchange>,
    ) -> Self {
        Self {
            config,
            pen,
            subscriptions,
            road,
        }
    }

    fn shipment(&self, leased: &Leased) -> Result<Shipment, &'static str> {
        let (service, operation) = road_of(&leased.kind).ok_or("unknown-kind")?;
        let letter = Letter::read(&leased.content).ok_or("unreadable-content")?;
        let persons = persons(operation, &letter)?;
        Ok(Shipment {
            parcels: vec![leased.id.clone()],
            operation,
            fields: persons.iter().flat_map(|one| one.told.clone()).collect(),
            lines: letter.lines,
            provinces: None,
            due: None,
            purpose: letter.purpose.into(),
            road: Road::Direct,
            service,
            persons,
            body: leased.content.clone(),
        })
    }

    /// What is recorded and sent is the whole body with its moment and our signature.
    async fn signed(&self, shipment: Shipment) -> Result<Shipment, Delivery> {
        let Some(letter) = Letter::read(&shipment.body) else {
            return Err(Delivery::Quarantined {
                reason: "unreadable-content",
            });
        };
        if let Some(code) = letter.subscription {
            self.is_wanted(code, &shipment).await?;
        }
        let header = letter.header.at(self.pen.now().to_string());
        let message = serde_json::to_vec(&letter.message).unwrap_or_default();
        let sealed = self.pen.seal(header, message).await;
        let sealed = sealed.map_err(|error| {
            tracing::warn!(%error, "a callback could not be signed");
            Delivery::Retry {
                after: self.config.retry_after,
                reason: "signing",
            }
        })?;
        Ok(shipment.reworded(sealed))
    }

    /// A notice goes only while its subscription stands; one that is over is ended by whoever looks after subscriptions.
    async fn is_wanted(&self, code: String, shipment: &Shipment) -> Result<(), Delivery> {
        match self.subscriptions.stands(code).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                shipment
                    .parcels
                    .iter()
                    .for_each(|parcel| self.subscriptions.over(parcel));
                // it holds up nothing else, and is not tried for long
                Err(Delivery::Refused {
                    after: self.config.retry_after_refusal,
                    reason: OVER,
                })
            }
            Err(fault) => {
                tracing::warn!(%fault, note = fault.note(), "a subscription could not be looked up");
                Err(self.retry("subscription-unknown"))
            }
        }
    }

    pub(super) async fn deliver(&self, shipment: &Shipment) -> Delivery {
        match self
            .road
            .post(shipment.service, shipment.body.clone())
            .await
        {
            // the callback will name the exchange as the acknowledgement does
            Ok(answer) if shipment.operation.name == FOLLOW.name && is_nameless(&answer.body) => {
                self.unheard(answer.status.as_u16())
            }
            Ok(answer) if is_search(shipment) => self.found(&answer, shipment),
            Ok(answer) => self.judge(&answer),
            Err(failed) if failed.is_unsent => Delivery::Retry {
                after: failed.again_after.unwrap_or(self.config.retry_after),
                reason: failed.reason,
            },
            // it has an id: told twice it is one callback
            Err(failed) => self.unknown(failed.reason),
        }
    }

    /// An acknowledgement decides, whatever the status beside it; without one the status does.
    fn judge(&self, answer: &Answer) -> Delivery {
        let Some((status, code)) = acknowledged(&answer.body) else {
            return self.unheard(answer.status.as_u16());
        };
        let taken = [AckStatus::Ack, AckStatus::Nack].map(AckStatus::as_str);
        let is_taken = taken.contains(&status.as_str()) && answer.status.is_success();
        // it has it already
        let is_known = code == Code::MessageIdDuplicate.as_str();
        match status == AckStatus::Err.as_str() {
            _ if is_taken || is_known => Delivery::Delivered {
                receipt: Receipt::plain(answer.body.clone(), Some(answer.peer_sha256)),
            },
            true if is_busy(&code) => self.retry("partner-busy"),
            true => self.refused("refused"),
            false => self.unknown("answer-unreadable"),
        }
    }

    /// A page of what was asked for, or that there is none: an answer is what the registry has signed, and what it refuses.
    fn found(&self, answer: &Answer, shipment: &Shipment) -> Delivery {
        let delivered = || Delivery::Delivered {
            receipt: Receipt::plain(answer.body.clone(), Some(answer.peer_sha256)),
        };
        if let Some((status, code)) = acknowledged(&answer.body) {
            let is_final = [AckStatus::Err, AckStatus::Nack].map(AckStatus::as_str);
            return match is_final.contains(&status.as_str()) {
                true if is_busy(&code) => self.later(answer),
                true => delivered(),
                false => self.unknown(UNREADABLE),
            };
        }
        match answer.status.as_u16() {
            200 => {}
            429 | 503 => return self.later(answer),
            status => return self.unfound(status),
        }
        let Some(partner) = self.pen.partner() else {
            return self.unknown("partner-suspended");
        };
        match pull::proven(&partner, &shipment.body, &answer.body, self.pen.now()) {
            Ok(()) => delivered(),
            Err(reason) => {
                tracing::warn!(reason, "what was found is not taken");
                self.unknown(reason)
            }
        }
    }

    /// No answer, and nothing that says why: of what else goes there it says nothing.
    fn unfound(&self, status: u16) -> Delivery {
        tracing::warn!(status, "a search is not answered");
        match status {
            _ if NEVER_READ.contains(&status) => self.retry(STATUS),
            400..500 => self.refused(STATUS),
            200..300 => self.unknown(UNREADABLE),
            _ => self.unknown(STATUS),
        }
    }

    /// When the registry says, or as after a failure; never later than an hour.
    fn later(&self, answer: &Answer) -> Delivery {
        let said = answer.headers.get(RETRY_AFTER);
        let said = said.and_then(|text| text.to_str().ok()?.parse::<u64>().ok());
        let said = said.map(|seconds| Duration::from_secs(seconds.min(AFTER_SECONDS_MAX)));
        Delivery::Retry {
            after: said.unwrap_or_default().max(self.config.retry_after),
            reason: BUSY,
        }
    }

    fn unheard(&self, status: u16) -> Delivery {
        tracing::warn!(status, "a callback is not acknowledged");
        match status {
            _ if NEVER_READ.contains(&status) => self.retry("http-status"),
            400..500 => self.refused("http-status"),
            200..300 => self.unknown("answer-unreadable"),
            _ => self.unknown("http-status"),
        }
    }

    fn retry(&self, reason: &'static str) -> Delivery {
        Delivery::Retry {
            after: self.config.retry_after,
            reason,
        }
    }

    fn unknown(&self, reason: &'static str) -> Delivery {
        Delivery::Unknown {
            after: self.config.retry_after,
            reason,
        }
    }

    fn refused(&self, reason: &'static str) -> Delivery {
        tracing::warn!(reason, "a callback is refused");
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
        for leased in parcels {
            match self.shipment(leased) {
                Ok(shipment) => shipments.push(shipment),
                Err(reason) => unsayable.push((leased.id.clone(), reason)),
            }
        }
        (shipments, unsayable)
    }

    fn seal(&self, shipment: Shipment) -> BoxFuture<'_, Result<Shipment, Delivery>> {
        Box::pin(self.signed(shipment))
    }

    /// How a search is answered says nothing of callbacks, notices and subscriptions.
    fn is_of_parcel(&self, reason: &'static str) -> bool {
        [BUSY, UNREADABLE, STATUS].contains(&reason) || pull::UNPROVEN.contains(&reason)
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        Box::pin(self.deliver(sendable.shipment()))
    }
}

/// Whether it asks for what was registered, so that its answer is of nothing else.
fn is_search(shipment: &Shipment) -> bool {
    shipment.operation.name == PULL.name
}

/// Whom a callback tells of, for the ledger; the fields by their names in agreements.
fn persons(operation: &'static Operation, letter: &Letter) -> Result<Vec<Person>, &'static str> {
    let named = letter.told.iter().map(|(pin, fields)| {
        let pin = Pin::parse(pin).map_err(|_| "unreadable-content")?;
        let mut person = Person::named(vec![PersonNumber::Pin(pin)]);
        let told: BTreeSet<&'static str> = operation
            .fields
            .iter()
            .copied()
            .filter(|field| fields.iter().any(|told| told == field))
            .collect();
        person.told = told.into_iter().collect();
        Ok(person)
    });
    named.collect()
}

/// Status and code of an acknowledgement, however much else it says.
fn acknowledged(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let message = body.get("message")?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let status = text(message.get("ack_status"))?;
    let code = message
        .get("error")
        .and_then(|error| text(error.get("code")));
    Some((status, code.unwrap_or_default()))
}

/// Whether a code asks to come again.
fn is_busy(code: &str) -> bool {
    let busy = [
        Code::ServiceUnavailable,
        Code::TooManyRequests,
        Code::RequestTimeout,
    ];
    busy.iter().any(|busy| busy.as_str() == code)
}

/// Whether an acknowledgement that promises a callback does not say under which name.
fn is_nameless(body: &[u8]) -> bool {
    let promises = acknowledged(body).is_some_and(|(status, _)| status == AckStatus::Ack.as_str());
    promises && follow::promised(body) == follow::Promise::Unsaid
}

/// The reason of a notice whose subscription is over.
pub const OVER: &str = "subscription-over";

/// Why a search waits: the registry is busy, or says to come again later.
const BUSY: &str = "search-busy";

/// Why a search waits: what came is no answer.
const UNREADABLE: &str = "search-unreadable";

/// Why a search waits: nothing came but a status of HTTP.
const STATUS: &str = "search-status";

/// The longest wait that a registry may ask for, seconds.
const AFTER_SECONDS_MAX: u64 = 3_600;

/// Parcels worth leasing at once: each is a call of its own.
const PER_LEASE: usize = 8;

/// Statuses that a server gives before it looks at a body.
const NEVER_READ: &[u16] = &[401, 403, 404, 405, 413, 415, 429, 503];
