//! The road to a registry far away: TCP without Nagle, mutual TLS by `certs`, HTTP/2 with every limit set.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use certs::tls::{Alpn, ClientStream, Connector};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use super::Limits;

/// How a registry far away is reached.
#[derive(Debug, Clone)]
pub struct RemoteParams {
    /// `https://host:port`.
    pub uri: Uri,
    /// The name in the server's certificate; the host of the address where `None`.
    pub server_name: Option<String>,
    /// Our certificate, their anchors.
    pub connector: Connector,
    /// How long TCP and TLS together may take.
    pub connect_timeout: Duration,
    /// How often an idle connection is asked whether it still lives.
    pub keep_alive: Duration,
    /// What the client bounds.
    pub limits: Limits,
}

impl RemoteParams {
    /// The usual times and limits.
    #[must_use]
    pub fn new(uri: Uri, connector: Connector) -> Self {
        Self {
            uri,
            server_name: None,
            connector,
            connect_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(20),
            limits: Limits::default(),
        }
    }
}

/// Why an address cannot be that of a registry.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Not `https`, or without host or port.
    #[error("the registry's address must be https://host:port")]
    Address,
    /// tonic refuses it.
    #[error("the registry's address: {0}")]
    Endpoint(#[from] tonic::transport::Error),
}

/// A channel that connects when it is first used and again when it must.
pub(super) fn channel(params: RemoteParams) -> Result<Channel, RemoteError> {
    let (host, port) = match (
        params.uri.scheme_str(),
        params.uri.host(),
        params.uri.port_u16(),
    ) {
        (Some("https"), Some(host), Some(port)) => (host.trim_matches(['[', ']']).to_owned(), port),
        _ => return Err(RemoteError::Address),
    };
    let endpoint = Endpoint::new(params.uri)?
        .user_agent("lienthong")?
        .connect_timeout(params.connect_timeout)
        .concurrency_limit(params.limits.calls_max)
        .buffer_size(params.limits.calls_max)
        .http2_keep_alive_interval(params.keep_alive)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .http2_max_local_error_reset_streams(LOCAL_RESETS_MAX)
        .http2_max_concurrent_reset_streams(RESET_STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX);
    let road = Arc::new(Road {
        name: params.server_name.unwrap_or_else(|| host.clone()),
        connector: params.connector,
        host,
        port,
        connected: Mutex::new(None),
    });
    Ok(
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let road = Arc::clone(&road);
            async move { road.connect().await }
        })),
    )
}

/// Where the registry is, and when a connection to it was last made.
struct Road {
    name: String,
    connector: Connector,
    host: String,
    port: u16,
    connected: Mutex<Option<Instant>>,
}

impl Road {
    async fn connect(&self) -> io::Result<TokioIo<ClientStream<TcpStream>>> {
        self.rest()?;
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // without it Nagle and the delayed acknowledgement cost 40 ms a call
        stream.set_nodelay(true)?;
        let connected = self
            .connector
            .connect(&self.name, stream)
            .await
            .map_err(io::Error::other)?;
        *self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        match connected.alpn {
            Alpn::H2 => Ok(TokioIo::new(connected.stream)),
            Alpn::Http1 => Err(io::Error::other("the registry does not speak HTTP/2")),
        }
    }

    /// In TLS 1.3 a server that refuses our certificate hangs up after the handshake, and the channel
    /// would connect again and again without ever telling its caller.
    fn rest(&self) -> io::Result<()> {
        let last = *self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match last.is_some_and(|last| last.elapsed() < RECONNECT_MIN) {
            true => Err(io::Error::other(
                "the registry hung up just after the handshake",
            )),
            false => Ok(()),
        }
    }
}

const RECONNECT_MIN: Duration = Duration::from_secs(1);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_BYTES_MAX: u32 = 16 * 1024;
const LOCAL_RESETS_MAX: usize = 128;
const RESET_STREAMS_MAX: usize = 128;
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
const FRAME_BYTES_MAX: u32 = 1 << 16;
