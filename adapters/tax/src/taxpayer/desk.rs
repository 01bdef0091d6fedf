//! The courier to one tax department: a parcel becomes a signed question, its receipt is the signed answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    bulk::Ticket,
    outbound::{self, Courier, Crowd, Sendable, Shipment},
    partner::{Environment, Partner},
    ports::{Delivery, Leased, Person, PersonNumber, Receipt, ReceiptProof},
    sign::{Letter, SignError},
    stage::TIMEOUT_HEADER,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use roads::{client::Answer as Response, jws};
use schemas::{
    id::{MessageId, PartnerId, TaxId},
    wire::tax::{
        self, Direction, Header, ReconcileChunkReceipt,
        taxpayer::{self as wire, Answer, Body, Many, Message, Question},
    },
};

use super::{
    ANSWER_BYTES_MAX, ANSWER_OF_ONE_BYTES_MAX, PURPOSE,
    answer::{Asked, Said, Unfit, fitting},
    exchange::{Exchange, Failed},
    month, notice, operation, person,
    proven::{Proven, Unproven, proven_json, proven_xml},
    pulls, question,
    sent::{self, Months, NoMonths, Opened, Unsent},
    spoken,
};

/// How a department is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// XML with our signature in it.
    #[default]
    Xml,
    /// JSON with our detached JWS beside it.
    Json,
}

/// How long to wait after a call that did not succeed; the worker may wait longer.
#[derive(Debug, Clone, Copy)]
pub struct DeskConfig {
    /// After one that failed on the way.
    pub retry_after: Duration,
    /// After the department said no.
    pub retry_after_refusal: Duration,
    /// How long one call may take.
    pub timeout: Duration,
    /// How the department is spoken to; it answers in the form in which it was asked.
    pub form: Form,
}

/// What the desk needs of the house that it stands in.
pub trait House: Send + Sync + 'static {
    /// Us.
    fn us(&self) -> PartnerId;
    /// Where we stand.
    fn environment(&self) -> Environment;
    /// The department, as it is registered now.
    fn partner(&self) -> Option<Arc<Partner>>;
    /// Now.
    fn now(&self) -> Timestamp;
    /// Our signature under a canonical root.
    fn sign(
        &self,
        canonical: Bytes,
        root_id: String,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<Bytes, SignError>>;
    /// Our JWS over a body, as one text.
    fn seal(&self, letter: Letter, body: Bytes) -> BoxFuture<'_, Result<String, SignError>>;
}

/// A recorded message as it travels, and for how long its answer is waited for: the header that we take from others, too.
fn outward(document: &Bytes, within: Duration) -> Option<(HeaderMap, Bytes)> {
    let (mut headers, body) = match spoken::is_json(document) {
        true => {
            let outward = jws::outward(document)?;
            (outward.headers, outward.payload)
        }
        false => {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, XML)]);
            (headers, document.clone())
        }
    };
    headers.insert(header::ACCEPT, EITHER);
    headers.insert(TIMEOUT, millis(within));
    Some((headers, body))
}

fn millis(within: Duration) -> HeaderValue {
    let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    HeaderValue::from(millis.max(1))
}

/// One department's way out.
pub struct Desk {
    config: DeskConfig,
    partner: PartnerId,
    house: Arc<dyn House>,
    road: Arc<dyn Exchange>,
    months: Arc<dyn Months>,
}

impl Desk {
    /// A desk that sends by `road`.
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
            months: Arc::new(NoMonths),
        }
    }

    /// The same with months of ours to send.
    #[must_use]
    pub fn with_months(mut self, months: Arc<dyn Months>) -> Self {
        self.months = months;
        self
    }

    fn shipment(&self, leased: &Leased) -> Result<Shipment, &'static str> {
        if leased.kind == sent::CHUNK {
            return self.chunk(leased);
        }
        let Opened {
            id,
            question,
            fields,
            provinces,
        } = self.opened(leased)?;
        let header = self.header(id, question.operation());
        let operation = operation(&question);
        let lines = question.lines();
        let persons = persons(&question);
        let body = Body::Question(question);
        let (canonical, _) = wire::encode(&Message { header, body });
        Ok(Shipment {
            parcels: vec![leased.id.clone()],
            operation,
            fields,
            lines,
            provinces,
            due: leased.due,
            purpose: PURPOSE.into(),
            road: self.road.road(),
            service: operation.name,
            persons,
            body: Bytes::from(canonical),
        })
    }

    /// A chunk goes by its ticket, under the terms of its month.
    fn chunk(&self, leased: &Leased) -> Result<Shipment, &'static str> {
        let (ticket, fields, provinces) = sent::chunk(&self.house.us(), &leased.content)?;
        ticket.chunk.id().ok_or("unreadable-id")?;
        Ok(Shipment {
            parcels: vec![leased.id.clone()],
            operation: &super::RECONCILE,
            fields,
            lines: 1,
            provinces: Some(provinces),
            due: leased.due,
            purpose: PURPOSE.into(),
            road: self.road.road(),
            service: wire::RECONCILE_CHUNK,
            // whom it tells of stands in its bytes: the crowd
            persons: Vec::new(),
            body: ticket.text(),
        })
    }

    /// The header of what we say now under this id.
    fn header(&self, message_id: MessageId, operation: &str) -> Header {
        Header {
            message_id,
            sent_at: whole_second(self.house.now()),
            environment: match self.house.environment() {
                Environment::Sandbox => tax::Environment::Sandbox,
                Environment::Test => tax::Environment::Test,
                Environment::Production => tax::Environment::Production,
            },
            direction: Direction::Request,
            sender: self.house.us(),
            receiver: self.partner.clone(),
            operation: operation.to_owned(),
            reply: None,
        }
    }

    /// What a parcel says, under which id, and what has to be granted for it.
    fn opened(&self, leased: &Leased) -> Result<Opened, &'static str> {
        let (id, question) = match leased.kind.as_str() {
            sent::MANIFEST | sent::PAGE => return sent::opened(&leased.kind, &leased.content),
            question::KIND => question::opened(&leased.id, &self.partner, &leased.content),
            notice::KIND => notice::opened(&leased.id, &leased.content),
            person::KIND => person::opened(&leased.id, &leased.content),
            pulls::KIND => pulls::opened(&leased.id, &leased.content),
            pulls::WANTED => pulls::wanted(&leased.id, &leased.content),
            month::KIND => month::opened(&leased.content),
            _ => Err("unknown-kind"),
        }?;
        Ok(Opened {
            fields: fields(&question),
            provinces: None,
            id,
            question,
        })
    }

    async fn signed(&self, shipment: Shipment) -> Result<Shipment, Delivery> {
        // its manifest is signed, and proves it by its digest
        if Ticket::parse(&shipment.body).is_some() {
            return Ok(shipment);
        }
        let failed = |reason| Delivery::Retry {
            after: self.config.retry_after,
            reason,
        };
        let (message, _) = wire::read(&shipment.body).map_err(|_| failed(UNWRITABLE))?;
        let at = message.header.sent_at;
        let signed = match (self.config.form, &message.body) {
            (Form::Json, Body::Question(question)) => {
                let letter = Letter {
                    receiver: self.partner.clone(),
                    id: message.header.message_id.clone(),
                    at,
                    operation: shipment.operation.name,
                };
                let body = Bytes::from(wire::json::encode_question(question));
                self.house.seal(letter, body).await.map(Bytes::from)
            }
            _ => {
                let root_id = tax::root_id(&message.header.message_id);
                let canonical = shipment.body.clone();
                self.house.sign(canonical, root_id, at).await
            }
        };
        let signed = signed.map_err(|error| {
            tracing::warn!(%error, "a question could not be signed");
            failed("signing")
        })?;
        Ok(shipment.reworded(signed))
    }

    /// What is left of the time of whoever waits, never more than one call may take; all of that where nobody waits.
    fn within(&self, due: Option<Timestamp>) -> Duration {
        let left = due.map(|due| due.duration_since(self.house.now()));
        let left = left.and_then(|left| Duration::try_from(left).ok());
        let left = left.filter(|left| !left.is_zero());
        left.map_or(self.config.timeout, |left| left.min(self.config.timeout))
    }

    async fn deliver(&self, document: &Bytes, due: Option<Timestamp>) -> Delivery {
        let Some(asked) = self.asked(document) else {
            return Delivery::Quarantined {
                reason: "unreadable-question",
            };
        };
        let Some((headers, body)) = outward(document, self.within(due)) else {
            return Delivery::Quarantined {
                reason: "unreadable-question",
            };
        };
        let posted = self.road.post(&asked.header.message_id, headers, body);
        match posted.await {
            Ok(response) => self.judge(&asked, &response),
            Err(error) => self.failed(&error),
        }
    }

    /// A chunk is read from where it lies, put, and its receipt held against what was announced of it.
    async fn deliver_chunk(&self, ticket: &Ticket, text: &[u8]) -> Delivery {
        let chunk = match self.months.chunk(&self.partner, ticket).await {
            Ok(chunk) => chunk,
            Err(unsent) => return self.unsent(unsent),
        };
        let Some(id) = ticket.chunk.id() else {
            return Delivery::Quarantined {
                reason: "unreadable-id",
            };
        };
        let (manifest, number) = (ticket.chunk.manifest.clone(), ticket.chunk.number);
        let header = self.header(id, wire::RECONCILE_CHUNK);
        let asked = Asked {
            digest: outbound::content_digest(
                &header.operation,
                &header.sender,
                &header.receiver,
                text,
            ),
            header,
            is_json: self.config.form == Form::Json,
            said: Said::Chunk(ReconcileChunkReceipt {
                manifest: manifest.clone(),
                number,
                records: chunk.records,
                amount: chunk.amount,
            }),
        };
        let accepted = match asked.is_json {
            true => JSON,
            false => XML,
        };
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, OCTETS),
            (header::ACCEPT, accepted),
            (TIMEOUT, millis(self.config.timeout)),
        ]);
        let beside = format!("manifests/{manifest}/chunks/{number}");
        let id = &asked.header.message_id;
        match self.road.put(id, &beside, headers, chunk.bytes).await {
            Ok(response) => self.judge(&asked, &response),
            Err(error) => self.failed(&error),
        }
    }

    /// What was asked, from the very bytes that are sent.
    fn asked(&self, document: &[u8]) -> Option<Asked> {
        let spoken::Said { message, content } = spoken::said(document)?;
        let Body::Question(question) = message.body else {
            return None;
        };
        let header = message.header;
        Some(Asked {
            digest: outbound::content_digest(
                &header.operation,
                &header.sender,
                &header.receiver,
                &content,
            ),
            header,
            said: Said::Question(question),
            is_json: spoken::is_json(document),
        })
    }

    fn judge(&self, asked: &Asked, response: &Response) -> Delivery {
        if response.status != StatusCode::OK {
            return self.refused_unbound(asked, response);
        }
        let most = match &asked.said {
            Said::Question(Question::Many(_) | Question::Result(_)) => ANSWER_BYTES_MAX,
            _ => ANSWER_OF_ONE_BYTES_MAX,
        };
        if response.body.len() > most {
            return self.unknown("answer-too-large");
        }
        let Some(partner) = self.house.partner() else {
            return self.unknown("partner-suspended");
        };
        let now = self.house.now();
        let proven = match asked.is_json {
            true => proven_json(&partner, response, now),
            false => proven_xml(&partner, response, now),
        };
        let Proven {
            key,
            message,
            bytes,
        } = match proven {
            Ok(proven) => proven,
            Err(Unproven::Signature(reason)) => {
                tracing::warn!(reason, "an answer whose signature does not hold");
                return self.unknown("answer-not-proven");
            }
            Err(Unproven::Unreadable) => return self.unknown("answer-unreadable"),
        };
        let ahead = message.header.sent_at.duration_since(now).as_secs();
        if u64::try_from(ahead).is_ok_and(|ahead| ahead > partner.window.as_secs()) {
            return self.unknown("answer-from-the-future");
        }
        let answer = match fitting(asked, message) {
            Ok(answer) => answer,
            Err(Unfit::Elsewhere(reason)) => return self.unknown(reason),
            Err(Unfit::Content(reason)) => return self.refused(reason),
        };
        match answer {
            Answer::Fault(fault) if fault.code.row().retry != schemas::fault::Retry::Never => {
                let asked_for = fault.retry_after.map(u64::from).map(Duration::from_secs);
                Delivery::Retry {
                    after: asked_for.unwrap_or(self.config.retry_after),
                    reason: "department-busy",
                }
            }
            // what was told is not told where it is refused
            Answer::Fault(_) if !asked.is_asked() => self.refused("department-refuses"),
            // a refusal of a question for good is an answer, too
            Answer::Fault(_)
            | Answer::Employer(_)
            | Answer::Individual(_)
            | Answer::Many(_)
            | Answer::Notice(_)
            | Answer::Person(_)
            | Answer::Held(_)
            | Answer::Resend(_)
            | Answer::Month(_)
            | Answer::Taken(_)
            | Answer::Chunk(_)
            | Answer::Page(_) => Delivery::Delivered {
                receipt: Receipt {
                    bytes,
                    proof: ReceiptProof::Signed {
                        key,
                        digest: asked.digest,
                    },
                },
            },
        }
    }

    /// Nothing that is not bound to the question is an answer to it.
    fn refused_unbound(&self, asked: &Asked, response: &Response) -> Delivery {
        let status = response.status.as_u16();
        tracing::warn!(status, "the tax department does not answer a question");
        let fault = match asked.is_json {
            true => matches!(
                wire::json::decode_answer(&response.body),
                Ok(Answer::Fault(_))
            ),
            false => wire::decode_fault(&response.body).is_ok(),
        };
        match fault {
            true => self.refused("refused-unbound"),
            false if NEVER_READ.contains(&status) => Delivery::Retry {
                after: self.config.retry_after,
                reason: "http-status",
            },
            false => self.unknown("http-status"),
        }
    }

    fn failed(&self, failed: &Failed) -> Delivery {
        match failed.is_unsent {
            true => Delivery::Retry {
                after: failed.again_after.unwrap_or(self.config.retry_after),
                reason: failed.reason,
            },
            // the same id is the same question: it may be asked again
            false => self.unknown(failed.reason),
        }
    }

    /// What our own disk does not give now is no fault of the parcel.
    fn unsent(&self, unsent: Unsent) -> Delivery {
        match unsent {
            Unsent::NotNow(reason) => Delivery::Retry {
                after: self.config.retry_after,
                reason,
            },
            Unsent::Never(reason) => Delivery::Quarantined { reason },
        }
    }

    fn unknown(&self, reason: &'static str) -> Delivery {
        Delivery::Unknown {
            after: self.config.retry_after,
            reason,
        }
    }

    fn refused(&self, reason: &'static str) -> Delivery {
        tracing::warn!(reason, "an answer of the tax department is not taken");
        Delivery::Refused {
            after: self.config.retry_after_refusal,
            reason,
        }
    }
}

impl Courier for Desk {
    fn batch_max(&self) -> usize {
        1
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

    fn crowd<'a>(
        &'a self,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<Option<Crowd>, Delivery>> {
        Box::pin(async move {
            let Some(ticket) = Ticket::parse(&shipment.body) else {
                return Ok(None);
            };
            let crowd = self.months.persons(&self.partner, &ticket).await;
            crowd.map_err(|unsent| self.unsent(unsent))
        })
    }

    fn is_ours(&self, reason: &'static str) -> bool {
        Unsent::is_one(reason)
    }

    fn is_of_parcel(&self, reason: &'static str) -> bool {
        reason == UNWRITABLE || Unsent::is_one(reason)
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        let shipment = sendable.shipment();
        Box::pin(async move {
            match Ticket::parse(&shipment.body) {
                Some(ticket) => self.deliver_chunk(&ticket, &shipment.body).await,
                None => self.deliver(&shipment.body, shipment.due).await,
            }
        })
    }
}

/// The fields asked for, in the words of agreements.
pub(super) fn fields(question: &Question) -> std::collections::BTreeSet<&'static str> {
    match question {
        Question::Employer(ask) => ask.fields.iter().map(|field| field.as_str()).collect(),
        Question::Individual(ask) => ask.fields.iter().map(|field| field.as_str()).collect(),
        Question::Many(ask) => match &ask.asked {
            Many::Employers { fields, .. } => fields.iter().map(|field| field.as_str()).collect(),
            Many::Individuals { fields, .. } => fields.iter().map(|field| field.as_str()).collect(),
        },
        Question::Person(notice) => notice.told(),
        Question::Notice(_)
        | Question::LookUp(_)
        | Question::Resend(_)
        | Question::Month(_)
        | Question::Reconcile(_)
        | Question::Result(_) => std::collections::BTreeSet::new(),
    }
}

/// Whom the department is asked about or told of: a tax code of twelve digits is a person's own number.
fn persons(question: &Question) -> Vec<Person> {
    if let Question::Person(notice) = question {
        let pins = [Some(&notice.pin), notice.new_pin.as_ref()];
        let numbers = pins.into_iter().flatten().cloned();
        return vec![Person {
            numbers: numbers.map(PersonNumber::Pin).collect(),
            told: notice.told().into_iter().collect(),
        }];
    }
    let (codes, told): (Vec<&TaxId>, &[&'static str]) = match question {
        Question::Employer(ask) => (vec![&ask.mst], &[]),
        Question::Individual(ask) => (vec![&ask.mst], &[]),
        Question::Many(ask) => (ask.asked.keys().iter().collect(), &[]),
        Question::Notice(notice) => (vec![&notice.mst], &["state", "name", "address"]),
        Question::Person(_)
        | Question::LookUp(_)
        | Question::Resend(_)
        | Question::Month(_)
        | Question::Reconcile(_)
        | Question::Result(_) => (Vec::new(), &[]),
    };
    let pins = codes.into_iter().filter_map(|code| match code {
        TaxId::Pin(pin) => Some(PersonNumber::Pin(pin.clone())),
        TaxId::Mst(_) => None,
    });
    let of = |number| Person {
        numbers: vec![number],
        told: told.to_vec(),
    };
    pins.map(of).collect()
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What waits in the outbox is no message of ours.
const UNWRITABLE: &str = "unwritable";
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");
/// A platform answers in JSON where the department does not.
const EITHER: HeaderValue = HeaderValue::from_static("application/xml, application/json");
const TIMEOUT: HeaderName = HeaderName::from_static(TIMEOUT_HEADER);
/// Statuses that a server gives before it looks at a document.
const NEVER_READ: &[u16] = &[403, 404, 405, 413, 415, 429, 503];
