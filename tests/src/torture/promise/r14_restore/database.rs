//! The same on PostgreSQL: a base backup put back to its end, and the next to an instant after it by the
//! archived log, each into a data folder of its own, by a program that runs as the server's user.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{Given, Told, acknowledged, chain_of, done};
use crate::{
    pg::Cluster,
    torture::{
        kit::{Kit, READY_MAX},
        load::Load,
        process::{Launch, Process},
        site::binary,
    },
};

/// A folder of the server's user: the program, its config and key, backups and the archived log.
pub(super) struct Tools {
    folder: PathBuf,
    launch: Launch,
}

impl Tools {
    pub(super) fn make() -> Result<Self, String> {
        let told = |error: std::io::Error| error.to_string();
        let folder = Cluster::place();
        let program = folder.join("lienthong");
        fs::copy(binary()?, &program).map_err(told)?;
        fs::create_dir(folder.join("wal")).map_err(told)?;
        let tools = Self {
            launch: Launch {
                program: Some(program),
                under: as_server(),
                ..Launch::default()
            },
            folder,
        };
        tools.own(&tools.folder.join("wal")).map_err(told)?;
        Ok(tools)
    }

    /// How the next server archives its log.
    fn archiving(&self) -> [String; 2] {
        let wal = self.folder.join("wal");
        let archive = format!("archive_command=cp %p {}/%f", wal.display());
        ["archive_mode=on".to_owned(), archive]
    }

    /// The config as it is now with all that it names, where the server's user can read it.
    fn config(&self, kit: &Kit) -> Result<String, String> {
        for part in ["", "partners"] {
            self.hand_over(
                &kit.site.layout.gateway(part),
                &self.folder.join("conf").join(part),
            )
            .map_err(|error| error.to_string())?;
        }
        let config = self.folder.join("conf/gateway.toml");
        Ok(config.display().to_string())
    }

    fn hand_over(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        self.own(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?.path();
            if let Some(name) = entry.file_name().filter(|_| entry.is_file()) {
                fs::copy(&entry, to.join(name))?;
                self.own(&to.join(name))?;
            }
        }
        Ok(())
    }

    /// To whoever the folder belongs to.
    fn own(&self, path: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        let owner = fs::metadata(&self.folder)?;
        chown(path, Some(owner.uid()), Some(owner.gid()))
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder); // of no use to anybody
    }
}

impl Told {
    pub(super) async fn database_round(
        &mut self,
        kit: &mut Kit,
        load: &Load,
        process: Process,
        tools: &Tools,
        [before, after]: [Duration; 2],
    ) -> Result<Process, String> {
        self.rounds += 1;
        tokio::time::sleep(before).await;
        let (mut claimed, mut kept) = (acknowledged(load), load.kept());
        let (config, to) = (
            tools.config(kit)?,
            tools.path(&format!("backup-{}", self.rounds)),
        );
        let began = Instant::now();
        done(&tools.launch, &["backup", "--config", &config, "--to", &to]).await?;
        self.backup_slowest = self.backup_slowest.max(began.elapsed());
        tokio::time::sleep(after).await;
        let mut until = Vec::new();
        // the first server archives nothing: its backup is put back to its own end
        if self.rounds > 1 {
            (claimed, kept) = (acknowledged(load), load.kept());
            until = vec!["--wal".to_owned(), tools.path("wal"), "--at".to_owned()];
            until.push(Timestamp::now().to_string());
            tokio::time::sleep(after).await;
            archived(kit).await?;
        }
        process.kill();
        let (lost_registry, lost) = (Given::read(&kit.registry()), kit.store());
        let lost = lost.rows(&chain_of(&lost));

        let place = Cluster::place();
        let data = place.join("data").display().to_string();
        let began = Instant::now();
        let why = ["--who", "bench", "--why", "R14"];
        let mut words = vec![
            "restore",
            "--config",
            &config,
            "--from",
            &to,
            "--data-dir",
            &data,
        ];
        words.extend(why);
        words.extend(until.iter().map(String::as_str));
        done(&tools.launch, &words).await?;
        move_to(kit, place, &tools.archiving()).await?;
        self.claims(&kit.store(), &lost, &claimed);
        let told_before = kit.office.read(|book| book.calls);
        let mut process = kit.launch.serve(&kit.site);
        process.ready(READY_MAX).await?;
        self.rto_slowest = self.rto_slowest.max(began.elapsed());

        let config = kit.site.layout.config().display().to_string();
        self.fenced(kit, &process, &config, told_before).await?;
        let mut words = vec!["recovery", "release", "--config", &config];
        words.extend(why);
        done(&kit.launch, &words).await?;
        self.forgotten += load.resend(kept).await;
        self.numbers(&lost_registry, &Given::read(&kit.registry()));
        self.orphans(kit);
        Ok(process)
    }
}

/// Ends the old server and starts one on the restored data; the gateway's config goes there.
async fn move_to(kit: &mut Kit, place: PathBuf, settings: &[String]) -> Result<(), String> {
    let old = kit.cluster.take().ok_or("no server")?;
    let (from, to) = (
        old.host().display().to_string(),
        place.display().to_string(),
    );
    let settings = settings.to_vec();
    let started = tokio::task::spawn_blocking(move || {
        drop(old);
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        Cluster::start_in(place, &settings)
    });
    let started = started.await.map_err(|error| error.to_string())?;
    kit.cluster = Some(started.ok_or("postgresql is not installed")?);
    // the store's url and the registry's
    for _ in 0..2 {
        kit.site.edit("gateway.toml", &from, &to);
    }
    Ok(())
}

/// Waits until the server has archived everything up to now.
async fn archived(kit: &Kit) -> Result<(), String> {
    let store = kit.store();
    let segment = store.rows("SELECT pg_walfile_name(pg_switch_wal())")[0][0].clone();
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(30) {
        let rows = store.rows("SELECT coalesce(last_archived_wal, '-') FROM pg_stat_archiver");
        if rows[0][0] >= segment {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{segment} was never archived"))
}

/// PostgreSQL refuses to run as root, so root lets the server's user do it.
fn as_server() -> Vec<String> {
    let words = [
        "setpriv",
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        "--",
    ];
    match rustix::process::geteuid().is_root() {
        true => words.map(str::to_owned).to_vec(),
        false => Vec::new(),
    }
}
