//! A bounded HTTP/1.1 client to one partner over mutual TLS.
//!
//! Every wait and size has a bound. It follows no redirect, reads no proxy environment and keeps its
//! own small pool, so that one partner that hangs never holds up another. It refuses to know what is
//! sent and whether a failed call may be repeated.

mod dial;
mod endpoint;
mod error;
mod pool;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use certs::tls::Connector;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::{sync::Semaphore, time::timeout};

pub use endpoint::{BadEndpoint, Endpoint};
pub use error::Error;

pub(crate) use dial::dial;
pub(crate) use pool::HEAD_BYTES_MAX;
use pool::{Connection, Pool};

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where the partner listens.
    pub endpoint: Endpoint,
    /// Our identity and the authorities that the partner's certificate must lead to.
    pub tls: Connector,
    /// The bounds.
    pub limits: ClientLimits,
}

/// The bounds of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Most connections at a time; further calls wait within their deadline.
    pub connections_max: usize,
    /// How long to wait for TCP; the connector bounds the TLS handshake itself.
    pub connect_deadline: Duration,
    /// How long one call may take, waiting, connecting and reading included.
    pub call_deadline: Duration,
    /// Longest body of an answer, bytes.
    pub answer_bytes_max: usize,
    /// Most header fields of an answer.
    pub headers_max: usize,
    /// A connection unused for longer is not used again.
    pub idle_max: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connections_max: 4,
            connect_deadline: Duration::from_secs(5),
            call_deadline: Duration::from_secs(30),
            answer_bytes_max: 1 << 20,
            headers_max: 64,
            idle_max: Duration::from_secs(30),
        }
    }
}

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status; never 3xx.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body, at most `answer_bytes_max`.
    pub body: Bytes,
    /// SHA-256 of the certificate that the partner showed.
    pub peer_sha256: [u8; 32],
}

/// A client to one partner; clones share its pool.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ClientConfig,
    pool: Pool,
    room: Semaphore,
}

impl Client {
    /// A client without connections yet.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let room = Semaphore::new(config.limits.connections_max.max(1));
        let pool = Pool::new(config.limits.idle_max);
        Self(Arc::new(Inner { config, pool, room }))
    }

    /// Where the partner listens.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.config.endpoint
    }

    /// Posts `body` to `target` (path and query) with further header fields.
    ///
    /// # Errors
    /// [`Error`]; whether the partner has seen the call is unknown unless [`Error::is_unsent`].
    pub async fn post(
        &self,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        self.send_as(Method::POST, target, headers, body).await
    }

    /// Puts `body` at `target` (path and query) with further header fields.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn put(
        &self,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        self.send_as(Method::PUT, target, headers, body).await
    }

    pub(crate) async fn send_as(
        &self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let request = self.request(method, target, headers, body)?;
        timeout(self.0.config.limits.call_deadline, self.call(request))
            .await
            .map_err(|_| Error::Deadline)?
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .body(Full::new(body))
            .map_err(|_| Error::BadTarget)?;
        if !target.starts_with('/') {
            return Err(Error::BadTarget);
        }
        *request.headers_mut() = headers;
        let host =
            HeaderValue::from_str(&self.endpoint().authority()).map_err(|_| Error::BadTarget)?;
        request.headers_mut().insert(header::HOST, host);
        Ok(request)
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<Answer, Error> {
        let _room = self.0.room.acquire().await.map_err(|_| Error::Closed)?;
        let (connection, response) = self.send(request).await?;
        if response.status().is_redirection() {
            return Err(Error::Redirect);
        }
        self.read(connection, response).await
    }

    /// An idle connection may have died unseen: what it never took is sent once more on a new one.
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Connection, http::Response<Incoming>), Error> {
        let request = match self.0.pool.take().await {
            None => request,
            Some(mut idle) => match idle.sender.try_send_request(request).await {
                Ok(response) => return Ok((idle, response)),
                Err(mut error) => error.take_message().ok_or(Error::Closed)?,
            },
        };
        let mut fresh = pool::connect(&self.0.config).await?;
        let response = fresh
            .sender
            .send_request(request)
            .await
            .map_err(Error::http)?;
        Ok((fresh, response))
    }

    async fn read(
        &self,
        connection: Connection,
        response: http::Response<Incoming>,
    ) -> Result<Answer, Error> {
        let (head, body) = response.into_parts();
        let body = read_body(body, self.0.config.limits.answer_bytes_max).await?;
        let peer_sha256 = connection.peer_sha256;
        self.0.pool.put(connection);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            peer_sha256,
        })
    }
}

/// A whole body of at most `bytes_max`.
pub(crate) async fn read_body(body: Incoming, bytes_max: usize) -> Result<Bytes, Error> {
    Limited::new(body, bytes_max)
        .collect()
        .await
        .map(|body| body.to_bytes())
        .map_err(|error| match error.is::<LengthLimitError>() {
            true => Error::AnswerTooLarge,
            false => Error::Closed,
        })
}

#[cfg(test)]
mod tests;
