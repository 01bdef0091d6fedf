//! Serves the insurance contract over mutual TLS: HTTP/2 only, every limit set, a drain that waits.

use std::{convert::Infallible, sync::Arc, time::Duration};

use certs::tls::{Acceptor, Alpn, PeerCertificate, TlsConfigError};
use http::Request;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use insurance::Registry;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_util::task::TaskTracker;
use tonic::{codegen::Service as _, service::Routes};

use crate::{
    config::Config,
    gateway::{StartError, tls_params},
};

/// The registry's door: its TLS, and the one name that may come in.
pub struct Door {
    acceptor: Acceptor,
    gateway: String,
}

/// The door made from the config's `[tls]`. Partners' certificates lead to the same anchors, so only
/// a certificate that names the gateway of this environment may call: whoever calls here has been
/// believed already.
///
/// # Errors
/// Where a key, certificate, anchor or revocation list is refused.
pub fn door(config: &Config) -> Result<Door, StartError> {
    let mut params = tls_params(config)?;
    params.alpn = vec![Alpn::H2];
    let refused =
        |error: TlsConfigError| StartError::Key(config.tls.cert.clone(), error.to_string());
    Ok(Door {
        acceptor: Acceptor::new(params).map_err(refused)?,
        gateway: format!(
            "urn:lienthong:{}:gateway:{}",
            config.environment.as_str(),
            config.us.as_str()
        ),
    })
}

/// Serves until `stop` turns true, then lets open calls finish.
pub async fn serve(
    listener: TcpListener,
    door: Door,
    registry: Registry,
    mut stop: watch::Receiver<bool>,
) {
    let routes = insurance::server::routes(registry);
    let door = Arc::new(door);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue; // dropped: closed
        };
        let (door, routes, stop) = (Arc::clone(&door), routes.clone(), stop.clone());
        connections.spawn(async move {
            speak(stream, &door, routes, stop).await;
            drop(place);
        });
    }
    connections.close();
    let waited = tokio::time::timeout(DRAIN_MAX, connections.wait()).await;
    if waited.is_err() {
        tracing::warn!("open calls of the registry were cut off");
    }
}

async fn speak(stream: TcpStream, door: &Door, routes: Routes, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true); // slower without, nothing else
    let accepted = match door.acceptor.accept(stream).await {
        Ok(accepted) => accepted,
        Err(error) => {
            tracing::info!(reason = error.reason(), "registry connection refused");
            return;
        }
    };
    if !names(&accepted.peer, &door.gateway) {
        tracing::info!(reason = "not-a-gateway", "registry connection refused");
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let mut routes = routes.clone();
        async move { Ok::<_, Infallible>(answer(&mut routes, request).await) }
    });
    let connection = limits().serve_connection(TokioIo::new(accepted.stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop.wait_for(|stop| *stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "registry connection ended");
    }
}

/// One name, and the right one.
fn names(peer: &PeerCertificate, gateway: &str) -> bool {
    matches!(peer.san_uris.as_slice(), [only] if only == gateway)
}

async fn answer(
    routes: &mut Routes,
    request: Request<Incoming>,
) -> http::Response<tonic::body::Body> {
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn limits() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(512)
        .max_header_list_size(16 * 1024)
        .max_frame_size(16 * 1024)
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(64)
        .max_send_buf_size(1024 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

const CONNECTIONS_MAX: usize = 256;
const DRAIN_MAX: Duration = Duration::from_secs(20);
