//! A store on PostgreSQL: the server's own base backup, proven by its own program; put back by recovery to
//! its end, to a time or to the end of the log, and marked before anybody else can reach it.
//!
//! The programs are PostgreSQL's. Where they are missing nothing is pretended.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_core::{ports::Clock, seal::Vault};
use gateway_store::{Engine, PostgresParams, Step, Store, schema};
use jiff::{Timestamp, tz::TimeZone};
use rustix::process::{Pid, Signal, kill_process};

use super::{
    Asked, Backup, BackupError, RestorePoint, StorePart,
    files::{self, Workshop},
    put_back::act,
    take::chain,
};
use crate::config::{self, Config};

/// The base backup inside a backup, and the server's own manifest of it.
const BASE: &str = "base";
const BASE_MANIFEST: &str = "base/backup_manifest";

/// Where to recover to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// The end of the base backup: nothing else is needed.
    Base,
    /// This instant; needs the archived log.
    At(Timestamp),
    /// The named point that was made when the backup was finished; needs the archived log.
    Point,
    /// The end of the archived log.
    Latest,
}

/// How a database is put back.
#[derive(Debug, Clone)]
pub struct Server {
    /// The data folder to make; it may not be there, or be empty.
    pub data: PathBuf,
    /// Where the server's archived log is.
    pub wal: Option<PathBuf>,
    /// Where to recover to.
    pub until: Until,
}

/// A base backup into the folder.
pub(super) fn take(
    config: &Config,
    database: &PostgresParams,
    vault: &Vault,
    (folder, now): (&Path, Timestamp),
) -> Result<(StorePart, Vec<String>), BackupError> {
    let told = |error: gateway_store::OpenError| BackupError::Store(error.to_string());
    let chains = gateway_store::heads(database, vault).map_err(told)?;
    let engine = Engine::Postgres(database.clone());
    let version = schema(&engine, Step::Status).map_err(told)?.version;
    let base = folder.join(BASE);
    let mut command = program("pg_basebackup", None)?;
    command
        .args(["--no-password", "--format=plain", "--wal-method=stream"])
        .args(["--checkpoint=fast", "--manifest-checksums=SHA256"])
        .arg("--pgdata")
        .arg(&base)
        .envs(database.environment().map_err(told)?);
    if let Some(anchors) = &config.store.anchors {
        command.env("PGSSLMODE", "verify-full");
        command.env("PGSSLROOTCERT", anchors);
    }
    run(command)?;
    prove(&base)?;
    let name = format!("lienthong-{}", now.as_second());
    let lsn = gateway_store::restore_point(database, &name)
        .inspect_err(
            |error| tracing::warn!(%error, "no restore point: only a time can be recovered to"),
        )
        .ok();
    let part = StorePart {
        engine: "postgres".to_owned(),
        schema: version,
        chains: chains.iter().map(chain).collect(),
        restore_point: lsn.map(|lsn| RestorePoint { name, lsn }),
    };
    Ok((part, vec![BASE_MANIFEST.to_owned()]))
}

/// Recovers the database into a new data folder and marks it; its server is not running then. Gives the
/// instant before which everything acknowledged is there.
pub(super) async fn put_back(
    config: &Config,
    clock: &Arc<dyn Clock>,
    vault: &Arc<Vault>,
    backup: &Backup,
    (asked, server): (&Asked, &Server),
) -> Result<Timestamp, BackupError> {
    let engine = config::store_engine(config).map_err(|(_, what, _)| BackupError::Config(what))?;
    let Engine::Postgres(database) = engine else {
        return Err(BackupError::Config(
            "the backup holds a database and the config names a file".to_owned(),
        ));
    };
    let target = target(backup, server)?;
    let cut = match server.until {
        Until::At(at) => at,
        Until::Base | Until::Point | Until::Latest => backup.cut()?,
    };
    let (manifest, _) = backup
        .file(BASE_MANIFEST)
        .ok_or_else(|| BackupError::Config("the backup holds no database".to_owned()))?;
    let base = files::parent(&manifest);
    prove(&base)?;
    lay_down(&base, &server.data)?;
    let version = fs::read_to_string(base.join("PG_VERSION"));
    let version = version.map_err(BackupError::at(&base.join("PG_VERSION")))?;
    let work = Workshop::make(
        std::env::temp_dir().join(format!("lt-{}", gateway_core::Evidence::fresh())),
    )?;
    let mut alone = Alone::start(&server.data, version.trim(), work.path(), &target)?;
    let near = database.at_socket(work.path());
    let near = near.map_err(|error| BackupError::Store(error.to_string()))?;
    let mut params = config::store_params(config, Arc::clone(vault), Arc::clone(clock))
        .map_err(|(_, what, _)| BackupError::Config(what))?;
    params.engine = Engine::Postgres(near);
    let store = loop {
        match Store::open(params.clone()) {
            Ok(store) => break store,
            Err(error) => alone.wait(&error).await?,
        }
    };
    act(store, asked, cut).await?;
    alone.stop(version.trim())?;
    Ok(cut)
}

/// The settings that say where recovery ends.
fn target(backup: &Backup, server: &Server) -> Result<Vec<(&'static str, String)>, BackupError> {
    let mut all = vec![("recovery_target_action", "promote".to_owned())];
    match (&server.until, &backup.manifest().store.restore_point) {
        (Until::Base, _) => all.push(("recovery_target", "immediate".to_owned())),
        (Until::At(at), _) if *at < backup.finished()? => {
            return Err(BackupError::Config(format!(
                "the backup was finished at {}: it cannot be put back to an instant before",
                backup.manifest().finished
            )));
        }
        (Until::At(at), _) => all.push(("recovery_target_time", in_postgres(*at))),
        (Until::Latest, _) => {}
        (Until::Point, Some(point)) => all.push(("recovery_target_name", point.name.clone())),
        (Until::Point, None) => {
            let what = "the backup has no restore point: recover to a time".to_owned();
            return Err(BackupError::Config(what));
        }
    }
    let is_plain = |path: &str| {
        path.chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
    };
    match (&server.wal, &server.until) {
        (Some(wal), _) if is_plain(&wal.display().to_string()) => {
            let fetch = format!("cp {}/%f %p", wal.display());
            all.push(("restore_command", fetch));
        }
        (Some(_), _) => {
            let what = "a path of the log with other characters than letters, digits and /._-";
            return Err(BackupError::Config(what.to_owned()));
        }
        (None, Until::Base) => all.push(("restore_command", "false".to_owned())),
        (None, _) => {
            let what = "beyond the base backup the archived log is needed: name it with --wal";
            return Err(BackupError::Config(what.to_owned()));
        }
    }
    Ok(all)
}

/// An instant in PostgreSQL's words.
fn in_postgres(at: Timestamp) -> String {
    let utc = at.to_zoned(TimeZone::UTC);
    utc.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
}

/// The base backup in its new place, told to recover.
fn lay_down(base: &Path, data: &Path) -> Result<(), BackupError> {
    let is_empty = match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !data.exists(),
    };
    if !is_empty {
        return Err(BackupError::Occupied(data.to_owned()));
    }
    if !data.exists() {
        files::folder(data)?;
    }
    let mut copy = Command::new("cp");
    copy.arg("-a").arg("--").arg(base.join(".")).arg(data);
    run(copy)?;
    files::write(&data.join("recovery.signal"), b"")
}

/// A server that nobody else can reach: its socket stands in a folder of ours.
struct Alone {
    child: Child,
    data: PathBuf,
    log: PathBuf,
    began: Instant,
}

impl Alone {
    /// With a config of its own: the real one may stand elsewhere, and its settings are not for this.
    fn start(
        data: &Path,
        version: &str,
        work: &Path,
        target: &[(&'static str, String)],
    ) -> Result<Self, BackupError> {
        let file = |name: &str, content: &str| {
            files::write(&work.join(name), content.as_bytes()).map(|()| work.join(name))
        };
        let settings = file("postgresql.conf", "")?;
        let access = file("pg_hba.conf", "local all all trust\n")?;
        let names = file("pg_ident.conf", "")?;
        let log = file("log", "")?;
        let opened = fs::OpenOptions::new().append(true).open(&log);
        let opened = opened.map_err(BackupError::at(&log))?;
        let set = |name: &str, value: String| ["-c".to_owned(), format!("{name}={value}")];
        let path = |path: &Path| path.display().to_string();
        let mut command = program("postgres", Some(version))?;
        command.arg("-D").arg(data);
        command.args(set("config_file", path(&settings)));
        command.args(set("hba_file", path(&access)));
        command.args(set("ident_file", path(&names)));
        command.args(set("unix_socket_directories", path(work)));
        for (name, value) in [
            ("listen_addresses", ""),
            ("hot_standby", "off"),
            ("archive_mode", "off"),
            ("port", "5432"),
        ] {
            command.args(set(name, value.to_owned()));
        }
        for (name, value) in target {
            command.args(set(name, value.clone()));
        }
        let errors = opened.try_clone().map_err(BackupError::at(&log))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(opened)
            .stderr(errors)
            .spawn();
        Ok(Self {
            child: child.map_err(BackupError::at(data))?,
            data: data.to_owned(),
            log,
            began: Instant::now(),
        })
    }

    /// Not there yet: a moment, unless it has ended or takes for ever.
    async fn wait(&mut self, error: &gateway_store::OpenError) -> Result<(), BackupError> {
        let ended = self.child.try_wait().map_err(BackupError::at(&self.data))?;
        if ended.is_none() && self.began.elapsed() < RECOVERY_MAX {
            tokio::time::sleep(Duration::from_millis(100)).await;
            return Ok(());
        }
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(5).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Err(BackupError::Server(format!(
            "it did not come up ({error}): {}",
            tail.join(" | ")
        )))
    }

    fn stop(mut self, version: &str) -> Result<(), BackupError> {
        let mut command = program("pg_ctl", Some(version))?;
        command
            .args(["stop", "-w", "-m", "fast", "-D"])
            .arg(&self.data);
        run(command)?;
        let ended = self.child.wait().map_err(BackupError::at(&self.data))?;
        match ended.success() {
            true => Ok(()),
            false => Err(BackupError::Server(format!("it ended with {ended}"))),
        }
    }
}

impl Drop for Alone {
    /// Its processes end with it, which they would not if it were killed.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            let _ = id.map(|id| kill_process(id, Signal::QUIT)); // fails where it has just ended
            let _ = self.child.wait();
        }
    }
}

/// The server's own proof of a base backup: every file by its digest, and its log.
fn prove(base: &Path) -> Result<(), BackupError> {
    let version = fs::read_to_string(base.join("PG_VERSION"));
    let version = version.map_err(BackupError::at(&base.join("PG_VERSION")))?;
    let mut command = program("pg_verifybackup", Some(version.trim()))?;
    command.arg("--quiet").arg(base);
    run(command).map_err(|error| BackupError::Changed {
        name: BASE.to_owned(),
        what: error.to_string(),
    })
}

/// One of PostgreSQL's programs, of this version or of the newest that is here.
fn program(name: &str, version: Option<&str>) -> Result<Command, BackupError> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((number, entry.path().join("bin").join(name)))
        })
        .filter(|(number, path)| {
            path.exists() && version.is_none_or(|version| version == number.to_string())
        })
        .collect();
    found.sort();
    let (_, path) = found.pop().ok_or_else(|| {
        let package = version.map_or("postgresql".to_owned(), |v| format!("postgresql-{v}"));
        BackupError::Server(format!(
            "{name} is not below {DEBIAN}: install Debian's package {package}"
        ))
    })?;
    Ok(Command::new(path))
}

fn run(mut command: Command) -> Result<(), BackupError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(BackupError::at(Path::new(&name)))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(BackupError::Server(format!("{name}: {}", errors.trim()))),
    }
}

const DEBIAN: &str = "/usr/lib/postgresql";
const RECOVERY_MAX: Duration = Duration::from_secs(12 * 3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Manifest, RegistryPart};

    fn server(until: Until, wal: Option<&str>) -> Server {
        Server {
            data: PathBuf::from("/new"),
            wal: wal.map(PathBuf::from),
            until,
        }
    }

    /// A backup without files, with or without a named point.
    fn backup(restore_point: Option<RestorePoint>) -> (tempfile::TempDir, Backup) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::from_bytes([5; 32]);
        let manifest = Manifest {
            format: 1,
            program: "0.1.0".to_owned(),
            environment: "sandbox".to_owned(),
            cut: "2026-11-22T05:00:00Z".to_owned(),
            finished: "2026-11-22T05:00:01Z".to_owned(),
            store: StorePart {
                engine: "postgres".to_owned(),
                schema: 2,
                chains: Vec::new(),
                restore_point,
            },
            registry: RegistryPart {
                mode: "postgres".to_owned(),
                schema: None,
                feed_from: Some(1),
            },
            files: Vec::new(),
        };
        manifest.write(folder.path(), &vault).unwrap();
        let backup = Backup::open(folder.path(), &vault).unwrap();
        (folder, backup)
    }

    #[test]
    fn recovery_ends_where_it_was_asked_to() {
        let point = RestorePoint {
            name: "here".to_owned(),
            lsn: "0/3000000".to_owned(),
        };
        let (_folder, backup) = backup(Some(point));
        let at = "2026-11-22T12:35:39.562284596Z".parse().unwrap();
        let wal = Some("/archive");
        let said = |until, wal| target(&backup, &server(until, wal)).unwrap();
        let is = |all: &[(&str, String)], name: &str, value: &str| {
            assert!(all.contains(&(name, value.to_owned())), "{all:?}");
        };
        is(&said(Until::Base, None), "recovery_target", "immediate");
        let told = said(Until::At(at), wal);
        is(
            &told,
            "recovery_target_time",
            "2026-11-22 12:35:39.562284+00",
        );
        is(&told, "restore_command", "cp /archive/%f %p");
        is(&said(Until::Point, wal), "recovery_target_name", "here");
        let latest = said(Until::Latest, wal);
        let (action, fetch) = (latest[0].0, latest[1].0);
        assert_eq!(
            (action, fetch),
            ("recovery_target_action", "restore_command")
        );
    }

    #[test]
    fn what_cannot_be_recovered_to_is_refused_with_its_reason() {
        let (_folder, backup) = backup(None);
        let at = "2026-11-22T05:00:00Z".parse().unwrap();
        let later = "2026-11-22T05:00:02Z".parse().unwrap();
        for (until, wal, what) in [
            (Until::Point, Some("/archive"), "no restore point"),
            (Until::At(at), Some("/archive"), "an instant before"),
            (Until::At(later), None, "--wal"),
            (Until::Latest, None, "--wal"),
            (Until::Latest, Some("/a;rm -rf b"), "other characters"),
        ] {
            let refused = target(&backup, &server(until, wal)).unwrap_err();
            assert!(refused.to_string().contains(what), "{refused}");
        }
    }

    #[test]
    fn a_data_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("PG_VERSION"), "15").unwrap();
        let refused = lay_down(folder.path(), &data).unwrap_err();
        assert!(matches!(refused, BackupError::Occupied(_)), "{refused}");
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_program_is_told_with_its_package() {
        let refused = program("pg_basebackup", Some("3")).unwrap_err();
        assert!(refused.to_string().contains("postgresql-3"), "{refused}");
    }
}
