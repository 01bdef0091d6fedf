//! A civil registry that speaks DCI (SPDCI API standards 1.0.0): it tells its subscribers of births and deaths, signs as
//! OpenCRVS's DCI server does (a compact JWS over header and message), and judges the acknowledgement.
//!
//! Every child is made up; the births are those that the inter-linked software would tell of.

pub mod inbox;
mod proof;
mod record;
pub mod registry;
pub mod vectors;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::digest::content_digest;
use schemas::date::day_in_viet_nam;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{self, Exchange, Params, Prepared, Trouble};
use crate::client::{Client, Reply};
use crate::clock;
use crate::desk::{Desk, Ledgers, OWN_MEMORY, only, required};
use crate::dvclt::Birth;
use crate::flow::{Flow, FlowReport};
use crate::identity::{Identity, Target};
use crate::jws;
use crate::landmarks::Landmarks;
use crate::state::Ledger;

/// The partner.
pub const PARTNER: &str = "crvs";
/// How it calls itself.
pub const SENDER_ID: &str = "https://crvs.sandbox.example";
/// How it calls us.
pub const RECEIVER_ID: &str = "https://vss.sandbox.example";
/// Where subscribers are told.
pub const NOTIFY: &str = "/registry/notify";
/// The operation.
const OPERATION: &str = "dci.notify";

/// What the registry keeps: its ledger and where its synthetic children come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Book {
    ledger: Ledger,
    seed: u64,
}

impl Ledgers for Book {
    fn fresh() -> Self {
        Self {
            ledger: Ledger::default(),
            seed: u64::from_be_bytes(certs::digest::random::<8>()),
        }
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }
}

/// The simulated civil registry.
#[derive(Debug)]
pub struct Crvs {
    desk: Desk<Book>,
}

impl Crvs {
    /// Opens the registry's folder; `target` replaces the gateway that its identity names.
    pub fn open(folder: &Path, target: Option<&Target>) -> Result<Self, Trouble> {
        Self::open_beside(folder, target, OWN_MEMORY)
    }

    /// The same with a memory file of its own, for a program that runs beside the counterpart.
    pub fn open_beside(
        folder: &Path,
        target: Option<&Target>,
        memory: &str,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            desk: Desk::open(folder, target, memory)?,
        })
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.desk.identity
    }

    /// Its line to the gateway.
    pub fn client(&self) -> &Client {
        &self.desk.client
    }

    /// Builds and signs `dci.notify`: a new birth (no parameter), or the death of `pin`, `surname` and `given_name`.
    pub fn prepare(&self, operation: &str, params: &Params) -> Result<Prepared, Trouble> {
        if operation != OPERATION {
            let told = format!("{operation} is no operation of DCI's words here");
            return Err(Trouble::Params(told));
        }
        if params.is_empty() {
            return self.sign(&[self.next_birth()?]);
        }
        only(params, &["pin", "surname", "given_name"])?;
        let of = |name| required(params, name);
        let number = self.desk.memory.change(|book| book.ledger.draw())?;
        let who = (of("pin")?, of("surname")?, of("given_name")?);
        let today = day_in_viet_nam(clock::now());
        self.sign(&[record::death(number, who, today)])
    }

    /// Sends one prepared message and proves its acknowledgement.
    pub async fn send(&self, sent: &Prepared) -> Result<Exchange, Trouble> {
        let reply = self.desk.post(sent).await?;
        self.desk.close(sent, &reply, self.judge(sent, &reply))
    }

    /// Proves a reply without sending: the acknowledgement's members, or the fault as trouble.
    pub fn judge(&self, sent: &Prepared, reply: &Reply) -> Result<Params, Trouble> {
        if let Some(fault) = call::fault(reply)? {
            return Err(Trouble::Fault(fault));
        }
        let body = jws::proven_answer(self.identity(), sent, reply)?;
        let text = |name: &str| {
            let text = body.get("message").and_then(|ack| ack.get(name));
            text.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let is_moment = text("timestamp").parse::<jiff::Timestamp>().is_ok();
        for (holds, what) in [
            (
                ["ACK", "NACK"].contains(&text("ack_status").as_str()),
                "an answer without fault is ACK or NACK",
            ),
            (is_moment, "timestamp is no moment"),
            (
                call::evidence(reply).is_some_and(|id| id == text("correlation_id")),
                "correlation_id is not the evidence",
            ),
        ] {
            if !holds {
                return Err(Trouble::answer(what));
            }
        }
        let members = ["ack_status", "timestamp", "correlation_id"];
        Ok(members
            .iter()
            .map(|name| ((*name).to_owned(), text(name)))
            .collect())
    }

    /// Plays `dci.notify`: two births at once, the same message again, the same birth in another message.
    pub async fn play(&self) -> FlowReport {
        let mut flow = Flow::start(OPERATION, "JSON, JWS in it");
        let result = self.try_play(&mut flow).await;
        flow.end(result)
    }

    async fn try_play(&self, flow: &mut Flow) -> Result<(), Trouble> {
        let births = [self.next_birth()?, self.next_birth()?];
        let told = self.sign(&births)?;
        let first = self.send(&told).await?;
        flow.evidence.clone_from(&first.evidence);
        all_taken(&first)?;
        flow.note("two births in one message, acknowledged");
        let again = self.desk.client.send(told.request()?).await?;
        if again.body != first.body {
            return Err(Trouble::answer(
                "the same message again is answered otherwise",
            ));
        }
        flow.note("the same message again: the same acknowledgement");
        let anew = self.send(&self.sign(&births[..1])?).await?;
        all_taken(&anew)?;
        flow.note("one of them in another message: known by its registration number");
        Ok(())
    }

    /// A birth that was never told, as an event; the number it is made from is drawn and synced first.
    pub fn next_birth(&self) -> Result<Value, Trouble> {
        let landmarks = Landmarks::read(&self.identity().folder)?;
        let number = self.desk.memory.change(|book| book.ledger.draw())?;
        let seed = self.desk.memory.read(|book| book.seed);
        let birth = Birth::make(seed, number, clock::now(), &landmarks)?;
        let today = day_in_viet_nam(clock::now());
        Ok(record::birth(&birth, today))
    }

    /// A message of these events, signed; each time under a fresh id.
    pub fn sign(&self, events: &[Value]) -> Result<Prepared, Trouble> {
        let identity = self.identity();
        Draft::notify(identity, events).sign(identity)
    }
}

/// A message before it is signed; the rules bend it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// The header.
    pub(crate) header: Value,
    /// The message.
    pub(crate) message: Value,
    /// The path and the operation that it is there.
    pub(crate) place: (&'static str, &'static str),
}

impl Draft {
    pub(crate) fn notify(identity: &Identity, events: &[Value]) -> Self {
        let id = jws::fresh_id(identity);
        Self {
            header: json!({
                "version": "1.0.0",
                "message_id": id,
                "message_ts": clock::rfc3339(clock::now()),
                "action": "notify",
                "sender_id": SENDER_ID,
                "receiver_id": RECEIVER_ID,
                "total_count": events.len(),
            }),
            message: json!({ "transaction_id": format!("t-{id}"), "notify_event": events }),
            place: (NOTIFY, OPERATION),
        }
    }

    /// The answer to a question of ours that was asked before, under this id however often it is told.
    pub(crate) fn callback(
        (place, action): ((&'static str, &'static str), &str),
        id: &str,
        status: &str,
        message: Value,
    ) -> Self {
        Self {
            header: json!({
                "version": "1.0.0",
                "message_id": id,
                "message_ts": clock::rfc3339(clock::now()),
                "action": action,
                "status": status,
                "sender_id": SENDER_ID,
                "receiver_id": RECEIVER_ID,
                "total_count": 1,
                "completed_count": u8::from(status == "succ"),
            }),
            message,
            place,
        }
    }

    pub(crate) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// A compact JWS over header and message.
    pub(crate) fn signature(&self, identity: &Identity) -> Result<String, Trouble> {
        let signed = json!({ "header": self.header, "message": self.message });
        let protected = json!({ "alg": identity.sign.algorithm().jws_name(), "kid": identity.kid });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&protected), encode(&signed));
        let signature = identity
            .sign
            .sign(input.as_bytes())
            .map_err(|error| Trouble::Sign(error.to_string()))?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    pub(crate) fn sign(&self, identity: &Identity) -> Result<Prepared, Trouble> {
        let signature = self.signature(identity)?;
        Ok(self.carrying(identity, Some(&signature)))
    }

    /// With this member `signature`, or none.
    pub(crate) fn carrying(&self, identity: &Identity, signature: Option<&str>) -> Prepared {
        let mut body = json!({ "header": self.header, "message": self.message });
        if let Some(signature) = signature {
            body["signature"] = signature.into();
        }
        let id = self.header["message_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        // its members are ASCII and its texts need no escape: sorted without spaces it is the spelling of RFC 8785
        let content = self.message.to_string();
        let (sender, receiver) = (identity.partner.as_str(), identity.receiver.as_str());
        let (path, operation) = self.place;
        Prepared {
            operation: operation.to_owned(),
            answers_to: id.clone(),
            id,
            digest: content_digest(operation, sender, receiver, content.as_bytes()),
            path,
            content_type: "application/json",
            signature: None,
            body: body.to_string().into_bytes(),
        }
    }
}

fn all_taken(exchange: &Exchange) -> Result<(), Trouble> {
    match exchange.answer.get("ack_status").map(String::as_str) {
        Some("ACK") => Ok(()),
        _ => Err(Trouble::answer("not every record was taken")),
    }
}
