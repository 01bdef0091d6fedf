//! The courier to the population database: a parcel becomes a signed question, its receipt is the signed answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Direction,
    outbound::{self, Courier, Sendable, Shipment},
    partner::{Environment, Partner},
    ports::{Delivery, Leased, Person, PersonNumber, Receipt, ReceiptProof},
    sign::SignError,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::{Timestamp, civil::Date};
use roads::{
    client::Answer,
    jws::{self, Outward},
    way::Failed,
};
use schemas::{
    id::{MessageId, PartnerId, Pin},
    name::PersonName,
    proto::{Message as _, insurance::Child},
    wire::population::{self as wire, Question, Said},
};

use super::{KIND, PURPOSE, VERIFY, id_of};
use crate::outbound::Exchange;

/// Who we are to the database, as it has told us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// `MaTichHop`.
    pub integration: String,
    /// `MaDVC`.
    pub service: String,
    /// `MaCanBo`.
    pub officer: String,
}

/// What the desk has to know.
#[derive(Debug, Clone)]
pub struct DeskConfig {
    /// Who we are there.
    pub terms: Terms,
    /// How long to wait after a call that failed on the way; the worker may wait longer.
    pub retry_after: Duration,
    /// After an answer that says what it must not.
    pub retry_after_refusal: Duration,
}

/// What the desk needs of the house that it stands in.
pub trait House: Send + Sync + 'static {
    /// Us.
    fn us(&self) -> PartnerId;
    /// Where we stand.
    fn environment(&self) -> Environment;
    /// The database, as it is registered now.
    fn partner(&self) -> Option<Arc<Partner>>;
    /// Now.
    fn now(&self) -> Timestamp;
    /// Our compact JWS over a question of this id.
    fn seal(&self, id: MessageId, body: Bytes) -> BoxFuture<'_, Result<String, SignError>>;
}

/// The database's way out.
pub struct Desk {
    config: DeskConfig,
    partner: PartnerId,
    house: Arc<dyn House>,
    road: Arc<dyn Exchange>,
}

/// A question as it was sent, and what its answer has to be bound to.
struct Asked {
    id: MessageId,
    pin: Pin,
    digest: [u8; 32],
}

/// Why an answer is not taken.
enum Unfit {
    /// It is none to this question, or nobody's: asked again.
    Elsewhere(&'static str),
    /// It is, and says what it must not.
    Content(&'static str),
}

impl Desk {
    /// A desk that asks `partner` by `road`.
    #[must_use]
    pub fn new(
        config: DeskConfig,
        partner: PartnerId,
        house: Arc<dyn House>,
        road: Arc<dyn Exchange>,
    ) -> Self {
        Self {
            config,
            partner,
            house,
            road,
        }
    }

    fn shipment(&self, leased: &Leased) -> Result<Shipment, &'static str> {
        if leased.kind != KIND {
            return Err("unknown-kind");
        }
        let child = Child::decode(leased.content.clone()).map_err(|_| "unreadable-content")?;
        let pin = Pin::parse(&child.pin).map_err(|_| "pin")?;
        let terms = &self.config.terms;
        let question = Question {
            id: id_of(&leased.id, &self.partner).ok_or("unsayable-id")?,
            integration: terms.integration.clone(),
            service: terms.service.clone(),
            officer: terms.officer.clone(),
            name: PersonName::parse(&child.name).map_err(|_| "name")?,
            pin: pin.clone(),
            born: child.birth_date.parse::<Date>().map_err(|_| "day")?,
        };
        let fields = VERIFY.fields;
        Ok(Shipment {
            parcels: vec![leased.id.clone()],
            operation: &VERIFY,
            fields: fields.iter().copied().collect(),
            lines: 1,
            provinces: None,
            due: None,
            purpose: PURPOSE.into(),
            road: self.road.road(),
            service: VERIFY.name,
            persons: vec![Person {
                numbers: vec![PersonNumber::Pin(pin)],
                told: fields.to_vec(),
            }],
            body: Bytes::from(wire::encode(&question)),
        })
    }

    /// What is recorded and sent is the question inside its signature.
    async fn signed(&self, shipment: Shipment) -> Result<Shipment, Delivery> {
        let id = shipment.parcels.first();
        let id = id.and_then(|parcel| id_of(parcel, &self.partner));
        let id = id.ok_or(Delivery::Quarantined {
            reason: "unsayable-id",
        })?;
        let sealed = self.house.seal(id, shipment.body.clone()).await;
        let sealed = sealed.map_err(|error| {
            tracing::warn!(%error, "a question to the population database could not be signed");
            self.retry("signing", None)
        })?;
        Ok(shipment.reworded(Bytes::from(sealed)))
    }

    async fn deliver(&self, compact: &Bytes) -> Delivery {
        let (Some(asked), Some(outward)) = (self.asked(compact), jws::outward(compact)) else {
            return Delivery::Quarantined {
                reason: "unreadable-question",
            };
        };
        let Outward {
            id,
            mut headers,
            payload,
        } = outward;
        headers.insert(header::CONTENT_TYPE, XML);
        headers.insert(header::ACCEPT, EITHER);
        headers.insert(SOAP_ACTION, HeaderValue::from_static("\"\""));
        match self.road.post(&id, headers, payload).await {
            Ok(answer) => self.judge(&asked, &answer),
            Err(failed) => self.failed(&failed),
        }
    }

    /// From the very bytes that are sent.
    fn asked(&self, compact: &[u8]) -> Option<Asked> {
        let carried = jws::carried(compact)?;
        let question = wire::decode(&carried.payload).ok()?;
        let us = self.house.us();
        Some(Asked {
            digest: outbound::content_digest(VERIFY.name, &us, &self.partner, &carried.payload),
            id: question.id,
            pin: question.pin,
        })
    }

    fn judge(&self, asked: &Asked, answer: &Answer) -> Delivery {
        let status = answer.status.as_u16();
        if answer.status != StatusCode::OK {
            tracing::warn!(status, "the population database does not answer a question");
            return match NEVER_READ.contains(&status) {
                true => self.retry("http-status", None),
                false => self.unknown("http-status"),
            };
        }
        match self.fitting(asked, answer) {
            Ok(Some(receipt)) => Delivery::Delivered { receipt },
            Ok(None) => self.retry("population-busy", None),
            Err(Unfit::Elsewhere(reason)) => {
                tracing::warn!(
                    reason,
                    "an answer of the population database is not believed"
                );
                self.unknown(reason)
            }
            Err(Unfit::Content(reason)) => {
                tracing::warn!(reason, "an answer of the population database is not taken");
                Delivery::Refused {
                    after: self.config.retry_after_refusal,
                    reason,
                }
            }
        }
    }

    /// The answer to this question, signed by a registered key and bound to it; none where it says that it cannot say.
    fn fitting(&self, asked: &Asked, answer: &Answer) -> Result<Option<Receipt>, Unfit> {
        use Unfit::{Content, Elsewhere};
        let partner = self.house.partner();
        let partner = partner.ok_or(Elsewhere("partner-suspended"))?;
        let now = self.house.now();
        let detached = only_signature(answer).ok_or(Elsewhere("answer-not-proven"))?;
        let key = outbound::prove_json(&partner, detached, &answer.body, now);
        let key = key.map_err(|_| Elsewhere("answer-not-proven"))?;
        let whole = jws::whole(detached, &answer.body).ok_or(Elsewhere("answer-unreadable"))?;
        let carried = jws::carried(&whole).ok_or(Elsewhere("answer-unreadable"))?;
        let claims = &carried.claims;
        for (holds, reason) in [
            (claims.direction == Direction::Answer, "no-answer"),
            (
                claims.environment == self.house.environment(),
                "answer-of-another-environment",
            ),
            (claims.sender == self.partner, "answer-of-another-sender"),
            (
                claims.receiver == self.house.us(),
                "answer-to-another-receiver",
            ),
            (
                claims.operation == VERIFY.name,
                "answer-of-another-operation",
            ),
            (
                carried.answers.as_ref() == Some(&(asked.id.clone(), asked.digest)),
                "answer-of-another-question",
            ),
        ] {
            if !holds {
                return Err(Elsewhere(reason));
            }
        }
        let ahead = claims.sent_at.duration_since(now).as_secs();
        if u64::try_from(ahead).is_ok_and(|ahead| ahead > partner.window.as_secs()) {
            return Err(Elsewhere("answer-from-the-future"));
        }
        let (id, citizens) = match wire::read(&answer.body) {
            Ok(Said::Found(id, citizens)) => (id, citizens),
            Ok(Said::Fault) => return Ok(None),
            Err(error) => {
                tracing::warn!(reason = error.0, "an answer that cannot be read");
                return Err(Content("answer-unreadable"));
            }
        };
        if id != asked.id {
            return Err(Content("answer-of-another-question"));
        }
        if citizens
            .iter()
            .any(|one| one.pin.as_ref() != Some(&asked.pin))
        {
            return Err(Content("answer-of-another-person"));
        }
        Ok(Some(Receipt {
            bytes: whole,
            proof: ReceiptProof::Signed {
                key,
                digest: asked.digest,
            },
        }))
    }

    /// The same question may be asked again under its id: whether it was seen changes nothing.
    fn failed(&self, failed: &Failed) -> Delivery {
        match failed.is_unsent {
            true => self.retry(failed.reason, failed.again_after),
            false => self.unknown(failed.reason),
        }
    }

    fn retry(&self, reason: &'static str, after: Option<Duration>) -> Delivery {
        Delivery::Retry {
            after: after.unwrap_or(self.config.retry_after),
            reason,
        }
    }

    fn unknown(&self, reason: &'static str) -> Delivery {
        Delivery::Unknown {
            after: self.config.retry_after,
            reason,
        }
    }
}

fn only_signature(answer: &Answer) -> Option<&str> {
    let mut given = answer.headers.get_all(&jws::SIGNATURE).iter();
    match (given.next(), given.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
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

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        Box::pin(self.deliver(&sendable.shipment().body))
    }
}

const XML: HeaderValue = HeaderValue::from_static(wire::MEDIA_TYPE);
/// A platform answers in JSON where the database does not.
const EITHER: HeaderValue = HeaderValue::from_static("text/xml, application/json");
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");
/// Questions worth leasing at once: each is a call of its own.
const PER_LEASE: usize = 8;
/// Statuses that a server gives before it looks at a body.
const NEVER_READ: &[u16] = &[401, 403, 404, 405, 413, 415, 429, 503];
