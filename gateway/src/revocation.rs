//! Fetches what authorities have taken back, again and again, and asks responders about whom we meet.
//!
//! A list is fetched, checked whole and put in force; it is kept in a file, so that a restart begins with
//! the last good one. Where no newer one can be had, the last one holds until its next update and then
//! refuses everybody of its authority: told at half and at nine tenths of its life. Responders are asked
//! before a connection is served, and about everybody seen lately at every look.

use std::{
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use certs::{
    revocation::{Ask, CheckedList, Issuer, Question, Refused, Revocations, Source},
    tls::{Alpn, ClientParams, Connector},
};
use futures_util::{StreamExt as _, future::join_all, stream};
use gateway_core::ports::Clock;
use http::{HeaderMap, StatusCode};
use roads::{
    fetch::{FetchLimits, Fetched, Fetcher},
    reach::Location,
};
use tokio::sync::{Notify, watch};

use crate::{
    config::{self, Config, RevocationPoint},
    gateway::StartError,
    metrics::Metrics,
};

/// Who fetches, and what was learnt.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    known: Arc<Revocations>,
    sources: ArcSwap<Vec<Fetching>>,
    /// Told when others are watched: they are looked at without waiting.
    changed: Notify,
    limits: FetchLimits,
    folder: Option<PathBuf>,
    every: Duration,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

/// Authorities with their places, read and checked, not yet watched.
pub(crate) struct Checked(Vec<Fetching>);

/// One authority's places.
struct Fetching {
    issuer: Arc<Issuer>,
    list: Option<Fetcher>,
    responder: Option<Fetcher>,
    /// The highest of [`ALARMS`] that was told about the list in force.
    told: AtomicI64,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keeper({} authorities)", self.0.sources.load().len())
    }
}

impl Keeper {
    /// Takes the places that the config names, and the lists that were kept.
    ///
    /// # Errors
    /// Where the config names something that cannot be used.
    pub fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let keeper = Self(Arc::new(Inner {
            known: Arc::default(),
            sources: ArcSwap::default(),
            changed: Notify::new(),
            limits: FetchLimits {
                deadline: Duration::from_millis(config.revocation.timeout_ms),
                answer_bytes_max: CheckedList::BYTES_MAX,
                ..FetchLimits::default()
            },
            folder: config.revocation.folder.clone(),
            every: Duration::from_secs(config.revocation.every_seconds),
            clock,
            metrics,
        }));
        keeper.take(keeper.checked(config)?);
        Ok(keeper)
    }

    /// Reads the files that the config names for the authorities; nothing changes yet.
    ///
    /// # Errors
    /// Where one of them cannot be used.
    pub(crate) fn checked(&self, config: &Config) -> Result<Checked, StartError> {
        let points = config::revocation_points(config)
            .map_err(|(key, what, _)| StartError::Key(key.into(), what))?;
        let fetching = |point| Fetching::new(point, self.0.limits);
        let all = points.into_iter().map(fetching);
        Ok(Checked(all.collect::<Result<_, _>>()?))
    }

    /// Watches these authorities and no others, and looks at them without waiting. Of one that is new nothing is
    /// known but the list that was kept: until it has spoken nobody of it gets in.
    pub(crate) fn watch(&self, checked: Checked) {
        self.take(checked);
        self.0.changed.notify_one();
    }

    fn take(&self, Checked(sources): Checked) {
        let watched = sources.iter().map(|source| Source {
            issuer: Arc::clone(&source.issuer),
            has_list: source.list.is_some(),
            has_responder: source.responder.is_some(),
        });
        self.0.known.watch(watched.collect());
        self.0.take_up(&sources);
        for old in self.0.sources.load().iter() {
            match sources.iter().find(|new| new.is_of(&old.issuer)) {
                Some(new) => new
                    .told
                    .store(old.told.load(Ordering::Acquire), Ordering::Release),
                None => tracing::warn!(issuer = old.issuer.name(), "no longer watched"),
            }
        }
        self.0.sources.store(Arc::new(sources));
    }

    /// What was learnt, for TLS and for the registrations.
    #[must_use]
    pub fn known(&self) -> Arc<Revocations> {
        Arc::clone(&self.0.known)
    }

    /// Asks the responder about a certificate, where it has one and no answer holds.
    ///
    /// # Errors
    /// Why it is not let in, as a word for logs and metrics.
    pub async fn confirm(&self, leaf: &[u8]) -> Result<(), &'static str> {
        let now = self.0.clock.now();
        let Some(question) = self.0.known.question(leaf, now) else {
            return Ok(()); // judged in the handshake
        };
        let asked = self.0.ask(question).await;
        match (self.0.known.judge(leaf, now), asked) {
            (Ok(()), _) => Ok(()),
            (Err(Refused::Revoked), _) => Err("revoked"),
            (Err(_), Err(reason)) => Err(reason),
            (Err(_), Ok(())) => Err("revocation-unknown"),
        }
    }

    /// Looks once at every authority; a failure leaves what is known as it is.
    pub async fn look(&self) {
        let sources = self.0.sources.load_full();
        join_all(sources.iter().map(|source| self.0.refresh(source))).await;
    }

    /// Looks again and again until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(self.0.every) => {}
                () = self.0.changed.notified() => {}
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.look() => {}
            }
        }
    }
}

/// About the servers that we call, as about those who call us.
impl Ask for Keeper {
    fn ask<'a>(&'a self, leaf: &'a [u8]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let now = self.0.clock.now();
            if let Some(question) = self.0.known.question(leaf, now) {
                // what went wrong is told and counted there
                let _ = self.0.ask(question).await;
            }
        })
    }
}

impl Fetching {
    fn new(point: RevocationPoint, limits: FetchLimits) -> Result<Self, StartError> {
        let tls = point.anchors.map(|anchors| {
            Connector::new(ClientParams {
                identity: None,
                anchors,
                crls: Vec::new(),
                tls12: false,
                handshake_deadline: limits.deadline,
                alpn: vec![Alpn::Http1],
            })
        });
        let no = |why: String| StartError::Key("revocation.sources".into(), why);
        let tls = tls.transpose().map_err(|error| no(error.to_string()))?;
        let fetcher = |location: Location| {
            Fetcher::new(location, tls.clone(), limits).map_err(|error| no(error.to_string()))
        };
        Ok(Self {
            list: point.list.map(&fetcher).transpose()?,
            responder: point.responder.map(&fetcher).transpose()?,
            issuer: point.issuer,
            told: AtomicI64::new(0),
        })
    }

    fn is_of(&self, issuer: &Issuer) -> bool {
        self.issuer.spki_sha256() == issuer.spki_sha256()
    }
}

impl Inner {
    /// A kept list that cannot be used is as good as none: its authority's people wait for the first fetch.
    fn take_up(&self, sources: &[Fetching]) {
        let now = self.clock.now();
        for source in sources.iter().filter(|source| source.list.is_some()) {
            let Some(file) = self.file(&source.issuer).filter(|file| file.exists()) else {
                continue;
            };
            let kept = fs::read(&file)
                .map_err(|error| error.to_string())
                .and_then(|bytes| {
                    let list = CheckedList::read_late(&bytes, &source.issuer, now);
                    list.and_then(|list| self.known.put_list(&source.issuer, list))
                        .map_err(|error| error.to_string())
                });
            if let Err(why) = kept {
                tracing::warn!(file = %file.display(), why, "kept revocation list not used");
            }
        }
    }

    async fn refresh(&self, source: &Fetching) {
        if let Some(list) = &source.list {
            let outcome = self.fetch_list(source, list).await;
            self.tell("list", source, outcome);
            self.alarm(source);
        }
        if source.responder.is_some() {
            let questions = self.known.asked(&source.issuer);
            let asked = stream::iter(questions).map(|question| self.ask(question));
            let asked: Vec<_> = asked.buffer_unordered(ASKED_AT_ONCE).collect().await;
            if asked.iter().any(Result::is_err) {
                self.known.judge_again(); // an answer may have run out
            }
        }
    }

    async fn fetch_list(&self, source: &Fetching, from: &Fetcher) -> Result<bool, &'static str> {
        let body = ok(from.get(HeaderMap::new()).await)?;
        let (issuer, now) = (Arc::clone(&source.issuer), self.clock.now());
        // its own thread: large, and a panic of the parser ends there
        let read = tokio::task::spawn_blocking(move || CheckedList::read(&body, &issuer, now));
        let list = read
            .await
            .map_err(|_| "crl-panic")?
            .map_err(|error| error.reason())?;
        let der = list.der().to_vec();
        let is_new = self
            .known
            .put_list(&source.issuer, list)
            .map_err(|error| error.reason())?;
        if let Some(file) = self.file(&source.issuer).filter(|_| is_new) {
            let kept = tokio::task::spawn_blocking(move || keep(&file, &der)).await;
            if !kept.is_ok_and(|kept| kept.is_ok()) {
                tracing::warn!(issuer = source.issuer.name(), "revocation list not kept");
            }
        }
        Ok(is_new)
    }

    async fn ask(&self, question: Arc<Question>) -> Result<(), &'static str> {
        let sources = self.sources.load_full();
        let of_it = sources
            .iter()
            .find(|source| source.is_of(question.issuer()));
        let source = of_it.ok_or("revocation-unknown")?;
        let responder = source.responder.as_ref().ok_or("revocation-unknown")?;
        let outcome = self.hear(&question, responder).await;
        self.tell("ocsp", source, outcome);
        outcome.map(drop)
    }

    async fn hear(
        &self,
        question: &Arc<Question>,
        responder: &Fetcher,
    ) -> Result<bool, &'static str> {
        let (request, nonce) = question.request().map_err(|error| error.reason())?;
        let asked = responder
            .post_as("application/ocsp-request", Bytes::from(request))
            .await;
        let (answer, now) = (ok(asked)?, self.clock.now());
        let (about, one) = (Arc::clone(question), answer.clone());
        let check = move || about.check(&one, Some(&nonce), now);
        let status = tokio::task::spawn_blocking(check)
            .await
            .map_err(|_| "ocsp-panic")?
            .map_err(|error| error.reason())?;
        self.known.put_status(question, status, now);
        Ok(true)
    }

    fn tell(&self, what: &'static str, source: &Fetching, outcome: Result<bool, &'static str>) {
        let issuer = source.issuer.name();
        let word = outcome.err().unwrap_or("ok");
        self.metrics.revocation_fetched(issuer, what, word);
        match outcome {
            Err(reason) => tracing::warn!(issuer, what, reason, "revocation not learnt"),
            Ok(true) if what == "list" => tracing::info!(issuer, "revocation list in force"),
            Ok(_) => {}
        }
    }

    /// Told once a threshold: at half of a list's life somebody should look, at its end nobody gets in.
    fn alarm(&self, source: &Fetching) {
        let issuer = source.issuer.name();
        let Some(list) = self.known.list(&source.issuer) else {
            tracing::error!(
                issuer,
                "no revocation list yet: nobody of this authority gets in"
            );
            return;
        };
        let life = list.life_percent(self.clock.now());
        self.metrics
            .revocation_list(issuer, list.next_update(), life);
        let level = ALARMS
            .into_iter()
            .rev()
            .find(|level| life >= *level)
            .unwrap_or(0);
        let before = source.told.swap(level, Ordering::AcqRel);
        let (ends, is_higher) = (list.next_update(), level > before);
        match level {
            100 if is_higher => {
                self.known.judge_again();
                tracing::error!(issuer, %ends, "revocation list expired: nobody of this authority gets in");
            }
            90 if is_higher => {
                tracing::error!(issuer, %ends, life, "revocation list almost expired")
            }
            50 if is_higher => tracing::warn!(issuer, %ends, life, "revocation list not renewed"),
            _ => {}
        }
    }

    fn file(&self, issuer: &Issuer) -> Option<PathBuf> {
        let name = hex::encode(issuer.spki_sha256());
        Some(self.folder.as_ref()?.join(format!("{name}.crl")))
    }
}

fn ok(fetched: Result<Fetched, roads::fetch::Error>) -> Result<Bytes, &'static str> {
    let fetched = fetched.map_err(|error| error.reason())?;
    match fetched.status {
        StatusCode::OK => Ok(fetched.body),
        _ => Err("http-status"),
    }
}

/// Whole or not at all.
fn keep(file: &Path, der: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let fresh = file.with_extension("new");
    fs::write(&fresh, der)?;
    fs::File::open(&fresh)?.sync_all()?;
    fs::rename(fresh, file)
}

/// At which percent of a list's life somebody is told.
const ALARMS: [i64; 3] = [50, 90, 100];
/// Questions to one responder at once.
const ASKED_AT_ONCE: usize = 4;
