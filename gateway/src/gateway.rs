//! One gateway: built from its config, running until it is drained.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use certs::{
    seal::KeyFile,
    tls::{Acceptor, Alpn, Anchors, Identity, RevocationList, ServerParams},
};
use gateway_core::{
    Road,
    bulk::{Bulk, NoBulk},
    limits::Tally,
    ports::{
        Clock, Ledger, MessageLog, Notes, Office, Outbox, PullBook, Ratchet, Receipts,
        Registrations, Sight, SystemClock, TimeBook,
    },
    sign::{PoolParams, Signer},
    stage::{Bounds, Gate, Parts},
};
use gateway_store::Store;
use insurance::Registry;
use roads::issuer::{Calls, IdentityFiles, Issuers, Patience};
use schemas::id::PartnerId;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::task::TaskTracker;

use crate::{
    admin::{self, AdminParts, Asking, Readiness, operators::Operators},
    bulk::Bulks,
    clock::TimeKeeper,
    config::{self, Config, Delivery, OutwardWords, Problem, Watched},
    evidence,
    keys::Keys,
    metrics::Metrics,
    orders::Standing,
    papers::Papers,
    population::Population,
    recover::{Failures, Recovery},
    registrar::Registrar,
    revocation::Keeper,
    schedules::Schedules,
    serve::{self, Front, callbacks::Callbacks},
    stack::House,
    tally::RedisTally,
    webhooks::Pending,
    wiring::{self, Contract, Hands, Worker},
};

/// Why a gateway could not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The config or a partner's file is wrong.
    #[error("{}", list(.0))]
    Config(Vec<Problem>),
    /// A file could not be read.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    /// A key, certificate or list is refused.
    #[error("{0}: {1}")]
    Key(PathBuf, String),
    /// The store could not be opened.
    #[error("the store: {0}")]
    Store(String),
    /// What stands behind the insurance contract could not be opened.
    #[error("the insurance contract: {0}")]
    Insurance(String),
    /// A port could not be taken.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// How long after a start it takes until everything that waits is told to stop.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// A running gateway.
pub struct Gateway {
    address: SocketAddr,
    callbacks: Option<SocketAddr>,
    admin: SocketAddr,
    contract: Contract,
    log: Arc<dyn MessageLog>,
    metrics: Arc<Metrics>,
    gate: Arc<Gate>,
    readiness: Readiness,
    tasks: TaskTracker,
    stop_front: watch::Sender<bool>,
    stop_rest: watch::Sender<bool>,
    front: JoinHandle<()>,
    rest: Vec<JoinHandle<()>>,
    drain: Duration,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("address", &self.address)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Opens everything, then the ports; ready when it returns.
    ///
    /// # Errors
    /// [`StartError`]; nothing listens then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Arc::new(SystemClock)).await
    }

    /// The same under a clock of the caller's.
    ///
    /// # Errors
    /// [`StartError`]; nothing listens then.
    pub async fn start_with(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let ratchet = Arc::new(Ratchet::over(clock));
        let clock: Arc<dyn Clock> = Arc::<Ratchet>::clone(&ratchet) as Arc<dyn Clock>;
        let operations = wiring::operations();
        let watched = Watched::load(&config, &operations).map_err(StartError::Config)?;
        let (registered, kept) = (watched.partners(), watched.kept());
        let metrics = Arc::new(Metrics::new());
        let sight: Arc<dyn Sight> = Arc::<Metrics>::clone(&metrics);
        let store = open_store(&config, &clock)?;
        let log: Arc<dyn MessageLog> = Arc::<Store>::clone(&store);
        let outbox: Arc<dyn Outbox> = Arc::<Store>::clone(&store) as Arc<dyn Outbox>;
        let office: Arc<dyn Office> = Arc::<Store>::clone(&store) as Arc<dyn Office>;
        let book: Arc<dyn PullBook> = Arc::<Store>::clone(&store) as Arc<dyn PullBook>;
        let times: Arc<dyn TimeBook> = Arc::<Store>::clone(&store) as Arc<dyn TimeBook>;
        let time_keeper = TimeKeeper::begin(ratchet, times, Arc::clone(&metrics))
            .await
            .map_err(|error| StartError::Store(error.to_string()))?;
        let watched = match config.officers.is_empty() {
            true => watched,
            false => {
                let terms = Arc::<Store>::clone(&store) as Arc<dyn Registrations>;
                let registrar = Registrar::new(&config, terms, Arc::clone(&clock));
                let guarded = watched.guarded(registrar).await;
                guarded.map_err(StartError::Config)?
            }
        };
        let standing = Standing::begin(Arc::clone(&office), registered)
            .await
            .map_err(|unread| StartError::Store(unread.to_string()))?;
        let keeper = Keeper::open(&config, Arc::clone(&clock), Arc::clone(&metrics))?;
        keeper.look().await;
        let standing = standing.screened_by(keeper.known(), Arc::clone(&clock));
        let (partners, orders) = (standing.partners(), standing.orders());
        let contract = Contract::open(&config, &clock, &keeper).await?;
        let signer = signer(&config, Arc::clone(&sight))?;
        try_out(&signer).await;
        let call_timeout = Duration::from_millis(config.insurance.timeout_ms);
        let bulks = open_bulks(&config, &contract, &clock)?;
        let parts = Parts {
            bulk: match &bulks {
                Some(bulks) => Arc::new(bulks.clone()) as Arc<dyn Bulk>,
                None => Arc::new(NoBulk),
            },
            partners: Arc::clone(&partners),
            signer: Arc::new(ArcSwap::from_pointee(signer)),
            log: Arc::clone(&log),
            clock: Arc::clone(&clock),
            sight,
            tasks: TaskTracker::new(),
            tokens: Arc::new(issuers(&config, &keeper)),
            logins: Arc::default(),
        };
        let tally = count_together(&config, &metrics).await?;
        let shared = tally.clone().map(|tally| tally as Arc<dyn Tally>);
        let gate = Gate::counted_by(config.limits.in_flight_max, bounds(&config), shared);
        metrics.watch(&gate);
        let papers = open_papers(&config, &clock)?;
        let receipts = Arc::<Store>::clone(&store) as Arc<dyn Receipts>;
        let notes = Arc::<Store>::clone(&store) as Arc<dyn Notes>;
        let population = config.population.as_ref().map(|section| Population {
            partner: section.partner.clone(),
            outbox: Arc::clone(&outbox),
            receipts: Arc::<Store>::clone(&store) as Arc<dyn Receipts>,
            wait: Duration::from_millis(section.wait_ms),
        });
        let places = (bulks.clone(), papers.clone(), population.clone());
        let stacks = wiring::stacks(
            &contract.client,
            call_timeout,
            (&book, &receipts),
            &notes,
            places,
            &parts,
            &gate,
        );
        let pending = Pending::default();
        let house = House::new(&stacks, &parts, &gate).challenged(pending.clone());
        let acceptor = Acceptor::judged_by(tls_params(&config)?, keeper.known())
            .map_err(|error| StartError::Key(config.tls.cert.clone(), error.to_string()))?;
        let acceptor = Arc::new(acceptor);
        let front = Front {
            acceptor: Arc::clone(&acceptor),
            keeper: keeper.clone(),
            partners: Arc::clone(&partners),
            house: house.clone(),
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
            limits: config.limits.clone(),
            told: Arc::default(),
        };
        let listener = listen(config.listen.socket(), config.listen.backlog)?;
        let callback_listener = match &config.callbacks {
            Some(callbacks) => Some(listen(callbacks.socket(), 64)?),
            None => None,
        };
        let callbacks = callback_listener.as_ref().map(local).transpose()?;
        let admin_listener = listen(config.admin.socket(), 64)?;
        let address = local(&listener)?;
        let admin = local(&admin_listener)?;

        let (stop_front, front_stops) = watch::channel(false);
        let (stop_rest, stops) = watch::channel(false);
        let hands = Hands {
            config: &config,
            contract: &contract,
            partners: &partners,
            signer: &parts.signer,
            outbox: &outbox,
            book: &book,
            parcels: &office,
            receipts: Arc::<Store>::clone(&store) as Arc<dyn Receipts>,
            notes: &notes,
            orders: &orders,
            clock: &clock,
            metrics: &metrics,
            keeper: &keeper,
            tally: gate.tally(),
            bulks,
            pending: &pending,
            population: population.clone(),
            call_timeout,
            stop: &stops,
        };
        let schedules = Arc::new(Schedules {
            lines: config.schedules.clone(),
            outbox: Arc::clone(&outbox),
            receipts: Arc::<Store>::clone(&store) as Arc<dyn Receipts>,
            bulks: hands.bulks.clone(),
            departments: departments(watched.deliveries().values()),
            insurance: contract.client.clone(),
            partners: Arc::clone(&partners),
            orders: orders.clone(),
            clock: Arc::clone(&clock),
            begun: Mutex::default(),
        });
        let (mut workers, mut callers) = hands.workers(watched.deliveries().values())?;
        for (partner, access) in watched.webhooks() {
            let (worker, caller) = hands.webhooks(partner, access)?;
            workers.push(worker);
            callers.push(caller);
        }
        let readiness = Readiness::new().recovering_by(standing.recovering());
        let operators = AdminParts {
            log: Arc::clone(&log),
            office,
            book: Arc::clone(&book),
            notes: Arc::clone(&notes),
            ledger: Arc::<Store>::clone(&store) as Arc<dyn Ledger>,
            registrations: Arc::<Store>::clone(&store) as Arc<dyn Registrations>,
            insurance: Some(contract.client.clone()),
            asking: Some(Asking {
                outbox: Arc::clone(&outbox),
                receipts: Arc::<Store>::clone(&store) as Arc<dyn Receipts>,
                departments: departments(watched.deliveries().values()),
                schedules: Arc::clone(&schedules),
            }),
            papers: papers.clone(),
            population,
            operators: Operators::of(&config, &keeper)?.map(Arc::new),
            metrics: Arc::clone(&metrics),
            partners: Arc::clone(&partners),
            clock: Arc::clone(&clock),
            readiness: readiness.clone(),
            environment: config.environment,
        };
        let mut rest = Vec::new();
        let mut keep = |name: &'static str, worker: Worker| {
            rest.push(tokio::spawn(watched_over(name, worker, readiness.clone())));
        };
        if let Some(health) = &config.health {
            let listener = listen(health.socket(), 64)?;
            let probes = admin::serve_health(listener, operators.clone(), stops.clone());
            keep("health", Box::pin(probes));
        }
        let keys = Keys {
            config: config.clone(),
            acceptor,
            partners: Arc::clone(&partners),
            signer: Arc::clone(&parts.signer),
            callers,
            keeper: keeper.clone(),
            operators: operators.operators.clone(),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
        };
        let recovery = Recovery {
            log: Arc::clone(&log),
            house,
            failures: Failures::new(config.delivery.poison_after),
        };
        keep(
            "admin",
            Box::pin(admin::serve(admin_listener, operators, stops.clone())),
        );
        keep("partners", Box::pin(watched.run(stops.clone())));
        keep("orders", Box::pin(standing.run(stops.clone())));
        keep("keys", Box::pin(keys.run(stops.clone())));
        keep("revocation", Box::pin(keeper.run(stops.clone())));
        keep("time", Box::pin(time_keeper.run(stops.clone())));
        keep("recovery", Box::pin(recovery.run(stops.clone())));
        keep("schedules", Box::pin(schedules.run(stops.clone())));
        if let Some(tally) = tally {
            keep("limits", Box::pin(tally.keep(stops.clone())));
        }
        let evidence =
            evidence::Worker::new(&config, Arc::clone(&store), Arc::clone(&metrics), kept)?;
        keep("evidence", Box::pin(evidence.run(stops.clone())));
        keep(
            "store",
            Box::pin(watch_disks(
                store,
                contract.registry.clone(),
                readiness.clone(),
                stops.clone(),
            )),
        );
        for worker in workers {
            keep("delivery", worker);
        }
        if let Some(papers) = papers {
            keep("papers", Box::pin(papers.sweep(stops.clone())));
        }
        let tasks = parts.tasks.clone();
        if let (Some(listener), Some(line)) = (callback_listener, &config.callbacks) {
            let door = Callbacks {
                front: front.clone(),
                partner: line.partner.clone(),
                places: line.connections,
                per_address: line.per_address,
            };
            let door = serve::callbacks::serve(listener, door, front_stops.clone());
            keep("callbacks", Box::pin(door));
        }
        let front = tokio::spawn(serve::serve(listener, front, front_stops));
        readiness.ready();
        tracing::info!(%address, %admin, "ready");
        Ok(Self {
            address,
            callbacks,
            admin,
            contract,
            log,
            metrics,
            gate,
            readiness,
            tasks,
            stop_front,
            stop_rest,
            front,
            rest,
            drain: config.limits.drain(),
        })
    }

    /// Where partners connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a payment platform without a client certificate calls back.
    #[must_use]
    pub fn callbacks(&self) -> Option<SocketAddr> {
        self.callbacks
    }

    /// Where operators connect.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// What stands behind the insurance contract.
    #[must_use]
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Inbox and journal.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn MessageLog> {
        &self.log
    }

    /// Counters.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Takes nothing new, finishes what is inside, stops the workers, in this order.
    pub async fn drain(self) {
        self.gate.drain();
        self.readiness.draining();
        let _ = self.stop_front.send(true);
        let inside = async {
            let _ = self.front.await;
            self.tasks.close();
            self.tasks.wait().await;
        };
        if tokio::time::timeout(self.drain + HOUSEKEEPING, inside)
            .await
            .is_err()
        {
            tracing::warn!("drain took too long; what is left is recovered at the next start");
        }
        let _ = self.stop_rest.send(true);
        let workers = futures_util::future::join_all(self.rest);
        if tokio::time::timeout(HOUSEKEEPING, workers).await.is_err() {
            tracing::warn!("a worker did not stop in time");
        }
        tracing::info!("drained");
    }
}

/// The count that replicas share, where the config names one. One that cannot be reached keeps no
/// gateway from starting.
async fn count_together(
    config: &Config,
    metrics: &Arc<Metrics>,
) -> Result<Option<Arc<RedisTally>>, StartError> {
    let Some(params) =
        config::shared_tally(config).map_err(|(key, what, _)| StartError::Key(key.into(), what))?
    else {
        return Ok(None);
    };
    let tally = RedisTally::new(params, Arc::clone(metrics));
    tally.reach().await;
    Ok(Some(tally))
}

fn bounds(config: &Config) -> Bounds {
    Bounds {
        deadline: config.limits.deadline(),
        body_time: Duration::from_millis(config.limits.body_ms),
        body_bytes: config.limits.body_bytes_max,
        body_bytes_in_flight: config.limits.body_bytes_in_flight_max,
    }
}

pub(crate) fn open_store(
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Store>, StartError> {
    let vault = key_file(config)?
        .open_or_create()
        .map_err(|error| StartError::Key(config.store.seal_key.clone(), error.to_string()))?;
    let params = config::store_params(config, Arc::new(vault), Arc::clone(clock))
        .map_err(|(_, what, _)| StartError::Store(what))?;
    Store::open(params)
        .map(Arc::new)
        .map_err(|error| StartError::Store(error.to_string()))
}

/// The file of the sealing key, behind its lock.
///
/// # Errors
/// Where the config names its token wrongly.
pub(crate) fn key_file(config: &Config) -> Result<KeyFile, StartError> {
    config::key_file(config)
        .map_err(|(_, what, _)| StartError::Key(config.store.seal_key.clone(), what))
}

/// How long the registry may take for one batch of a month.
const BATCH: Duration = Duration::from_secs(30);

/// The road of a lane that knows no other than these.
pub(crate) fn road(delivery: &Delivery) -> Road {
    match delivery.ngsp {
        Some(_) => Road::Ngsp,
        None => Road::Direct,
    }
}

/// Whoever has a lane for questions, and its road.
fn departments<'d>(deliveries: impl Iterator<Item = &'d Delivery>) -> BTreeMap<PartnerId, Road> {
    let asked = deliveries.filter(|delivery| delivery.words == OutwardWords::Taxpayer);
    asked
        .map(|delivery| (delivery.partner.clone(), road(delivery)))
        .collect()
}

/// Where months in bulk lie, if the config says where.
fn open_bulks(
    config: &Config,
    contract: &Contract,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Bulks>, StartError> {
    let Some(bulk) = &config.bulk else {
        return Ok(None);
    };
    let vault = key_file(config)?
        .open()
        .map_err(|error| StartError::Key(config.store.seal_key.clone(), error.to_string()))?;
    let (client, clock) = (contract.client.clone(), Arc::clone(clock));
    let opened = Bulks::open(bulk, vault, client, BATCH, clock);
    let opened = opened.map_err(|error| StartError::File(bulk.path.clone(), error));
    opened.map(Some)
}

/// Where the files of dossiers lie, if the config says where.
fn open_papers(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Papers>, StartError> {
    let Some(papers) = &config.papers else {
        return Ok(None);
    };
    let vault = key_file(config)?
        .open()
        .map_err(|error| StartError::Key(config.store.seal_key.clone(), error.to_string()))?;
    let opened = Papers::open(papers, vault, Arc::clone(clock));
    let opened = opened.map_err(|error| StartError::File(papers.path.clone(), error));
    opened.map(Some)
}

fn read(path: &PathBuf) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|error| StartError::File(path.clone(), error))
}

/// A worker that dies takes the readiness with it: whatever runs the process starts it again.
async fn watched_over(name: &'static str, worker: Worker, readiness: Readiness) {
    if let Err(error) = tokio::spawn(worker).await
        && error.is_panic()
    {
        tracing::error!(worker = name, "a worker has died");
        readiness.broken();
    }
}

/// A store, or a registry of this process, that no longer writes is told to the probes.
async fn watch_disks(
    store: Arc<Store>,
    registry: Option<Registry>,
    readiness: Readiness,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let registry = registry.as_ref().is_some_and(Registry::halted);
        readiness.set_halted(registry || store.halted().is_some());
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Where the key sets of token issuers are kept; our TLS identity is shown to those that want to see one, and none is
/// asked whose server was taken back.
fn issuers(config: &Config, keeper: &Keeper) -> Issuers {
    let identity = IdentityFiles {
        cert: config.tls.cert.clone(),
        key: config.tls.key.clone(),
    };
    let patience = Patience {
        fresh: Duration::from_secs(config.tokens.fresh_seconds),
        between: Duration::from_secs(config.tokens.between_seconds),
        ..Patience::default()
    };
    let calls = Calls {
        identity,
        revocations: keeper.known(),
        ask: Arc::new(keeper.clone()),
    };
    Issuers::new(calls, patience)
}

/// A token that is away keeps no gateway from starting: what needs a signature is sent away until it is back.
async fn try_out(signer: &Signer) {
    let until = tokio::time::Instant::now() + HOUSEKEEPING;
    if let Err(error) = signer.probe(until).await {
        tracing::error!(%error, "the signing key cannot be used; its token is tried again at each message");
    }
}

/// Our signature as the config names it.
///
/// # Errors
/// Where the key or its certificate is refused.
pub(crate) fn signer(config: &Config, sight: Arc<dyn Sight>) -> Result<Signer, StartError> {
    let sign = &config.sign;
    let (key, certificate) =
        config::signing_key(config).map_err(|(key, what, _)| StartError::Key(key.into(), what))?;
    let shown =
        config::keys_shown(sign).map_err(|(key, what, _)| StartError::Key(key.into(), what))?;
    let params = PoolParams {
        threads: sign.threads,
        queue: sign.queue,
    };
    Signer::new(
        key,
        sign.kid.clone(),
        Some(certificate),
        config.us.clone(),
        config.environment,
    )
    .showing(shown.iter().map(ToString::to_string).collect())
    .pooled(params, sight)
    .map_err(|error| StartError::Key("sign".into(), error.to_string()))
}

/// TLS as the config names it: our identity, whom we let connect, what is revoked.
///
/// # Errors
/// Where a file is refused.
pub(crate) fn tls_params(config: &Config) -> Result<ServerParams, StartError> {
    let tls = &config.tls;
    let refused =
        |path: &PathBuf, error: &dyn ToString| StartError::Key(path.clone(), error.to_string());
    let identity =
        Identity::from_files(&tls.cert, &tls.key).map_err(|error| refused(&tls.cert, &error))?;
    let mut anchors = Vec::new();
    for path in &tls.anchors {
        anchors.extend(read(path)?);
        anchors.push(b'\n'); // a file may end without one
    }
    let client_anchors = Anchors::from_pem(&anchors)
        .map_err(|error| refused(tls.anchors.first().unwrap_or(&tls.cert), &error))?;
    let mut crls = Vec::new();
    for path in &tls.crls {
        let list = RevocationList::from_pem(&read(path)?).map_err(|error| refused(path, &error))?;
        crls.push(list);
    }
    Ok(ServerParams {
        identity,
        client_anchors,
        crls,
        tls12: tls.tls12,
        handshake_deadline: config.limits.handshake(),
        alpn: vec![Alpn::H2, Alpn::Http1],
    })
}

fn listen(address: SocketAddr, backlog: u32) -> Result<TcpListener, StartError> {
    let bind = || {
        let socket = match address {
            SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
            SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(backlog)
    };
    bind().map_err(|error| StartError::Listen(address, error))
}

fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(|error| StartError::Listen(SocketAddr::from(([0, 0, 0, 0], 0)), error))
}
