//! The operators' listener: gRPC admin.v1, metrics and probes on one port, loopback by default.
//!
//! HTTP/1.1 and HTTP/2, over mutual TLS where `[admin.tls]` says so, every limit set. It shows what is kept about messages, never what
//! is in them.

mod ask;
mod births;
pub mod client;
mod clocks;
mod discrepancies;
mod dossiers;
mod employers;
pub mod explain;
mod groups;
mod grpc;
mod http;
mod ledger;
mod office;
pub(crate) mod operators;
mod papers;
mod payments;
mod pulls;
mod representation;
mod reviews;
mod schedules;
pub mod status;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use ::http::{Request, Response};
use arc_swap::ArcSwap;
use gateway_core::{
    partner::{Environment, Partners},
    ports::{Clock, Ledger, MessageLog, Notes, Office, PullBook, Registrations},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use schemas::proto::admin::admin_server::AdminServer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::Instant,
};
use tonic::{body::Body, codegen::Service as _};

use crate::{metrics::Metrics, papers::Papers, population::Population};
pub use ask::Asking;
use operators::Caller;
pub use operators::Operators;

/// What the operators' listener shows.
#[derive(Clone)]
pub struct AdminParts {
    /// Inbox and journal.
    pub log: Arc<dyn MessageLog>,
    /// The outbox, as operators see it.
    pub office: Arc<dyn Office>,
    /// Reconciliation pulls.
    pub book: Arc<dyn PullBook>,
    /// What we keep up at partners.
    pub notes: Arc<dyn Notes>,
    /// Who has asked about whom.
    pub ledger: Arc<dyn Ledger>,
    /// Which terms of partners are in force.
    pub registrations: Arc<dyn Registrations>,
    /// The insurance contract, behind which births wait for a person.
    pub insurance: Option<insurance::Insurance>,
    /// How the tax department is asked.
    pub asking: Option<Asking>,
    /// The files of dossiers that are kept; none where the config names no place.
    pub(crate) papers: Option<Papers>,
    /// How the population database is asked about births that wait.
    pub(crate) population: Option<Population>,
    /// Who may connect by which certificate; none without TLS.
    pub operators: Option<Arc<Operators>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The registrations.
    pub partners: Arc<ArcSwap<Partners>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How far the start or the stop has come.
    pub readiness: Readiness,
    /// Where this gateway stands.
    pub environment: Environment,
}

/// How far the start or the stop has come; all clones are one.
#[derive(Debug, Clone)]
pub struct Readiness {
    phase: Arc<AtomicU8>,
    halted: Arc<AtomicBool>,
    recovering: Arc<AtomicBool>,
    since: Instant,
}

/// The life of a process, as probes see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not yet taking messages.
    Starting,
    /// Taking messages.
    Ready,
    /// Put back from a backup: reads are answered, changes are sent away, nothing goes out.
    Recovering,
    /// Finishing what is inside, taking nothing new.
    Draining,
    /// The store or the registry no longer writes: nothing is acted upon until a person has looked.
    Halted,
    /// A worker has died: only a new start heals it.
    Broken,
}

impl Readiness {
    /// Starting, from now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            phase: Arc::new(AtomicU8::new(STARTING)),
            halted: Arc::default(),
            recovering: Arc::default(),
            since: Instant::now(),
        }
    }

    /// The same, with somebody else's word on whether the store is put back and not released.
    #[must_use]
    pub fn recovering_by(self, recovering: Arc<AtomicBool>) -> Self {
        Self { recovering, ..self }
    }

    /// Messages are taken from now on.
    pub fn ready(&self) {
        self.phase.store(READY, Ordering::Release);
    }

    /// Nothing new is taken from now on.
    pub fn draining(&self) {
        self.phase.store(DRAINING, Ordering::Release);
    }

    /// A worker has died and will not come back.
    pub fn broken(&self) {
        self.phase.store(BROKEN, Ordering::Release);
    }

    /// Whether the store or the registry writes no longer.
    pub fn set_halted(&self, halted: bool) {
        self.halted.store(halted, Ordering::Release);
    }

    /// Whether messages are to be brought here: a store that is Recovering answers reads, and tells each
    /// change to come again.
    #[must_use]
    pub fn takes_messages(&self) -> bool {
        matches!(self.phase(), Phase::Ready | Phase::Recovering)
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            STARTING => Phase::Starting,
            BROKEN => Phase::Broken,
            READY if self.halted.load(Ordering::Acquire) => Phase::Halted,
            READY if self.recovering.load(Ordering::Acquire) => Phase::Recovering,
            READY => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// How long ago the process began.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;
const BROKEN: u8 = 3;

/// What a listener lets through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Everything.
    Operators,
    /// Metrics and probes.
    Probes,
}

/// Serves operators until `stop` turns true.
pub async fn serve(listener: TcpListener, parts: AdminParts, stop: watch::Receiver<bool>) {
    accept(listener, parts, Scope::Operators, stop).await;
}

/// Serves metrics and probes alone, for a listener that others can reach.
pub async fn serve_health(listener: TcpListener, parts: AdminParts, stop: watch::Receiver<bool>) {
    accept(listener, parts, Scope::Probes, stop).await;
}

async fn accept(
    listener: TcpListener,
    parts: AdminParts,
    scope: Scope,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue; // dropped: closed
        };
        let (parts, mut stop) = (parts.clone(), stop.clone());
        tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                () = speak(stream, parts, scope) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}

async fn speak(stream: TcpStream, parts: AdminParts, scope: Scope) {
    let _ = stream.set_nodelay(true); // slower without, nothing else
    let operators = parts
        .operators
        .clone()
        .filter(|_| scope == Scope::Operators);
    let Some(operators) = operators else {
        return converse(stream, parts, scope, Caller::OnThisMachine).await;
    };
    match operators.accept(stream).await {
        Ok(let_in) => tokio::select! {
            () = operators.outlived(&let_in.certificate, let_in.judged) => {
                tracing::info!("an operator's connection is closed: its certificate is refused now");
            }
            () = converse(let_in.stream, parts, scope, let_in.caller) => {}
        },
        Err(reason) => {
            parts.metrics.refused_connection(reason);
            tracing::info!(reason, "operator's connection refused");
        }
    }
}

async fn converse<IO>(stream: IO, parts: AdminParts, scope: Scope, caller: Caller)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let desk = grpc::Desk {
        parts: parts.clone(),
        caller,
    };
    let grpc = AdminServer::new(desk)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(ANSWER_BYTES_MAX);
    let service = service_fn(move |request| answer(parts.clone(), scope, grpc.clone(), request));
    let connection = limits();
    let connection = connection.serve_connection(TokioIo::new(stream), service);
    let ended = tokio::time::timeout(CONNECTION_MAX, connection).await;
    if let Ok(Err(error)) = ended {
        tracing::debug!(error = %error, "admin connection ended");
    }
}

/// Every bound on an operator's connection.
fn limits() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(5))
        .max_headers(64)
        .max_buf_size(16 * 1024)
        .keep_alive(true)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(16)
        .max_header_list_size(16 * 1024)
        .max_frame_size(16 * 1024)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_pending_accept_reset_streams(16)
        .max_local_error_reset_streams(16)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

async fn answer(
    parts: AdminParts,
    scope: Scope,
    mut grpc: AdminServer<grpc::Desk>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let is_grpc = request.uri().path().starts_with("/admin.v1.Admin/");
    match (is_grpc, scope) {
        (true, Scope::Operators) => grpc.call(request).await,
        _ => Ok(http::answer(&parts, request.method(), request.uri().path()).await),
    }
}

const CONNECTIONS_MAX: usize = 64;
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// What the tax department tells of a thousand employers is some 2.3 MB at most.
pub(crate) const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
const CONNECTION_MAX: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
