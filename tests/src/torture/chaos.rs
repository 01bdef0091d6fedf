//! A line with bad manners: a TCP proxy of ours between the gateway and a partner, in user space, so that
//! no right of the machine's is needed. How it behaves can change at any moment and then holds for the
//! open connections too. It sees bytes and no meaning: a message is what one side says before the other
//! does.

mod manner;
mod pump;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinHandle,
};

pub use manner::{Door, End, Ending, Manner, Way};
use pump::Pump;

/// What the line has seen.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// When each connection came, in order.
    came: Mutex<Vec<Instant>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
    carried: AtomicU64,
    /// A reply that waits for another to overtake it.
    waiting: Mutex<Option<oneshot::Sender<()>>>,
}

/// A running line; dropping it ends it and every connection on it.
#[derive(Debug)]
pub struct Chaos {
    address: SocketAddr,
    manner: watch::Sender<Manner>,
    cut: watch::Sender<u64>,
    book: Arc<Book>,
    task: JoinHandle<()>,
}

impl Chaos {
    /// A fair line to `target` on a free port of the loopback; dice come from the seed.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(target: SocketAddr, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (manner, follows) = watch::channel(Manner::FAIR);
        let (cut, cuts) = watch::channel(0);
        let book = Arc::new(Book::default());
        let line = Line {
            target,
            seed,
            manner: follows,
            cut: cuts,
            book: Arc::clone(&book),
        };
        Ok(Self {
            address,
            manner,
            cut,
            book,
            task: tokio::spawn(line.accept(listener)),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it behaves from now on.
    pub fn behave(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// Resets every open connection.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// When each connection came since the start, in order.
    #[must_use]
    pub fn came(&self) -> Vec<Instant> {
        lock(&self.book.came).clone()
    }

    /// Connections that the caller holds open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.book.open.load(Ordering::Acquire)
    }

    /// The most that were open at once since this was last asked.
    #[must_use]
    pub fn most_open(&self) -> usize {
        let now = self.open();
        self.book.most_open.swap(now, Ordering::AcqRel)
    }

    /// Bytes carried, both directions.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.book.carried.load(Ordering::Acquire)
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

/// What each connection needs.
#[derive(Clone)]
struct Line {
    target: SocketAddr,
    seed: u64,
    manner: watch::Receiver<Manner>,
    cut: watch::Receiver<u64>,
    book: Arc<Book>,
}

impl Line {
    async fn accept(mut self, listener: TcpListener) {
        let mut nth = 0;
        loop {
            let open = self
                .manner
                .wait_for(|manner| manner.door != Door::Unanswered);
            if open.await.is_err() {
                return;
            }
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.manner.changed() => continue,
            };
            let Ok((near, _)) = accepted else {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            nth += 1;
            lock(&self.book.came).push(Instant::now());
            tokio::spawn(self.clone().connection(near, nth));
        }
    }

    async fn connection(mut self, near: TcpStream, nth: u64) {
        let _here = Here::enter(&self.book);
        let _ = near.set_nodelay(true);
        self.cut.mark_unchanged();
        let door = self.manner.borrow().door;
        match door {
            Door::Reset => reset(&near),
            Door::NoTls => refuse_tls(near).await,
            Door::Silent => self.silent(near).await,
            Door::Open | Door::Unanswered => self.carry(near, nth).await,
        }
    }

    /// Takes everything and says nothing, until the other end has had enough.
    async fn silent(&mut self, mut near: TcpStream) {
        let mut piece = [0; 4096];
        loop {
            tokio::select! {
                read = near.read(&mut piece) => match read {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => return,
                },
                _ = self.cut.changed() => return reset(&near),
            }
        }
    }

    async fn carry(mut self, near: TcpStream, nth: u64) {
        let Ok(far) = TcpStream::connect(self.target).await else {
            return reset(&near);
        };
        let _ = far.set_nodelay(true);
        let ended = {
            let said = Arc::new(AtomicU64::new(0));
            let pump = |back: bool| Pump {
                back,
                seed: self.seed,
                nth,
                manner: self.manner.clone(),
                said: Arc::clone(&said),
                book: Arc::clone(&self.book),
            };
            let there = pump(false).run(&near, &far);
            let back = pump(true).run(&far, &near);
            let both = async {
                tokio::pin!(there, back);
                // the caller is gone when it has ended what it says; what comes back then is for nobody
                tokio::select! {
                    ended = &mut there => ended,
                    ended = &mut back => match ended {
                        pump::Ended::Closed => there.await,
                        pump::Ended::Reset => ended,
                    },
                }
            };
            tokio::select! {
                ended = both => ended,
                _ = self.cut.changed() => pump::Ended::Reset,
            }
        };
        if ended == pump::Ended::Reset {
            reset(&near);
            reset(&far);
        }
    }
}

/// Dropping a stream after this says RST, and what was not sent yet is lost.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// What a server says that takes no part in the handshake.
async fn refuse_tls(mut near: TcpStream) {
    let mut hello = [0; 4096];
    let _ = near.read(&mut hello).await;
    let _ = near.write_all(&HANDSHAKE_FAILURE).await;
    let _ = near.shutdown().await;
}

/// A fatal alert, handshake_failure (RFC 8446, 6.2).
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// One open connection in the book.
struct Here(Arc<Book>);

impl Here {
    fn enter(book: &Arc<Book>) -> Self {
        let open = book.open.fetch_add(1, Ordering::AcqRel) + 1;
        book.most_open.fetch_max(open, Ordering::AcqRel);
        Self(Arc::clone(book))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
