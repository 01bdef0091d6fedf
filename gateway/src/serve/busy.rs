//! What a connection is doing: nothing yet, sending a head, waiting for an answer, or idle.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use certs::tls::Alpn;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// What a connection is doing.
pub(super) struct Busy {
    pub(super) opened: Instant,
    /// When the first byte of a head came that is not complete yet.
    head_since: Mutex<Option<Instant>>,
    pub(super) spoke: AtomicBool,
    pub(super) inside: AtomicUsize,
    since: Mutex<Instant>,
    /// Bytes that came, and bytes that requests and their bodies account for.
    came: AtomicU64,
    due: AtomicU64,
    pub(super) chatters: AtomicBool,
}

impl Busy {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            head_since: Mutex::default(),
            spoke: AtomicBool::new(false),
            inside: AtomicUsize::new(0),
            since: Mutex::new(Instant::now()),
            came: AtomicU64::new(0),
            due: AtomicU64::new(CHATTER + u64::from(CONNECTION_WINDOW)),
            chatters: AtomicBool::new(false),
        }
    }

    pub(super) fn enter(self: &Arc<Self>) -> Inside {
        self.spoke.store(true, Ordering::Release);
        self.due.fetch_add(PER_REQUEST, Ordering::Relaxed);
        *self
            .head_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        self.inside.fetch_add(1, Ordering::AcqRel);
        Inside(Arc::clone(self))
    }

    /// Bytes came while nothing was inside: a head has begun.
    pub(super) fn heard(&self) {
        if self.inside.load(Ordering::Acquire) == 0 {
            let mut since = self
                .head_since
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            since.get_or_insert_with(Instant::now);
        }
    }

    /// So many bytes of a body were taken; frames around them cost a little.
    pub(super) fn took(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.due.fetch_add(bytes + bytes / 8, Ordering::Relaxed);
    }

    /// Whether more came than requests and bodies account for: frames that ask for nothing.
    fn is_chatter(&self, bytes: usize) -> bool {
        let came = self.came.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let chatters = came > self.due.load(Ordering::Relaxed);
        if chatters {
            self.chatters.store(true, Ordering::Release);
        }
        chatters
    }

    pub(super) fn head_for(&self) -> Duration {
        let since = self
            .head_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn idle_for(&self) -> Duration {
        match self.inside.load(Ordering::Acquire) {
            0 => self
                .since
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .elapsed(),
            _ => Duration::ZERO,
        }
    }
}

/// A stream that tells when bytes of a new head come in (HTTP/1.1), and ends a connection that only
/// chatters: pings, settings, empty frames (HTTP/2).
pub(super) struct Heard<IO> {
    pub(super) stream: IO,
    pub(super) busy: Arc<Busy>,
    pub(super) speaks: Alpn,
}

/// What a connection may say beside its requests, bytes.
const CHATTER: u64 = 64 << 10;
/// What each request may come to without a byte of its body being taken: its head, and one window of a
/// body that is refused unread.
const PER_REQUEST: u64 = (16 << 10) + STREAM_WINDOW as u64;
/// HTTP/2: how much of a body may come before it is taken, bytes.
pub(super) const STREAM_WINDOW: u32 = 256 << 10;
/// The same of all bodies of a connection together. It may be here before the first request has been told of: the head and the
/// whole window behind it are read in one go.
pub(super) const CONNECTION_WINDOW: u32 = 1 << 20;

impl<IO: AsyncRead + Unpin> AsyncRead for Heard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let came = buffer.filled().len() - before;
        match self.speaks {
            Alpn::Http1 if came > 0 => self.busy.heard(),
            Alpn::H2 if self.busy.is_chatter(came) => {
                buffer.set_filled(before); // an error has read nothing
                return Poll::Ready(Err(io::Error::other("chatter")));
            }
            Alpn::Http1 | Alpn::H2 => {}
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Heard<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

pub(super) struct Inside(Arc<Busy>);

impl Drop for Inside {
    fn drop(&mut self) {
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What of a stream of this length gets through before the connection is ended.
    async fn through(length: usize, speaks: Alpn, busy: &Arc<Busy>) -> Result<usize, io::Error> {
        let said = vec![0; length];
        let mut heard = Heard {
            stream: said.as_slice(),
            busy: Arc::clone(busy),
            speaks,
        };
        let mut all = Vec::new();
        heard.read_to_end(&mut all).await
    }

    #[tokio::test]
    async fn frames_that_ask_for_nothing_end_the_connection() {
        let busy = Arc::new(Busy::new());
        let chatter = usize::try_from(CHATTER + u64::from(CONNECTION_WINDOW)).unwrap();
        assert_eq!(through(chatter, Alpn::H2, &busy).await.unwrap(), chatter);
        assert!(!busy.chatters.load(Ordering::Acquire));
        let ended = through(1, Alpn::H2, &busy).await.unwrap_err();
        assert_eq!(ended.to_string(), "chatter");
        assert!(busy.chatters.load(Ordering::Acquire));
    }

    #[tokio::test]
    async fn requests_and_bodies_that_are_taken_are_no_chatter() {
        let busy = Arc::new(Busy::new());
        let request = usize::try_from(PER_REQUEST).unwrap();
        for _ in 0..100 {
            drop(busy.enter());
            busy.took(8 << 20);
            through(request + (8 << 20), Alpn::H2, &busy).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_body_that_came_before_its_request_was_told_of_is_no_chatter() {
        let busy = Arc::new(Busy::new());
        let window = usize::try_from(CONNECTION_WINDOW).unwrap();
        through(window, Alpn::H2, &busy).await.unwrap();
        drop(busy.enter());
        busy.took(window);
        through(window, Alpn::H2, &busy).await.unwrap();
    }

    #[tokio::test]
    async fn http1_has_bounds_of_its_own() {
        let busy = Arc::new(Busy::new());
        through(1 << 20, Alpn::Http1, &busy).await.unwrap();
        assert!(busy.head_for() > Duration::ZERO);
    }
}
