//! Room 3: the whole body, bounded in size and time, and what its envelope claims. Trusts nothing.

mod bulky;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::header;
use http_body_util::BodyExt;
use schemas::fault::{Fault, FaultCode};
use tower::{Layer, Service};
use tracing::Instrument;

use super::{Parts, Place, room::Room};
use crate::{
    adapter::{Adapter, SignatureForm},
    attest::Attested,
    head::{Body, BodyError, Head},
    refusal::Refusal,
    state::{Admitted, Committed, Received},
};
use bulky::Bulky;

/// Makes [`Receive`].
#[derive(Debug)]
pub struct ReceiveLayer<A> {
    /// What the rooms share.
    pub parts: Parts,
    /// The words.
    pub adapter: Arc<A>,
}

impl<A> Clone for ReceiveLayer<A> {
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
            adapter: Arc::clone(&self.adapter),
        }
    }
}

impl<S, A> Layer<S> for ReceiveLayer<A> {
    type Service = Receive<S, A>;

    fn layer(&self, inner: S) -> Receive<S, A> {
        Receive {
            inner,
            room: self.clone(),
        }
    }
}

/// The receive room.
#[derive(Debug)]
pub struct Receive<S, A> {
    inner: S,
    room: ReceiveLayer<A>,
}

impl<S: Clone, A> Clone for Receive<S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            room: self.room.clone(),
        }
    }
}

impl<S, A> Service<Admitted> for Receive<S, A>
where
    S: Service<Received, Response = Committed, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send,
    A: Adapter,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, admitted: Admitted) -> Self::Future {
        // The ready service goes into the future; the clone stays behind.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let this = self.room.clone();
        Box::pin(async move {
            let room = Room::enter(
                "receive",
                admitted.route.path,
                admitted.head.evidence,
                &this.parts.sight,
            );
            let span = room.span.clone();
            let received = this.receive(admitted).instrument(span).await;
            inner.call(room.leave(received)?).await
        })
    }
}

impl<A: Adapter> ReceiveLayer<A> {
    async fn receive(&self, admitted: Admitted) -> Result<Received, Refusal> {
        let Admitted {
            mut head,
            route,
            body,
            body_by,
            body_bytes_max,
        } = admitted;
        head.passing.partners = Some(self.parts.partners.load_full());
        let refuse = |fault| Refusal::new("receive", &head, fault);
        if let Some(operation) = route.bulk {
            let room = Bulky {
                parts: &self.parts,
                head: &head,
                route,
                operation,
            };
            let arriving = room.receive(body, body_bytes_max);
            let (body, envelope) = tokio::time::timeout_at(body_by, arriving)
                .await
                .unwrap_or_else(|_| Err(Fault::new(FaultCode::TooSlow, "body")))
                .map_err(refuse)?;
            return Ok(Received {
                head,
                route,
                body,
                envelope,
            });
        }
        announced_size(&head.headers, body_bytes_max).map_err(refuse)?;
        let reading = read(body, body_bytes_max, head.passing.place.as_deref());
        let body = tokio::time::timeout_at(body_by, reading)
            .await
            .unwrap_or_else(|_| Err(Fault::new(FaultCode::TooSlow, "body")))
            .map_err(refuse)?;
        if self.adapter.is_soap() && head.passing.attested.is_none() {
            let attested = self.attested(&head, &body).map_err(refuse)?;
            head.passing.attested = Some(Arc::new(attested));
        }
        let refuse = |fault| Refusal::new("receive", &head, fault);
        let envelope = self.adapter.envelope(&head, &body).map_err(refuse)?;
        let body = match &envelope.signature {
            // what came with a secret in it goes no further
            SignatureForm::Login { kept, .. } => kept.clone(),
            // nor what nobody has a use for
            SignatureForm::Record(said) => said.body.clone().unwrap_or(body),
            _ => body,
        };
        Ok(Received {
            head,
            route,
            body,
            envelope,
        })
    }
}

impl<A: Adapter> ReceiveLayer<A> {
    /// What the security server says in a SOAP envelope; believed since the admit room let only such a peer in.
    fn attested(&self, head: &Head, body: &Bytes) -> Result<Attested, Fault> {
        let called = self.adapter.said_by_server(head, body)?;
        let partners = self.parts.partners.load();
        Attested::said(&partners, head.peer.partner(), called)
    }
}

/// A body that says it is too large is refused before it is read.
pub(super) fn announced_size(headers: &http::HeaderMap, max: usize) -> Result<(), Fault> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(bytes) if bytes > max as u64 => Err(Fault::new(FaultCode::TooLarge, "body-bytes")),
        _ => Ok(()),
    }
}

/// Reads a body to its end or to its bound, whichever comes first, each piece only where all bodies
/// together leave room for it. Trailers are dropped.
pub(super) async fn read(
    mut body: Body,
    max: usize,
    place: Option<&Place>,
) -> Result<Bytes, Fault> {
    let (mut whole, mut pieces) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreadable(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if whole.len() + data.len() > max {
            return Err(Fault::new(FaultCode::TooLarge, "body-bytes"));
        }
        pieces += 1;
        if pieces > PIECES + whole.len() / PIECE_BYTES {
            return Err(Fault::new(FaultCode::Framing, "body-in-crumbs"));
        }
        if let Some(place) = place {
            place.hold(data.len())?;
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Pieces of a body, such as chunks, that may be as small as they like; then they have to have this many
/// bytes on average. Each costs the same work, and a body of single bytes would cost seconds of it.
const PIECES: usize = 16_384;
const PIECE_BYTES: usize = 64;

fn unreadable(error: &BodyError) -> Fault {
    let too_slow = error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut);
    match too_slow {
        true => Fault::new(FaultCode::TooSlow, "body-idle"),
        false => Fault::new(FaultCode::Malformed, "body-cut-short"),
    }
}

/// A body made of bytes that are already here.
pub(super) fn body_of(bytes: Bytes) -> crate::head::Body {
    http_body_util::Full::new(bytes)
        .map_err(Into::into)
        .boxed_unsync()
}
