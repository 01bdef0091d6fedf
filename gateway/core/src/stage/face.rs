//! The outermost layer and the one place where faults become answers: in the partner's words,
//! signed where there is something to bind them to. Security servers hear them in X-Road's words.

pub(super) mod xroad;

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use schemas::fault::{Fault, FaultCode};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use super::Parts;
use crate::{
    adapter::{Adapter, AnswerHead, Face, Unsigned},
    head::{Arrival, Evidence},
    limits::Standing,
    ports::StoredAnswer,
    refusal::Refusal,
    sign::{SignError, Signed},
    state::Committed,
};
use xroad::Spoken;

/// The header that names the message in our journal.
pub const EVIDENCE: HeaderName = HeaderName::from_static("lienthong-evidence");
/// The header that names the fault.
pub const FAULT: HeaderName = HeaderName::from_static("lienthong-fault");
/// The header that carries the detached signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-jws-signature");

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What may be written to a connection: a committed answer or a faced fault. Made only here.
#[derive(Debug)]
pub struct Reply(Response<Full<Bytes>>);

impl Reply {
    /// The HTTP response.
    #[must_use]
    pub fn into_response(self) -> Response<Full<Bytes>> {
        self.0
    }
}

/// Makes [`FaceService`].
#[derive(Debug)]
pub struct FaceLayer<A> {
    /// What the rooms share.
    pub parts: Parts,
    /// The words.
    pub adapter: Arc<A>,
}

impl<A> Clone for FaceLayer<A> {
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
            adapter: Arc::clone(&self.adapter),
        }
    }
}

impl<S, A> Layer<S> for FaceLayer<A> {
    type Service = FaceService<S, A>;

    fn layer(&self, inner: S) -> FaceService<S, A> {
        FaceService {
            inner,
            room: self.clone(),
        }
    }
}

/// Turns every end of a message into a reply.
#[derive(Debug)]
pub struct FaceService<S, A> {
    inner: S,
    room: FaceLayer<A>,
}

impl<S: Clone, A> Clone for FaceService<S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            room: self.room.clone(),
        }
    }
}

impl<S, A> Service<Arrival> for FaceService<S, A>
where
    S: Service<Arrival, Response = Committed, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send,
    A: Adapter,
{
    type Response = Reply;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Reply, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, arrival: Arrival) -> Self::Future {
        let peer = arrival.peer.partner().clone();
        let spoken = match self.room.adapter.is_soap() {
            true => Spoken::soap(&peer, &self.room.parts),
            false => Spoken::of(&arrival, &self.room.parts),
        };
        // readiness is asked for on the clone that is called
        let passage = self.inner.clone().oneshot(arrival);
        let this = self.room.clone();
        Box::pin(async move {
            Ok(match passage.await {
                Ok(committed) => {
                    let mut response = answered(committed.answer);
                    spoken
                        .iter()
                        .for_each(|spoken| spoken.answer(&mut response));
                    Reply(response)
                }
                Err(refusal) => this.refused(&refusal, peer.as_str(), spoken.as_ref()).await,
            })
        })
    }
}

impl<A: Adapter> FaceLayer<A> {
    async fn refused(&self, refusal: &Refusal, peer: &str, spoken: Option<&Spoken>) -> Reply {
        let row = refusal.fault.code().row();
        self.parts.sight.refused(refusal.room, peer, row.code);
        tell(refusal, peer);
        let head = refusal.binding.as_deref();
        let face = self.face(refusal, head, spoken);
        let status = face.status.unwrap_or(row.http);
        let Some(head) = head else {
            let said = unsigned(face.content_type, face.unsigned);
            return Reply(faced(refusal, status, said, spoken));
        };
        let signer = self.parts.signer.load_full();
        let until = Instant::now() + SIGNING;
        match signer.sign(face.unsigned, head, until).await {
            Ok(said) => Reply(faced(refusal, status, said, spoken)),
            Err(error) => self.unsigned_instead(refusal, &error, peer, spoken),
        }
    }

    fn face(&self, refusal: &Refusal, head: Option<&AnswerHead>, spoken: Option<&Spoken>) -> Face {
        match spoken {
            Some(spoken) => spoken.face(&refusal.fault, refusal.evidence, head.is_some()),
            None => self.adapter.face(&refusal.fault, refusal.evidence, head),
        }
    }

    /// What should be signed and cannot be does not leave: instead the caller hears, without a
    /// signature, that there is none to be had now.
    fn unsigned_instead(
        &self,
        refusal: &Refusal,
        error: &SignError,
        peer: &str,
        spoken: Option<&Spoken>,
    ) -> Reply {
        let instead = Refusal::of("face", refusal.evidence, error.fault());
        tell(&instead, peer);
        let row = instead.fault.code().row();
        self.parts.sight.refused(instead.room, peer, row.code);
        let face = self.face(&instead, None, spoken);
        let status = face.status.unwrap_or(row.http);
        let said = unsigned(face.content_type, face.unsigned);
        Reply(faced(&instead, status, said, spoken))
    }
}

/// How long a fault waits for its signature.
const SIGNING: Duration = Duration::from_secs(1);

/// One line in the log for a refusal: codes and ids only.
fn tell(refusal: &Refusal, peer: &str) {
    let fault = &refusal.fault;
    tracing::info!(
        evidence = %refusal.evidence,
        room = refusal.room,
        peer,
        code = fault.code().row().code,
        reason = fault.reason(),
        field = fault.wrong_field(),
        note = fault.note(),
        "refused"
    );
}

fn unsigned(content_type: &'static str, unsigned: Unsigned) -> Signed {
    let body = match unsigned {
        Unsigned::Xml { canonical, .. } => canonical,
        Unsigned::Json(body) | Unsigned::Soap(body) => body,
        Unsigned::Dci { header, message } => Unsigned::dci_body(&header, &message, None),
    };
    Signed {
        content_type,
        body,
        signature: None,
    }
}

fn answered(answer: StoredAnswer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = status(answer.status);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, text(&answer.content_type));
    headers.insert(EVIDENCE, text(&answer.evidence.to_string()));
    if let Some(signature) = &answer.signature {
        headers.insert(SIGNATURE, text(signature));
    }
    if let Some(code) = &answer.fault {
        headers.insert(FAULT, text(code));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static("vi, en"));
    }
    response
}

fn faced(
    refusal: &Refusal,
    status_code: u16,
    said: Signed,
    spoken: Option<&Spoken>,
) -> Response<Full<Bytes>> {
    let row = refusal.fault.code().row();
    let mut response = answered(StoredAnswer {
        evidence: refusal.evidence,
        status: status_code,
        content_type: said.content_type.to_owned(),
        signature: said.signature,
        fault: Some(row.code.to_owned()),
        body: Bytes::from(said.body),
    });
    if let Some(spoken) = spoken {
        spoken.error(&refusal.fault, &mut response);
    }
    let headers = response.headers_mut();
    if let Some(wait) = refusal.fault.wait() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    if let Some(standing) = &refusal.rate {
        headers.extend(rate_headers(**standing));
    }
    if refusal.fault.code() == FaultCode::TokenRefused {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer error=\"invalid_token\""),
        );
    }
    if must_close(refusal.fault.code()) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// After an ambiguous or unread request nobody knows where the next one starts.
fn must_close(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::Framing | FaultCode::TooLarge | FaultCode::TooSlow | FaultCode::Draining
    )
}

fn rate_headers(standing: Standing) -> [(HeaderName, HeaderValue); 3] {
    [
        (LIMIT, HeaderValue::from(u64::from(standing.limit))),
        (REMAINING, HeaderValue::from(u64::from(standing.remaining))),
        (RESET, HeaderValue::from(whole_seconds(standing.reset))),
    ]
}

/// Rounded up: a caller that waits this long is not told to wait again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The reply to a request for a path that no system has: problem details (RFC 9457), unsigned.
#[must_use]
pub fn unknown_route(evidence: Evidence) -> Reply {
    let fault = Fault::new(FaultCode::UnknownRoute, "route");
    Reply(as_problem(&Refusal::of("admit", evidence, fault), None))
}

/// A document that every registered peer may read.
pub(super) fn shown(evidence: Evidence, document: Bytes) -> Reply {
    let mut response = Response::new(Full::new(document));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Ok(evidence) = HeaderValue::from_str(&evidence.to_string()) {
        headers.insert(EVIDENCE, evidence);
    }
    Reply(response)
}

/// A refusal that belongs to no system's words: told, counted and said as problem details.
pub(super) fn problem(
    refusal: &Refusal,
    peer: &str,
    parts: &Parts,
    spoken: Option<&Spoken>,
) -> Reply {
    let code = refusal.fault.code().row().code;
    parts.sight.refused(refusal.room, peer, code);
    tell(refusal, peer);
    Reply(as_problem(refusal, spoken))
}

/// A refusal beside the rooms, in the partner's words.
pub(super) fn refused_aside(refusal: &Refusal, peer: &str, parts: &Parts, body: Vec<u8>) -> Reply {
    let row = refusal.fault.code().row();
    parts.sight.refused(refusal.room, peer, row.code);
    tell(refusal, peer);
    let said = Signed {
        content_type: "application/json",
        body,
        signature: None,
    };
    Reply(faced(refusal, row.http, said, None))
}

fn as_problem(refusal: &Refusal, spoken: Option<&Spoken>) -> Response<Full<Bytes>> {
    let said = match spoken {
        Some(spoken) => {
            let face = spoken.face(&refusal.fault, refusal.evidence, false);
            unsigned(face.content_type, face.unsigned)
        }
        None => Signed {
            content_type: "application/problem+json",
            body: schemas::fault::problem(&refusal.fault, &refusal.evidence.to_string()),
            signature: None,
        },
    };
    faced(refusal, refusal.fault.code().row().http, said, spoken)
}
