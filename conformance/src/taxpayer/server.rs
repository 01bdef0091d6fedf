//! One call after another: proven, answered once by its id, signed.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use certs::keys::SigningKey;
use certs::tls::PeerCertificate;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use schemas::fault::FaultCode;
use tokio::net::TcpListener;

use super::json;
use super::notice::{Notice, PersonTold};
use super::question::{Asked, Question, Said, Wrong, proven};
use super::words::{self, Binding};
use super::{Answered, Book, Mischief, PATH, Register};
use crate::call::Trouble;
use crate::clock;
use crate::identity::Identity;
use crate::listener::{self, Counterpart, Serving, status};

impl Counterpart for Register {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn admits(&self, peer: &PeerCertificate) -> bool {
        let carrier = self.carrier.get().map(|carrier| {
            let environment = &self.identity.environment;
            format!("urn:lienthong:{environment}:partner:{carrier}")
        });
        let mut known = carrier.into_iter().chain([self.identity.gateway_urn()]);
        known.any(|urn| peer.san_uris.contains(&urn))
    }

    /// A memory that cannot be written to shows in the next question.
    fn violate(&self, what: String) {
        let _ = self.memory.change(|book| book.violations.push(what));
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let delay = self.knobs(|mischief| mischief.delay);
        let within = within(&request);
        *self.within.lock().unwrap_or_else(PoisonError::into_inner) = within;
        if within.is_some_and(|within| within < delay) {
            // nobody waits any more by then
            return None;
        }
        tokio::time::sleep(delay).await;
        if self.took(|knobs| &mut knobs.server_errors) {
            return Some(status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX);
        let body = body.collect().await.ok()?.to_bytes();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let is = |media: &[u8]| kind.is_some_and(|kind| kind.as_bytes().starts_with(media));
        let (xml, json) = (is(b"application/xml"), is(b"application/json"));
        let well_formed = parts.method == Method::POST && parts.uri.path() == PATH;
        if !well_formed || !(xml || json) {
            self.violate("a request that is no posted message".to_owned());
            return Some(status(StatusCode::BAD_REQUEST));
        }
        let said = match json {
            true => self.said_in_json(&parts.headers, &body),
            false => self.said(&body),
        };
        match self.took(|knobs| &mut knobs.drop_replies) {
            true => None,
            false => Some(said),
        }
    }
}

impl Book {
    /// Keeps a notice once, and says when.
    fn keep(&mut self, id: &str, notice: &Notice) -> String {
        let received_at = clock::rfc3339(clock::now());
        let kept = Notice {
            received_at: received_at.clone(),
            nth: self.notices.values().map(|one| one.nth).max().unwrap_or(0) + 1,
            ..notice.clone()
        };
        self.notices.insert(id.to_owned(), kept);
        words::receipt("ChangeNoticeReceipt", &received_at)
    }
}

impl Book {
    /// Keeps what was corrected of a person once, and says when.
    fn keep_person(&mut self, id: &str, told: &PersonTold) -> String {
        let kept = PersonTold {
            nth: self.persons.len() + 1,
            ..told.clone()
        };
        self.persons.insert(id.to_owned(), kept);
        words::receipt("PersonNoticeReceipt", &clock::rfc3339(clock::now()))
    }
}

impl Register {
    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    fn said(&self, document: &[u8]) -> Response<Full<Bytes>> {
        let question = match proven(&self.identity, document) {
            Ok(question) => question,
            Err(wrong) => {
                self.violate(format!("{} at {}", wrong.1, wrong.2));
                let fault = words::lone_fault(wrong).into_bytes();
                return xml(StatusCode::BAD_REQUEST, fault);
            }
        };
        let told = self
            .told(&question)
            .and_then(|body| self.signed(&question, body));
        match told {
            Ok(mut document) => {
                let least = self.knobs(|mischief| mischief.at_least_bytes);
                document.resize(document.len().max(least), b' ');
                xml(StatusCode::OK, document)
            }
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The same in JSON: the answer's signature stands beside it.
    fn said_in_json(&self, headers: &HeaderMap, body: &[u8]) -> Response<Full<Bytes>> {
        let detached = headers.get("x-jws-signature");
        let detached = detached.and_then(|value| value.to_str().ok());
        let question = match json::proven(&self.identity, detached, body) {
            Ok(question) => question,
            Err(wrong) => {
                self.violate(format!("{} at {}", wrong.1, wrong.2));
                let fault = json::spelled(&words::fault(wrong)).unwrap_or_default();
                return in_json(StatusCode::BAD_REQUEST, fault, None);
            }
        };
        let told = self.told(&question).and_then(|body| {
            let binding = self.binding(&question);
            let body = self.bent(&question, body);
            let stranger = self.took(|knobs| &mut knobs.another_key);
            let key = stranger.then(|| self.stranger()).transpose()?;
            let key = key.as_ref().unwrap_or(&self.identity.sign);
            let (mut body, signature) =
                json::signed(&self.identity, &question, &binding, key, &body)?;
            if self.took(|knobs| &mut knobs.flip_a_byte)
                && let Some(byte) = body.get_mut(2)
            {
                *byte ^= 0x20;
            }
            Ok((body, signature))
        });
        match told {
            Ok((body, signature)) => in_json(StatusCode::OK, body, Some(signature)),
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// What an answer is bound to: the question, or another where that is wanted.
    fn binding(&self, question: &Question) -> Binding {
        let mut binding = Binding {
            id: question.id.clone(),
            digest: question.digest.clone(),
        };
        if self.took(|knobs| &mut knobs.another_id) {
            binding.id = format!("{}-x", question.id);
        }
        if self.took(|knobs| &mut knobs.another_digest) {
            binding.digest = "ab".repeat(32);
        }
        binding
    }

    /// The body of the answer: of a question that is known, the one that it had.
    fn told(&self, question: &Question) -> Result<String, Trouble> {
        let truth = self.knows(Clone::clone);
        let told = matches!(question.asked, Ok(Said::Notice(_)));
        let refuses = told && self.took(|knobs| &mut knobs.refuse_notices);
        let told = self.memory.change(|book| {
            if let Some(known) = book.answered.get_mut(&question.id) {
                known.times += 1;
                return match known.digest == question.digest {
                    true => Ok(known.body.clone()),
                    false => Err((FaultCode::Conflict, "same-id-other-content", "MessageId")),
                };
            }
            if !question.is_fresh() {
                return Err((FaultCode::Stale, "sent-at", "SentAt"));
            }
            let said = question.asked.as_ref().map_err(|wrong: &Wrong| *wrong)?;
            if matches!(said, Said::Notice(_)) && refuses {
                return Err((FaultCode::RuleRefused, "not-wanted", "ChangeNotice"));
            }
            let body = match said {
                Said::Asked(asked) => words::body(&truth, &question.operation, asked),
                Said::Many(operation, asked) => words::many(&truth, operation, asked),
                Said::Notice(notice) => book.keep(&question.id, notice),
                Said::Person(told) => book.keep_person(&question.id, told),
                Said::LookUp(asked) => {
                    let held = |id: &String| {
                        book.notices.contains_key(id) || book.persons.contains_key(id)
                    };
                    words::looked_up(asked, held, &book.sent)
                }
                Said::Resend(named) => {
                    if named.iter().any(|id| !book.sent.contains_key(id)) {
                        return Err((FaultCode::UnknownSubject, "unknown-notice", "Notice"));
                    }
                    book.wanted.extend(named.iter().cloned());
                    words::receipt("ResendNoticesReceipt", &clock::rfc3339(clock::now()))
                }
                Said::Month(wanted) => {
                    book.months.push(wanted.clone());
                    words::receipt("RequestMonthReceipt", &clock::rfc3339(clock::now()))
                }
            };
            let answered = Answered {
                digest: question.digest.clone(),
                body: body.clone(),
                times: 1,
            };
            book.answered.insert(question.id.clone(), answered);
            Ok(body)
        })?;
        Ok(told.unwrap_or_else(|wrong| {
            self.violate(format!("{} at {}", wrong.1, wrong.2));
            words::fault(wrong)
        }))
    }

    fn signed(&self, question: &Question, body: String) -> Result<Vec<u8>, Trouble> {
        let binding = self.binding(question);
        let body = self.bent(question, body);
        let stranger = self.took(|knobs| &mut knobs.another_key);
        let key = stranger.then(|| self.stranger()).transpose()?;
        let key = key.as_ref().unwrap_or(&self.identity.sign);
        let mut document = words::signed(&self.identity, question, &binding, key, &body)?;
        if self.took(|knobs| &mut knobs.flip_a_byte) {
            let at = document.windows(8).position(|some| some == b"<Result>");
            if let Some(byte) = at.and_then(|at| document.get_mut(at + 8)) {
                *byte ^= 0x20;
            }
        }
        Ok(document)
    }

    /// An answer about somebody else, or that tells more than was asked for, where that is wanted.
    fn bent(&self, question: &Question, body: String) -> String {
        if let Ok(Said::Many(operation, asked)) = &question.asked {
            return self.bent_lines(operation, asked, body);
        }
        let Ok(Said::Asked(asked)) = &question.asked else {
            return body;
        };
        let body = match self.took(|knobs| &mut knobs.another_subject) {
            true => body.replace(&asked.mst, SOMEBODY_ELSE),
            false => body,
        };
        match self.took(|knobs| &mut knobs.tell_more) {
            true => {
                let mut all = asked.clone();
                all.fields = ["status", "name", "address", "headcount", "incomePaid"]
                    .map(str::to_owned)
                    .into();
                self.knows(|truth| words::body(truth, &question.operation, &all))
            }
            false => body,
        }
    }

    /// The lines in another order, one short, or one of them telling more, where that is wanted.
    fn bent_lines(&self, operation: &str, asked: &[Asked], body: String) -> String {
        let mut bent = asked.to_vec();
        if self.took(|knobs| &mut knobs.swap_lines) {
            bent.reverse();
        }
        if self.took(|knobs| &mut knobs.lose_a_line) {
            bent.pop();
        }
        if self.took(|knobs| &mut knobs.tell_more)
            && let Some(last) = bent.last_mut()
        {
            last.fields = ["status", "name", "headcount", "incomePaid"]
                .map(str::to_owned)
                .into();
        }
        match bent == asked {
            true => body,
            false => self.knows(|truth| words::many(truth, operation, &bent)),
        }
    }

    /// A key that nobody registered for signatures: that of the department's TLS certificate.
    fn stranger(&self) -> Result<SigningKey, Trouble> {
        let failed = |error: &dyn std::fmt::Display| Trouble::Sign(error.to_string());
        let pem =
            std::fs::read(self.identity.folder.join("tls.key")).map_err(|error| failed(&error))?;
        SigningKey::from_pem(&pem, None).map_err(|error| failed(&error))
    }

    fn took(&self, counter: fn(&mut Mischief) -> &mut u32) -> bool {
        self.knobs(|mischief| mischief.take(counter))
    }
}

/// How long the caller says that it waits.
fn within(request: &Request<Incoming>) -> Option<Duration> {
    let millis = request.headers().get("lienthong-timeout-ms")?;
    millis
        .to_str()
        .ok()?
        .parse()
        .ok()
        .map(Duration::from_millis)
}

fn xml(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn in_json(status: StatusCode, body: Vec<u8>, signature: Option<String>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, kind);
    if let Some(value) = signature.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert("x-jws-signature", value);
    }
    response
}

const BODY_BYTES_MAX: usize = 1 << 20;
/// A synthetic tax code whose check digit holds.
const SOMEBODY_ELSE: &str = "9900000016";
