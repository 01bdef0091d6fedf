//! A TCP relay that can be told to lose what comes back: the request is carried, the answer never.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A running relay; dropping it stops it.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    losing: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Relay {
    /// A relay to `target` on a free port.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (losing, lost) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let task = tokio::spawn(accept(
            listener,
            target,
            Arc::clone(&losing),
            Arc::clone(&lost),
        ));
        Self {
            address,
            losing,
            lost,
            task,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing comes back.
    pub fn lose_answers(&self) {
        self.losing.store(true, Ordering::SeqCst);
    }

    /// How many bytes were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    losing: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let Ok(far) = TcpStream::connect(target).await else {
            continue;
        };
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        tokio::spawn(carry(
            near_in,
            far_out,
            Arc::new(AtomicBool::new(false)),
            Arc::default(),
        ));
        tokio::spawn(carry(
            far_in,
            near_out,
            Arc::clone(&losing),
            Arc::clone(&lost),
        ));
    }
}

async fn carry<R, W>(mut from: R, mut to: W, losing: Arc<AtomicBool>, lost: Arc<AtomicU64>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut piece = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        if losing.load(Ordering::SeqCst) {
            lost.fetch_add(count as u64, Ordering::SeqCst);
        } else if to.write_all(&piece[..count]).await.is_err() {
            return;
        }
    }
}
