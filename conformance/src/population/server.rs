//! One question after another: proven, looked up, answered signed.

use std::sync::Arc;

use bytes::Bytes;
use certs::jws::{self, Direction};
use certs::keys::SigningKey;
use certs::tls::PeerCertificate;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::words::{self, Question};
use super::{Asked, Database, PATH, Person};
use crate::call::Trouble;
use crate::clock;
use crate::identity::Identity;
use crate::jws::fresh_id;
use crate::listener::{self, Counterpart, Serving, status};

impl Counterpart for Database {
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
        let _ = self
            .memory
            .change(|book| book.violations.push(what.clone()));
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        if self.took(|knobs| &mut knobs.unavailable) {
            return Some(status(StatusCode::SERVICE_UNAVAILABLE));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX);
        let body = body.collect().await.ok()?.to_bytes();
        let of = |name: &str| {
            let value = parts.headers.get(name);
            value.and_then(|value| value.to_str().ok())
        };
        let xml = of("content-type").is_some_and(|kind| kind.starts_with("text/xml"));
        if parts.method != Method::POST || parts.uri.path() != PATH || !xml {
            self.violate("a request that is no posted question".to_owned());
            return Some(status(StatusCode::BAD_REQUEST));
        }
        let said = self.said(of("x-jws-signature"), &body);
        tokio::time::sleep(self.delay()).await;
        match self.took(|knobs| &mut knobs.drop_replies) {
            true => None,
            false => Some(said),
        }
    }
}

impl Database {
    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    fn said(&self, signature: Option<&str>, body: &[u8]) -> Response<Full<Bytes>> {
        let question = match words::proven(&self.identity, signature, body) {
            Ok(question) => question,
            Err(wrong) => {
                self.violate(wrong);
                return status(StatusCode::BAD_REQUEST);
            }
        };
        match self
            .looked_up(&question)
            .and_then(|found| self.told(&question, found))
        {
            Ok(response) => response,
            Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// Whoever has the number, where name and day are theirs or not: the caller compares.
    fn looked_up(&self, question: &Question) -> Result<Option<Person>, Trouble> {
        let found = self.memory.change(|book| {
            let asked = book
                .asked
                .entry(question.id.clone())
                .or_insert_with(|| Asked {
                    digest: question.digest.clone(),
                    times: 0,
                });
            asked.times += 1;
            if asked.digest != question.digest {
                book.violations
                    .push("an id that was used for another question".to_owned());
            }
            if question.name.trim().is_empty() || question.born.len() != 8 {
                book.violations.push("a question about nobody".to_owned());
            }
            book.people.get(&question.number).cloned()
        });
        Ok(found?)
    }

    fn told(
        &self,
        question: &Question,
        found: Option<Person>,
    ) -> Result<Response<Full<Bytes>>, Trouble> {
        let other = self.took(|knobs| &mut knobs.another_person);
        let number = match other {
            true => SOMEBODY_ELSE,
            false => question.number.as_str(),
        };
        let found = found.as_ref().map(|person| (number, person));
        let mut body = words::answer(&question.id, found);
        if self.took(|knobs| &mut knobs.faults) {
            words::FAULT.clone_into(&mut body);
        }
        if self.took(|knobs| &mut knobs.doctype) {
            body = format!("<!DOCTYPE s [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>{body}");
        }
        if self.took(|knobs| &mut knobs.too_large) {
            body = body.replace("<GhiChu>", &format!("<GhiChu>{}", "x".repeat(TOO_LONG)));
        }
        let signature = self.signed(question, body.as_bytes())?;
        let mut body = body.into_bytes();
        if self.took(|knobs| &mut knobs.flip_a_byte) {
            let at = body.windows(10).position(|some| some == b"<GioiTinh>");
            if let Some(byte) = at.and_then(|at| body.get_mut(at + 10)) {
                *byte ^= 0x03;
            }
        }
        let mut response = Response::new(Full::new(Bytes::from(body)));
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("text/xml; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, kind);
        let value = HeaderValue::from_str(&signature);
        if let (Ok(value), false) = (value, self.took(|knobs| &mut knobs.unsigned)) {
            headers.insert("x-jws-signature", value);
        }
        Ok(response)
    }

    fn signed(&self, question: &Question, body: &[u8]) -> Result<String, Trouble> {
        let failed = |error: &dyn std::fmt::Display| Trouble::Sign(error.to_string());
        let stranger = self.took(|knobs| &mut knobs.another_key);
        let stranger = stranger.then(|| self.stranger()).transpose()?;
        let key = stranger.as_ref().unwrap_or(&self.identity.sign);
        let id = match self.took(|knobs| &mut knobs.another_id) {
            true => "00000000000000000000000000000000-00000000".to_owned(),
            false => question.id.clone(),
        };
        let digest = match self.took(|knobs| &mut knobs.another_digest) {
            true => "0".repeat(64),
            false => question.digest.clone(),
        };
        let header = jws::Header {
            alg: key.algorithm(),
            kid: self.identity.kid.clone(),
            iss: self.identity.partner.to_string(),
            aud: self.identity.receiver.to_string(),
            jti: fresh_id(&self.identity),
            iat: clock::now().as_second(),
            env: self.identity.environment.clone(),
            dir: Direction::Answer,
            op: question.operation.clone(),
            irt: Some(id),
            dig: Some(digest),
        };
        jws::sign(&header, key, body).map_err(|error| failed(&error))
    }

    /// A key that nobody registered for signatures: that of the database's TLS certificate.
    fn stranger(&self) -> Result<SigningKey, Trouble> {
        let failed = |error: &dyn std::fmt::Display| Trouble::Sign(error.to_string());
        let pem =
            std::fs::read(self.identity.folder.join("tls.key")).map_err(|error| failed(&error))?;
        SigningKey::from_pem(&pem, None).map_err(|error| failed(&error))
    }
}

const BODY_BYTES_MAX: usize = 64 << 10;
/// Longer than our bound on an answer, and shorter than the road's.
const TOO_LONG: usize = 100 << 10;
/// A synthetic number that is not asked about.
const SOMEBODY_ELSE: &str = "099226999999";
