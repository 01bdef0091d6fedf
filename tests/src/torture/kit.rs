//! Everything one run needs, put together: site, agency, gateway, load, and the comparison at the end.

use std::{
    path::PathBuf,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::pg::Cluster;

use super::{
    chaos::Chaos,
    checker::{self, Findings, Ledgers},
    line::Caller,
    load::{Load, Shape},
    office::Office,
    process::{Launch, Process},
    promise::Engine,
    report::{Line, Verdict, thousands},
    site::Site,
    source::Source,
};

/// A run's scene: the folder, and the agency that is called.
pub struct Kit {
    /// The folder.
    pub site: Site,
    /// The simulated agency.
    pub office: Office,
    /// How the gateway is started.
    pub launch: Launch,
    /// The seed of everything.
    pub seed: u64,
    /// The database server, where both databases are on one: the one that takes writes.
    pub cluster: Option<Cluster>,
    data: String,
    /// Its synchronous standby.
    pub standby: Option<Cluster>,
    started: Instant,
}

impl Kit {
    /// A scene whose dossiers move every 50 ms.
    pub async fn make(seed: u64) -> Self {
        let started = Instant::now();
        let (listener, address) = Office::place().await;
        let site = tokio::task::spawn_blocking(move || Site::make(address, 50));
        let site = site.await.unwrap();
        let office = Office::open(listener, &site.layout.agency("portal"), seed);
        Self {
            site,
            office,
            launch: Launch::default(),
            seed,
            cluster: None,
            data: String::new(),
            standby: None,
            started,
        }
    }

    /// The same with a line of bad manners before the agency.
    ///
    /// # Errors
    /// Where it finds no port.
    pub async fn behind(seed: u64) -> std::io::Result<(Self, Chaos)> {
        let started = Instant::now();
        let (listener, address) = Office::place().await;
        let chaos = Chaos::start(address, seed).await?;
        let before = chaos.address();
        let site = tokio::task::spawn_blocking(move || Site::make(before, 50));
        let site = site.await.unwrap();
        let office = Office::open(listener, &site.layout.agency("portal"), seed);
        let kit = Self {
            site,
            office,
            launch: Launch::default(),
            seed,
            cluster: None,
            standby: None,
            data: String::new(),
            started,
        };
        Ok((kit, chaos))
    }

    /// A caller with this agency's certificate.
    #[must_use]
    pub fn caller(&self, agency: &str) -> Caller {
        Caller::new(&self.site.layout.agency(agency), self.site.address)
    }

    /// The same with both databases on a PostgreSQL server of its own, which syncs.
    ///
    /// # Errors
    /// Why there is none here.
    pub async fn make_on(engine: Engine, seed: u64) -> Result<Self, String> {
        let mut kit = Self::make(seed).await;
        if engine == Engine::Postgres {
            let cluster = tokio::task::spawn_blocking(|| Cluster::start_with(&[])).await;
            let cluster = cluster.map_err(|error| error.to_string())?;
            kit.move_to(cluster.ok_or("postgresql is not installed")?)?;
        }
        Ok(kit)
    }

    /// The same on two servers, of which the second has all that the first has acknowledged.
    ///
    /// # Errors
    /// Why there are none here.
    pub async fn make_on_two(seed: u64) -> Result<Self, String> {
        let mut kit = Self::make(seed).await;
        let pair = tokio::task::spawn_blocking(|| {
            let primary = Cluster::start_with(&[])?;
            let standby = primary.standby(&[]);
            primary.require_standby();
            Some((primary, standby))
        });
        let pair = pair.await.map_err(|error| error.to_string())?;
        let (primary, standby) = pair.ok_or("postgresql is not installed")?;
        kit.standby = Some(standby);
        kit.move_to(primary)?;
        Ok(kit)
    }

    /// The url of one of the two databases, on whichever server takes writes.
    fn url(&self, name: &str) -> Option<String> {
        match (&self.cluster, &self.standby) {
            (Some(one), Some(other)) => Some(Cluster::url_of_any(&[one, other], name)),
            (Some(one), None) => Some(one.url(name)),
            (None, _) => None,
        }
    }

    fn move_to(&mut self, cluster: Cluster) -> Result<(), String> {
        for name in ["store", "registry"] {
            cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
        }
        self.cluster = Some(cluster);
        let url = |name| self.url(name).unwrap_or_default();
        let store = format!(
            "engine = \"postgres\"\nurl = \"{}\"\nwriter = \"one\"",
            url("store")
        );
        self.site
            .edit("gateway.toml", "path = \"store.sqlite\"", &store);
        let registry = format!("mode = \"postgres\"\nurl = \"{}\"", url("registry"));
        self.site.edit(
            "gateway.toml",
            "mode = \"embedded\"\npath = \"registry.sqlite\"",
            &registry,
        );
        let config = self.site.layout.config();
        let config = config.display().to_string();
        let migrate = ["migrate", "--registry", "--store", "--config", &config];
        let output = self.launch.command(&migrate).output();
        let output = output.map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Puts both databases into a folder below the gateway's; what is there is not moved.
    pub fn move_data(&mut self, folder: &str) {
        let before = match self.data.as_str() {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        for file in ["store.sqlite", "registry.sqlite"] {
            let (from, to) = (
                format!("\"{before}{file}\""),
                format!("\"{folder}/{file}\""),
            );
            self.site.edit("gateway.toml", &from, &to);
        }
        self.data = folder.to_owned();
    }

    /// Where a database file is.
    #[must_use]
    pub fn data(&self, file: &str) -> PathBuf {
        self.site.layout.gateway("").join(&self.data).join(file)
    }

    /// The insurance database.
    #[must_use]
    pub fn registry(&self) -> Source {
        match self.url("registry") {
            Some(url) => Source::Postgres(url),
            None => Source::Sqlite(self.data("registry.sqlite")),
        }
    }

    /// The gateway's own store.
    #[must_use]
    pub fn store(&self) -> Source {
        match self.url("store") {
            Some(url) => Source::Postgres(url),
            None => Source::Sqlite(self.data("store.sqlite")),
        }
    }

    /// Where the gateway keeps its store, for whoever opens it in its place.
    #[must_use]
    pub fn engine(&self) -> gateway_store::Engine {
        match self.url("store") {
            None => gateway_store::Engine::Sqlite(self.data("store.sqlite")),
            Some(url) => {
                let mut database = gateway_store::PostgresParams::new(url);
                database.statement_timeout = READY_MAX;
                gateway_store::Engine::Postgres(database)
            }
        }
    }

    /// Starts the gateway and waits until it is ready.
    pub async fn serve(&self) -> Process {
        let mut process = self.launch.serve(&self.site);
        process.ready(READY_MAX).await.unwrap();
        process
    }

    /// Starts the load.
    #[must_use]
    pub fn load(&self, shape: Shape) -> Load {
        Load::start(&self.site, shape, self.seed, &[])
    }

    /// Lets the senders end, waits until nothing is under way any more, asks again for a sample, ends
    /// the gateway, and compares the ledgers.
    pub async fn close(&self, mut load: Load, process: Process) -> Closed {
        load.finish(FINISH_MAX).await;
        let drained = self.drained().await;
        let asked_again = load.ask_again().await;
        let ended = process.terminate(Duration::from_secs(30)).await;
        let mut wrong = std::mem::take(&mut *load.seen.wrong.lock().unwrap());
        wrong.extend(drained.err());
        if ended.is_none_or(|status| !status.success()) {
            wrong.push(format!("SIGTERM: the gateway ended with {ended:?}"));
        }
        let findings = self.compare(&load);
        wrong.extend(findings.wrong());
        wrong.extend(self.journal());
        Closed {
            findings,
            wrong,
            asked_again,
            retried: load.seen.retried.load(Ordering::Relaxed),
            repeated: load.seen.repeated.load(Ordering::Relaxed),
        }
    }

    /// Compares the ledgers as they stand.
    #[must_use]
    pub fn compare(&self, load: &Load) -> Findings {
        let (registry, store) = (self.registry(), self.store());
        let ledgers = Ledgers {
            client: load.ledger().path(),
            registry: &registry,
            store: &store,
        };
        self.office.read(|book| checker::compare(&ledgers, book))
    }

    /// What `lienthong journal verify` has to say against the journal.
    #[must_use]
    pub fn journal(&self) -> Option<String> {
        let output = self.launch.verify(&self.site);
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        (!output.status.success()).then(|| format!("journal verify: {said}{failed}"))
    }

    /// Waits until every claim is answered, every dossier handed out and every parcel delivered.
    ///
    /// # Errors
    /// What is left after a minute.
    pub async fn drained(&self) -> Result<Duration, String> {
        let asked = Instant::now();
        let mut left = Vec::new();
        while asked.elapsed() < DRAIN_MAX {
            left = self.left();
            if left.iter().all(|(_, count)| *count == 0) {
                return Ok(asked.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("not drained in {DRAIN_MAX:?}: {left:?}"))
    }

    /// Parcels that the partners have not got yet.
    #[must_use]
    pub fn undelivered(&self) -> u64 {
        self.store().count(UNDELIVERED)
    }

    fn left(&self) -> Vec<(&'static str, u64)> {
        let (store, registry) = (self.store(), self.registry());
        let asked = [
            (
                "claims without an answer",
                &store,
                "SELECT count(*) FROM inbox WHERE answer IS NULL",
            ),
            (
                "dossiers on their way",
                &registry,
                "SELECT count(*) FROM dossiers WHERE state IN (1, 2, 4, 9)",
            ),
            (
                "changes not fetched",
                &registry,
                "SELECT count(*) FROM changes WHERE acked_at IS NULL",
            ),
            ("parcels not delivered", &store, UNDELIVERED),
        ];
        asked
            .into_iter()
            .map(|(what, source, query)| (what, source.count(query)))
            .collect()
    }

    /// The line of a promise whose run could not be brought to its end.
    #[must_use]
    pub fn broken(&self, id: &'static str, name: &str, why: String) -> Line {
        Line {
            id,
            name: name.to_owned(),
            figures: Vec::new(),
            limit: "it goes on".to_owned(),
            verdict: Verdict::Fail(vec![why]),
            seed: self.seed,
            seconds: self.started.elapsed().as_secs_f64(),
        }
    }

    /// A line of figures of its own, under the name of this run.
    #[must_use]
    pub fn figures(
        &self,
        id: &'static str,
        name: &str,
        figures: Vec<String>,
        limit: &str,
        wrong: Vec<String>,
    ) -> Line {
        Line {
            id,
            name: name.to_owned(),
            figures,
            limit: limit.to_owned(),
            verdict: match wrong.is_empty() {
                true => Verdict::Pass,
                false => Verdict::Fail(wrong),
            },
            seed: self.seed,
            seconds: self.started.elapsed().as_secs_f64(),
        }
    }

    /// The line of a promise whose run has ended.
    #[must_use]
    pub fn line(&self, id: &'static str, name: &str, first: String, closed: Closed) -> Line {
        let found = &closed.findings;
        let count = |list: &[String]| thousands(list.len() as u64);
        let mut figures = vec![
            first,
            format!("{} acked", thousands(found.acked)),
            format!("{} refused", thousands(found.refused)),
            format!("{} steps told", thousands(found.steps)),
            format!("{} tries without an answer", thousands(closed.retried)),
            format!(
                "{} asked again",
                thousands(closed.asked_again + closed.repeated)
            ),
            format!("lost {}", count(&found.lost)),
            format!("duplicate {}", count(&found.duplicate)),
            format!("ghosts {}", count(&found.ghosts)),
            format!("disorder {}", count(&found.disorder)),
        ];
        figures.retain(|figure| !figure.is_empty());
        Line {
            id,
            name: name.to_owned(),
            figures,
            limit: "0/0/0/0".to_owned(),
            verdict: match closed.wrong.is_empty() {
                true => Verdict::Pass,
                false => Verdict::Fail(closed.wrong),
            },
            seed: self.seed,
            seconds: self.started.elapsed().as_secs_f64(),
        }
    }
}

/// What came of a run.
pub struct Closed {
    /// The comparison.
    pub findings: Findings,
    /// Everything that should not have been.
    pub wrong: Vec<String>,
    /// Acknowledged messages that were asked for again at the end.
    pub asked_again: u64,
    /// Tries without a final answer.
    pub retried: u64,
    /// Messages repeated on the way.
    pub repeated: u64,
}

/// How long a gateway may take to be ready.
pub const READY_MAX: Duration = Duration::from_secs(60);
/// How long the last senders may take.
pub const FINISH_MAX: Duration = Duration::from_secs(120);
/// How long what is under way may take.
const DRAIN_MAX: Duration = Duration::from_secs(180);
const UNDELIVERED: &str = "SELECT count(*) FROM outbox WHERE state <> 2";
