//! The courier to one payment platform: a parcel becomes a message with its keyed hash, its receipt is the answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Operation, Road,
    adapter::{Effect, ProofKind},
    keyed::Keyed,
    outbound::{Courier, Sendable, Shipment},
    ports::{Class, Clock, Delivery, Leased, Parcel, Person, PersonNumber, Receipt},
};
use http::StatusCode;
use roads::{
    client::{self, Answer as Response},
    direct::Direct,
};
use schemas::{
    date::{day_in_viet_nam, portal_time},
    fault::Fault,
    id::{PartnerId, Pin, ProcedureCode},
    procedure::Catalog,
    proto::insurance::{Payer, PaymentOrder},
    wire::payment::{self, Account, Ask, CURRENCY, Init, Item, OK, Opened, ReceiptTerms, VERSION},
};
use serde::{Deserialize, Serialize};

use super::PURPOSE;

/// INIT as agreements name it.
pub static INIT: Operation = operation("payment.init", Effect::Change);
/// QUERY as agreements name it.
pub static QUERY: Operation = operation("payment.query", Effect::Read);
/// GET_BILL as agreements name it.
pub static GET_BILL: Operation = operation("payment.get-bill", Effect::Read);
/// DOISOAT as agreements name it. Own profile.
pub static STATEMENT: Operation = operation("payment.statement", Effect::Read);

const fn operation(name: &'static str, effect: Effect) -> Operation {
    Operation {
        name,
        effect,
        proof: ProofKind::KeyedHash,
        fields: &[],
    }
}

/// Whom the money is for, and how we are known at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payee {
    /// Our unit's code.
    pub unit: String,
    /// The account that is paid into.
    pub account: String,
    /// Its bank, 8 digits.
    pub bank: String,
    /// Its name.
    pub name: String,
    /// Our address, as INIT tells it.
    pub address: String,
}

/// What the platform is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    /// To take a payment.
    #[serde(rename = "INIT")]
    Init,
    /// What became of one.
    #[serde(rename = "QUERY")]
    Query,
    /// The receipt of one.
    #[serde(rename = "GET_BILL")]
    GetBill,
    /// The statement of a day. Own profile.
    #[serde(rename = "DOISOAT")]
    Statement,
}

impl Verb {
    /// `LoaiBanTin`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Query => "QUERY",
            Self::GetBill => "GET_BILL",
            Self::Statement => "DOISOAT",
        }
    }

    fn operation(self) -> &'static Operation {
        match self {
            Self::Init => &INIT,
            Self::Query => &QUERY,
            Self::GetBill => &GET_BILL,
            Self::Statement => &STATEMENT,
        }
    }
}

/// What a parcel holds: enough to say it, at any time, in the same words but for the time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    verb: Verb,
    reference: String,
    #[serde(default)]
    vnd: i64,
    #[serde(default)]
    dossier: String,
    #[serde(default)]
    procedure: String,
    #[serde(default)]
    payer: String,
    #[serde(default)]
    payer_number: String,
}

impl Words {
    /// Whom INIT tells of, by number; nothing else that we say names anybody.
    fn payer(&self) -> Option<Person> {
        let pin = match self.verb {
            Verb::Init => Pin::parse(&self.payer_number).ok()?,
            Verb::Query | Verb::GetBill | Verb::Statement => return None,
        };
        Some(Person {
            numbers: vec![PersonNumber::Pin(pin)],
            told: vec!["name", "pin"],
        })
    }
}

/// INIT of an order.
#[must_use]
pub fn init(partner: &PartnerId, order: &PaymentOrder, payer: &Payer) -> Parcel {
    let words = Words {
        verb: Verb::Init,
        reference: order.reference.clone(),
        vnd: order.vnd,
        dossier: order.dossier.clone(),
        procedure: order.procedure.clone(),
        payer: payer.name.clone(),
        payer_number: payer.pin.clone(),
    };
    Parcel {
        // nobody is asked to pay a price that is none any more
        due: order.valid_until.parse().ok(),
        ..parcel(partner, &words, order.asked)
    }
}

/// QUERY, GET_BILL or DOISOAT of a reference, for the `nth` time.
#[must_use]
pub fn ask(partner: &PartnerId, verb: Verb, reference: &str, nth: u32) -> Parcel {
    let words = Words {
        verb,
        reference: reference.to_owned(),
        vnd: 0,
        dossier: String::new(),
        procedure: String::new(),
        payer: String::new(),
        payer_number: String::new(),
    };
    parcel(partner, &words, nth)
}

fn parcel(partner: &PartnerId, words: &Words, nth: u32) -> Parcel {
    let Words {
        verb, reference, ..
    } = words;
    let id = format!("pay.{partner}.{reference}.{}.{nth}", verb.as_str());
    Parcel {
        subject: id.clone(),
        id,
        partner: partner.clone(),
        sequence: 0,
        kind: KIND,
        // texts and a number: nothing that cannot be written
        content: Bytes::from(serde_json::to_vec(words).unwrap_or_default()),
        class: Class::Normal,
        due: None,
    }
}

/// What INIT's receipt says: where the applicant pays.
#[must_use]
pub fn opened(receipt: &[u8]) -> Option<String> {
    let opened: Opened = payment::decode(receipt).ok()?;
    is_open(&opened).then_some(opened.message)
}

fn is_open(opened: &Opened) -> bool {
    opened.error_code == "0" && opened.message.starts_with("https://")
}

/// What another receipt says.
#[must_use]
pub fn account(receipt: &[u8]) -> Option<Account> {
    payment::decode(receipt).ok()
}

/// What became of orders while their INIT waited.
pub trait Orders: Send + Sync + 'static {
    /// Why nobody is to be asked to pay this reference now; none where somebody is.
    fn why_not(&self, reference: String) -> BoxFuture<'_, Result<Option<&'static str>, Fault>>;
}

/// What a desk needs.
#[derive(Clone)]
pub struct DeskConfig {
    /// The secret between us.
    pub keyed: Arc<Keyed>,
    /// Whom the money is for.
    pub payee: Payee,
    /// How long to wait after a call that failed on the way; the worker may wait longer.
    pub retry_after: Duration,
    /// How long to wait after the platform said no.
    pub retry_after_refusal: Duration,
    /// What the procedures are called.
    pub procedures: &'static Catalog,
}

/// One platform's way out.
pub struct Desk {
    config: DeskConfig,
    orders: Arc<dyn Orders>,
    road: Direct,
    clock: Arc<dyn Clock>,
}

impl Desk {
    /// A desk that sends by `road` and looks at `orders` before it asks anybody to pay.
    #[must_use]
    pub fn new(
        config: DeskConfig,
        orders: Arc<dyn Orders>,
        road: Direct,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            config,
            orders,
            road,
            clock,
        }
    }

    fn shipment(&self, leased: &Leased) -> Result<Shipment, &'static str> {
        if leased.kind != KIND {
            return Err("unknown-kind");
        }
        let words: Words =
            serde_json::from_slice(&leased.content).map_err(|_| "unreadable-content")?;
        let body = match words.verb {
            Verb::Init => payment::encode(&self.said(&words)?),
            Verb::Query | Verb::GetBill | Verb::Statement => payment::encode(&self.asked(&words)?),
        };
        Ok(Shipment {
            parcels: vec![leased.id.clone()],
            operation: words.verb.operation(),
            fields: BTreeSet::new(),
            lines: 1,
            provinces: None,
            due: leased.due,
            purpose: PURPOSE.into(),
            road: Road::Direct,
            service: words.verb.as_str(),
            persons: words.payer().into_iter().collect(),
            body: Bytes::from(body),
        })
    }

    fn said(&self, words: &Words) -> Result<Init, &'static str> {
        let now = self.clock.now();
        let code = ProcedureCode::parse(&words.procedure).map_err(|_| "procedure")?;
        let row = self.config.procedures.find(&code, day_in_viet_nam(now));
        let name = row
            .map_or(words.procedure.as_str(), |row| row.vi)
            .to_owned();
        let payee = &self.config.payee;
        let text = |text: &str| text.to_owned();
        let mut init = Init {
            kind: text(Verb::Init.as_str()),
            version: text(VERSION),
            account: text(self.config.keyed.account()),
            reference: words.reference.clone(),
            vnd: words.vnd.to_string(),
            sort: text("PAY"),
            channel: text("1"),
            device: text("1"),
            language: text("vi-VN"),
            currency: text(CURRENCY),
            bank: text("PAYMENT"),
            text: format!("Nop tien ho so {}", words.dossier),
            at: portal_time::format(now),
            address: payee.address.clone(),
            mac: String::new(),
            receipt: ReceiptTerms {
                service: text("2"),
                online_service: format!("{}.01", words.procedure),
                online_service_name: name.clone(),
                procedure: words.procedure.clone(),
                procedure_name: name.clone(),
                unit: payee.unit.clone(),
                unit_name: payee.name.clone(),
                dossier: words.dossier.clone(),
                payee: payee.account.clone(),
                payee_bank: payee.bank.clone(),
                payee_name: payee.name.clone(),
                text: format!("Nop tien ho so {}", words.dossier),
                payer_name: words.payer.clone(),
                payer_number: words.payer_number.clone(),
                items: vec![Item {
                    text: name,
                    vnd: words.vnd.to_string(),
                }],
            },
        };
        let covered = init.covered().ok_or("separator")?;
        init.mac = self.config.keyed.mac(&covered);
        Ok(init)
    }

    fn asked(&self, words: &Words) -> Result<Ask, &'static str> {
        let mut ask = Ask {
            kind: words.verb.as_str().to_owned(),
            version: VERSION.to_owned(),
            account: self.config.keyed.account().to_owned(),
            reference: words.reference.clone(),
            at: portal_time::format(self.clock.now()),
            mac: String::new(),
        };
        let covered = ask.covered().ok_or("separator")?;
        ask.mac = self.config.keyed.mac(&covered);
        Ok(ask)
    }

    /// The platform is not asked to take a payment after its price has ended, nor one for a dossier that has ended: money
    /// for it would only have to be given back.
    async fn still_wanted(&self, shipment: Shipment) -> Result<Shipment, Delivery> {
        if shipment.due.is_some_and(|until| self.clock.now() > until) {
            return Err(Delivery::Dead {
                reason: "quote-is-over",
            });
        }
        if shipment.service != Verb::Init.as_str() {
            return Ok(shipment);
        }
        let init: Init = payment::decode(&shipment.body).map_err(|_| Delivery::Dead {
            reason: "unreadable-content",
        })?;
        match self.orders.why_not(init.reference).await {
            Ok(None) => Ok(shipment),
            Ok(Some(reason)) => Err(Delivery::Dead { reason }),
            Err(fault) => {
                tracing::warn!(%fault, "whether a payment is still wanted is not known; tried again");
                Err(Delivery::Retry {
                    after: self.config.retry_after,
                    reason: "registry-unavailable",
                })
            }
        }
    }

    async fn deliver(&self, shipment: &Shipment) -> Delivery {
        match self.road.post_json(shipment.body.clone()).await {
            Ok(response) => self.judge(shipment, &response),
            Err(error) => self.failed(&error),
        }
    }

    fn judge(&self, shipment: &Shipment, response: &Response) -> Delivery {
        if response.status != StatusCode::OK {
            return self.unknown("http-status");
        }
        let judged = match shipment.service == Verb::Init.as_str() {
            true => judge_opened(&response.body),
            false => self.judge_account(&shipment.body, &response.body),
        };
        match judged {
            Ok(()) => Delivery::Delivered {
                receipt: Receipt::plain(response.body.clone(), Some(response.peer_sha256)),
            },
            Err(Unfit::Refused(reason)) => {
                tracing::warn!(
                    reason,
                    service = shipment.service,
                    "the payment platform refuses a call"
                );
                Delivery::Refused {
                    after: self.config.retry_after_refusal,
                    reason,
                }
            }
            Err(Unfit::NoAnswer(reason)) => self.unknown(reason),
        }
    }

    /// Only what the secret closes, about what was asked, is an answer.
    fn judge_account(&self, asked: &[u8], answer: &[u8]) -> Result<(), Unfit> {
        let asked: Ask = payment::decode(asked).map_err(|_| Unfit::NoAnswer("unwritable"))?;
        let told = account(answer).ok_or(Unfit::NoAnswer("answer-unreadable"))?;
        let covered = told.covered().ok_or(Unfit::NoAnswer("answer-unreadable"))?;
        if !self.config.keyed.proves(&covered, &told.mac) {
            return Err(Unfit::NoAnswer("answer-not-proven"));
        }
        if (&told.kind, &told.reference, &told.account)
            != (&asked.kind, &asked.reference, &asked.account)
        {
            return Err(Unfit::NoAnswer("answer-to-another"));
        }
        match told.code == OK && portal_time::parse(&told.at).is_ok() {
            true => Ok(()),
            false => Err(Unfit::Refused("platform-refused")),
        }
    }

    fn failed(&self, error: &client::Error) -> Delivery {
        tracing::warn!(%error, "a call did not reach the payment platform");
        match error.is_unsent() {
            true => Delivery::Retry {
                after: self.config.retry_after,
                reason: error.reason(),
            },
            // the same reference is the same payment: it may be said again
            false => self.unknown(error.reason()),
        }
    }

    fn unknown(&self, reason: &'static str) -> Delivery {
        tracing::warn!(reason, "the payment platform gave no answer");
        Delivery::Unknown {
            after: self.config.retry_after,
            reason,
        }
    }
}

/// Why an answer is not taken.
enum Unfit {
    /// It is no answer to this.
    NoAnswer(&'static str),
    /// It is an answer, and says no.
    Refused(&'static str),
}

fn judge_opened(answer: &[u8]) -> Result<(), Unfit> {
    let opened: Opened =
        payment::decode(answer).map_err(|_| Unfit::NoAnswer("answer-unreadable"))?;
    match is_open(&opened) {
        true => Ok(()),
        false => Err(Unfit::Refused("platform-refused")),
    }
}

impl Courier for Desk {
    fn batch_max(&self) -> usize {
        8
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
        Box::pin(self.still_wanted(shipment))
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        Box::pin(self.deliver(sendable.shipment()))
    }
}

/// The kind of its parcels.
const KIND: &str = "payment.message";
