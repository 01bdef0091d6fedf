//! Room 2: the request is well framed, its route is known, its peer is within its limit, and there
//! is room for it. Decided on the head alone, before one body byte is read.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{
    Parts,
    face::{Reply, problem, shown, unknown_route, xroad::Spoken},
    framing,
    room::Room,
};
use crate::{
    adapter::Route,
    attest::Attested,
    head::{Arrival, Evidence, Head, Passing},
    limits::{Limits, Standing, Tally},
    partner::Quota,
    refusal::Refusal,
    state::{Admitted, Committed},
};

/// A header by which a caller may shorten its deadline, milliseconds.
pub const TIMEOUT_HEADER: &str = "lienthong-timeout-ms";

/// The door of the whole gateway: how many messages may be inside at once, how many bytes their bodies
/// may have in sum, and whether it is open.
#[derive(Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    /// What one peer may hold: none takes it all.
    per_peer: Held,
    holders: Mutex<Holders>,
    draining: AtomicBool,
    pub(super) limits: Limits,
    bounds: Bounds,
}

/// Messages inside and the bytes of their bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Messages.
    pub messages: usize,
    /// Bytes of bodies that have come in.
    pub body_bytes: usize,
}

#[derive(Debug, Default)]
struct Holders {
    all: Held,
    of: HashMap<PartnerId, Held>,
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
    /// The bodies of all messages inside, bytes.
    pub body_bytes_in_flight: usize,
}

impl Bounds {
    /// The routes' own bounds and nothing beside them.
    pub const NONE: Self = Self {
        deadline: Duration::from_secs(3_600),
        body_time: Duration::from_secs(3_600),
        body_bytes: usize::MAX,
        body_bytes_in_flight: usize::MAX,
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
        Self::counted_by(in_flight_max, bounds, None)
    }

    /// The same, its limits counted by a tally that replicas share.
    #[must_use]
    pub fn counted_by(
        in_flight_max: usize,
        bounds: Bounds,
        tally: Option<Arc<dyn Tally>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(in_flight_max)),
            per_peer: Held {
                messages: in_flight_max.div_ceil(2),
                // one body of the largest kind always fits
                body_bytes: (bounds.body_bytes_in_flight / 2).max(bounds.body_bytes),
            },
            holders: Mutex::default(),
            draining: AtomicBool::new(false),
            limits: Limits::of("admit", tally),
            bounds,
        })
    }

    /// The count that replicas share, for the rooms behind the door.
    #[must_use]
    pub fn tally(&self) -> Option<Arc<dyn Tally>> {
        self.limits.tally()
    }

    /// Closes the door for good: what is inside may finish.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn place(self: &Arc<Self>, peer: &PartnerId) -> Result<Place, Fault> {
        if self.draining.load(Ordering::Acquire) {
            return Err(later(FaultCode::Draining, "draining"));
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| later(FaultCode::Overloaded, "in-flight"))?;
        let mut holders = self.holders();
        let held = holders.of.entry(peer.clone()).or_default();
        if held.messages >= self.per_peer.messages {
            return Err(later(FaultCode::Overloaded, "in-flight-of-this-peer"));
        }
        held.messages += 1;
        holders.all.messages += 1;
        Ok(Place {
            _place: place,
            gate: Arc::clone(self),
            peer: peer.clone(),
            body_bytes: AtomicUsize::new(0),
        })
    }

    /// What is inside now.
    #[must_use]
    pub fn held(&self) -> Held {
        self.holders().all
    }

    fn hold_bytes(&self, peer: &PartnerId, bytes: usize) -> Result<(), Fault> {
        let mut holders = self.holders();
        let Holders { all, of } = &mut *holders;
        if all.body_bytes.saturating_add(bytes) > self.bounds.body_bytes_in_flight {
            return Err(later(FaultCode::Overloaded, "body-bytes-in-flight"));
        }
        let held = of.entry(peer.clone()).or_default();
        if held.body_bytes.saturating_add(bytes) > self.per_peer.body_bytes {
            return Err(later(FaultCode::Overloaded, "body-bytes-of-this-peer"));
        }
        held.body_bytes += bytes;
        all.body_bytes += bytes;
        Ok(())
    }

    fn leave(&self, peer: &PartnerId, body_bytes: usize) {
        let mut holders = self.holders();
        let Holders { all, of } = &mut *holders;
        all.messages -= 1;
        all.body_bytes -= body_bytes;
        if let Some(held) = of.get_mut(peer) {
            held.messages -= 1;
            held.body_bytes -= body_bytes;
            if held.messages == 0 {
                of.remove(peer);
            }
        }
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request for a path that no system has: framing and limits hold for it as well.
    pub async fn turn_away(&self, arrival: Arrival, parts: &Parts) -> Reply {
        let evidence = arrival.evidence;
        let peer = arrival.peer.partner().clone();
        let room = Room::enter("admit", UNKNOWN, evidence, &parts.sight);
        let span = room.span.clone();
        let spoken = Spoken::of(&arrival, parts);
        let quota = well_framed(&arrival).and_then(|()| self.quota(&arrival, parts));
        drop(arrival); // its body is not read
        let within = async {
            let taken = self.limits.take_shared(&peer, UNKNOWN, quota?).await;
            taken.map_err(|standing| limited(evidence, standing))
        };
        let refused = within.instrument(span).await.and_then(|_| {
            let fault = Fault::new(FaultCode::UnknownRoute, "route");
            Err::<(), _>(Refusal::of("admit", evidence, fault))
        });
        match room.leave(refused) {
            Err(refusal) => problem(&refusal, peer.as_str(), parts, spoken.as_ref()),
            Ok(()) => unknown_route(evidence), // not reached: the last step always refuses
        }
    }

    /// Answers a request for a document that every registered peer may read: framing and limits hold for it as well, and
    /// its signature, where it bears one, is not looked at.
    pub async fn show(
        &self,
        arrival: Arrival,
        parts: &Parts,
        (path, document): (&'static str, Bytes),
    ) -> Reply {
        let evidence = arrival.evidence;
        let peer = arrival.peer.partner().clone();
        let room = Room::enter("admit", path, evidence, &parts.sight);
        let span = room.span.clone();
        let spoken = Spoken::of(&arrival, parts);
        let quota = well_framed(&arrival).and_then(|()| self.quota(&arrival, parts));
        drop(arrival); // it has no body
        let within = async {
            let taken = self.limits.take_shared(&peer, path, quota?).await;
            taken.map_err(|standing| limited(evidence, standing))
        };
        match room.leave(within.instrument(span).await) {
            Err(refusal) => problem(&refusal, peer.as_str(), parts, spoken.as_ref()),
            Ok(_) => shown(evidence, document),
        }
    }

    /// How often this peer may use one route.
    pub(super) fn quota(&self, arrival: &Arrival, parts: &Parts) -> Result<Quota, Refusal> {
        let partners = parts.partners.load();
        let peer = partners.get(arrival.peer.partner());
        peer.filter(|partner| partner.active)
            .map(|partner| partner.peer_quota)
            .ok_or_else(|| {
                let inactive = Fault::new(FaultCode::Unauthenticated, "peer-not-active");
                Refusal::of("admit", arrival.evidence, inactive)
            })
    }
}

pub(super) fn well_framed(arrival: &Arrival) -> Result<(), Refusal> {
    framing::check(&arrival.request).map_err(|rule| {
        Refusal::of(
            "admit",
            arrival.evidence,
            Fault::new(FaultCode::Framing, rule),
        )
    })
}

pub(super) fn limited(evidence: Evidence, standing: Standing) -> Refusal {
    let fault = Fault::new(FaultCode::RateLimited, "peer-route").retry_after(standing.reset);
    Refusal::of("admit", evidence, fault).standing(standing)
}

/// The label of every path that no system has.
const UNKNOWN: &str = "unknown";

fn later(code: FaultCode, reason: &'static str) -> Fault {
    Fault::new(code, reason).retry_after(Duration::from_secs(1))
}

/// A place inside; rides with the message and is given back when the message is over, even where
/// its connection has gone before.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    gate: Arc<Gate>,
    peer: PartnerId,
    /// Bytes of its body that have come in.
    body_bytes: AtomicUsize,
}

impl Place {
    /// Makes room for so many more bytes of the body, until the message is over.
    ///
    /// # Errors
    /// Where the bodies inside are too many bytes in sum, or this peer's are.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), Fault> {
        self.gate.hold_bytes(&self.peer, bytes)?;
        self.body_bytes.fetch_add(bytes, Ordering::AcqRel);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let body_bytes = self.body_bytes.load(Ordering::Acquire);
        self.gate.leave(&self.peer, body_bytes);
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
    /// Whether they take SOAP, which says in its envelope who calls.
    pub is_soap: bool,
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
    S: Service<Admitted, Response = Committed, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, arrival: Arrival) -> Self::Future {
        if self.room.gate.limits.is_shared() {
            // the count may have to be waited for: the ready service goes along, its clone stays
            let fresh = self.inner.clone();
            let mut inner = std::mem::replace(&mut self.inner, fresh);
            let layer = self.room.clone();
            return Box::pin(async move {
                let admitted = layer.admit_counted_elsewhere(arrival).await?;
                inner.call(admitted).await
            });
        }
        match self.room.admit(arrival) {
            Err(refusal) => Box::pin(std::future::ready(Err(refusal))),
            Ok(admitted) => Box::pin(self.inner.call(admitted)),
        }
    }
}

impl AdmitLayer {
    fn admit(&self, arrival: Arrival) -> Result<Admitted, Refusal> {
        let (room, route) = self.enter(&arrival);
        let _entered = room.span.clone().entered();
        let decided = self.known(&arrival, route).and_then(|(route, quota)| {
            let peer = arrival.peer.partner();
            let taken = self.gate.limits.take(peer, route.path, quota);
            taken.map_err(|standing| limited(arrival.evidence, standing))?;
            self.let_in(arrival, route)
        });
        room.leave(decided)
    }

    /// The same where replicas share the count.
    async fn admit_counted_elsewhere(&self, arrival: Arrival) -> Result<Admitted, Refusal> {
        let (room, route) = self.enter(&arrival);
        let span = room.span.clone();
        let decided = async {
            let (route, quota) = self.known(&arrival, route)?;
            let peer = arrival.peer.partner().clone();
            let taken = self.gate.limits.take_shared(&peer, route.path, quota).await;
            taken.map_err(|standing| limited(arrival.evidence, standing))?;
            self.let_in(arrival, route)
        };
        room.leave(decided.instrument(span).await)
    }

    fn enter(&self, arrival: &Arrival) -> (Room, Option<&'static Route>) {
        let route = self.routes.iter().find(|route| {
            route.takes(arrival.request.uri().path()) && route.method == *arrival.request.method()
        });
        let path = route.map_or(UNKNOWN, |route| route.path);
        let room = Room::enter("admit", path, arrival.evidence, &self.parts.sight);
        (room, route)
    }

    fn known(
        &self,
        arrival: &Arrival,
        route: Option<&'static Route>,
    ) -> Result<(&'static Route, Quota), Refusal> {
        well_framed(arrival)?;
        let unknown = || {
            let fault = Fault::new(FaultCode::UnknownRoute, "route");
            Refusal::of("admit", arrival.evidence, fault)
        };
        let route = route.ok_or_else(unknown)?;
        Ok((route, self.gate.quota(arrival, &self.parts)?))
    }

    fn let_in(&self, arrival: Arrival, route: &'static Route) -> Result<Admitted, Refusal> {
        let refuse = |fault| Refusal::of("admit", arrival.evidence, fault);
        let attested = self.attested(&arrival).map_err(refuse)?;
        let place = self.gate.place(arrival.peer.partner()).map_err(refuse)?;
        let passing = Passing {
            resumed: false,
            place: Some(Arc::new(place)),
            attested: attested.map(Arc::new),
            partners: None,
        };
        Ok(admitted(arrival, route, self.gate.bounds, passing))
    }

    /// What a security server says of the message; from all others its words are stripped unread.
    fn attested(&self, arrival: &Arrival) -> Result<Option<Attested>, Fault> {
        let partners = self.parts.partners.load();
        let peer = arrival.peer.partner();
        if self.is_soap {
            let headers = arrival.request.headers();
            return Attested::awaited(&partners, peer, headers).map(|()| None);
        }
        partners
            .security_server(peer)
            .map(|_| Attested::read(&partners, peer, arrival.request.headers()))
            .transpose()
    }
}

fn admitted(arrival: Arrival, route: &'static Route, bounds: Bounds, passing: Passing) -> Admitted {
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
            passing,
        },
        route,
        body,
        body_by: now + allowed.min(bounds.body_time),
        body_bytes_max: match route.bulk {
            None => route.body_bytes_max.min(bounds.body_bytes),
            // never in memory, so bounded by what its manifest announces
            Some(_) => route.body_bytes_max,
        },
    }
}
