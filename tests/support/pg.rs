//! A PostgreSQL cluster of a test's own, from Debian's package, in a temporary folder, on a Unix socket.
//!
//! Included by path (`#[path = "…/tests/support/pg.rs"] mod pg;`) where a package is tested on
//! PostgreSQL; the standard library is all it needs. A shell watches over the server: when the process
//! that started it ends, however it ends, the shell kills the server and removes the folder. It refuses
//! to use a server that was there before.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "each package uses its own part of it, and a test stops where it fails"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a test prints that cannot run here.
pub const NOT_RUN: &str = "not run: postgresql is not installed";

/// A running server; it is killed and its folder removed when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    watch: Child,
    life: Option<ChildStdin>,
}

impl Cluster {
    /// Starts one for logic: nothing is synced to disk. None, and a line that says so, where the package
    /// is missing.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&["fsync=off", "full_page_writes=off"])
    }

    /// Starts one with these settings (`name=value`) beside the defaults, which sync.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        let Some(bin) = installed() else {
            println!("{NOT_RUN}");
            return None;
        };
        let folder = make_folder();
        let data = folder.join("data");
        let mut initdb = as_server(bin.join("initdb"));
        initdb.args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
            "-D",
        ]);
        done(initdb.arg(&data).output().unwrap(), "initdb");
        let mut cluster = Self::watch(folder, bin, settings);
        cluster.wait();
        Some(cluster)
    }

    /// An empty folder of the server's user, for data that somebody puts below it as `data`.
    #[must_use]
    pub fn place() -> PathBuf {
        make_folder()
    }

    /// Starts a server on the data below such a folder; the folder goes with it.
    #[must_use]
    pub fn start_in(folder: PathBuf, settings: &[&str]) -> Option<Self> {
        let mut cluster = Self::watch(folder, installed()?, settings);
        cluster.wait();
        Some(cluster)
    }

    /// One cluster for a whole test process; each test takes a database of its own in it.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// Makes an empty database and gives its url.
    #[must_use]
    pub fn database(&self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The url of a database in it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgresql:///{database}?host={}&user=postgres&sslmode=disable",
            self.folder.display()
        )
    }

    /// The url of a database in whichever of these servers takes writes.
    #[must_use]
    pub fn url_of_any(servers: &[&Self], database: &str) -> String {
        let hosts: Vec<_> = servers
            .iter()
            .map(|server| server.folder.display().to_string().replace('/', "%2F"))
            .collect();
        format!(
            "postgresql://postgres@{}/{database}?sslmode=disable&target_session_attrs=read-write",
            hosts.join(",")
        )
    }

    /// A standby of this server, with a folder of its own; what it has is not waited for until
    /// [`Cluster::require_standby`].
    #[must_use]
    pub fn standby(&self, settings: &[&str]) -> Self {
        let folder = make_folder();
        self.copy_to(&folder);
        let mut standby = Self::watch(folder, self.bin.clone(), settings);
        standby.wait();
        standby
    }

    /// Throws away what this server has, whether it runs or was killed, and makes it a standby of
    /// another.
    pub fn follow(&mut self, primary: &Self, settings: &[&str]) {
        self.stop();
        fs::remove_dir_all(self.data()).unwrap();
        primary.copy_to(&self.folder);
        self.watch_again(settings);
    }

    /// From now on a commit waits until a standby has synced it; returns once one is there.
    pub fn require_standby(&self) {
        self.psql(
            "postgres",
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
        );
        self.psql("postgres", "SELECT pg_reload_conf()");
        for _ in 0..600 {
            let sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            if self.psql("postgres", sql) == "1" {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no standby has become a synchronous one in 30 s");
    }

    /// Makes a standby a server that takes writes, as soon as it has replayed what it has.
    pub fn promote(&self) {
        let promoted = self.psql("postgres", "SELECT pg_promote(true, 60)");
        assert_eq!(promoted, "t", "the standby was not promoted");
    }

    /// Copies a running server. The copy waits for no standby, as this one does not while it is copied.
    fn copy_to(&self, folder: &Path) {
        let mut copy = self.program("pg_basebackup");
        copy.args(["-U", "postgres", "-X", "stream", "-c", "fast", "-R", "-D"]);
        copy.arg(folder.join("data")).arg("-h").arg(&self.folder);
        done(copy.output().unwrap(), "pg_basebackup");
    }

    /// Runs statements through psql and gives what it prints: rows without headers, `|` between columns.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            database,
            "-c",
            sql,
        ]);
        psql.arg("-h").arg(&self.folder);
        done(psql.output().unwrap(), "psql").trim_end().to_owned()
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let lines = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        lines.lines().next().unwrap().parse().unwrap()
    }

    /// Sends a signal to the server and all its backends, such as `STOP`, `CONT` or `KILL`.
    pub fn signal(&self, signal: &str) {
        let server = self.pid();
        let backends = Command::new("pgrep")
            .args(["-P", &server.to_string()])
            .output()
            .unwrap();
        let backends = String::from_utf8(backends.stdout).unwrap();
        let all = backends
            .split_whitespace()
            .map(str::to_owned)
            .chain([server.to_string()]);
        let _ = Command::new("kill")
            .arg(format!("-{signal}"))
            .args(all)
            .output();
    }

    /// Starts the server again in the same folder, after it was killed.
    pub fn restart(&mut self, settings: &[&str]) {
        self.stop();
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        self.watch_again(settings);
    }

    fn watch_again(&mut self, settings: &[&str]) {
        let next = Self::watch(self.folder.clone(), self.bin.clone(), settings);
        let mut before = std::mem::replace(self, next);
        before.folder = PathBuf::new();
        self.wait();
    }

    /// Kills the server and leaves its folder.
    pub fn stop(&mut self) {
        if let Some(mut life) = self.life.take() {
            use std::io::Write as _;
            let _ = life.write_all(b"keep\n");
        }
        let _ = self.watch.wait();
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder of the socket, which is what libpq calls a host.
    #[must_use]
    pub fn host(&self) -> &Path {
        &self.folder
    }

    /// One of the package's programs, such as `pg_basebackup`, to be run as the server's user.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        as_server(self.bin.join(name))
    }

    fn watch(folder: PathBuf, bin: PathBuf, settings: &[&str]) -> Self {
        let mut server = as_server(bin.join("postgres"));
        server.arg("-D").arg(folder.join("data"));
        server.args(["-c", "listen_addresses=", "-c", "shared_buffers=128MB"]);
        server.args([
            "-c",
            "max_connections=60",
            "-c",
            "max_wal_size=2GB",
            "-c",
            "autovacuum=on",
        ]);
        server
            .arg("-c")
            .arg(format!("unix_socket_directories={}", folder.display()));
        for setting in settings {
            server.args(["-c", setting]);
        }
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watch"]).arg(&folder);
        watch.arg(server.get_program()).args(server.get_args());
        watch
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut watch = watch.spawn().unwrap();
        let life = watch.stdin.take();
        Self {
            folder,
            bin,
            watch,
            life,
        }
    }

    /// Waits until it takes connections.
    fn wait(&mut self) {
        for _ in 0..600 {
            let mut ready = Command::new(self.bin.join("pg_isready"));
            if ready
                .arg("-q")
                .arg("-h")
                .arg(&self.folder)
                .status()
                .unwrap()
                .success()
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", fs::read_to_string(self.folder.join("log")).unwrap());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.life.take());
        let _ = self.watch.wait();
        if self.folder != Path::new("") {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Runs the server until its standard input ends; then kills it, and removes its folder unless a line
/// says to keep it.
const WATCH: &str = r#"
folder=$1; shift
trap '' INT TERM HUP
"$@" </dev/null &
server=$!
word=; read -r word
kill -QUIT $server 2>/dev/null; kill -CONT $server 2>/dev/null
wait $server 2>/dev/null
[ "$word" = keep ] || rm -rf "$folder"
"#;

fn installed() -> Option<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    versions.sort();
    // a package that was unpacked and not set up has no user to run the server as
    let known = Command::new("id").args(["-u", "postgres"]).output();
    let can_be_run = !is_root() || known.is_ok_and(|known| known.status.success());
    versions.pop().filter(|_| can_be_run)
}

fn make_folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    // A socket's path has at most 107 bytes, so the folder stands high up.
    let folder = std::env::temp_dir().join(format!("ltpg-{}-{next}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::DirBuilder::new().mode(0o755).create(&folder).unwrap();
    if is_root() {
        chown(&folder, Some(id("-u")), Some(id("-g"))).unwrap();
    }
    folder
}

/// The server refuses to run as root, so root runs it as the package's user.
fn as_server(program: impl AsRef<OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        "--",
    ]);
    command.arg(program).current_dir("/");
    command
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| {
        let output = Command::new("id").arg("-u").output().unwrap();
        output.stdout.trim_ascii() == b"0"
    })
}

fn id(which: &str) -> u32 {
    let output = Command::new("id")
        .args([which, "postgres"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn done(output: Output, what: &str) -> String {
    assert!(
        output.status.success(),
        "{what}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
