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
use super::month::Bend;
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
        let most = match parts.method {
            Method::PUT => CHUNK_BYTES_MAX,
            _ => BODY_BYTES_MAX,
        };
        let body = Limited::new(body, most);
        let body = body.collect().await.ok()?.to_bytes();
        if parts.method == Method::PUT {
            let accepted = parts.headers.get(header::ACCEPT);
            let in_json = accepted.is_some_and(|kind| kind == "application/json");
            let said = self.chunk(parts.uri.path(), in_json, &body);
            return match self.took(|knobs| &mut knobs.drop_replies) {
                true => None,
                false => Some(said),
            };
        }
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
        match self.told(&question) {
            Ok(body) => self.reply(&question, body, false),
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// An answer in either form, signed and bound; or the page that was told before, where that is wanted.
    fn reply(&self, question: &Question, body: String, is_json: bool) -> Response<Full<Bytes>> {
        let of_page = matches!(&question.asked, Ok(Said::Result(asked)) if asked.page > 0);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let again = last
            .clone()
            .filter(|_| of_page && self.took(|knobs| &mut knobs.repeat_page));
        let signed = match (again, is_json) {
            (Some(again), _) => Ok(again),
            (None, true) => self
                .signed_json(question, body)
                .map(|(body, signature)| (body, Some(signature))),
            (None, false) => self.signed(question, body).map(|mut document| {
                let least = self.knobs(|mischief| mischief.at_least_bytes);
                document.resize(document.len().max(least), b' ');
                (document, None)
            }),
        };
        let Ok((body, signature)) = signed else {
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        };
        *last = Some((body.clone(), signature.clone()));
        match is_json {
            true => in_json(StatusCode::OK, body, signature),
            false => xml(StatusCode::OK, body),
        }
    }

    /// A chunk by its path: proven by what its manifest announces of it, and receipted bound to its ticket.
    fn chunk(&self, path: &str, is_json: bool, bytes: &[u8]) -> Response<Full<Bytes>> {
        let parts = path.strip_prefix("/taxpayer/v1/manifests/");
        let parts = parts.and_then(|rest| rest.split_once("/chunks/"));
        let parts = parts.and_then(|(manifest, number)| Some((manifest, number.parse().ok()?)));
        let Some((manifest, number)) = parts else {
            self.violate("a chunk of no manifest".to_owned());
            return status(StatusCode::NOT_FOUND);
        };
        let (length, digest) = (bytes.len(), certs::digest::sha256_hex(bytes));
        let us = self.identity.receiver.as_str();
        let ticket = format!(
            r#"{{"bytes":{length},"chunk":{number},"manifest":"{manifest}","sender":"{us}","sha256":"{digest}"}}"#
        );
        let operation = "taxpayer.reconcile-chunk";
        let digest = certs::digest::content_digest(
            operation,
            us,
            self.identity.partner.as_str(),
            ticket.as_bytes(),
        );
        let question = Question {
            id: format!("{manifest}.{number}"),
            operation: operation.to_owned(),
            digest: hex::encode(digest),
            sent_at: None,
            asked: Ok(Said::Chunk),
        };
        let body = match self.take(manifest, number, bytes) {
            Ok(chunk) => {
                let more = u64::from(self.took(|knobs| &mut knobs.another_receipt));
                words::chunk_receipt(manifest, number, chunk.records + more, chunk.amount)
            }
            Err(wrong) => {
                self.violate(format!("{} at {}", wrong.1, wrong.2));
                words::fault(wrong)
            }
        };
        self.reply(&question, body, is_json)
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
        match self.told(&question) {
            Ok(body) => self.reply(&question, body, true),
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn signed_json(&self, question: &Question, body: String) -> Result<(Vec<u8>, String), Trouble> {
        let binding = self.binding(question);
        let body = self.bent(question, body);
        let stranger = self.took(|knobs| &mut knobs.another_key);
        let key = stranger.then(|| self.stranger()).transpose()?;
        let key = key.as_ref().unwrap_or(&self.identity.sign);
        let (mut body, signature) = json::signed(&self.identity, question, &binding, key, &body)?;
        if self.took(|knobs| &mut knobs.flip_a_byte)
            && let Some(byte) = body.get_mut(2)
        {
            *byte ^= 0x20;
        }
        Ok((body, signature))
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
        if let Ok(Said::Result(asked)) = &question.asked {
            return self.result(question, &asked.manifest, asked.page);
        }
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
                Said::Sent(manifest, month) => {
                    let chunks = month.chunks.len();
                    book.ours.insert(manifest.clone(), (**month).clone());
                    words::manifest_receipt(manifest, chunks)
                }
                // neither comes here
                Said::Result(_) | Said::Chunk => {
                    return Err((FaultCode::Invalid, "operation-unlike-body", "Operation"));
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

    /// How far a month is, or a page of what was found in it; it is compared when it was asked about for long enough.
    fn result(&self, question: &Question, manifest: &str, page: usize) -> Result<String, Trouble> {
        let waits = self.took(|knobs| &mut knobs.compare_polls);
        let found = if waits { None } else { self.compare(manifest) };
        let (bend, size) = self.knobs(|knobs| {
            let bend = Bend {
                found: knobs.misstate_found,
                summary: knobs.misstate_summary,
                count: knobs.misstate_count,
            };
            (bend, knobs.page_findings)
        });
        let size = if size == 0 { PAGE_FINDINGS } else { size };
        let told = self.memory.change(|book| {
            let asked = book.answered.entry(question.id.clone());
            asked
                .and_modify(|known| known.times += 1)
                .or_insert_with(|| Answered {
                    digest: question.digest.clone(),
                    body: String::new(),
                    times: 1,
                });
            let Some(month) = book.ours.get_mut(manifest) else {
                return words::fault((FaultCode::UnknownSubject, "manifest-unknown", "Manifest"));
            };
            month.polls += u32::from(month.found.is_none());
            if month.found.is_none() {
                month.found = found;
            }
            month.pages += u32::from(page > 0);
            month.page(manifest, page, size, bend)
        })?;
        Ok(told)
    }

    /// A page that is not the one it should be, where that is wanted.
    fn bent_page(&self, manifest: &str, page: usize, body: String) -> String {
        let mut body = body;
        if self.took(|knobs| &mut knobs.another_chain)
            && let Some(at) = body.find("<Chain>")
        {
            let to = at + "<Chain>".len();
            body.replace_range(to..to + 64, &"ab".repeat(32));
        }
        if self.took(|knobs| &mut knobs.another_page) {
            let (this, next) = (format!("<Page>{page}<"), format!("<Page>{}<", page + 1));
            body = body.replace(&this, &next);
        }
        if self.took(|knobs| &mut knobs.another_manifest) {
            body = body.replace(manifest, &format!("{manifest}-x"));
        }
        if self.took(|knobs| &mut knobs.too_many_findings)
            && let (Some(from), Some(to)) = (body.find("<Finding>"), body.rfind("<Chain>"))
        {
            let one = body.get(from..to).unwrap_or_default().to_owned();
            body.insert_str(to, &one.repeat(PAGE_FINDINGS));
        }
        body
    }

    fn signed(&self, question: &Question, body: String) -> Result<Vec<u8>, Trouble> {
        let binding = self.binding(question);
        let body = self.bent(question, body);
        let stranger = self.took(|knobs| &mut knobs.another_key);
        let key = stranger.then(|| self.stranger()).transpose()?;
        let key = key.as_ref().unwrap_or(&self.identity.sign);
        let mut document = words::signed(&self.identity, question, &binding, key, &body)?;
        if self.took(|knobs| &mut knobs.flip_a_byte) {
            let of = |name: &[u8]| {
                let at = document.windows(name.len()).position(|some| some == name);
                at.map(|at| at + name.len())
            };
            let at = of(b"<Result>").or_else(|| of(b"<State>"));
            if let Some(byte) = at.and_then(|at| document.get_mut(at)) {
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
        if let Ok(Said::Result(asked)) = &question.asked
            && asked.page > 0
        {
            return self.bent_page(&asked.manifest, asked.page, body);
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
const CHUNK_BYTES_MAX: usize = 16 << 20;
const PAGE_FINDINGS: usize = 500;
/// A synthetic tax code whose check digit holds.
const SOMEBODY_ELSE: &str = "9900000016";
