//! A refusal that is said before the whole body is here arrives all the same. Closing over bytes that nobody read makes the
//! kernel reset the connection, and the reset throws away the answer that the partner has not read yet. So what we say is
//! ended first, and what still comes is thrown away for a moment (HTTP/1.1; HTTP/2 refuses a stream, not a connection).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// How long a connection that is over is listened to.
const LINGER: Duration = Duration::from_secs(2);
/// How much is thrown away from it, bytes.
const LINGER_BYTES: usize = 4 << 20;

/// Whether the newest body of a connection was left before its end.
#[derive(Clone, Default)]
pub(super) struct Unread(Arc<AtomicBool>);

impl Unread {
    /// The body, which notes here how it was left.
    pub(super) fn noting(&self, body: Incoming) -> Noting {
        Noting {
            body,
            is_whole: false,
            unread: self.clone(),
        }
    }
}

/// A body that notes whether it was taken whole.
pub(super) struct Noting {
    body: Incoming,
    is_whole: bool,
    unread: Unread,
}

impl http_body::Body for Noting {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.is_whole = frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        let is_unread = !self.is_whole && !self.body.is_end_stream();
        self.unread.0.store(is_unread, Ordering::Release);
    }
}

/// A stream whose end waits for what was left unread.
pub(super) struct Lingering<IO> {
    stream: IO,
    unread: Unread,
    /// Until when, and how many bytes of it are left; none before our own end is said.
    rest: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<IO> Lingering<IO> {
    pub(super) fn new(stream: IO, unread: Unread) -> Self {
        let rest = None;
        Self {
            stream,
            unread,
            rest,
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Lingering<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<IO> {
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

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            stream,
            unread,
            rest,
        } = self.get_mut();
        if rest.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        if !unread.0.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        let (until, left) =
            rest.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER)), LINGER_BYTES));
        let mut thrown = [0; 8 << 10];
        while *left > 0 && until.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut thrown);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
            let count = buffer.filled().len();
            if read.is_err() || count == 0 {
                break; // the partner has closed
            }
            *left = left.saturating_sub(count);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    fn unread() -> Unread {
        Unread(Arc::new(AtomicBool::new(true)))
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_unread_is_thrown_away_after_our_end_was_said() {
        let (ours, mut theirs) = duplex(1 << 10);
        let closing = tokio::spawn(async move {
            let mut stream = Lingering::new(ours, unread());
            stream.write_all(b"no").await.unwrap();
            stream.shutdown().await.unwrap();
        });
        // more than the pipe holds: it goes only where somebody reads
        theirs.write_all(&[7; 100 << 10]).await.unwrap();
        let mut said = String::new();
        theirs.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "no");
        assert!(!closing.is_finished());
        drop(theirs);
        closing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_listened_to_for_longer_than_a_moment() {
        let began = tokio::time::Instant::now();
        let (ours, theirs) = duplex(1 << 10);
        Lingering::new(ours, unread()).shutdown().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), LINGER.as_secs());
        drop(theirs);
        // and not for more than so many bytes
        let (ours, mut theirs) = duplex(1 << 20);
        let sending = tokio::spawn(async move {
            let mut sent = 0;
            while let Ok(count) = theirs.write(&[7; 64 << 10]).await {
                sent += count;
            }
            sent
        });
        Lingering::new(ours, unread()).shutdown().await.unwrap();
        let sent = sending.await.unwrap();
        assert!((LINGER_BYTES..LINGER_BYTES + (2 << 20)).contains(&sent));
        assert_eq!(began.elapsed().as_secs(), LINGER.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_body_was_read_ends_at_once() {
        let began = tokio::time::Instant::now();
        let (ours, _theirs) = duplex(1 << 10);
        let mut stream = Lingering::new(ours, Unread::default());
        stream.shutdown().await.unwrap();
        assert!(began.elapsed().is_zero());
    }
}
