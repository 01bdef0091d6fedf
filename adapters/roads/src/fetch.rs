//! Gets or posts at one registered location: revocation lists, OCSP, time-stamps, key sets, tokens.
//!
//! What it calls stands in config and nowhere else: no address from a message or a certificate, no
//! redirect, no proxy environment. Each call has one connection of its own, one deadline and one size.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use certs::tls::{Alpn, Connector};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

pub use crate::client::Error;
use crate::{
    client::{HEAD_BYTES_MAX, dial, read_body},
    reach::{Location, Scheme},
};

/// The bounds of one fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// How long all of it may take, from the resolution to the last byte.
    pub deadline: Duration,
    /// Longest body of an answer, bytes.
    pub answer_bytes_max: usize,
    /// Most header fields of an answer.
    pub headers_max: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            answer_bytes_max: 1 << 20,
            headers_max: 64,
        }
    }
}

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// HTTP status; never 3xx.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body, at most `answer_bytes_max`.
    pub body: Bytes,
}

/// Calls one location; clones share nothing but the settings.
#[derive(Debug, Clone)]
pub struct Fetcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    location: Location,
    tls: Option<Connector>,
    limits: FetchLimits,
}

/// A location over TLS without anything to judge its certificate by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an https address needs the authorities of its server's certificate")]
pub struct NeedsTls;

impl Fetcher {
    /// Takes a location, and for `https` the TLS that is spoken to it.
    ///
    /// # Errors
    /// [`NeedsTls`] for an `https` location without TLS.
    pub fn new(
        location: Location,
        tls: Option<Connector>,
        limits: FetchLimits,
    ) -> Result<Self, NeedsTls> {
        if location.scheme() == Scheme::Https && tls.is_none() {
            return Err(NeedsTls);
        }
        Ok(Self(Arc::new(Inner {
            location,
            tls,
            limits,
        })))
    }

    /// Where it calls.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.0.location
    }

    /// Gets what stands there.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get(&self, headers: HeaderMap) -> Result<Fetched, Error> {
        self.call(Method::GET, headers, Bytes::new()).await
    }

    /// Posts `body` there.
    ///
    /// # Errors
    /// [`Error`]; whether the other side has seen it is unknown unless [`Error::is_unsent`].
    pub async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<Fetched, Error> {
        self.call(Method::POST, headers, body).await
    }

    /// Posts `body` as `content_type`.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub async fn post_as(&self, content_type: &'static str, body: Bytes) -> Result<Fetched, Error> {
        let kind = HeaderValue::from_static(content_type);
        self.post(HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), body)
            .await
    }

    async fn call(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Fetched, Error> {
        let request = self.request(method, headers, body)?;
        timeout(self.0.limits.deadline, self.send(request))
            .await
            .map_err(|_| Error::Deadline)?
    }

    fn request(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let location = &self.0.location;
        let host = HeaderValue::from_str(&location.authority()).map_err(|_| Error::BadTarget)?;
        let mut request = Request::builder()
            .method(method)
            .uri(location.target())
            .body(Full::new(body))
            .map_err(|_| Error::BadTarget)?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::HOST, host);
        let close = HeaderValue::from_static("close");
        request.headers_mut().insert(header::CONNECTION, close);
        Ok(request)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Fetched, Error> {
        let Inner {
            location,
            tls,
            limits,
        } = self.0.as_ref();
        let tcp = dial(location, limits.deadline).await?;
        let Some(tls) = tls.as_ref().filter(|_| location.scheme() == Scheme::Https) else {
            return speak(tcp, request, *limits).await;
        };
        let connected = tls
            .connect(location.host(), tcp)
            .await
            .map_err(Error::Handshake)?;
        match connected.alpn {
            Alpn::Http1 => speak(connected.stream, request, *limits).await,
            Alpn::H2 => Err(Error::Protocol),
        }
    }
}

/// One request and one answer; the connection ends with them.
async fn speak<IO>(
    io: IO,
    request: Request<Full<Bytes>>,
    limits: FetchLimits,
) -> Result<Fetched, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, driver) = http1::Builder::new()
        .max_headers(limits.headers_max)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(io))
        .await
        .map_err(Error::http)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(Error::http)?;
        if response.status().is_redirection() {
            return Err(Error::Redirect);
        }
        let (head, body) = response.into_parts();
        Ok(Fetched {
            status: head.status,
            headers: head.headers,
            body: read_body(body, limits.answer_bytes_max).await?,
        })
    };
    tokio::pin!(answered);
    tokio::select! {
        answer = &mut answered => answer,
        // the driver may end with the last byte of an answer that is still being collected
        _ = driver => answered.await,
    }
}

#[cfg(test)]
mod tests;
