//! The civil registry as the one that is called back: its own server takes what it has asked for.
//!
//! It takes `on-search`, `txn-on-status`, `on-subscribe`, `on-unsubscribe` and the `notify` that it has subscribed to, over mutual
//! TLS from our gateway's certificate alone, proves the signature in the body, judges envelope and header by its own reading,
//! and keeps what each exchange and each subscription was told. What the gateway should not have said is a violation: of
//! notices that is one under no code that it was given, and one entry told in two messages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use crate::listener::Serving;

use super::proof;
use crate::call::Trouble;
use crate::clock;
use crate::identity::Identity;
use crate::listener::{self, Counterpart, status};
use crate::state::Memory;

/// What stands before the standard's paths at this registry.
pub const BASE: &str = "/dci";

/// The standard's paths, and the action that each takes.
const PATHS: [(&str, &str); 5] = [
    ("/registry/on-search", "on-search"),
    ("/registry/txn/on-status", "txn-on-status"),
    ("/registry/on-subscribe", "on-subscribe"),
    ("/registry/on-unsubscribe", "on-unsubscribe"),
    ("/registry/notify", NOTICE),
];

/// The action of what is told unasked.
const NOTICE: &str = "notify";

/// A callback that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Its id.
    pub id: String,
    /// Its header.
    pub header: Value,
    /// Its message.
    pub message: Value,
    /// How often it came.
    pub times: u32,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Table {
    /// Exchanges that were begun.
    asked: Vec<String>,
    callbacks: BTreeMap<String, Callback>,
    /// Ids of those that are notices, in the order in which they came.
    #[serde(default)]
    notices: Vec<String>,
    violations: Vec<String>,
}

/// What can be made to go wrong; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many callbacks are taken, and the replies never sent.
    pub drop_replies: u32,
    /// So many get HTTP 500 and are not looked at.
    pub server_errors: u32,
    /// So many are answered with ERR `err.service.unavailable`, and not taken.
    pub busy: u32,
    /// So many are answered with ERR `err.request.bad`, and not taken.
    pub refuse: u32,
    /// So many are taken and answered in words that nobody can read.
    pub mumble: u32,
    /// So many are not looked at and answered in words that repeat all that was sent.
    pub echoes: u32,
}

/// The simulated registry's intake of callbacks.
#[derive(Debug)]
pub struct Inbox {
    identity: Identity,
    memory: Memory<Table>,
    mischief: Mutex<Mischief>,
}

impl Inbox {
    /// Opens the registry's folder; what it was told outlives the process.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Trouble> {
        Ok(Arc::new(Self {
            identity: Identity::load(folder)?,
            memory: Memory::open(&folder.join("callbacks.json"), Table::default)?,
            mischief: Mutex::default(),
        }))
    }

    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Begins an exchange: what is told of any other is a violation.
    pub fn asks(&self, transaction_id: &str) -> Result<(), Trouble> {
        let asked = transaction_id.to_owned();
        Ok(self
            .memory
            .change(|table| table.asked.push(asked.clone()))?)
    }

    /// What an exchange was told, by the ids of callbacks.
    pub fn told(&self, transaction_id: &str) -> Vec<Callback> {
        let of_it = |one: &&Callback| one.message["transaction_id"] == transaction_id;
        self.memory
            .read(|table| table.callbacks.values().filter(of_it).cloned().collect())
    }

    /// What was told unasked, in the order in which it came.
    pub fn notices(&self) -> Vec<Callback> {
        self.memory.read(|table| {
            let one = |id: &String| table.callbacks.get(id).cloned();
            table.notices.iter().filter_map(one).collect()
        })
    }

    /// Everything that the gateway said and should not have said, oldest first; never personal data.
    pub fn violations(&self) -> Vec<String> {
        self.memory.read(|table| {
            let mut all = table.violations.clone();
            all.extend(table.strange_notices());
            all
        })
    }

    fn took(&self, counter: fn(&mut Mischief) -> &mut u32) -> bool {
        let mut mischief = self.mischief.lock().unwrap_or_else(PoisonError::into_inner);
        let left = counter(&mut mischief);
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }

    fn take(&self, path: &str, body: &[u8]) -> Response<Full<Bytes>> {
        let callback = match self.proven(path, body) {
            Ok(callback) => callback,
            Err(wrong) => {
                self.violate(wrong.to_owned());
                return acknowledged("ERR", Some("err.request.bad"));
            }
        };
        if self.took(|knobs| &mut knobs.busy) {
            return acknowledged("ERR", Some("err.service.unavailable"));
        }
        if self.took(|knobs| &mut knobs.refuse) {
            return acknowledged("ERR", Some("err.request.bad"));
        }
        let taken = self.memory.change(|table| table.take(callback.clone()));
        match taken {
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
            Ok(_) if self.took(|knobs| &mut knobs.mumble) => said("<html>"),
            Ok(true) => acknowledged("ACK", None),
            Ok(false) => acknowledged("ERR", Some("rjct.message_id.duplicate")),
        }
    }

    /// A callback whose every part is what the standard demands; or what is wrong with it.
    fn proven(&self, path: &str, body: &[u8]) -> Result<Callback, &'static str> {
        let wanted = PATHS.iter().find(|(known, _)| *known == path);
        let (_, action) = wanted.ok_or("a path that is none of ours")?;
        let (header, message) = proof::read(&self.identity, action, body)?;
        let text = |name: &str| header[name].as_str().unwrap_or_default();
        let is_notice = *action == NOTICE;
        let answers = match *action {
            "on-search" => &message["search_response"],
            "on-subscribe" => &message["subscribe_response"],
            NOTICE => &message["notify_event"],
            // how many were asked for is its header's to say
            "on-unsubscribe" => &Value::Null,
            _ => {
                let status = &message["txnstatus_response"]["txn_status"];
                let lists = [
                    "search_response",
                    "subscribe_response",
                    "subscription_status",
                ];
                let mut lists = lists.into_iter().map(|name| &status[name]);
                lists.find(|list| list.is_array()).unwrap_or(&Value::Null)
            }
        };
        let count = match *action {
            "on-unsubscribe" => header["total_count"].as_u64().unwrap_or_default(),
            _ => answers.as_array().map_or(0, Vec::len) as u64,
        };
        let correlation = message["correlation_id"].as_str().unwrap_or_default();
        let has_status = ["succ", "rjct", "pdng"].contains(&text("status"));
        for (holds, what) in [
            (has_status != is_notice, "status"),
            (count > 0 && header["total_count"] == count, "total_count"),
            (
                is_notice || (1..=99).contains(&correlation.len()),
                "correlation_id",
            ),
        ] {
            if !holds {
                return Err(what);
            }
        }
        Ok(Callback {
            id: text("message_id").to_owned(),
            times: 1,
            header,
            message,
        })
    }
}

impl Table {
    /// False where its id is another callback's.
    fn take(&mut self, callback: Callback) -> bool {
        let transaction = callback.message["transaction_id"].as_str();
        let is_notice = callback.header["action"] == NOTICE;
        if is_notice && !self.notices.contains(&callback.id) {
            self.notices.push(callback.id.clone());
        }
        let is_begun = transaction.is_some_and(|id| self.asked.iter().any(|asked| asked == id));
        if !is_begun && !is_notice {
            self.violations
                .push("told of an exchange that nobody began".to_owned());
            return true;
        }
        match self.callbacks.get_mut(&callback.id) {
            None => drop(self.callbacks.insert(callback.id.clone(), callback)),
            Some(known) if known.message == callback.message => known.times += 1,
            Some(_) => {
                self.violations.push("an id with two messages".to_owned());
                return false;
            }
        }
        true
    }
}

impl Table {
    /// Of the notices: those under a code that nobody gave, and entries that were told in two messages. A notice may overtake the
    /// callback that gives its code, so it is judged when somebody looks.
    fn strange_notices(&self) -> Vec<String> {
        let of_callbacks = |name: &str| -> Vec<&Value> {
            let lists = self.callbacks.values().map(|one| &one.message[name]);
            lists.filter_map(Value::as_array).flatten().collect()
        };
        let responses = of_callbacks("subscribe_response");
        let given: Vec<&str> = responses
            .iter()
            .filter_map(|one| one["subscriptions"].as_array())
            .flatten()
            .filter_map(|one| one["code"].as_str())
            .collect();
        let (mut strange, mut entries) = (Vec::new(), BTreeSet::new());
        for event in of_callbacks("notify_event") {
            let code = event["reference_id"].as_str().unwrap_or_default();
            if !given.contains(&code) {
                strange.push("a notice of no subscription".to_owned());
            }
            let data = &event["data"];
            let entry = (
                data["reg_event_type"].to_string(),
                data["reg_records"][0]["identifier"].to_string(),
            );
            if !entries.insert(entry) {
                strange.push("an entry told in two notices".to_owned());
            }
        }
        strange
    }
}

impl Counterpart for Inbox {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A memory that cannot be written to shows in the next callback.
    fn violate(&self, what: String) {
        let change = |table: &mut Table| table.violations.push(what.clone());
        let _ = self.memory.change(change);
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        if self.took(|knobs| &mut knobs.server_errors) {
            return Some(status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.ok()?;
        let body = body.to_bytes();
        if self.took(|knobs| &mut knobs.echoes) {
            return Some(said(body));
        }
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let is_json = kind.is_some_and(|kind| kind == "application/json");
        let path = parts.uri.path().strip_prefix(BASE);
        let Some(path) = path.filter(|_| parts.method == Method::POST && is_json) else {
            self.violate("a request that is no posted callback".to_owned());
            return Some(status(StatusCode::NOT_FOUND));
        };
        let response = self.take(path, &body);
        match self.took(|knobs| &mut knobs.drop_replies) {
            true => None,
            false => Some(response),
        }
    }
}

fn acknowledged(word: &str, code: Option<&str>) -> Response<Full<Bytes>> {
    acknowledged_as("crvs", word, code)
}

/// The same under this name of the exchange.
pub(super) fn acknowledged_as(
    correlation: &str,
    word: &str,
    code: Option<&str>,
) -> Response<Full<Bytes>> {
    let mut ack = json!({
        "ack_status": word,
        "timestamp": clock::rfc3339(clock::now()),
        "correlation_id": correlation,
    });
    if let Some(code) = code {
        ack["error"] = json!({ "code": code, "message": "no" });
    }
    said(json!({ "message": ack }).to_string())
}

/// A document of JSON.
pub(super) fn said(words: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(words.into()));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const BODY_BYTES_MAX: usize = 1 << 20;
