//! A connection that we have made, and whether its server may still be spoken to.
//!
//! A connection outlives what was known when it was made: a list names its server, an anchor goes, a
//! certificate ends. So before anything is said or read the counters of what has changed are compared, and
//! where one has moved, or half a minute is over, the server is judged as at the handshake.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::PeerCertificate;
use super::connector::Shared;

/// A client's TLS stream; reads and writes like any other until its server would be refused.
#[derive(Debug)]
pub struct ClientStream<IO> {
    inner: TlsStream<IO>,
    standing: Standing,
}

pub(super) struct Standing {
    tls: Arc<Shared>,
    name: ServerName<'static>,
    peer: PeerCertificate,
    generation: u64,
    judged: Instant,
}

impl Standing {
    /// Judged just now, by what was known at `generation`.
    pub(super) fn new(
        tls: Arc<Shared>,
        name: ServerName<'static>,
        peer: PeerCertificate,
        generation: u64,
    ) -> Self {
        Self {
            tls,
            name,
            peer,
            generation,
            judged: Instant::now(),
        }
    }

    fn check(&mut self) -> io::Result<()> {
        let generation = self.tls.generation();
        if generation == self.generation && self.judged.elapsed() < JUDGED_EVERY {
            return Ok(());
        }
        let judged = self.tls.judge(&self.name, &self.peer);
        judged.map_err(|refused| io::Error::new(io::ErrorKind::ConnectionAborted, refused))?;
        (self.generation, self.judged) = (generation, Instant::now());
        Ok(())
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Standing({:?})", self.name)
    }
}

impl<IO> ClientStream<IO> {
    pub(super) const fn new(inner: TlsStream<IO>, standing: Standing) -> Self {
        Self { inner, standing }
    }

    /// What is underneath, and the library's connection.
    pub fn get_ref(&self) -> (&IO, &rustls::ClientConnection) {
        self.inner.get_ref()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for ClientStream<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.standing.check()?;
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.standing.check()?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.standing.check()?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// How long a judgement holds where nothing was heard: certificates and lists end by themselves.
const JUDGED_EVERY: Duration = Duration::from_secs(30);
