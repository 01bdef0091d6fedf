//! What a connection is doing: nothing yet, sending a head, waiting for an answer, or idle.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

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
}

impl Busy {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            head_since: Mutex::default(),
            spoke: AtomicBool::new(false),
            inside: AtomicUsize::new(0),
            since: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn enter(self: &Arc<Self>) -> Inside {
        self.spoke.store(true, Ordering::Release);
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

/// A stream that tells when bytes of a new head come in.
pub(super) struct Heard<IO> {
    pub(super) stream: IO,
    pub(super) busy: Arc<Busy>,
    pub(super) listens: bool,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Heard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.listens && buffer.filled().len() > before {
            self.busy.heard();
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
