//! Taking a backup: under another name until it is whole, on the disk and read back.

use std::{fs, path::Path};

use gateway_core::{ports::Clock, seal::Vault};
use gateway_store::{Engine, Verified};
use insurance::{
    Place,
    registry::backup::{self as registry, FeedMark},
};
use jiff::Timestamp;

use super::{
    Backup, BackupError, Chain, FileLine, Manifest, RegistryPart, StorePart,
    files::{self, Workshop},
    papers, server,
};
use crate::{
    config::{self, Config, InsuranceMode},
    wiring,
};

/// Backs up what the config names into the folder `to`, which must not be there; a gateway may be at work.
///
/// # Errors
/// Why there is none; nothing is left behind then.
pub fn take(
    config: &Config,
    clock: &dyn Clock,
    vault: &Vault,
    to: &Path,
) -> Result<Backup, BackupError> {
    if to.exists() {
        return Err(BackupError::There(to.to_owned()));
    }
    let work = Workshop::make(files::behind(to, &format!(".part-{}", std::process::id())))?;
    let (mark, mode) = feed_mark(config)?;
    // from here on: whatever was acknowledged before is in it
    let cut = as_stored(clock.now());
    let (store, mut names) = store(config, vault, (work.path(), cut))?;
    let schema = match (config.insurance.mode, &mark, place(config)?) {
        (InsuranceMode::Embedded, Some(mark), Some(Place::File(from))) => {
            let copied = registry::copy(&from, &work.path().join(REGISTRY), *mark);
            names.push(REGISTRY.to_owned());
            Some(copied.map_err(|error| BackupError::Registry(error.to_string()))?)
        }
        _ => None,
    };
    // after the store: whatever it calls answered has its files by now
    names.extend(papers::take(config, work.path())?);
    let lines = names.iter().map(|name| FileLine::of(work.path(), name));
    let manifest = Manifest {
        format: 1,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        environment: config.environment.as_str().to_owned(),
        cut: cut.to_string(),
        finished: clock.now().to_string(),
        store,
        registry: RegistryPart {
            mode: mode.to_owned(),
            schema,
            feed_from: mark.map(|mark| mark.0),
        },
        files: lines.collect::<Result<_, _>>()?,
    };
    manifest.write(work.path(), vault)?;
    files::sync_folder(work.path())?;
    Backup::open(work.path(), vault)?;
    fs::rename(work.path(), to).map_err(BackupError::at(to))?;
    work.keep();
    files::sync_folder(&files::parent(to))?;
    Backup::open(to, vault)
}

fn store(
    config: &Config,
    vault: &Vault,
    (folder, now): (&Path, Timestamp),
) -> Result<(StorePart, Vec<String>), BackupError> {
    let engine = config::store_engine(config).map_err(|(_, what, _)| BackupError::Config(what))?;
    let path = match engine {
        Engine::Sqlite(path) => path,
        Engine::Postgres(database) => {
            return server::take(config, &database, vault, (folder, now));
        }
        _ => return Err(BackupError::Config("an engine without backup".to_owned())),
    };
    let copied = gateway_store::copy(&path, &folder.join(STORE), vault);
    let copied = copied.map_err(|error| BackupError::Store(error.to_string()))?;
    let part = StorePart {
        engine: "sqlite".to_owned(),
        schema: copied.schema,
        chains: vec![chain(&copied.journal)],
        restore_point: None,
    };
    Ok((part, vec![STORE.to_owned(), STORE_HEAD.to_owned()]))
}

pub(super) fn chain(verified: &Verified) -> Chain {
    Chain {
        writer: verified.writer.clone(),
        records: verified.records,
        head: hex::encode(verified.head),
    }
}

/// An instant as the store keeps it, in microseconds.
fn as_stored(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// The feed's place before the store is copied, and the word for where the registry is.
fn feed_mark(config: &Config) -> Result<(Option<FeedMark>, &'static str), BackupError> {
    let told = |error: insurance::registry::OpenError| BackupError::Registry(error.to_string());
    let mark = place(config)?
        .map(|place| registry::feed_mark(&place).map_err(told))
        .transpose()?;
    let mode = match config.insurance.mode {
        InsuranceMode::Embedded => "embedded",
        InsuranceMode::Postgres => "postgres",
        InsuranceMode::Remote => "remote",
    };
    Ok((mark, mode))
}

/// Where the registry is, where this config's gateway runs it.
pub(super) fn place(config: &Config) -> Result<Option<Place>, BackupError> {
    match config.insurance.mode {
        InsuranceMode::Remote => Ok(None),
        InsuranceMode::Embedded | InsuranceMode::Postgres => wiring::registry_place(config)
            .map(Some)
            .map_err(|error| BackupError::Config(error.to_string())),
    }
}

/// The store's file in a backup, its head file, and the registry's.
pub(super) const STORE: &str = "store.sqlite";
pub(super) const STORE_HEAD: &str = "store.sqlite.head";
pub(super) const REGISTRY: &str = "registry.sqlite";
