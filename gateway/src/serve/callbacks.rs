//! The listener without client certificates: a payment platform that has none calls back here, and its keyed hash says who
//! it is.
//!
//! One path, one request per connection, HTTP/1.1 over our TLS; every connection ends within [`LONGEST`], whatever it does, and
//! strangers share these few places and not those of the partners. What comes in goes through the same rooms: the
//! operation behind the path takes no other proof than the hash.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use gateway_core::{Arrival, Evidence, Peer};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use schemas::id::PartnerId;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{
    Front, http1,
    linger::{Lingering, Noting, Unread},
    refuse,
};

/// What the listener needs.
#[derive(Clone)]
pub struct Callbacks {
    /// The rooms, TLS, time and bounds of the front door.
    pub front: Front,
    /// Whose callbacks they are.
    pub partner: PartnerId,
    /// Connections at once, all addresses together.
    pub places: usize,
    /// Connections of one address at once.
    pub per_address: usize,
}

/// Accepts connections until `stop` turns true, then lets the open ones finish.
pub async fn serve(listener: TcpListener, callbacks: Callbacks, mut stop: watch::Receiver<bool>) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(callbacks.places));
    let addresses = Arc::new(Addresses::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            refuse(&callbacks.front, from, "callbacks");
            continue;
        };
        let Some(held) = addresses.enter(from.ip(), callbacks.per_address) else {
            refuse(&callbacks.front, from, "callbacks-per-address");
            continue;
        };
        let callbacks = callbacks.clone();
        connections.spawn(async move {
            let _held = (place, held);
            let spoken = callbacks.speak(stream, from);
            if tokio::time::timeout(LONGEST, spoken).await.is_err() {
                refuse(&callbacks.front, from, "callback-too-slow");
            }
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

impl Callbacks {
    async fn speak(&self, stream: TcpStream, from: SocketAddr) {
        let front = &self.front;
        let stream = match front.acceptor.accept_open(stream).await {
            Ok(stream) => stream,
            Err(error) => return refuse(front, from, error.reason()),
        };
        let peer = {
            let partners = front.partners.load();
            let partner = partners.get(&self.partner);
            partner.and_then(|partner| Peer::by_secret(partner))
        };
        let Some(peer) = peer else {
            return refuse(front, from, "unregistered");
        };
        front.metrics.connection_opened();
        let unread = Unread::default();
        let service = service_fn(|request: Request<Incoming>| {
            let request = request.map(|body| unread.noting(body));
            answer(front.clone(), peer.clone(), request)
        });
        let connection = http1(&front.limits)
            .keep_alive(false)
            .header_read_timeout(Duration::from_millis(front.limits.header_ms))
            .serve_connection(
                TokioIo::new(Lingering::new(stream, unread.clone())),
                service,
            );
        if let Err(error) = connection.await {
            tracing::debug!(%from, %error, "connection ended");
        }
        front.metrics.connection_closed();
    }
}

async fn answer(
    front: Front,
    peer: Peer,
    request: Request<Noting>,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let evidence = Evidence::fresh();
    let span = tracing::info_span!("accept", %evidence, peer = peer.partner().as_str());
    let arrival = Arrival {
        request: request.map(|body| body.map_err(Into::into).boxed_unsync()),
        peer,
        evidence,
        arrived_at: front.clock.now(),
    };
    let answered = front.house.answer_at(PATH, arrival).instrument(span);
    let mut response = answered.await.into_response();
    let close = header::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    Ok(response)
}

/// How many connections each address holds.
#[derive(Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

impl Addresses {
    fn enter(self: &Arc<Self>, from: IpAddr, most: usize) -> Option<Held> {
        let mut of = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = of.entry(from).or_default();
        if *held >= most {
            return None;
        }
        *held += 1;
        Some(Held {
            addresses: Arc::clone(self),
            from,
        })
    }
}

/// One connection of an address; given back when dropped.
struct Held {
    addresses: Arc<Addresses>,
    from: IpAddr,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut of = self
            .addresses
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = of.get_mut(&self.from) {
            *held -= 1;
            if *held == 0 {
                of.remove(&self.from);
            }
        }
    }
}

/// The one path.
const PATH: &str = "/payment/v1/callback";
/// No callback needs longer, its answer included.
const LONGEST: Duration = Duration::from_secs(30);
