//! Putting a backup back: proven first, marked as Recovering before it is in place, and in place by renames
//! whose every in-between state refuses to serve or serves what was there before.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use gateway_core::{
    ports::{Act, Clock, Deed, Office as _},
    seal::Vault,
};
use gateway_store::{Engine, Store};
use insurance::{
    Place,
    registry::backup::{self as registry, FeedMark},
};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Backup, BackupError, Server,
    files::{self, Workshop},
    papers, server,
    take::{REGISTRY, STORE, STORE_HEAD, place},
};
use crate::config::{self, Config};

/// How a backup is to be put back.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who does it, 1 to 200 bytes.
    pub who: String,
    /// Why, 1 to 2,000 bytes; kept in the journal, sealed.
    pub why: String,
    /// What stands there is set aside; else nothing is overwritten.
    pub replace: bool,
    /// Also where nobody knows which numbers were given out after the backup.
    pub danger_without_marks: bool,
    /// A database: where its data goes and how far it recovers.
    pub server: Option<Server>,
    /// The registry was not put back with the database: its feed hands out again.
    pub registry_stays: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// Everything that was acknowledged before is there.
    pub cut: Timestamp,
    /// What stood there before, under its new names.
    pub aside: Vec<PathBuf>,
    /// Changes that the registry's feed hands out again, where it was not part of the backup.
    pub handed_out_again: Option<u64>,
    /// Files of messages that lie there again; those that lay there still are not counted.
    pub papers: u64,
}

/// Puts a backup in the place that the config names. No gateway may have it open.
///
/// # Errors
/// Why not; what stood there still stands, unless a rename failed, which is named.
pub async fn put_back(
    config: &Config,
    clock: &Arc<dyn Clock>,
    vault: &Arc<Vault>,
    from: &Path,
    asked: &Asked,
) -> Result<PutBack, BackupError> {
    let backup = Backup::open(from, vault)?;
    let server = match (&asked.server, backup.manifest().store.engine.as_str()) {
        (Some(server), "postgres") => server,
        (None, "postgres") => {
            let what = "the backup is a database: say --data-dir, where its server's data goes";
            return Err(BackupError::Config(what.to_owned()));
        }
        (Some(_), _) => {
            let what = "--data-dir is for a database, and the backup is a file";
            return Err(BackupError::Config(what.to_owned()));
        }
        (None, _) => return put_files_back(config, clock, vault, &backup, asked).await,
    };
    // a registry in a file beside a store on PostgreSQL
    let registry = registry_of(config, &backup)?;
    marks(registry.as_deref(), config, asked)?;
    is_free(registry.as_deref(), asked)?;
    let staged = match &registry {
        Some(place) => {
            let folder = workshop(place)?;
            Some((stage(&backup, REGISTRY, folder.path())?, folder))
        }
        None => None,
    };
    let papers = papers::put_back(config, &backup)?;
    let cut = server::put_back(config, clock, vault, &backup, (asked, server)).await?;
    let handed_out_again = match asked.registry_stays {
        true => hand_out_again(config, &backup)?,
        false => None,
    };
    let mut aside = Vec::new();
    if let (Some((staged, _)), Some(place)) = (&staged, &registry) {
        install(staged, place, &end_of_aside(clock.now()), &mut aside)?;
    }
    Ok(PutBack {
        cut,
        aside,
        handed_out_again,
        papers,
    })
}

async fn put_files_back(
    config: &Config,
    clock: &Arc<dyn Clock>,
    vault: &Arc<Vault>,
    backup: &Backup,
    asked: &Asked,
) -> Result<PutBack, BackupError> {
    let cut = backup.cut()?;
    let places = Places::of(config, backup)?;
    marks(places.registry.as_deref(), config, asked)?;
    let _held = places.free(asked)?;
    let (store, registry) = (workshop(&places.store)?, workshop(&places.store)?);
    let staged = stage(backup, STORE, store.path())?;
    stage(backup, STORE_HEAD, store.path())?;
    let staged_registry = match &places.registry {
        Some(_) => Some(stage(backup, REGISTRY, registry.path())?),
        None => None,
    };
    mark(config, clock, vault, &staged, asked, cut).await?;
    let handed_out_again = match places.registry {
        // it has acknowledged what the store no longer knows
        None => hand_out_again(config, backup)?,
        Some(_) => None,
    };
    let papers = papers::put_back(config, backup)?;
    let aside = end_of_aside(clock.now());
    let mut moved = Vec::new();
    // The store first: with another head file it stands still, and once its own is there it is fenced.
    install(&staged, &places.store, &aside, &mut moved)?;
    let (head, its_place) = (head_of(&staged), head_of(&places.store));
    install(&head, &its_place, &aside, &mut moved)?;
    if let (Some(staged), Some(place)) = (&staged_registry, &places.registry) {
        install(staged, place, &aside, &mut moved)?;
    }
    Ok(PutBack {
        cut,
        aside: moved,
        handed_out_again,
        papers,
    })
}

/// Where the files go.
struct Places {
    store: PathBuf,
    /// None where the registry is not in the backup.
    registry: Option<PathBuf>,
}

impl Places {
    fn of(config: &Config, backup: &Backup) -> Result<Self, BackupError> {
        let engine =
            config::store_engine(config).map_err(|(_, what, _)| BackupError::Config(what))?;
        let Engine::Sqlite(store) = engine else {
            return Err(BackupError::Config(
                "the backup holds a store of SQLite and the config names PostgreSQL".to_owned(),
            ));
        };
        let registry = registry_of(config, backup)?;
        Ok(Self { store, registry })
    }

    /// Nobody has it open, and nothing is overwritten unless that was asked for.
    fn free(&self, asked: &Asked) -> Result<Option<gateway_store::Held>, BackupError> {
        let held = gateway_store::hold(&self.store)
            .map_err(|error| BackupError::Store(error.to_string()))?;
        is_free(Some(&self.store), asked)?;
        is_free(self.registry.as_deref(), asked)?;
        Ok(held)
    }
}

/// Where the registry's file goes; none where it is not in the backup.
fn registry_of(config: &Config, backup: &Backup) -> Result<Option<PathBuf>, BackupError> {
    match (backup.file(REGISTRY), place(config)?) {
        (None, _) => Ok(None),
        (Some(_), Some(Place::File(path))) => Ok(Some(path)),
        (Some(_), _) => Err(BackupError::Config(
            "the backup holds an embedded registry and the config names another".to_owned(),
        )),
    }
}

/// A registry that has forgotten which numbers it gave out must be told by the file outside.
fn marks(registry: Option<&Path>, config: &Config, asked: &Asked) -> Result<(), BackupError> {
    let known = config.insurance.marks.as_ref().is_some_and(|p| p.exists());
    match registry.is_none() || known || asked.danger_without_marks {
        true => Ok(()),
        false => Err(BackupError::Config(
            "nobody knows which numbers were given out after the backup: name the file of `insurance.marks`, or say --danger-without-marks"
                .to_owned(),
        )),
    }
}

fn is_free(place: Option<&Path>, asked: &Asked) -> Result<(), BackupError> {
    let Some(place) = place else { return Ok(()) };
    let is_empty = fs::metadata(place).map_or(true, |file| file.len() == 0);
    match is_empty || asked.replace {
        true => Ok(()),
        false => Err(BackupError::Occupied(place.to_owned())),
    }
}

/// What the registry's feed handed over since before the backup's store was copied comes once more.
fn hand_out_again(config: &Config, backup: &Backup) -> Result<Option<u64>, BackupError> {
    let from = backup.manifest().registry.feed_from.map(FeedMark);
    match (place(config)?, from) {
        (Some(place), Some(from)) => registry::hand_out_again(&place, from)
            .map(Some)
            .map_err(|error| BackupError::Registry(error.to_string())),
        _ => Ok(None),
    }
}

/// A folder beside the file that is to be replaced, so that a rename is enough.
fn workshop(place: &Path) -> Result<Workshop, BackupError> {
    let parent = files::parent(place);
    fs::create_dir_all(&parent).map_err(BackupError::at(&parent))?;
    let name = format!(".restoring-{}", gateway_core::Evidence::fresh());
    Workshop::make(parent.join(name))
}

/// Copies one file out of the backup; what arrives is what the manifest says.
fn stage(backup: &Backup, name: &str, folder: &Path) -> Result<PathBuf, BackupError> {
    let changed = |what: &str| BackupError::Changed {
        name: name.to_owned(),
        what: what.to_owned(),
    };
    let (from, line) = backup.file(name).ok_or_else(|| changed("it is missing"))?;
    let to = folder.join(name);
    match line.is(&files::copy(&from, &to)?) {
        true => Ok(to),
        false => Err(changed("it changed while it was copied")),
    }
}

/// Opens the staged store as a gateway would and writes down that it was put back, by whom and why: from
/// that commit on it is fenced.
async fn mark(
    config: &Config,
    clock: &Arc<dyn Clock>,
    vault: &Arc<Vault>,
    staged: &Path,
    asked: &Asked,
    cut: Timestamp,
) -> Result<(), BackupError> {
    let told = |error: &dyn std::fmt::Display| BackupError::Store(error.to_string());
    let mut params = config::store_params(config, Arc::clone(vault), Arc::clone(clock))
        .map_err(|(_, what, _)| BackupError::Config(what))?;
    params.engine = Engine::Sqlite(staged.to_owned());
    let store = Store::open(params).map_err(|error| told(&error))?;
    act(store, asked, cut).await?;
    match files::behind(staged, "-wal").exists() {
        true => Err(told(&"its log was not folded back")),
        false => Ok(()),
    }
}

/// Writes into the journal who put it back and why, and closes the store.
pub(super) async fn act(store: Store, asked: &Asked, cut: Timestamp) -> Result<(), BackupError> {
    let told = |error: &dyn std::fmt::Display| BackupError::Store(error.to_string());
    if let Some(why) = store.halted() {
        return Err(told(&why));
    }
    let act = Act {
        who: asked.who.clone(),
        why: asked.why.clone(),
        deed: Deed::Restore(cut),
    };
    store.act(act).await.map_err(|error| told(&error))?;
    Ok(())
}

/// Puts a file in place by one rename. What stood there keeps another name, side files included: their pages
/// must never be read into the new file.
fn install(
    staged: &Path,
    place: &Path,
    aside: &str,
    moved: &mut Vec<PathBuf>,
) -> Result<(), BackupError> {
    let at = BackupError::at;
    for side in ["-wal", "-shm"] {
        let side = files::behind(place, side);
        if side.exists() {
            let to = files::behind(&side, aside);
            fs::rename(&side, &to).map_err(at(&side))?;
            moved.push(to);
        }
    }
    if place.exists() {
        let to = files::behind(place, aside);
        fs::hard_link(place, &to).map_err(at(&to))?;
        moved.push(to);
    }
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    if fs::rename(staged, place).is_err() {
        // another file system: a copy beside it first
        let beside = files::behind(place, ".restoring");
        files::copy(staged, &beside)?;
        fs::rename(&beside, place).map_err(at(place))?;
    }
    files::sync_folder(&files::parent(place))
}

fn head_of(store: &Path) -> PathBuf {
    gateway_store::head_file_of(store)
}

/// What is put behind the name of a file that is set aside.
fn end_of_aside(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC)
        .strftime(".before-restore-%Y%m%dT%H%M%SZ")
        .to_string()
}
