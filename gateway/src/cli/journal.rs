//! `lienthong journal`: is it whole, what may not go, what goes, what leaves the house; and `lienthong verify`.

use std::{
    fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf, process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};
use gateway_core::ports::SystemClock;
use gateway_store::{Rewrapped, Witnesses};
use schemas::proto::admin::ActRequest;

use super::{ConfigFile, Ended, admin::Which, office::Reason};
use crate::{
    admin::client,
    bulk,
    config::{self, Config},
    container::{self, Trust, Verdict},
    evidence::{Seal, kept},
    gateway::{StartError, key_file},
    papers::Papers,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Finds the first record that is not what was written; works while the gateway runs.
    Verify(ConfigFile),
    /// Nothing of a message (evidence id) or of a partner (its id) is erased until the hold is lifted.
    Hold(OnOne),
    /// Lifts a hold.
    Release(OnOne),
    /// Destroys the keys of one message for ever; the chain stays whole.
    Erase(Erase),
    /// How long what is kept, and under which article it is destroyed.
    Retention(ConfigFile),
    /// Writes one message with all that proves it into a container (ASiC-E) that `lienthong verify` checks.
    Export(Export),
    /// Adds a generation to the seal key: what starts from then on seals under it. Restart the gateways, then rewrap.
    Rotate(ConfigFile),
    /// Locks the file of the seal key by the token of `[store.seal_token]`, whose key is made where there is none.
    Lock(ConfigFile),
    /// Opens that file for good, for a move to another token.
    Unlock(ConfigFile),
    /// Brings every record under the newest generation of the seal key; works while the gateway runs.
    Rewrap(Rewrap),
}

#[derive(Debug, Clone, Args)]
pub(super) struct OnOne {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// An evidence id or a partner's id.
    target: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Erase {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// Under which article; it stays readable in the journal, so it names nobody.
    #[arg(long)]
    law: String,
    /// The message's evidence id.
    evidence: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Export {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The file to write; it must not be there.
    #[arg(long)]
    out: PathBuf,
    /// An evidence id, or a message id.
    id: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Rewrap {
    #[command(flatten)]
    file: ConfigFile,
    /// Takes the older generations out of the key file where nothing is left under them. Backups made before
    /// need them.
    #[arg(long)]
    forget: bool,
}

/// What a container proves, without a database and without a network.
#[derive(Debug, Clone, Args)]
pub(super) struct Verify {
    /// The container.
    file: PathBuf,
    /// Roots of those whose signatures you trust, PEM.
    #[arg(long)]
    anchors: Option<PathBuf>,
    /// Roots of the time-stamping authorities that you trust, PEM.
    #[arg(long)]
    tsa_anchors: Option<PathBuf>,
}

impl Command {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::Verify(file) => verify(&file),
            Self::Hold(on) => on.act("hold").await,
            Self::Release(on) => on.act("unhold").await,
            Self::Erase(erase) => erase.run().await,
            Self::Retention(file) => retention(&file),
            Self::Export(export) => export.run().await,
            Self::Rotate(file) => rotate(&file),
            Self::Lock(file) => lock(&file),
            Self::Unlock(file) => unlock(&file),
            Self::Rewrap(rewrap) => rewrap.run(),
        }
    }
}

impl OnOne {
    async fn act(self, deed: &str) -> Ended {
        act(&self.which, &self.reason, deed, &self.target, "").await
    }
}

impl Erase {
    async fn run(self) -> Ended {
        act(
            &self.which,
            &self.reason,
            "erase",
            &self.evidence,
            &self.law,
        )
        .await
    }
}

async fn act(which: &Which, reason: &Reason, deed: &str, target: &str, law: &str) -> Ended {
    let request = ActRequest {
        deed: deed.to_owned(),
        target: target.to_owned(),
        who: reason.who()?,
        why: reason.why.clone(),
        law: law.to_owned(),
    };
    let acted = client::act(which.address()?, request).await?;
    println!("{deed} {target}: {}", acted.outcome);
    Ok(ExitCode::SUCCESS)
}

impl Export {
    /// First it is written down who takes it out and why: a store that cannot do that gives nothing.
    async fn run(self) -> Ended {
        let config = load(self.which.file())?;
        let vault = key_file(&config)?.open()?;
        let engine = config::store_engine(&config).map_err(|(_, what, _)| what)?;
        let Some(dossier) = gateway_store::dossier(&engine, &vault, &self.id)? else {
            println!("nothing is kept about {}", self.id);
            return Ok(ExitCode::FAILURE);
        };
        let target = dossier.evidence.to_string();
        act(&self.which, &self.reason, "export", &target, "").await?;
        let bytes = container::export(&config, &dossier)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.out)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        println!("{} bytes in {}", bytes.len(), self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    pub(super) fn run(self) -> Ended {
        let read = |path: &Option<PathBuf>| path.as_ref().map(fs::read).transpose();
        let trust = Trust {
            authorities: read(&self.anchors)?,
            time_stamps: read(&self.tsa_anchors)?,
        };
        let archive = container::read(&fs::read(&self.file)?)?;
        let findings = container::judge(&archive, &trust);
        for finding in &findings {
            println!("{finding}");
        }
        let broken = findings.iter().any(|f| f.verdict == Verdict::Broken);
        Ok(if broken {
            println!("! tệp này không chứng minh được gì\n  this file proves nothing");
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

impl Rewrap {
    fn run(self) -> Ended {
        let config = load(&self.file)?;
        let vault = key_file(&config)?.open()?;
        let engine = config::store_engine(&config).map_err(|(_, what, _)| what)?;
        let mut done = gateway_store::rewrap(&engine, &vault)?;
        for folder in [rewrap_papers(&config)?, rewrap_months(&config)?] {
            done.seen += folder.seen;
            done.changed += folder.changed;
            done.stuck += folder.stuck;
        }
        println!(
            "{} keys, {} brought under the newest of {} generations, {} open under none",
            done.seen,
            done.changed,
            vault.generations(),
            done.stuck
        );
        if done.stuck > 0 {
            return Ok(ExitCode::FAILURE);
        }
        if self.forget {
            if done.changed > 0 {
                println!("run it once more before the older generations are forgotten");
                return Ok(ExitCode::FAILURE);
            }
            key_file(&config)?.forget_older()?;
            println!("the older generations are forgotten");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The files of dossiers lie under the same key.
fn rewrap_papers(config: &Config) -> Result<Rewrapped, Box<dyn std::error::Error + Send + Sync>> {
    let Some(papers) = &config.papers else {
        return Ok(Rewrapped::default());
    };
    let vault = key_file(config)?.open()?;
    let papers = Papers::open(papers, vault, Arc::new(SystemClock))?;
    let done = papers.rewrap();
    Ok(done.map_err(|fault| fault.note().unwrap_or("files of dossiers").to_owned())?)
}

/// So do months in bulk.
fn rewrap_months(config: &Config) -> Result<Rewrapped, Box<dyn std::error::Error + Send + Sync>> {
    let Some(bulk) = &config.bulk else {
        return Ok(Rewrapped::default());
    };
    Ok(bulk::rewrap(&bulk.path, key_file(config)?.open()?)?)
}

fn rotate(file: &ConfigFile) -> Ended {
    let config = load(file)?;
    let file = key_file(&config)?;
    file.add_generation()?;
    println!(
        "{} has {} generations; every gateway seals under the newest when it starts again",
        config.store.seal_key.display(),
        file.open()?.generations()
    );
    Ok(ExitCode::SUCCESS)
}

fn lock(file: &ConfigFile) -> Ended {
    let config = load(file)?;
    let path = config.store.seal_key.display();
    let Some(lock) = config::seal_lock(&config).map_err(|(_, what, _)| what)? else {
        return Err("no token is named: add [store.seal_token]".into());
    };
    if lock.make_key()? {
        println!("the token has a key of this label now; it never leaves it");
    }
    match key_file(&config)?.lock()? {
        true => println!(
            "{path} is locked: without the token nobody opens it. Copies made before are not; destroy them"
        ),
        false => println!("{path} is locked already, and opens"),
    }
    Ok(ExitCode::SUCCESS)
}

fn unlock(file: &ConfigFile) -> Ended {
    let config = load(file)?;
    key_file(&config)?.unlock()?;
    println!(
        "{} stands open: take [store.seal_token] out of the config, or name another token and lock it again",
        config.store.seal_key.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn retention(file: &ConfigFile) -> Ended {
    let config = load(file)?;
    let retention = config::retention(&config).map_err(|(_, what, _)| what)?;
    let days = |kept: &std::time::Duration| kept.as_secs() / (24 * 3600);
    match &retention.default {
        Some(kept) => println!("everything else: {} days", days(kept)),
        None => println!("everything else: for ever"),
    }
    for (operation, kept) in &retention.operations {
        println!("{operation}: {} days", days(kept));
    }
    for (number, kept) in &retention.agreements {
        println!("agreement {number}: {} days", days(kept));
    }
    if !retention.law.is_empty() {
        println!("under {}", retention.law);
    }
    Ok(ExitCode::SUCCESS)
}

fn load(file: &ConfigFile) -> Result<Config, StartError> {
    Config::load(&file.config).map_err(StartError::Config)
}

fn verify(file: &ConfigFile) -> Ended {
    let config = load(file)?;
    let vault = key_file(&config)?.open()?;
    let engine = config::store_engine(&config).map_err(|(_, what, _)| what)?;
    let copies = match &config.journal.checkpoints_to {
        Some(folder) if folder.exists() => kept(folder)?,
        _ => Vec::new(),
    };
    let held = copies.len();
    let witnesses = Witnesses {
        checkpoints: copies,
    };
    let ours = Seal::load(&config).map(|seal| seal.certificate).ok();
    match gateway_store::verify_beside(&engine, &vault, &witnesses) {
        Ok(chains) => {
            for good in chains {
                println!(
                    "{} records of writer {} hold; head {}",
                    good.records,
                    good.writer,
                    hex::encode(good.head)
                );
                println!(
                    "{} of them erased; {} checkpoints hold, {held} copies looked at",
                    good.erased, good.checkpoints
                );
                if good.signer.is_some() && good.signer != ours {
                    println!(
                        "the newest checkpoint is signed by another certificate than the configured one"
                    );
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("broken: {broken}");
            Ok(ExitCode::FAILURE)
        }
    }
}
