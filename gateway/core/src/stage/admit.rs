//! Room 2: the request is well framed, its route is known, its peer is within its limit, and there
//! is room for it. Decided on the head alone, before one body byte is read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use schemas::fault::{Fault, FaultCode};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tower::{Layer, Service};

use super::{Parts, framing, room::Room};
use crate::{
    adapter::Route,
    head::{Arrival, Head},
    limits::Limits,
    refusal::Refusal,
    state::{Admitted, Committed},
};

/// A header by which a caller may shorten its deadline, milliseconds.
pub const TIMEOUT_HEADER: &str = "lienthong-timeout-ms";

/// The door of the whole gateway: how many messages may be inside at once, and whether it is open.
#[derive(Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    draining: AtomicBool,
    limits: Limits,
    bounds: Bounds,
}

/// What no message may exceed, whatever its route allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The whole exchange.
    pub deadline: Duration,
    /// The arrival of a body, from its head on.
    pub body_time: Duration,
    /// A body, bytes.
    pub body_bytes: usize,
}

impl Bounds {
    /// The routes' own bounds and nothing beside them.
    pub const NONE: Self = Self {
        deadline: Duration::from_secs(3_600),
        body_time: Duration::from_secs(3_600),
        body_bytes: usize::MAX,
    };
}

impl Gate {
    /// An open door with this many places.
    #[must_use]
    pub fn new(in_flight_max: usize) -> Arc<Self> {
        Self::bounded(in_flight_max, Bounds::NONE)
    }

    /// The same, with bounds on every message.
    #[must_use]
    pub fn bounded(in_flight_max: usize, bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(in_flight_max)),
            draining: AtomicBool::new(false),
            limits: Limits::new(),
            bounds,
        })
    }

    /// Closes the door for good: what is inside may finish.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        if self.draining.load(Ordering::Acquire) {
            return Err(
                Fault::new(FaultCode::Draining, "draining").retry_after(Duration::from_secs(1))
            );
        }
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Fault::new(FaultCode::Overloaded, "in-flight").retry_after(Duration::from_secs(1))
        })
    }
}

/// Makes [`Admit`].
#[derive(Clone, Debug)]
pub struct AdmitLayer {
    /// What the rooms share.
    pub parts: Parts,
    /// The gateway's door.
    pub gate: Arc<Gate>,
    /// The doors of this system.
    pub routes: &'static [Route],
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admit<S>;

    fn layer(&self, inner: S) -> Admit<S> {
        Admit {
            inner,
            room: self.clone(),
        }
    }
}

/// The admit room.
#[derive(Clone, Debug)]
pub struct Admit<S> {
    inner: S,
    room: AdmitLayer,
}

impl<S> Service<Arrival> for Admit<S>
where
    S: Service<Admitted, Response = Committed, Error = Refusal>,
    S::Future: Send + 'static,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, arrival: Arrival) -> Self::Future {
        match self.room.admit(arrival) {
            Err(refusal) => Box::pin(std::future::ready(Err(refusal))),
            Ok((admitted, place)) => {
                let next = self.inner.call(admitted);
                Box::pin(async move {
                    let result = next.await;
                    drop(place);
                    result
                })
            }
        }
    }
}

impl AdmitLayer {
    fn admit(&self, arrival: Arrival) -> Result<(Admitted, OwnedSemaphorePermit), Refusal> {
        let evidence = arrival.evidence;
        let route = self.route(&arrival);
        let path = route.map_or("unknown", |route| route.path);
        let room = Room::enter("admit", path, evidence, &self.parts.sight);
        let _entered = room.span.clone().entered();
        let admitted = self.decide(arrival, route);
        room.leave(admitted)
    }

    fn route(&self, arrival: &Arrival) -> Option<&'static Route> {
        self.routes.iter().find(|route| {
            route.path == arrival.request.uri().path() && route.method == *arrival.request.method()
        })
    }

    fn decide(
        &self,
        arrival: Arrival,
        route: Option<&'static Route>,
    ) -> Result<(Admitted, OwnedSemaphorePermit), Refusal> {
        let evidence = arrival.evidence;
        let refuse = |fault| Refusal::of("admit", evidence, fault);
        framing::check(&arrival.request)
            .map_err(|rule| refuse(Fault::new(FaultCode::Framing, rule)))?;
        let route = route.ok_or_else(|| refuse(Fault::new(FaultCode::UnknownRoute, "route")))?;
        self.within_limit(&arrival, route)?;
        let place = self.gate.place().map_err(refuse)?;
        Ok((admitted(arrival, route, self.gate.bounds), place))
    }

    fn within_limit(&self, arrival: &Arrival, route: &'static Route) -> Result<(), Refusal> {
        let refuse = |fault| Refusal::of("admit", arrival.evidence, fault);
        let peer = arrival.peer.partner();
        let partners = self.parts.partners.load();
        let Some(partner) = partners.get(peer).filter(|partner| partner.active) else {
            return Err(refuse(Fault::new(
                FaultCode::Unauthenticated,
                "peer-not-active",
            )));
        };
        match self.gate.limits.take(peer, route.path, partner.peer_quota) {
            Ok(_) => Ok(()),
            Err(standing) => Err(refuse(
                Fault::new(FaultCode::RateLimited, "peer-route").retry_after(standing.reset),
            )
            .standing(standing)),
        }
    }
}

fn admitted(arrival: Arrival, route: &'static Route, bounds: Bounds) -> Admitted {
    let (mut parts, body) = arrival.request.into_parts();
    framing::strip_identity(&mut parts.headers);
    let asked = parts
        .headers
        .get(TIMEOUT_HEADER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_millis);
    let ours = route.deadline.min(bounds.deadline);
    let allowed = asked.map_or(ours, |asked| asked.min(ours));
    let now = Instant::now();
    Admitted {
        head: Head {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            peer: arrival.peer,
            evidence: arrival.evidence,
            arrived_at: arrival.arrived_at,
            deadline: now + allowed,
        },
        route,
        body,
        body_by: now + allowed.min(bounds.body_time),
        body_bytes_max: route.body_bytes_max.min(bounds.body_bytes),
    }
}
