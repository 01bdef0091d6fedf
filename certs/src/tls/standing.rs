//! A connection that we have made, and whether its server may still be spoken to.
//!
//! Before anything is said or read the server is judged as at the handshake, where its last judgement no longer
//! holds ([`Judged`]).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::connector::Shared;
use super::{Judged, PeerCertificate};

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
    judged: Judged,
}

impl Standing {
    pub(super) fn new(
        tls: Arc<Shared>,
        name: ServerName<'static>,
        peer: PeerCertificate,
        judged: Judged,
    ) -> Self {
        Self {
            tls,
            name,
            peer,
            judged,
        }
    }

    fn check(&mut self) -> io::Result<()> {
        let Self {
            tls,
            name,
            peer,
            judged,
        } = self;
        judged
            .hold(tls.generation(), || tls.judge(name, peer))
            .map_err(|refused| io::Error::new(io::ErrorKind::ConnectionAborted, refused))
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
