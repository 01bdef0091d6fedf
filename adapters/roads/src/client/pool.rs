//! Connections to one partner, kept while they are fresh.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use certs::tls::Alpn;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{task::JoinHandle, time::Instant};

use super::{ClientConfig, Error, dial::dial};

/// One established connection; its driver ends with it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) peer_sha256: [u8; 32],
    driver: JoinHandle<()>,
    used_at: Instant,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Idle connections; never more than the client's permits allow to exist.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    idle_max: Duration,
}

impl Pool {
    pub(super) fn new(idle_max: Duration) -> Self {
        Self {
            idle: Mutex::new(Vec::new()),
            idle_max,
        }
    }

    /// The connection used last, if it is fresh and still open.
    pub(super) async fn take(&self) -> Option<Connection> {
        loop {
            let mut newest = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()?;
            let fresh = newest.used_at.elapsed() <= self.idle_max;
            if fresh && newest.sender.ready().await.is_ok() {
                return Some(newest);
            }
        }
    }

    pub(super) fn put(&self, mut connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        connection.used_at = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|kept| kept.used_at.elapsed() <= self.idle_max && !kept.sender.is_closed());
        idle.push(connection);
    }
}

/// TCP without Nagle, mutual TLS, HTTP/1.1.
pub(super) async fn connect(config: &ClientConfig) -> Result<Connection, Error> {
    let endpoint = &config.endpoint;
    let tcp = dial(endpoint.location(), config.limits.connect_deadline).await?;
    let connected = config
        .tls
        .connect(endpoint.host(), tcp)
        .await
        .map_err(Error::Handshake)?;
    if connected.alpn != Alpn::Http1 {
        return Err(Error::Protocol);
    }
    let (sender, driver) = http1::Builder::new()
        .max_headers(config.limits.headers_max)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(connected.stream))
        .await
        .map_err(Error::http)?;
    let driver = tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(%error, "connection to a partner ended");
        }
    });
    Ok(Connection {
        sender,
        peer_sha256: connected.peer.sha256,
        driver,
        used_at: Instant::now(),
    })
}

/// Read buffer of one connection, so the largest head of an answer.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
