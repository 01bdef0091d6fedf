//! One direction of one connection: read as it comes, written when its time has come.

use std::{
    os::fd::AsFd as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{Book, Ending, Manner, Way, lock};
use crate::torture::random::Random;

/// One direction of one connection.
pub(super) struct Pump {
    pub(super) back: bool,
    pub(super) seed: u64,
    pub(super) nth: u64,
    pub(super) manner: watch::Receiver<Manner>,
    /// Grows whenever the caller has said something: what comes back then is a new message.
    pub(super) said: Arc<AtomicU64>,
    pub(super) book: Arc<Book>,
}

/// How a direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Closed,
    Reset,
}

/// What was read, and from when on it may be written.
struct Piece {
    due: Instant,
    message: u64,
    bytes: Vec<u8>,
}

impl Pump {
    pub(super) async fn run(self, from: &TcpStream, to: &TcpStream) -> Ended {
        let (pieces, queue) = mpsc::channel(PIECES);
        let (read, write) = (self.read(from, pieces), self.write(to, queue));
        tokio::pin!(read, write);
        tokio::select! {
            // an end is known at once, though what was said before it may still be on its way
            gone = &mut read => match gone {
                Ended::Reset => Ended::Reset,
                Ended::Closed if self.back => write.await,
                Ended::Closed => Ended::Closed,
            },
            ended = &mut write => ended,
        }
    }

    async fn read(&self, from: &TcpStream, pieces: mpsc::Sender<Piece>) -> Ended {
        let mut random = Random::of(self.seed, &[70, self.nth, u64::from(self.back)]);
        let (mut latest, mut message) = (Instant::now(), 0);
        let mut buffer = vec![0; 16 << 10];
        loop {
            if from.readable().await.is_err() {
                return Ended::Reset;
            }
            let count = match from.try_read(&mut buffer) {
                Ok(0) => return Ended::Closed,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(_) => return Ended::Reset,
            };
            let said = match self.back {
                true => self.said.load(Ordering::Acquire),
                false => self.said.fetch_add(1, Ordering::AcqRel),
            };
            let new = said != message;
            message = said;
            if new && self.back {
                self.be_overtaken().await;
            }
            latest = latest.max(Instant::now() + late(&self.way(), &mut random));
            let piece = Piece {
                due: latest,
                message,
                bytes: buffer[..count].to_vec(),
            };
            if pieces.send(piece).await.is_err() {
                return Ended::Closed;
            }
        }
    }

    async fn write(&self, to: &TcpStream, mut queue: mpsc::Receiver<Piece>) -> Ended {
        let (mut message, mut told) = (u64::MAX, 0);
        while let Some(piece) = queue.recv().await {
            tokio::time::sleep_until(piece.due).await;
            // what the caller says is one message until it has been answered; what it is told is one
            // until it says something
            if self.back && piece.message != message {
                (message, told) = (piece.message, 0);
            }
            let mut rest = piece.bytes.as_slice();
            while !rest.is_empty() {
                let (way, most) = (self.thawed().await, rest.len());
                let mut most = way.rate.map_or(most, |rate| most.min(step(rate)));
                if let Some(end) = way.end.filter(|end| !self.back || message > end.spares) {
                    if told >= end.after {
                        return self.finish(to, end.how).await;
                    }
                    most = most.min(usize::try_from(end.after - told).unwrap_or(most));
                }
                let Some(count) = put(to, &rest[..most]).await else {
                    return Ended::Reset;
                };
                rest = &rest[count..];
                told += count as u64;
                self.book.carried.fetch_add(count as u64, Ordering::AcqRel);
                if let Some(rate) = way.rate {
                    let took = Duration::from_secs_f64(count as f64 / rate.max(1) as f64);
                    self.unless_changed(took).await;
                }
            }
        }
        say_end(to);
        Ended::Closed
    }

    async fn finish(&self, to: &TcpStream, how: Ending) -> Ended {
        match how {
            Ending::Reset => return Ended::Reset,
            Ending::HalfClose => {
                say_end(to);
            }
            Ending::Hang => {}
        }
        std::future::pending().await
    }

    fn way(&self) -> Way {
        let manner = self.manner.borrow();
        if self.back { manner.back } else { manner.there }
    }

    /// How this direction behaves, once it moves.
    async fn thawed(&self) -> Way {
        let mut manner = self.manner.clone();
        let way = |manner: &Manner| if self.back { manner.back } else { manner.there };
        match manner.wait_for(|manner| !way(manner).frozen).await {
            Ok(manner) => way(&manner),
            Err(_) => Way::FAIR, // the line is being taken down
        }
    }

    /// Waits, but not under manners that hold no longer.
    async fn unless_changed(&self, wait: Duration) {
        let mut manner = self.manner.clone();
        manner.mark_unchanged();
        let _ = tokio::time::timeout(wait, manner.changed()).await;
    }

    /// Where messages come back out of order: the first waits until another has gone before it.
    async fn be_overtaken(&self) {
        let Some(longest) = self.manner.borrow().reorder else {
            return;
        };
        let mine = {
            let mut waiting = lock(&self.book.waiting);
            match waiting.take() {
                Some(first) => {
                    tokio::spawn(async move {
                        // after this one has been written
                        tokio::time::sleep(OVERTAKING).await;
                        let _ = first.send(());
                    });
                    return;
                }
                None => {
                    let (first, overtaken) = oneshot::channel();
                    *waiting = Some(first);
                    overtaken
                }
            }
        };
        if tokio::time::timeout(longest, mine).await.is_err() {
            lock(&self.book.waiting).take();
        }
    }
}

/// How much later than at once.
fn late(way: &Way, random: &mut Random) -> Duration {
    let most = u64::try_from(way.jitter.as_micros()).unwrap_or(u64::MAX - 1);
    let jitter = Duration::from_micros(random.below(most + 1));
    let resent = match random.percent(way.loss) {
        true => Way::RESENT_AFTER,
        false => Duration::ZERO,
    };
    way.delay + jitter + resent
}

/// The most bytes at once under a rate: twenty steps a second, and never none.
fn step(rate: u64) -> usize {
    usize::try_from(rate / 20).unwrap_or(usize::MAX).max(1)
}

/// Writes some of it.
async fn put(to: &TcpStream, bytes: &[u8]) -> Option<usize> {
    loop {
        to.writable().await.ok()?;
        match to.try_write(bytes) {
            Ok(count) => return Some(count),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}

/// FIN: nothing more comes this way.
fn say_end(to: &TcpStream) {
    // the same socket under another descriptor: it stays whole for the other direction
    let same = to
        .as_fd()
        .try_clone_to_owned()
        .map(std::net::TcpStream::from);
    if let Ok(same) = same {
        let _ = same.shutdown(std::net::Shutdown::Write);
    }
}

/// Pieces on their way in one direction: 1 MiB.
const PIECES: usize = 64;
/// How long a message has to get past one that waits for it.
const OVERTAKING: Duration = Duration::from_millis(20);
