//! What the registry keeps: its register, its subscriptions, and what it still has to say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::wire::dci::VitalEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::outgoing::{Outgoing, Place};
use super::search::{self, Asked, Searches};
use super::{SUBSCRIBE, UNSUBSCRIBE};
use crate::clock;

/// A subscription of the gateway's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its code.
    pub code: String,
    /// `live_birth` or `death`.
    pub event: String,
    /// When it ends by itself, seconds since 1970.
    pub ends: i64,
    /// Whether the gateway has ended it.
    pub ended: bool,
}

impl Subscription {
    /// Whether it stands now.
    pub fn stands(&self) -> bool {
        !self.ended && clock::now().as_second() < self.ends
    }
}

/// Something that was said, and how it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// `notify`, `on-subscribe` or `on-unsubscribe`.
    pub action: String,
    /// The exchange.
    pub transaction: String,
    /// Its message.
    pub message: Value,
    /// `ACK`, `NACK` or the reason of the refusal.
    pub answer: String,
}

/// What somebody asked before, and what was promised.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Exchange {
    message_id: String,
    message: Value,
    correlation: String,
}

/// How a question is to be answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// A wish is refused.
    pub(super) refuses: bool,
    /// Two subscriptions of one kind may stand.
    pub(super) many: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Book {
    drawn: u64,
    exchanges: BTreeMap<String, Exchange>,
    /// The register, in the order of registration.
    register: Vec<Value>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) told: Vec<Told>,
    #[serde(default)]
    pub(super) searches: Searches,
    pub(super) violations: Vec<String>,
}

impl Book {
    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    /// Registers an event and has it told, but for the notices that are lost.
    pub(super) fn register(&mut self, event: &Value, is_lost: impl Fn() -> bool) {
        self.register.push(event.clone());
        let kind = event["data"]["reg_event_type"].as_str().unwrap_or_default();
        let kind = VitalEvent::parse(kind).map_or("", VitalEvent::as_str);
        let told: Vec<String> = self
            .subscriptions
            .iter()
            .filter(|one| one.stands() && kind == one.event)
            .map(|one| one.code.clone())
            .collect();
        for code in told {
            let mut event = event.clone();
            event["reference_id"] = code.into();
            let id = format!("crvs-notice-{}", self.draw());
            let message = json!({ "transaction_id": id, "notify_event": [event] });
            if !is_lost() {
                let notice = Outgoing::new(Place::Notify, &id, "", message);
                self.outgoing.push(notice);
            }
        }
    }

    pub(super) fn asked(&self) -> Vec<(Value, String)> {
        let all = self.exchanges.values();
        all.map(|one| (one.message.clone(), one.correlation.clone()))
            .collect()
    }

    /// A question of some days, and the records that it is about.
    pub(super) fn search(
        &mut self,
        header: &Value,
        message: &Value,
    ) -> Result<(Asked, Vec<Value>), &'static str> {
        let asked = self.searches.take(header, message)?;
        let found = search::found(&self.register, &asked);
        Ok((asked, found))
    }

    /// Something was said.
    pub(super) fn sent(&mut self, one: &Outgoing, answer: &str) {
        self.outgoing.retain(|other| other.id != one.id);
        self.told.push(Told {
            action: one.place.action().to_owned(),
            transaction: one.transaction().to_owned(),
            message: one.message.clone(),
            answer: answer.to_owned(),
        });
    }

    /// Our name for an exchange; the same question again has the same.
    pub(super) fn take(
        &mut self,
        action: &str,
        header: &Value,
        message: &Value,
        terms: Terms,
    ) -> Result<String, &'static str> {
        let transaction = message["transaction_id"].as_str().unwrap_or_default();
        if !(1..=99).contains(&transaction.len()) {
            return Err("transaction_id");
        }
        let message_id = header["message_id"].as_str().unwrap_or_default().to_owned();
        if let Some(known) = self.exchanges.get(transaction) {
            return match known.message == *message && known.message_id == message_id {
                true => Ok(known.correlation.clone()),
                false => Err("an exchange with two questions"),
            };
        }
        let correlation = format!("crvs-c-{}", self.draw());
        let callback = match action {
            SUBSCRIBE => self.subscribe(header, message, &correlation, terms)?,
            UNSUBSCRIBE => self.unsubscribe(header, message, &correlation)?,
            _ => return Err("action"),
        };
        self.outgoing.push(callback);
        let exchange = Exchange {
            message_id,
            message: message.clone(),
            correlation: correlation.clone(),
        };
        self.exchanges.insert(transaction.to_owned(), exchange);
        Ok(correlation)
    }

    fn subscribe(
        &mut self,
        header: &Value,
        message: &Value,
        correlation: &str,
        terms: Terms,
    ) -> Result<Outgoing, &'static str> {
        let wishes = message["subscribe_request"].as_array();
        let Some([wish]) = wishes.map(Vec::as_slice) else {
            return Err("one wish in an exchange");
        };
        if header["total_count"] != 1 {
            return Err("total_count");
        }
        let criteria = &wish["subscribe_criteria"];
        let event = criteria["reg_event_type"].as_str().unwrap_or_default();
        let ends = criteria["frequency"]["end_time"].as_str();
        let ends = ends.and_then(|ends| ends.parse::<Timestamp>().ok());
        let purpose = match event {
            "death" => "end-of-participation",
            _ => "child-health-insurance",
        };
        for (holds, what) in [
            (["live_birth", "death"].contains(&event), "reg_event_type"),
            (wish["reference_id"].is_string(), "reference_id"),
            (
                wish["timestamp"].as_str().is_some_and(is_moment),
                "timestamp",
            ),
            (ends.is_some_and(|ends| ends > clock::now()), "end_time"),
            (
                criteria["filter"] == json!({ "type": "*", "value": "*" }),
                "filter",
            ),
            (
                criteria["authorize"]["purpose"]["code"] == purpose,
                "purpose",
            ),
        ] {
            if !holds {
                return Err(what);
            }
        }
        let is_known = |one: &Subscription| one.stands() && one.event == event;
        let refused = match self.subscriptions.iter().any(is_known) {
            _ if terms.refuses => Some("rjct.notify_types.invalid"),
            true if !terms.many => Some("rjct.event.already_subscribed"),
            _ => None,
        };
        let now = clock::rfc3339(clock::now());
        let mut response = json!({ "reference_id": wish["reference_id"], "timestamp": now });
        match refused {
            Some(code) => {
                response["status"] = "rjct".into();
                response["status_reason_code"] = code.into();
            }
            None => {
                let code = format!("crvs-s-{}", self.draw());
                response["status"] = "succ".into();
                response["subscriptions"] =
                    json!([{ "code": code, "status": "subscribe", "timestamp": now }]);
                self.subscriptions.push(Subscription {
                    code,
                    event: event.to_owned(),
                    ends: ends.map_or(0, Timestamp::as_second),
                    ended: false,
                });
            }
        }
        let told = json!({
            "transaction_id": message["transaction_id"],
            "correlation_id": correlation,
            "subscribe_response": [response],
        });
        Ok(self.callback(Place::OnSubscribe, refused, told))
    }

    fn unsubscribe(
        &mut self,
        header: &Value,
        message: &Value,
        correlation: &str,
    ) -> Result<Outgoing, &'static str> {
        let codes = message["subscription_codes"].as_array();
        let Some([code]) = codes.map(Vec::as_slice) else {
            return Err("one code in an exchange");
        };
        if header["total_count"] != 1 || !message["timestamp"].as_str().is_some_and(is_moment) {
            return Err("total_count or timestamp");
        }
        let known = self.subscriptions.iter_mut().find(|one| *code == one.code);
        let refused = match known {
            None => Some("rjct.subscription_code.invalid"),
            Some(one) if one.ended => Some("rjct.event.already_unsubscribed"),
            Some(one) => {
                one.ended = true;
                None
            }
        };
        let now = clock::rfc3339(clock::now());
        let mut told = json!({
            "transaction_id": message["transaction_id"],
            "correlation_id": correlation,
            "timestamp": now,
        });
        match refused {
            Some(code) => {
                told["status"] = "rjct".into();
                told["status_reason_code"] = code.into();
            }
            None => {
                told["status"] = "succ".into();
                told["subscription_status"] =
                    json!([{ "code": code, "status": "unsubscribe", "timestamp": now }]);
            }
        }
        Ok(self.callback(Place::OnUnsubscribe, refused, told))
    }

    fn callback(&mut self, place: Place, refused: Option<&str>, message: Value) -> Outgoing {
        let id = format!("crvs-callback-{}", self.draw());
        let status = if refused.is_some() { "rjct" } else { "succ" };
        Outgoing::new(place, &id, status, message)
    }
}

fn is_moment(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}
