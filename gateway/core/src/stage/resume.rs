//! The way back in for a message whose holder died after T1: its recorded bytes go through the rooms
//! again, past admit, under its own evidence id; the claim is taken over and the effect has its key.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::{face::SIGNATURE, receive::body_of};
use crate::{
    adapter::Route,
    attest::Attested,
    head::{Head, Passing, Peer},
    ports::Unfinished,
    refusal::Refusal,
    state::{Admitted, Committed},
};

/// Makes [`Resume`].
#[derive(Clone, Debug)]
pub struct ResumeLayer {
    /// The doors of this system.
    pub routes: &'static [Route],
}

impl<S> Layer<S> for ResumeLayer {
    type Service = Resume<S>;

    fn layer(&self, inner: S) -> Resume<S> {
        Resume {
            inner,
            routes: self.routes,
        }
    }
}

/// Takes an unfinished message up again.
#[derive(Clone, Debug)]
pub struct Resume<S> {
    inner: S,
    routes: &'static [Route],
}

impl<S> Service<Unfinished> for Resume<S>
where
    S: Service<Admitted, Response = Committed, Error = Refusal>,
{
    type Response = Committed;
    type Error = Refusal;
    type Future =
        futures_util::future::Either<S::Future, std::future::Ready<Result<Committed, Refusal>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, unfinished: Unfinished) -> Self::Future {
        use futures_util::future::Either;
        let evidence = unfinished.evidence;
        match self.routes.iter().find(|r| r.takes(&unfinished.path)) {
            Some(route) => Either::Left(self.inner.call(admitted(unfinished, route))),
            None => {
                let fault = schemas::fault::Fault::new(
                    schemas::fault::FaultCode::UnknownRoute,
                    "route-is-gone",
                );
                Either::Right(std::future::ready(Err(Refusal::of(
                    "resume", evidence, fault,
                ))))
            }
        }
    }
}

/// A resumed message has nobody waiting; it may take this long.
const RESUMED_DEADLINE: Duration = Duration::from_secs(30);

fn admitted(unfinished: Unfinished, route: &'static Route) -> Admitted {
    let deadline = Instant::now() + RESUMED_DEADLINE;
    Admitted {
        head: Head {
            method: route.method.clone(),
            path: unfinished.path,
            headers: headers(&unfinished.content_type, unfinished.signature.as_deref()),
            peer: Peer::of_record(unfinished.peer, unfinished.peer_certificate),
            evidence: unfinished.evidence,
            arrived_at: unfinished.received_at,
            deadline,
            passing: Passing {
                resumed: true,
                place: None,
                attested: unfinished
                    .attested
                    .as_deref()
                    .and_then(Attested::of_record)
                    .map(Arc::new),
                partners: None,
            },
        },
        route,
        body: body_of(unfinished.body),
        body_by: deadline,
        body_bytes_max: route.body_bytes_max,
    }
}

fn headers(content_type: &str, signature: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let text = |value: &str| HeaderValue::from_str(value).ok();
    if let Some(value) = text(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if let Some(value) = signature.and_then(text) {
        headers.insert(SIGNATURE, value);
    }
    headers
}
