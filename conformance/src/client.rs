//! HTTPS as a partner speaks it: one exchange per connection, bounded in time and size.
//!
//! [`Client::send`] speaks proper HTTP/1.1 through hyper. [`Client::raw`] writes exact bytes over the
//! same TLS and reads whatever comes back, for rules about framing that no HTTP library would let pass.

mod raw;

use std::time::Duration;

use bytes::Bytes;
use certs::tls::{Alpn, Anchors, ClientParams, ClientStream, Connector, HandshakeError, Identity};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub use raw::{RawReply, ReplyError};

use crate::identity::Target;

/// Largest reply that is read, in bytes.
pub const REPLY_BYTES_MAX: usize = 4 << 20;

/// How long one exchange may take from the first packet to the last.
pub const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(30);

const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The TLS parameters are refused.
    #[error(transparent)]
    Config(#[from] certs::tls::TlsConfigError),
    /// Nobody listens there.
    #[error("cannot connect to {0}: {1}")]
    Connect(String, #[source] std::io::Error),
    /// The handshake failed.
    #[error("handshake: {0}")]
    Handshake(#[from] HandshakeError),
    /// The exchange broke off; with TLS 1.3 a refused certificate shows here.
    #[error("the exchange broke off: {0}")]
    Broken(String),
    /// The reply is not HTTP/1.1 or not bounded.
    #[error("the reply is malformed: {0}")]
    Reply(#[from] ReplyError),
    /// The exchange took longer than [`EXCHANGE_TIME_MAX`].
    #[error("no reply in time")]
    Deadline,
}

/// A reply, read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most [`REPLY_BYTES_MAX`].
    pub body: Bytes,
}

impl Reply {
    /// A header's value, where it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }
}

/// One gateway, seen with one certificate.
#[derive(Debug, Clone)]
pub struct Client {
    target: Target,
    connector: Connector,
}

impl Client {
    /// A client of `target` whose certificate must lead to `anchors`; `identity` is what we show, or nothing.
    pub fn new(
        target: &Target,
        anchors: &Anchors,
        identity: Option<&Identity>,
    ) -> Result<Self, Error> {
        let connector = Connector::new(ClientParams {
            identity: identity.cloned(),
            anchors: anchors.clone(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: HANDSHAKE_TIME_MAX,
            alpn: vec![Alpn::Http1],
        })?;
        Ok(Self {
            target: target.clone(),
            connector,
        })
    }

    /// The gateway it speaks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Sends one request on a connection of its own; the Host header is added where it is missing.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Reply, Error> {
        within(self.exchange(request)).await
    }

    /// Writes exactly these bytes and reads what comes back until the reply is whole or the connection ends.
    pub async fn raw(&self, bytes: &[u8]) -> Result<RawReply, Error> {
        within(async {
            let stream = self.connect().await?;
            raw::exchange(stream, bytes).await
        })
        .await
    }

    /// Writes exactly these bytes and hangs up without reading.
    pub async fn abandon(&self, bytes: &[u8]) -> Result<(), Error> {
        within(async {
            let mut stream = self.connect().await?;
            raw::write(&mut stream, bytes).await.map_err(Error::Broken)
        })
        .await
    }

    /// Writes exactly these bytes over TCP without TLS and gives what comes back, at most 4 KiB.
    pub async fn plaintext(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        within(async {
            let mut stream = self.tcp().await?;
            raw::write(&mut stream, bytes).await.ok();
            Ok(raw::drain(&mut stream).await)
        })
        .await
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Reply, Error> {
        let authority = self.target.authority();
        let host = http::HeaderValue::from_str(&authority)
            .map_err(|_| Error::Broken("the host is no header value".to_owned()))?;
        request
            .headers_mut()
            .entry(http::header::HOST)
            .or_insert(host);
        let stream = TokioIo::new(self.connect().await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
            .await
            .map_err(broken)?;
        let driver = tokio::spawn(connection);
        let reply = async {
            let reply = sender
                .send_request(request.map(Full::new))
                .await
                .map_err(broken)?;
            let (head, body) = reply.into_parts();
            let body = Limited::new(body, REPLY_BYTES_MAX);
            let body = body
                .collect()
                .await
                .map_err(|error| Error::Broken(error.to_string()))?;
            Ok(Reply {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.to_bytes(),
            })
        }
        .await;
        driver.abort();
        reply
    }

    async fn connect(&self) -> Result<ClientStream<TcpStream>, Error> {
        let stream = self.tcp().await?;
        Ok(self
            .connector
            .connect(&self.target.host, stream)
            .await?
            .stream)
    }

    async fn tcp(&self) -> Result<TcpStream, Error> {
        let at = |error| Error::Connect(self.target.authority(), error);
        let stream = TcpStream::connect((self.target.host.as_str(), self.target.port))
            .await
            .map_err(at)?;
        stream.set_nodelay(true).map_err(at)?;
        Ok(stream)
    }
}

async fn within<T>(exchange: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(EXCHANGE_TIME_MAX, exchange)
        .await
        .unwrap_or(Err(Error::Deadline))
}

/// hyper's own words hide the cause, so both are told.
fn broken(error: hyper::Error) -> Error {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    Error::Broken(format!("{error}{}", cause.unwrap_or_default()))
}
