//! A counterpart's own listener: mutual TLS, whom it admits by the certificate, then one call after another.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs::tls::{Acceptor, Alpn, HandshakeError, PeerCertificate, ServerParams};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::call::Trouble;
use crate::identity::Identity;

/// A running listener; dropping it stops it.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting and waits for the listener to end.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// An agency that the gateway calls.
pub(crate) trait Counterpart: Send + Sync + 'static {
    /// Who it is.
    fn identity(&self) -> &Identity;

    /// Whom it lets in: our gateway.
    fn admits(&self, peer: &PeerCertificate) -> bool {
        peer.san_uris.contains(&self.identity().gateway_urn())
    }

    /// Writes down what the gateway should not have done.
    fn violate(&self, what: String);

    /// What one call does and says; `None` where the reply is to be lost.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Option<Response<Full<Bytes>>>> + Send;
}

/// Serves on a listener until the handle is dropped or stopped.
pub(crate) fn serve<C: Counterpart>(
    counterpart: &Arc<C>,
    listener: TcpListener,
) -> Result<Serving, Trouble> {
    let identity = counterpart.identity();
    let acceptor = Acceptor::new(ServerParams {
        identity: identity.tls.clone(),
        client_anchors: identity.anchors.clone(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: HANDSHAKE_TIME_MAX,
        alpn: vec![Alpn::Http1],
    })
    .map_err(crate::client::Error::Config)?;
    let address = listener
        .local_addr()
        .map_err(|error| Trouble::Params(error.to_string()))?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(accept(
        Arc::clone(counterpart),
        listener,
        Arc::new(acceptor),
        stopped,
    ));
    Ok(Serving {
        address,
        stop,
        task,
    })
}

/// A response without a body.
pub(crate) fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

async fn accept<C: Counterpart>(
    counterpart: Arc<C>,
    listener: TcpListener,
    acceptor: Arc<Acceptor>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        let (Ok((stream, _)), Ok(place)) = (stream, Arc::clone(&places).try_acquire_owned()) else {
            // no file descriptor or no place left: wait instead of spinning
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (counterpart, acceptor, mut stopped) = (
            Arc::clone(&counterpart),
            Arc::clone(&acceptor),
            stopped.clone(),
        );
        tokio::spawn(async move {
            tokio::select! {
                () = connection(counterpart, &acceptor, stream) => {}
                _ = stopped.changed() => {}
            }
            drop(place);
        });
    }
}

async fn connection<C: Counterpart>(counterpart: Arc<C>, acceptor: &Acceptor, stream: TcpStream) {
    let accepted = match acceptor.accept(stream).await {
        Ok(accepted) => accepted,
        // a caller that died in the middle of it has said nothing wrong
        Err(HandshakeError::Broken(_)) => return,
        Err(_) => {
            counterpart.violate("a TLS handshake that failed".to_owned());
            return;
        }
    };
    let is_admitted = counterpart.admits(&accepted.peer);
    if !is_admitted {
        counterpart.violate("a client certificate that is not the gateway's".to_owned());
    }
    let service = service_fn(|request| {
        let counterpart = Arc::clone(&counterpart);
        async move {
            match is_admitted {
                false => Ok(status(StatusCode::FORBIDDEN)),
                // an error ends the connection without a reply
                true => counterpart.answer(request).await.ok_or(Lost),
            }
        }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_TIME_MAX);
    let served = server.serve_connection(TokioIo::new(accepted.stream), service);
    let _ = tokio::time::timeout(CONNECTION_TIME_MAX, served).await;
}

/// A reply that is to be lost on its way.
#[derive(Debug, thiserror::Error)]
#[error("the reply is lost")]
struct Lost;

const CONNECTIONS_MAX: usize = 64;
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(600);
