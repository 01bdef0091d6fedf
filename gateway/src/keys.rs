//! Our keys, anchors and revocation lists, read again while running: the new ones take the place of
//! the old ones whole, or not at all.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use certs::tls::Acceptor;
use gateway_core::{partner::Partners, sign::Signer};
use tokio::sync::watch;

use crate::{
    config::{self, Config},
    gateway::{StartError, signer, tls_params},
    metrics::Metrics,
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
    /// Where certificate ends are shown.
    pub metrics: Arc<Metrics>,
}

impl Keys {
    /// Watches until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let every = Duration::from_secs(self.config.reload_seconds);
        let mut seen = self.stamp();
        let mut refused_beside: Option<Arc<Partners>> = None;
        self.show_ends();
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
                continue;
            }
            seen = now;
            refused_beside = match self.reload(&partners) {
                Ok(()) => {
                    tracing::info!("keys, anchors and revocation lists replaced");
                    None
                }
                Err(error) => {
                    tracing::error!(%error, "new keys refused; the old ones stay");
                    Some(partners)
                }
            };
            self.show_ends();
        }
    }

    /// Both are checked before either is replaced.
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
        self.acceptor
            .replace(tls_params(&self.config)?)
            .map_err(refused)?;
        self.signer.store(Arc::new(ours));
        Ok(())
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tls = &self.config.tls;
        [&tls.cert, &tls.key]
            .into_iter()
            .chain(config::signing_files(&self.config.sign))
            .chain(&tls.anchors)
            .chain(&tls.crls)
    }

    fn stamp(&self) -> Stamp {
        self.files()
            .map(|file| {
                let data = std::fs::metadata(file).ok()?;
                Some((data.modified().ok()?, data.len()))
            })
            .collect()
    }

    fn show_ends(&self) {
        for (name, file) in [
            ("tls.cert", &self.config.tls.cert),
            ("sign.cert", &self.config.sign.cert),
        ] {
            let ends = std::fs::read(file)
                .ok()
                .and_then(|pem| certs::keys::VerifyingKey::from_certificate_pem(&pem).ok())
                .and_then(|key| key.not_after());
            if let Some(ends) = ends {
                self.metrics.certificate_ends(name, ends);
            }
        }
    }
}
