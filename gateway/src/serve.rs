//! Room 1: sockets. Mutual TLS, connection caps, deadlines of its own, and a drain that waits for
//! what is inside. Everything is refused by closing; each refusal is a log event and a counter.

mod busy;
pub mod callbacks;
mod linger;
mod places;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use certs::tls::{Accepted, Acceptor, Alpn, Judged, PeerCertificate};
use gateway_core::{Arrival, Evidence, Peer, head::Body, partner::Partners, ports::Clock};
use http::Request;
use http_body_util::BodyExt;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

pub use places::Told;

use crate::{config::Limits, metrics::Metrics, revocation::Keeper, stack::House};
use busy::{Busy, CONNECTION_WINDOW, Heard, STREAM_WINDOW};
use linger::{Lingering, Noting, Unread};
use places::{Holders, Newcomer, Newcomers};

/// What the front door needs.
#[derive(Clone)]
pub struct Front {
    /// TLS, reloadable.
    pub acceptor: Arc<Acceptor>,
    /// Asks responders about newcomers.
    pub keeper: Keeper,
    /// The registrations.
    pub partners: Arc<ArcSwap<Partners>>,
    /// The eight rooms.
    pub house: House,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Bounds.
    pub limits: Limits,
    /// What was told about strangers lately.
    pub told: Arc<Told>,
}

/// Accepts connections until `stop` turns true, then lets the open ones finish.
pub async fn serve(listener: TcpListener, front: Front, mut stop: watch::Receiver<bool>) {
    let connections = TaskTracker::new();
    let newcomers = Arc::new(Newcomers::default());
    let places = Arc::new(Semaphore::new(front.limits.connections));
    let holders = Arc::new(Holders::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // EMFILE and friends: wait a moment instead of spinning.
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let newcomer = newcomers.enter(from.ip());
        let connection = Connection {
            front: front.clone(),
            holders: Arc::clone(&holders),
            places: Arc::clone(&places),
            stop: stop.clone(),
        };
        connections.spawn(connection.run(stream, from, newcomer));
    }
    drop(listener); // nobody is left hanging in the kernel's queue while the rest drains
    connections.close();
    connections.wait().await;
}

fn refuse(front: &Front, from: SocketAddr, reason: &'static str) {
    front.metrics.refused_connection(reason);
    // counted always, told at most so often: a flood of strangers must not become a flood of lines
    if front.told.take() {
        tracing::info!(%from, reason, "connection refused");
    }
}

struct Connection {
    front: Front,
    holders: Arc<Holders>,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, stream: TcpStream, from: SocketAddr, newcomer: Newcomer) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%from, %error, "TCP_NODELAY not set");
        }
        let handshake = tokio::select! {
            biased;
            ended = self.let_in(stream) => ended,
            () = newcomer.sent_away() => return refuse(&self.front, from, "handshakes"),
        };
        let accepted = match handshake {
            Ok(accepted) => accepted,
            Err(reason) => return refuse(&self.front, from, reason),
        };
        drop(newcomer);
        let Ok(_place) = Arc::clone(&self.places).try_acquire_owned() else {
            refuse(&self.front, from, "connections");
            return;
        };
        let Some(peer) = Peer::recognise(&self.front.partners.load(), &accepted.peer) else {
            refuse(&self.front, from, "unregistered");
            return;
        };
        let max = self.front.limits.connections_per_peer;
        let Some(_held) = self.holders.enter(peer.partner(), max) else {
            refuse(&self.front, from, "connections-per-peer");
            return;
        };
        tracing::debug!(%from, peer = peer.partner().as_str(), "connection open");
        self.front.metrics.connection_opened();
        if self.speak(accepted, peer).await {
            refuse(&self.front, from, "chatter");
        }
        self.front.metrics.connection_closed();
    }

    /// The handshake, then the responder of the client's authority, where it has one.
    async fn let_in(&self, stream: TcpStream) -> Result<Accepted<TcpStream>, &'static str> {
        let accepted = self.front.acceptor.accept(stream).await;
        let accepted = accepted.map_err(|error| error.reason())?;
        self.front.keeper.confirm(&accepted.peer.der).await?;
        Ok(accepted)
    }

    /// Speaks until the end; true where it was only chatter.
    async fn speak(&self, accepted: Accepted<TcpStream>, peer: Peer) -> bool {
        let Accepted {
            stream,
            peer: certificate,
            alpn,
            judged,
        } = accepted;
        let busy = Arc::new(Busy::new());
        let unread = Unread::default();
        let service = service_fn({
            let (front, busy, peer) = (self.front.clone(), Arc::clone(&busy), peer.clone());
            let unread = unread.clone();
            move |request: Request<Incoming>| {
                let request = request.map(|body| unread.noting(body));
                answer(front.clone(), Arc::clone(&busy), peer.clone(), request)
            }
        });
        let watch = Watch {
            front: &self.front,
            busy: &busy,
            certificate: &certificate,
            peer: &peer,
            judged,
            stop: self.stop.clone(),
        };
        let stream = Heard {
            stream,
            busy: Arc::clone(&busy),
            speaks: alpn,
        };
        match alpn {
            Alpn::H2 => {
                let io = TokioIo::new(stream);
                let connection = http2(&self.front.limits).serve_connection(io, service);
                drive(connection, watch, |c| c.graceful_shutdown()).await;
            }
            Alpn::Http1 => {
                let io = TokioIo::new(Lingering::new(stream, unread));
                let connection = http1(&self.front.limits).serve_connection(io, service);
                drive(connection, watch, |c| c.graceful_shutdown()).await;
            }
        }
        busy.chatters.load(Ordering::Acquire)
    }
}

/// Every HTTP/1.1 bound, said out loud.
fn http1(limits: &Limits) -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // hyper's clock runs while a kept connection is idle; the head's own deadline is ours (Heard)
        .header_read_timeout(Duration::from_millis(limits.idle_ms.max(limits.header_ms)))
        .max_headers(limits.headers_max)
        .max_buf_size(limits.header_bytes)
        .keep_alive(true)
        .half_close(false)
        .pipeline_flush(false)
        .auto_date_header(true);
    builder
}

/// Every HTTP/2 bound, said out loud.
fn http2(limits: &Limits) -> hyper::server::conn::http2::Builder<TokioExecutor> {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_frame_size(16 * 1024)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .adaptive_window(false)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(Some(64))
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

async fn answer(
    front: Front,
    busy: Arc<Busy>,
    peer: Peer,
    request: Request<Noting>,
) -> Result<http::Response<http_body_util::Full<Bytes>>, std::convert::Infallible> {
    let _inside = busy.enter();
    let evidence = Evidence::fresh();
    let span = tracing::info_span!("accept", %evidence, peer = peer.partner().as_str());
    let arrival = Arrival {
        request: request.map(|body| counted(body, busy)),
        peer,
        evidence,
        arrived_at: front.clock.now(),
    };
    let reply = front.house.answer(arrival).instrument(span).await;
    Ok(reply.into_response())
}

/// A body whose bytes are accounted for as they are taken.
fn counted(body: Noting, busy: Arc<Busy>) -> Body {
    let counted = body.map_frame(move |frame| {
        busy.took(frame.data_ref().map_or(0, Bytes::len));
        frame
    });
    counted.map_err(Into::into).boxed_unsync()
}

/// Why an open connection has to end.
struct Watch<'a> {
    front: &'a Front,
    busy: &'a Busy,
    certificate: &'a PeerCertificate,
    peer: &'a Peer,
    /// When the certificate was judged, by which anchors and revocation lists.
    judged: Judged,
    stop: watch::Receiver<bool>,
}

impl Watch<'_> {
    /// Resolves when the connection must end, with the reason.
    async fn ended(&mut self) -> &'static str {
        loop {
            let wait = self.next_look();
            tokio::select! {
                _ = self.stop.wait_for(|stop| *stop) => return "drain",
                () = tokio::time::sleep(wait) => {}
            }
            if let Some(reason) = self.outstayed() {
                return reason;
            }
            if self.front.clock.now() > self.certificate.not_after {
                return "certificate-ended";
            }
            if self.revoked() {
                return "certificate-refused-now";
            }
            if !self.still_registered() {
                return "registration-ended";
            }
        }
    }

    /// The soonest moment at which it may have outstayed, and never later than [`LOOK`].
    fn next_look(&self) -> Duration {
        let left = |bound_ms, spent| Duration::from_millis(bound_ms).saturating_sub(spent);
        let (limits, busy) = (&self.front.limits, self.busy);
        let mut soonest = left(limits.idle_ms, busy.idle_for()).min(LOOK);
        if !busy.spoke.load(Ordering::Acquire) {
            soonest = soonest.min(left(limits.first_byte_ms, busy.opened.elapsed()));
        }
        if !busy.head_for().is_zero() {
            soonest = soonest.min(left(limits.header_ms, busy.head_for()));
        }
        soonest + Duration::from_millis(5)
    }

    /// Silent since the handshake, or idle since the last answer.
    fn outstayed(&self) -> Option<&'static str> {
        let limits = &self.front.limits;
        let spoke = self.busy.spoke.load(Ordering::Acquire);
        if !spoke && self.busy.opened.elapsed() > Duration::from_millis(limits.first_byte_ms) {
            return Some("first-byte");
        }
        if self.busy.head_for() > Duration::from_millis(limits.header_ms) {
            return Some("slow-head");
        }
        if self.busy.idle_for() > Duration::from_millis(limits.idle_ms) {
            return Some("idle");
        }
        None
    }

    /// Anchors or revocation lists were replaced, and by the new ones it would not get in. Judged now and then
    /// though nothing has changed: whoever stays connected is still asked about.
    fn revoked(&mut self) -> bool {
        let acceptor = &self.front.acceptor;
        acceptor.still(self.certificate, &mut self.judged).is_err()
    }

    fn still_registered(&self) -> bool {
        let partners = self.front.partners.load();
        let known = Peer::recognise(&partners, self.certificate);
        known.is_some_and(|peer| {
            peer.partner() == self.peer.partner()
                && partners.get(peer.partner()).is_some_and(|p| p.active)
        })
    }
}

/// Runs a connection to its end; asked to stop, it may finish what is inside, then it is dropped.
async fn drive<C, E>(connection: C, mut watch: Watch<'_>, stop: impl Fn(std::pin::Pin<&mut C>))
where
    C: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let grace = Duration::from_secs(watch.front.limits.drain_seconds);
    let mut connection = std::pin::pin!(connection);
    let reason = tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        reason = watch.ended() => reason,
    };
    tracing::debug!(
        peer = watch.peer.partner().as_str(),
        reason,
        "connection ends"
    );
    stop(connection.as_mut());
    if let Ok(ended) = tokio::time::timeout(GOODBYE, connection.as_mut()).await {
        return log_end(ended);
    }
    // Half a head is nothing inside: it would be waited for, and then answered.
    if watch.busy.inside.load(Ordering::Acquire) == 0 {
        tracing::debug!(reason, "connection dropped, nothing was inside");
        return;
    }
    match tokio::time::timeout(grace, connection).await {
        Ok(ended) => log_end(ended),
        Err(_) => tracing::info!(reason, "connection dropped after its grace"),
    }
}

/// How often an open connection is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long a connection that must end may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

fn log_end<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
