//! The evidence worker, off the way of messages: signs checkpoints, has them stamped, keeps copies, and
//! destroys what was kept as long as it has to be.
//!
//! Nothing here ever stops an exchange. Where no time-stamping authority answers the gateway is degraded: a
//! metric, an event and the status page say so, and what waited is stamped when one answers again.

mod copies;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use certs::{
    asic,
    digest::sha256,
    evidence,
    keys::SigningKey,
    tls::Identity,
    tsp::{self, Authorities, Request, Token},
};
use gateway_core::ports::StoreError;
use gateway_store::{Checkpoint, Retention, SignedCheckpoint, Store};
use roads::fetch::Fetcher;
use tokio::{sync::watch, time::Instant};

pub(crate) use copies::keep;
pub use copies::kept;

use crate::{
    config::{self, Config},
    gateway::StartError,
    metrics::Metrics,
};

/// The key that signs evidence, and its certificates.
pub(crate) struct Seal {
    pub(crate) key: SigningKey,
    /// The leaf, DER.
    pub(crate) certificate: Vec<u8>,
    /// The whole chain, PEM.
    pub(crate) chain: Vec<u8>,
}

impl Seal {
    /// The key that `[journal]` names, else `[sign]`'s.
    ///
    /// # Errors
    /// Where the files are refused.
    pub(crate) fn load(config: &Config) -> Result<Self, StartError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| StartError::File(path.clone(), error))
        };
        let refused = |path: &PathBuf, why: String| StartError::Key(path.clone(), why);
        let (Some(key), Some(cert)) = (&config.journal.key, &config.journal.cert) else {
            let wrong = |(key, what, _): (&'static str, String, _)| refused(&key.into(), what);
            let (key, certificate) = config::signing_key(config).map_err(wrong)?;
            return Ok(Self {
                key,
                certificate,
                chain: read(&config.sign.cert)?,
            });
        };
        let pair = Identity::from_files(cert, key).map_err(|e| refused(cert, e.to_string()))?;
        let certificate = pair.chain_der().next().map(<[u8]>::to_vec);
        Ok(Self {
            key: SigningKey::from_pem(&read(key)?, None)
                .map_err(|error| refused(key, error.to_string()))?,
            certificate: certificate.ok_or_else(|| refused(cert, "no certificate".to_owned()))?,
            chain: read(cert)?,
        })
    }

    /// When the certificate in force was written: a key is loaded again when that changes.
    fn stamp(config: &Config) -> Option<SystemTime> {
        let cert = config.journal.cert.as_ref().unwrap_or(&config.sign.cert);
        std::fs::metadata(cert)
            .and_then(|data| data.modified())
            .ok()
    }

    fn sign(&self, checkpoint: &Checkpoint) -> Result<SignedCheckpoint, certs::keys::KeyError> {
        let text = checkpoint.text();
        Ok(SignedCheckpoint {
            signature: evidence::sign(&self.key, &text)?,
            text,
            certificate: self.certificate.clone(),
        })
    }
}

/// The worker.
pub(crate) struct Worker {
    config: Config,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    seal: Arc<Seal>,
    stampers: Vec<(String, Fetcher)>,
    authorities: Option<Authorities>,
    retention: Retention,
    /// What the agreements in force say, by number.
    agreements: Arc<ArcSwap<BTreeMap<String, Duration>>>,
}

/// How a worker's rounds went so far.
struct Rounds {
    seal: Arc<Seal>,
    /// Of which time its certificate is.
    sealed: Option<SystemTime>,
    checkpointed: Instant,
    /// Not before this are the authorities asked again.
    stamp_at: Instant,
    retain_at: Instant,
    degraded: bool,
}

impl Worker {
    /// A worker as the config names it.
    ///
    /// # Errors
    /// Where a file or an address is refused.
    pub(crate) fn new(
        config: &Config,
        store: Arc<Store>,
        metrics: Arc<Metrics>,
        agreements: Arc<ArcSwap<BTreeMap<String, Duration>>>,
    ) -> Result<Self, StartError> {
        let wrong = |(key, what, _): (&'static str, String, _)| StartError::Key(key.into(), what);
        Ok(Self {
            seal: Arc::new(Seal::load(config)?),
            stampers: config::stampers(config).map_err(wrong)?,
            authorities: config::tsa_authorities(config).map_err(wrong)?,
            retention: config::retention(config).map_err(wrong)?,
            agreements,
            config: config.clone(),
            store,
            metrics,
        })
    }

    /// Works until `stop` turns true; then it signs what has come, so that a closed store ends under a checkpoint.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let now = Instant::now();
        let mut rounds = Rounds {
            seal: Arc::clone(&self.seal),
            sealed: Seal::stamp(&self.config),
            checkpointed: now,
            stamp_at: now,
            retain_at: now + RETAIN_AFTER,
            degraded: false,
        };
        loop {
            let stops = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => true,
                () = tokio::time::sleep(TICK) => false,
            };
            if let Err(error) = self.round(&mut rounds, stops).await {
                tracing::warn!(%error, "evidence waits for the store");
            }
            if stops {
                return;
            }
        }
    }

    async fn round(&self, rounds: &mut Rounds, last: bool) -> Result<(), StoreError> {
        let journal = &self.config.journal;
        let every = Duration::from_secs(journal.checkpoint_seconds);
        let is_time = last || rounds.checkpointed.elapsed() >= every;
        let least = if is_time {
            1
        } else {
            journal.checkpoint_records
        };
        while let Some(checkpoint) = self.store.next_checkpoint(least).await? {
            self.checkpoint(rounds, &checkpoint).await?;
            rounds.checkpointed = Instant::now();
        }
        if is_time {
            rounds.checkpointed = Instant::now();
        }
        if last && !rounds.degraded {
            // what is not stamped by then waits in the store for the next start
            let stamped = tokio::time::timeout(LAST_STAMPS, self.stamp(rounds)).await;
            stamped.unwrap_or(Ok(()))?;
        } else if !last && Instant::now() >= rounds.stamp_at {
            self.stamp(rounds).await?;
        }
        if !last && Instant::now() >= rounds.retain_at {
            rounds.retain_at = Instant::now() + RETAIN_EVERY;
            self.retain().await?;
        }
        Ok(())
    }

    async fn checkpoint(
        &self,
        rounds: &mut Rounds,
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        self.exchange(rounds);
        let (seal, said) = (Arc::clone(&rounds.seal), checkpoint.clone());
        // a key in a token may take its time
        let signed = tokio::task::spawn_blocking(move || seal.sign(&said)).await;
        let signed = signed
            .map_err(|error| error.to_string())
            .and_then(|signed| signed.map_err(|error| error.to_string()))
            .map_err(|error| {
                StoreError::Unavailable(format!("the evidence key does not sign: {error}"))
            })?;
        self.store.keep_checkpoint(signed.clone()).await?;
        self.metrics.checkpointed();
        let said = checkpoint.clone();
        self.copy(move |folder| keep(folder, &said, &signed)).await;
        Ok(())
    }

    /// A new key takes the place of the old one where it can be loaded.
    fn exchange(&self, rounds: &mut Rounds) {
        let stamp = Seal::stamp(&self.config);
        if stamp == rounds.sealed {
            return;
        }
        match Seal::load(&self.config) {
            Ok(seal) => (rounds.seal, rounds.sealed) = (Arc::new(seal), stamp),
            Err(error) => {
                tracing::error!(%error, "a new evidence key is refused; the old one stays")
            }
        }
    }

    /// Writes a copy where copies are kept; on a thread of its own, for disks wait.
    async fn copy(&self, write: impl FnOnce(&Path) -> io::Result<()> + Send + 'static) {
        let Some(folder) = self.config.journal.checkpoints_to.clone() else {
            return;
        };
        let written = tokio::task::spawn_blocking(move || write(&folder)).await;
        match written.map_err(io::Error::other) {
            Ok(Ok(())) => {}
            Ok(Err(error)) | Err(error) => {
                tracing::error!(%error, "the copy of a checkpoint could not be written");
            }
        }
    }

    async fn stamp(&self, rounds: &mut Rounds) -> Result<(), StoreError> {
        if self.stampers.is_empty() {
            return Ok(());
        }
        let mut is_down = None;
        for signed in self.store.unstamped(STAMPS_AT_ONCE).await? {
            let Some(checkpoint) = signed.proven() else {
                continue;
            };
            match self.token(&signed, &checkpoint).await {
                Ok((token, authority)) => {
                    let (said, text, stamp) = (checkpoint.clone(), signed.clone(), token.clone());
                    self.copy(move |folder| copies::keep_token(folder, &said, &text, &stamp))
                        .await;
                    let last = checkpoint.last;
                    let token = token.der().to_vec();
                    self.store.keep_stamp(last, token, authority).await?;
                }
                Err(why) => {
                    is_down = Some(why);
                    break;
                }
            }
        }
        self.tell(rounds, is_down).await
    }

    async fn tell(&self, rounds: &mut Rounds, is_down: Option<String>) -> Result<(), StoreError> {
        match (&is_down, rounds.degraded) {
            (Some(why), false) => {
                tracing::error!(%why, "degraded: no time-stamping authority answers; checkpoints wait for their time-stamps");
            }
            (None, true) => tracing::info!("time-stamps are given again"),
            _ => {}
        }
        rounds.degraded = is_down.is_some();
        if rounds.degraded {
            rounds.stamp_at = Instant::now() + STAMP_AGAIN;
        }
        let census = self.store.checkpoint_census().await?;
        self.metrics.time_stamps(rounds.degraded, census.unstamped);
        Ok(())
    }

    /// A token of the first authority that gives one; or why the last one did not.
    async fn token(
        &self,
        signed: &SignedCheckpoint,
        checkpoint: &Checkpoint,
    ) -> Result<(Token, String), String> {
        let Some(authorities) = &self.authorities else {
            return Err("no roots".to_owned());
        };
        let imprint = sha256(&stamped(signed, checkpoint.last));
        let mut why = String::new();
        for (name, fetcher) in &self.stampers {
            let request = Request::new(imprint);
            let answer = fetcher
                .post_as(tsp::QUERY, Bytes::from(request.der()))
                .await;
            let token = match answer {
                Ok(answer) if answer.status.is_success() => request
                    .token(&answer.body, authorities)
                    .map_err(|error| error.to_string()),
                Ok(answer) => Err(format!("status {}", answer.status)),
                Err(error) => Err(error.to_string()),
            };
            match token {
                Ok(token) => return Ok((token, name.clone())),
                Err(error) => why = format!("{name}: {error}"),
            }
        }
        Err(why)
    }

    async fn retain(&self) -> Result<(), StoreError> {
        let Some(retention) = rules(&self.retention, &self.agreements.load()) else {
            return Ok(());
        };
        let destroyed = self.store.retain(&retention).await?;
        if destroyed > 0 {
            tracing::info!(records = destroyed, "retention destroyed their keys");
        }
        Ok(())
    }
}

/// How long what is kept by now; without an article nothing is destroyed, whatever agreements say.
fn rules(house: &Retention, agreements: &BTreeMap<String, Duration>) -> Option<Retention> {
    let says = house.default.is_some() || !house.operations.is_empty() || !agreements.is_empty();
    (says && !house.law.is_empty()).then(|| Retention {
        agreements: agreements.clone(),
        ..house.clone()
    })
}

/// What a time-stamp over a checkpoint is of: the manifest that stands beside it in an export.
pub(crate) fn stamped(signed: &SignedCheckpoint, last: u64) -> Vec<u8> {
    let name = checkpoint_name(last);
    let part = asic::Part {
        name: &name,
        bytes: &signed.text,
    };
    asic::stamped_manifest(part, &token_name(last))
}

/// Where a checkpoint stands in an export.
pub(crate) fn checkpoint_name(last: u64) -> String {
    format!("journal/checkpoint-{last}.txt")
}

/// Where its time-stamp stands.
pub(crate) fn token_name(last: u64) -> String {
    format!("META-INF/timestamp-{last}.tst")
}

/// Where the manifest stands that the time-stamp is of.
pub(crate) fn manifest_name(last: u64) -> String {
    format!("META-INF/ASiCManifest-{last}.xml")
}

const TICK: Duration = Duration::from_secs(1);
const STAMPS_AT_ONCE: usize = 64;
/// How long a gateway that stops waits for the last time-stamps.
const LAST_STAMPS: Duration = Duration::from_secs(2);
/// How long the authorities are left alone after none of them answered.
const STAMP_AGAIN: Duration = Duration::from_secs(10);
const RETAIN_AFTER: Duration = Duration::from_secs(60);
const RETAIN_EVERY: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreements_say_how_long_under_an_article_that_the_house_names() {
        let years = Duration::from_secs(10 * 366 * 24 * 3_600);
        let agreed = BTreeMap::from([("QC-01".to_owned(), years)]);
        let mut house = Retention::default();
        assert_eq!(rules(&house, &agreed), None);
        house.law = "Law 91/2025, article 14".to_owned();
        assert_eq!(rules(&house, &BTreeMap::new()), None);
        let rules = rules(&house, &agreed).unwrap();
        assert_eq!((rules.agreements, rules.default), (agreed, None));
        assert_eq!(rules.law, house.law);
    }
}
