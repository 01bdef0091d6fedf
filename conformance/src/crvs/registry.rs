//! The civil registry as the one that is subscribed to: it takes `subscribe` and `unsubscribe`, keeps its own register and its
//! subscriptions, answers by callbacks and tells of what it registers by `notify`. What it registered on some days it says at once
//! (`search`).
//!
//! Its server stands behind mutual TLS for our gateway alone, proves the signature of every message, and judges by the standard what
//! it asks. What it has to say goes out of a queue of its own, which outlives the process, until it is acknowledged or refused; it
//! may be hostile, but stays legal: it loses notices, repeats, turns their order, is late, or says things that nobody asked for.

mod book;
mod outgoing;
mod search;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use book::{Subscription, Told};
pub use search::{Asked, Wrong};

use super::inbox::{BASE, acknowledged_as};
use super::{Crvs, proof};
use crate::call::Trouble;
use crate::identity::Identity;
use crate::listener::{self, Counterpart, Serving, status};
use crate::state::Memory;
use book::Book;
use outgoing::Outgoing;

/// What can be made to go wrong; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many notices are never sent.
    pub lose_notices: u32,
    /// So many messages are sent again under their id, and once more under another.
    pub repeat: u32,
    /// While true the newest goes first.
    pub reorder: bool,
    /// While true nothing goes out.
    pub hold: bool,
    /// So many callbacks go first under the name of an exchange that nobody began.
    pub foreign: u32,
    /// So many go first with a signature that is not theirs.
    pub forge: u32,
    /// So many questions are acknowledged with NACK: no callback comes.
    pub nack: u32,
    /// So many questions are taken and the acknowledgement never sent.
    pub drop_replies: u32,
    /// So many questions are answered with ERR `err.service.unavailable`, and not taken.
    pub busy: u32,
    /// So many wishes are refused, with `rjct.notify_types.invalid`.
    pub refuse: u32,
    /// While true two subscriptions of one kind may stand.
    pub many_of_a_kind: bool,
    /// So many questions of some days are answered with HTTP 429 and `Retry-After`.
    pub throttle: u32,
    /// So many are refused with `rjct.search_criteria.invalid`.
    pub refuse_searches: u32,
    /// What has more records than this is refused with `rjct.search.too_many_records_found`.
    pub most_found: Option<usize>,
    /// Those of this page are answered wrongly, so often.
    pub wrong_page: Option<(Wrong, usize, u32)>,
    /// How long an answer takes.
    pub slow: Duration,
}

/// The simulated registry.
#[derive(Debug)]
pub struct Registry {
    folder: PathBuf,
    identity: Identity,
    desk: Mutex<Arc<Crvs>>,
    memory: Memory<Book>,
    mischief: Mutex<Mischief>,
}

/// A running registry: its server and what sends; dropping it stops both.
#[derive(Debug)]
pub struct Running {
    serving: Option<Serving>,
    sending: JoinHandle<()>,
}

impl Running {
    /// Stops, in the middle of whatever it does.
    pub async fn stop(mut self) {
        self.sending.abort();
        if let Some(serving) = self.serving.take() {
            serving.stop().await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

impl Registry {
    /// Opens the registry's folder; its register outlives the process.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Trouble> {
        Ok(Arc::new(Self {
            identity: Identity::load(folder)?,
            desk: Mutex::new(Arc::new(Crvs::open_beside(folder, None, DESK)?)),
            memory: Memory::open(&folder.join("register.json"), Book::default)?,
            mischief: Mutex::default(),
            folder: folder.to_owned(),
        }))
    }

    /// Serves on a listener and sends what is to be said, until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Running, Trouble> {
        let serving = listener::serve(self, listener)?;
        let this = Arc::clone(self);
        let sending = tokio::spawn(async move {
            loop {
                if !this.send_next().await {
                    tokio::time::sleep(IDLE).await;
                }
            }
        });
        Ok(Running {
            serving: Some(serving),
            sending,
        })
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.knobs());
    }

    /// An event, registered and told to whoever is subscribed to its kind; whether a notice is lost is decided before anything of it
    /// can go out.
    pub fn registers(&self, event: &Value) -> Result<(), Trouble> {
        let is_lost = || self.took(|knobs| &mut knobs.lose_notices);
        self.memory.change(|book| book.register(event, is_lost))?;
        Ok(())
    }

    /// Subscriptions, ended ones too, in the order in which they were begun.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.memory.read(|book| book.subscriptions.clone())
    }

    /// What it has said, and how that was taken, oldest first.
    pub fn told(&self) -> Vec<Told> {
        self.memory.read(|book| book.told.clone())
    }

    /// What the gateway has asked, each with our name for the exchange, in no order.
    pub fn asked(&self) -> Vec<(Value, String)> {
        self.memory.read(Book::asked)
    }

    /// What the gateway has asked of some days, each once, in the order in which it came.
    pub fn searched(&self) -> Vec<Asked> {
        self.memory.read(|book| book.searches.asked().to_vec())
    }

    /// How much it still has to say.
    pub fn waiting(&self) -> usize {
        self.memory.read(|book| book.outgoing.len())
    }

    /// Everything that the gateway said and should not have said, oldest first; never personal data.
    pub fn violations(&self) -> Vec<String> {
        self.memory.read(|book| book.violations.clone())
    }

    fn knobs(&self) -> MutexGuard<'_, Mischief> {
        self.mischief.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn took(&self, counter: fn(&mut Mischief) -> &mut u32) -> bool {
        let mut mischief = self.knobs();
        let left = counter(&mut mischief);
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }

    fn desk(&self) -> Arc<Crvs> {
        Arc::clone(&self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends one thing; false where there is nothing that can go now.
    async fn send_next(&self) -> bool {
        let (hold, reorder) = {
            let knobs = self.knobs();
            (knobs.hold, knobs.reorder)
        };
        let next = self.memory.read(|book| match reorder {
            true => book.outgoing.last().cloned(),
            false => book.outgoing.first().cloned(),
        });
        let Some(next) = next.filter(|_| !hold) else {
            return false;
        };
        if next.is_callback() && self.took(|knobs| &mut knobs.foreign) {
            self.must_be_refused(next.foreign(), false).await;
        }
        if self.took(|knobs| &mut knobs.forge) {
            self.must_be_refused(next.anew(), true).await;
        }
        let Some(answer) = self.say(&next, false).await else {
            return false;
        };
        if self.took(|knobs| &mut knobs.repeat) {
            let again = self.say(&next, false).await;
            if again.as_ref() != Some(&answer) {
                self.violate("the same message is answered otherwise".to_owned());
            }
            // notices are known by what they tell of; a callback is taken once
            let anew = next.anew();
            match next.is_callback() {
                true => self.must_be_refused(anew, false).await,
                false => drop(self.say(&anew, false).await),
            }
        }
        self.memory.change(|book| book.sent(&next, &answer)).is_ok()
    }

    async fn must_be_refused(&self, wrong: Outgoing, forged: bool) {
        let answer = self.say(&wrong, forged).await;
        if answer.is_some_and(|answer| answer == ACK) {
            self.violate("what nobody asked for is acknowledged".to_owned());
        }
    }

    /// `ACK`, `NACK` or the code of a refusal; none where it did not arrive.
    async fn say(&self, one: &Outgoing, forged: bool) -> Option<String> {
        let desk = self.desk();
        let prepared = one.prepare(desk.identity(), forged).ok()?;
        let sent = desk.client().send(prepared.request().ok()?).await;
        let Ok(reply) = sent else {
            // the gateway may stand elsewhere by now
            if let Ok(desk) = Crvs::open_beside(&self.folder, None, DESK) {
                *self.desk.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(desk);
            }
            return None;
        };
        match desk.judge(&prepared, &reply) {
            Ok(answer) => answer.get("ack_status").cloned(),
            Err(Trouble::Fault(_)) if COME_AGAIN.contains(&reply.status) => None,
            Err(Trouble::Fault(fault)) => Some(fault.reason.unwrap_or(fault.code)),
            Err(_) => {
                self.violate("an acknowledgement that is none".to_owned());
                Some("no-acknowledgement".to_owned())
            }
        }
    }

    /// What is wrong with the answer to this page.
    fn wrong(&self, page: usize) -> Option<Wrong> {
        let mut knobs = self.knobs();
        let (wrong, _, left) = knobs
            .wrong_page
            .as_mut()
            .filter(|(_, of, left)| *of == page && *left > 0)?;
        *left -= 1;
        Some(*wrong)
    }

    /// Answers what was registered on some days.
    fn find(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let bad = |wrong: &str| {
            self.violate(wrong.to_owned());
            acknowledged_as("none", "ERR", Some("err.request.bad"))
        };
        let (header, message) = match proof::read(&self.identity, SEARCH, body) {
            Ok(read) => read,
            Err(wrong) => return bad(wrong),
        };
        if self.took(|knobs| &mut knobs.throttle) {
            return search::busy();
        }
        if self.took(|knobs| &mut knobs.busy) {
            return acknowledged_as("none", "ERR", Some("err.service.unavailable"));
        }
        let taken = self.memory.change(|book| book.search(&header, &message));
        let (asked, found) = match taken {
            Err(_) => return status(StatusCode::INTERNAL_SERVER_ERROR),
            Ok(Err(wrong)) => return bad(wrong),
            Ok(Ok(taken)) => taken,
        };
        let most = self.knobs().most_found.unwrap_or(usize::MAX);
        let said = (&asked, &message["search_request"][0]["reference_id"]);
        let answer = if self.took(|knobs| &mut knobs.refuse_searches) {
            search::refused(&self.identity, said, "rjct.search_criteria.invalid")
        } else if found.len() > most {
            let code = "rjct.search.too_many_records_found";
            search::refused(&self.identity, said, code)
        } else {
            search::answer(&self.identity, said, &found, self.wrong(asked.page))
        };
        answer.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn take(&self, path: &str, body: &[u8]) -> Response<Full<Bytes>> {
        let asked = PATHS.iter().find(|(known, _)| *known == path);
        let Some((_, action)) = asked else {
            self.violate("a path that is none of ours".to_owned());
            return status(StatusCode::NOT_FOUND);
        };
        let (header, message) = match proof::read(&self.identity, action, body) {
            Ok(read) => read,
            Err(wrong) => {
                self.violate(wrong.to_owned());
                return acknowledged_as("none", "ERR", Some("err.request.bad"));
            }
        };
        if self.took(|knobs| &mut knobs.busy) {
            return acknowledged_as("none", "ERR", Some("err.service.unavailable"));
        }
        if self.took(|knobs| &mut knobs.nack) {
            let code = Some("rjct.notify_types.invalid");
            return acknowledged_as("none", "NACK", code);
        }
        let terms = book::Terms {
            refuses: *action == SUBSCRIBE && self.took(|knobs| &mut knobs.refuse),
            many: self.knobs().many_of_a_kind,
        };
        let taken = self
            .memory
            .change(|book| book.take(action, &header, &message, terms));
        match taken {
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
            Ok(Err(wrong)) => {
                self.violate(wrong.to_owned());
                acknowledged_as("none", "ERR", Some("err.request.bad"))
            }
            Ok(Ok(correlation)) => acknowledged_as(&correlation, ACK, None),
        }
    }
}

impl Counterpart for Registry {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A memory that cannot be written to shows in the next message.
    fn violate(&self, what: String) {
        let _ = self
            .memory
            .change(|book| book.violations.push(what.clone()));
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.ok()?;
        let path = parts.uri.path().strip_prefix(BASE);
        let Some(path) = path.filter(|_| parts.method == Method::POST) else {
            self.violate("a request that is no posted message".to_owned());
            return Some(status(StatusCode::NOT_FOUND));
        };
        let response = match path {
            SYNC_SEARCH => {
                let slow = self.knobs().slow;
                tokio::time::sleep(slow).await;
                self.find(&body.to_bytes())
            }
            _ => self.take(path, &body.to_bytes()),
        };
        match self.took(|knobs| &mut knobs.drop_replies) {
            true => None,
            false => Some(response),
        }
    }
}

const SUBSCRIBE: &str = "subscribe";
const UNSUBSCRIBE: &str = "unsubscribe";
const SEARCH: &str = "search";
/// Where it is asked and answers at once.
const SYNC_SEARCH: &str = "/registry/sync/search";
/// The standard's paths, and the action that each takes.
const PATHS: [(&str, &str); 2] = [
    ("/registry/subscribe", SUBSCRIBE),
    ("/registry/unsubscribe", UNSUBSCRIBE),
];
const ACK: &str = "ACK";
/// Statuses of a gateway that is to be told again.
const COME_AGAIN: [u16; 4] = [429, 500, 503, 504];
const DESK: &str = "registry.json";
const BODY_BYTES_MAX: usize = 1 << 20;
const IDLE: Duration = Duration::from_millis(20);
