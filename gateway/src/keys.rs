//! Our keys, anchors and revocation lists, read again while running: the new ones take the place of
//! the old ones whole, or not at all.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use certs::tls::Acceptor;
use gateway_core::{partner::Partners, ports::Clock, sign::Signer};
use tokio::{sync::watch, time::Instant};

use crate::{
    admin::Operators,
    config::{self, Config},
    ends::{self, Nearness},
    gateway::{StartError, signer, tls_params},
    metrics::Metrics,
    revocation::Keeper,
    wiring::Caller,
};

/// What tells a changed set of files: modification times and lengths.
type Stamp = Vec<Option<(SystemTime, u64)>>;

/// The worker that watches key files.
pub struct Keys {
    /// Names the files.
    pub config: Config,
    /// TLS in force.
    pub acceptor: Arc<Acceptor>,
    /// Whose names the anchors must not give away.
    pub partners: Arc<ArcSwap<Partners>>,
    /// Our signature in force.
    pub signer: Arc<ArcSwap<Signer>>,
    /// The connections that we make, with the same identity.
    pub(crate) callers: Vec<Caller>,
    /// Who watches the authorities.
    pub(crate) keeper: Keeper,
    /// TLS in force for operators, where there is any.
    pub(crate) operators: Option<Arc<Operators>>,
    /// Where certificate ends are shown.
    pub metrics: Arc<Metrics>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Keys {
    /// Watches until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let every = Duration::from_secs(self.config.reload_seconds);
        let mut seen = self.stamp();
        let mut refused_beside: Option<Arc<Partners>> = None;
        let mut told = BTreeMap::new();
        let mut beside = self.partners.load_full();
        self.show_ends(&mut told);
        let mut shown_at = Instant::now();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(every) => {}
            }
            let (now, partners) = (self.stamp(), self.partners.load_full());
            // what was refused is tried again beside other partners
            let is_settled = refused_beside
                .as_ref()
                .is_none_or(|beside| Arc::ptr_eq(beside, &partners));
            if now == seen && is_settled {
                if shown_at.elapsed() >= ENDS_EVERY || !Arc::ptr_eq(&beside, &partners) {
                    self.show_ends(&mut told);
                    (shown_at, beside) = (Instant::now(), partners);
                }
                continue;
            }
            seen = now;
            refused_beside = match self.reload(&partners) {
                Ok(()) => {
                    tracing::info!(
                        "keys, anchors, revocation lists and watched authorities replaced"
                    );
                    None
                }
                Err(error) => {
                    tracing::error!(%error, "new keys refused; the old ones stay");
                    Some(partners)
                }
            };
            self.show_ends(&mut told);
            shown_at = Instant::now();
        }
    }

    /// All are checked before any is replaced.
    fn reload(&self, partners: &Partners) -> Result<(), StartError> {
        let ours = signer(&self.config, Arc::<Metrics>::clone(&self.metrics))?;
        if let (Some(what), Some(file)) = (
            config::anchors_beside(&self.config, partners),
            self.config.tls.anchors.first(),
        ) {
            return Err(StartError::Key(file.clone(), what));
        }
        let refused = |error: certs::tls::TlsConfigError| {
            StartError::Key(self.config.tls.cert.clone(), error.to_string())
        };
        let callers: Vec<_> = self
            .callers
            .iter()
            .map(|caller| Ok((caller, caller.checked(&self.config)?)))
            .collect::<Result<_, StartError>>()?;
        let admin = Operators::params(&self.config)?;
        let authorities = self.keeper.checked(&self.config)?;
        self.acceptor
            .replace(tls_params(&self.config)?)
            .map_err(refused)?;
        for (caller, params) in callers {
            caller.connector.replace(&params).map_err(refused)?;
        }
        if let (Some(operators), Some(params)) = (&self.operators, admin) {
            operators.replace(params).map_err(refused)?;
        }
        self.keeper.watch(authorities);
        self.signer.store(Arc::new(ours));
        Ok(())
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tls = &self.config.tls;
        let admin = self.config.admin.tls.iter();
        let authorities = self.config.revocation.sources.iter();
        [&tls.cert, &tls.key]
            .into_iter()
            .chain(config::signing_files(&self.config.sign))
            .chain(&tls.anchors)
            .chain(&tls.crls)
            .chain(self.callers.iter().map(|caller| &caller.anchors))
            .chain(admin.flat_map(|tls| [&tls.cert, &tls.key, &tls.anchors]))
            .chain(authorities.flat_map(|one| [&one.issuer].into_iter().chain(&one.anchors)))
    }

    fn stamp(&self) -> Stamp {
        self.files()
            .map(|file| {
                let data = std::fs::metadata(file).ok()?;
                Some((data.modified().ok()?, data.len()))
            })
            .collect()
    }

    /// Shows when each certificate ends, and tells once a threshold which one somebody has to renew.
    fn show_ends(&self, told: &mut BTreeMap<String, Nearness>) {
        let now = self.clock.now();
        let all = ends::of_all(&self.config, &self.partners.load());
        told.retain(|place, _| all.contains_key(place));
        for (place, end) in &all {
            let Some(near) = Nearness::of(*end, now) else {
                told.remove(place);
                continue;
            };
            if told.insert(place.clone(), near) == Some(near) {
                continue;
            }
            let urgency = near.words();
            match near >= Nearness::Week {
                true => {
                    tracing::error!(certificate = place, %end, urgency, "a certificate ends: renew it")
                }
                false => {
                    tracing::warn!(certificate = place, %end, urgency, "a certificate ends: renew it")
                }
            }
        }
        self.metrics.certificates_end(all);
    }
}

/// How often ends are looked at where nothing has changed.
const ENDS_EVERY: Duration = Duration::from_secs(3_600);
