//! The one connection to Redis: made over a Unix socket, TLS or loopback, lost at the first trouble.

use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use certs::tls::Connector;
use redis::{
    AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, aio::MultiplexedConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::Notify,
    task::JoinHandle,
};

use crate::config::Secret;

/// Where Redis listens.
#[derive(Debug, Clone)]
pub enum Door {
    /// A Unix socket.
    Unix(PathBuf),
    /// Host and port in clear: this machine's own only.
    Clear(String, u16),
    /// Host and port over TLS.
    Secured(String, u16, Connector),
}

/// How Redis is reached.
#[derive(Debug, Clone)]
pub struct LineParams {
    /// Where it listens.
    pub door: Door,
    /// The user, where it is not the default one.
    pub user: Option<String>,
    /// The password, where it wants one.
    pub password: Option<Secret>,
}

/// What moves the bytes of a connection; it ends when the connection does.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

impl LineParams {
    /// Connects and logs in.
    pub(super) async fn dial(&self) -> Result<(MultiplexedConnection, Driver), &'static str> {
        match &self.door {
            Door::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                self.log_in(stream.map_err(|_| "the socket is not there")?)
                    .await
            }
            Door::Clear(host, port) => self.log_in(tcp(host, *port).await?).await,
            Door::Secured(host, port, connector) => {
                let secured = connector.connect(host, tcp(host, *port).await?).await;
                let connected = secured.map_err(|_| "the TLS handshake failed")?;
                self.log_in(connected.stream).await
            }
        }
    }

    async fn log_in<S>(&self, stream: S) -> Result<(MultiplexedConnection, Driver), &'static str>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut who = RedisConnectionInfo::default().set_skip_set_lib_name();
        if let Some(user) = &self.user {
            who = who.set_username(user);
        }
        if let Some(password) = &self.password {
            who = who.set_password(password.reveal());
        }
        // the caller has a deadline of its own for each answer
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&who, stream, config).await;
        let (connection, driver) = made.map_err(|error| reason(&error))?;
        let driver: Driver = Box::pin(driver);
        Ok((connection, driver))
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, &'static str> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|_| "nobody listens there")?;
    stream
        .set_nodelay(true)
        .map_err(|_| "the connection broke")?;
    Ok(stream)
}

/// A stable word for what went wrong: the server's own text could tell too much.
pub(super) fn reason(error: &RedisError) -> &'static str {
    match (error.code(), error.kind()) {
        (Some("NOAUTH" | "WRONGPASS"), _) | (_, ErrorKind::AuthenticationFailed) => {
            "the login is refused"
        }
        (Some("READONLY" | "MISCONF"), _) => "it takes no writes",
        (Some("LOADING"), _) => "it is starting",
        (Some("NOPERM"), _) => "the user may not run the script",
        (Some("OOM"), _) => "its memory is full",
        (_, ErrorKind::Io) => "the connection broke",
        (Some(_), _) => "it answered with an error",
        _ => "its answer was not understood",
    }
}

/// The connection of the moment, or none.
#[derive(Default)]
pub(super) struct Line {
    now: Mutex<Now>,
    lost: Notify,
}

#[derive(Default)]
struct Now {
    /// Which connection this is, so that trouble with an old one ends no new one.
    turn: u64,
    open: Option<(MultiplexedConnection, JoinHandle<()>)>,
    /// Why there is none.
    why: Option<&'static str>,
}

impl Line {
    /// The connection, where there is one that still runs.
    pub(super) fn get(&self) -> Option<(MultiplexedConnection, u64)> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, driver) = now.open.as_ref()?;
        (!driver.is_finished()).then(|| (connection.clone(), now.turn))
    }

    pub(super) fn set(&self, connection: MultiplexedConnection, driver: JoinHandle<()>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.turn += 1;
        now.open = Some((connection, driver));
        now.why = None;
    }

    /// Gives up this connection, where it is still the one of the moment.
    pub(super) fn lose(&self, turn: u64, reason: &'static str) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.turn != turn {
            return;
        }
        if let Some((_, driver)) = now.open.take() {
            driver.abort();
            now.why = Some(reason);
            self.lost.notify_one();
        }
    }

    /// Waits until there is no connection; why, where there was one.
    pub(super) async fn lost(&self) -> Option<&'static str> {
        while self.get().is_some() {
            // a connection that nobody uses ends without a word
            let _ = tokio::time::timeout(LOOK, self.lost.notified()).await;
        }
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = now.open.take().map(|_| "the connection broke");
        ended.or(now.why)
    }
}

const LOOK: std::time::Duration = std::time::Duration::from_millis(500);
