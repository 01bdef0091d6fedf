//! `notify` of DCI: a registry's birth or death before it is signed; every part of it can be bent.

use certs::{
    dci::{self, Dialect, Said, Secret, SignedHead},
    keys::SigningKey,
};
use insurance::seed::Landmarks;
use jiff::{Timestamp, ToSpan as _};
use schemas::{date::day_in_viet_nam, wire::dci::Raw};
use serde_json::{Value, json};

use super::{Message, birth, content_digest, fresh_id};

/// Where registries tell of events.
pub const NOTIFY: &str = "/registry/notify";
/// Where we are asked and answer at once.
pub const SYNC_SEARCH: &str = "/registry/sync/search";
/// Where we are asked and answer by a callback.
pub const SEARCH: &str = "/registry/search";
/// Where we say at once what became of an exchange.
pub const SYNC_STATUS: &str = "/registry/sync/txn/status";
/// Where we say so by a callback.
pub const STATUS: &str = "/registry/txn/status";
/// Where we are asked to tell of events from now on.
pub const SUBSCRIBE: &str = "/registry/subscribe";
/// Where we are asked to tell no more.
pub const UNSUBSCRIBE: &str = "/registry/unsubscribe";
/// Where we are told what became of a wish of ours to be told.
pub const ON_SUBSCRIBE: &str = "/registry/on-subscribe";
/// Where we are told what became of its end.
pub const ON_UNSUBSCRIBE: &str = "/registry/on-unsubscribe";
/// The registry of every house.
pub const CRVS: &str = "crvs";
/// How it calls itself.
pub const SENDER_ID: &str = "https://crvs.sandbox.example";
/// How it calls us.
pub const RECEIVER_ID: &str = "https://vss.sandbox.example";

/// A message before it is signed.
#[derive(Debug, Clone)]
pub struct Notify {
    /// The header.
    pub header: Value,
    /// The message.
    pub message: Value,
    /// The path.
    pub path: &'static str,
}

impl Notify {
    /// A message of these events.
    #[must_use]
    pub fn new(now: Timestamp, events: &[Value]) -> Self {
        let id = fresh_id(CRVS);
        Self {
            header: json!({
                "version": "1.0.0",
                "message_id": id,
                "message_ts": now.to_string(),
                "action": "notify",
                "sender_id": SENDER_ID,
                "receiver_id": RECEIVER_ID,
                "total_count": events.len(),
            }),
            message: json!({ "transaction_id": "t-1", "notify_event": events }),
            path: NOTIFY,
        }
    }

    /// Questions, to be answered at once.
    #[must_use]
    pub fn search(now: Timestamp, questions: &[Value]) -> Self {
        let mut search = Self::new(now, questions);
        search.header["action"] = "search".into();
        search.message = json!({ "transaction_id": "t-1", "search_request": questions });
        search.path = SYNC_SEARCH;
        search
    }

    /// Questions of an exchange, to be answered by a callback.
    #[must_use]
    pub fn search_async(now: Timestamp, transaction: &str, questions: &[Value]) -> Self {
        let mut search = Self::search(now, questions);
        search.message["transaction_id"] = transaction.into();
        search.path = SEARCH;
        search
    }

    /// What became of an exchange, at [`SYNC_STATUS`] or [`STATUS`].
    #[must_use]
    pub fn status(
        now: Timestamp,
        path: &'static str,
        (transaction, kind, value): (&str, &str, Value),
    ) -> Self {
        let mut status = Self::new(now, &[Value::Null]);
        status.header["action"] = "txn-status".into();
        status.message = json!({
            "transaction_id": transaction,
            "txnstatus_request": {
                "reference_id": "s-1",
                "txn_type": "search",
                "attribute_type": kind,
                "attribute_value": value,
            },
        });
        status.path = path;
        status
    }

    /// Wishes to be told from now on.
    #[must_use]
    pub fn subscribe(now: Timestamp, transaction: &str, wishes: &[Value]) -> Self {
        let mut subscribe = Self::new(now, wishes);
        subscribe.header["action"] = "subscribe".into();
        subscribe.message = json!({ "transaction_id": transaction, "subscribe_request": wishes });
        subscribe.path = SUBSCRIBE;
        subscribe
    }

    /// Subscriptions that are to end.
    #[must_use]
    pub fn unsubscribe(now: Timestamp, transaction: &str, codes: &[String]) -> Self {
        let mut unsubscribe = Self::new(now, &[]);
        unsubscribe.header["action"] = "unsubscribe".into();
        unsubscribe.header["total_count"] = codes.len().into();
        unsubscribe.message = json!({
            "transaction_id": transaction,
            "timestamp": now.to_string(),
            "subscription_codes": codes,
        });
        unsubscribe.path = UNSUBSCRIBE;
        unsubscribe
    }

    /// An answer to what we have asked, at [`ON_SUBSCRIBE`] or [`ON_UNSUBSCRIBE`].
    #[must_use]
    pub fn callback(now: Timestamp, path: &'static str, message: Value) -> Self {
        let mut callback = Self::new(now, &[Value::Null]);
        callback.header["action"] = path.trim_start_matches("/registry/").into();
        callback.header["status"] = "succ".into();
        callback.message = message;
        callback.path = path;
        callback
    }

    /// The same with another member, by a JSON pointer into `{header, message}`; null takes it away.
    #[must_use]
    pub fn with(self, pointer: &str, value: impl Into<Value>) -> Self {
        let mut whole = json!({ "header": self.header, "message": self.message });
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = whole.pointer_mut(parent).unwrap();
        match (parent, value.into()) {
            (Value::Object(members), Value::Null) => drop(members.remove(name)),
            (Value::Object(members), value) => drop(members.insert(name.to_owned(), value)),
            (Value::Array(items), value) => items[name.parse::<usize>().unwrap()] = value,
            _ => panic!("{pointer}"),
        }
        Self {
            header: whole["header"].take(),
            message: whole["message"].take(),
            path: self.path,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header["message_id"].as_str().unwrap()
    }

    /// The body with this signature in it, or none.
    #[must_use]
    pub fn body(&self, signature: Option<&str>) -> Vec<u8> {
        let mut body = json!({ "header": self.header, "message": self.message });
        if let Some(signature) = signature {
            body["signature"] = signature.into();
        }
        body.to_string().into_bytes()
    }

    /// The signature of a dialect over the body without one.
    #[must_use]
    pub fn signature(
        &self,
        dialect: Dialect,
        (key, kid): (&SigningKey, &str),
        at: Timestamp,
    ) -> String {
        let body = self.body(None);
        let said = Said {
            body: &body,
            raw: Raw::read(&body).unwrap().0,
            sender_id: self.header["sender_id"].as_str().unwrap(),
            signature: "",
        };
        dci::sign(dialect, &said, (key, kid), at.as_second()).unwrap()
    }

    /// The keyed hash of `hmac-x`.
    #[must_use]
    pub fn mac(&self, secret: &str, date: &str) -> String {
        let head = SignedHead {
            path: self.path,
            host: "localhost",
            date,
            content_type: "application/json",
        };
        let sender = self.header["sender_id"].as_str().unwrap();
        dci::sign_mac(
            &Secret::new(secret.as_bytes()),
            sender,
            &self.body(None),
            &head,
        )
    }

    /// On the wire with this member `signature`, or none.
    #[must_use]
    pub fn carrying(&self, signature: Option<&str>) -> Message {
        Message {
            path: self.path,
            content_type: "application/json".to_owned(),
            signature: None,
            body: self.body(signature),
        }
    }

    /// Signed as the registry of every house signs: a compact JWS by its key `crvs-1`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey, at: Timestamp) -> Message {
        let signature = self.signature(Dialect::JwsCompact, (key, "crvs-1"), at);
        self.carrying(Some(&signature))
    }

    /// What our answer is bound to: the digest over the message in one spelling.
    #[must_use]
    pub fn digest(&self) -> String {
        let operation = match self.path {
            SYNC_SEARCH => "dci.search",
            SEARCH => "dci.search-async",
            SYNC_STATUS => "dci.txn-status",
            STATUS => "dci.txn-status-async",
            SUBSCRIBE => "dci.subscribe",
            UNSUBSCRIBE => "dci.unsubscribe",
            ON_SUBSCRIBE | ON_UNSUBSCRIBE => "dci.follow",
            _ => "dci.notify",
        };
        content_digest(operation, CRVS, "vss", self.message.to_string().as_bytes())
    }
}

/// The `number`th birth of [`super::Birth`] as a registry's event.
#[must_use]
pub fn birth_event(now: Timestamp, landmarks: &Landmarks, number: u32) -> Value {
    let today = day_in_viet_nam(now);
    let born = today.saturating_sub(10.days());
    let (place, mother) = (&landmarks.places[0], &landmarks.mothers[0]);
    let pin = birth::pin(2, born, landmarks.child_pin_serial_from + number);
    event(
        &format!("r-{number}"),
        "live_birth",
        &json!({
            "identifier": [uin(&pin), { "identifier_type": "BRN", "identifier_value": format!("B{number}/2026") }],
            "name": { "surname": "Nguyễn", "second_name": "Thị Hoà", "given_name": "Bình" },
            "sex": "female",
            "birth_date": born.to_string(),
            "address": [{ "address_line1": "Số 1, đường Mẫu", "sub_region_code": place.commune, "region_code": place.province }],
            "parent1_identifier": uin(&birth::mother_of(landmarks, number)),
            "viet_nam": {
                "registration_date": today.to_string(),
                "registration_place": place.commune,
                "initial_facility": place.facility,
                "ethnicity": "01",
                "nationality": "VN",
                "mother": { "name": { "given_name": mother.name }, "birth_date": mother.birth_date },
            },
        }),
    )
}

/// The death, yesterday, of the child of a birth event.
#[must_use]
pub fn death_event(now: Timestamp, birth: &Value, number: u32) -> Value {
    let today = day_in_viet_nam(now);
    let child = &birth["data"]["reg_records"][0];
    event(
        &format!("d-{number}"),
        "spdci-common:RegistryEventType:Death",
        &json!({
            "identifier": [child["identifier"][0], { "identifier_type": "DRN", "identifier_value": format!("D{number}/2026") }],
            "name": child["name"],
            "sex": child["sex"],
            "birth_date": child["birth_date"],
            "death_date": today.saturating_sub(1.days()).to_string(),
            "viet_nam": { "registration_date": today.to_string() },
        }),
    )
}

fn event(reference: &str, kind: &str, record: &Value) -> Value {
    json!({
        "reference_id": reference,
        "timestamp": "2026-11-23T08:00:00+07:00",
        "data": { "reg_event_type": kind, "reg_records": [record] },
    })
}

fn uin(pin: &str) -> Value {
    json!({ "identifier_type": "UIN", "identifier_value": pin })
}
