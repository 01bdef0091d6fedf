//! A child process: started, looked at from outside, frozen, killed.

use std::{
    fs::{self, File, OpenOptions},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::site::{Site, binary};

/// How the gateway is to be started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Another program than the one beside us.
    pub program: Option<PathBuf>,
    /// More environment.
    pub env: Vec<(String, String)>,
    /// A command that the gateway is run under, such as `strace` with its options.
    pub under: Vec<String>,
}

impl Launch {
    /// The command `lienthong <words>`, under whatever it is run under.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Command {
        let program = self.program.clone().unwrap_or_else(|| binary().unwrap());
        let mut command = match self.under.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(words).envs(self.env.iter().cloned());
        command
    }

    /// Starts `lienthong serve`; what it logs is appended to `serve.log`.
    #[must_use]
    pub fn serve(&self, site: &Site) -> Process {
        self.serve_at(site, &site.layout.config(), site.admin)
    }

    /// The same under another config of the site, whose operators' listener is there.
    #[must_use]
    pub fn serve_at(&self, site: &Site, config: &Path, admin: SocketAddr) -> Process {
        let command = self.command(&["serve", "--config", &config.display().to_string()]);
        Process::spawn(command, admin, &site.root().join("serve.log"))
    }

    /// Starts `lienthong registry`, listening there.
    #[must_use]
    pub fn registry(&self, site: &Site, config: &Path, listen: SocketAddr) -> Process {
        let words = [
            "registry",
            "--config",
            &config.display().to_string(),
            "--listen",
            &listen.to_string(),
        ]
        .map(str::to_owned);
        let words = words.each_ref().map(String::as_str);
        let command = self.command(&words);
        Process::spawn(command, listen, &site.root().join("registry.log"))
    }

    /// Runs `lienthong journal verify` to its end.
    #[must_use]
    pub fn verify(&self, site: &Site) -> Output {
        let config = site.layout.config();
        self.command(&[
            "journal",
            "verify",
            "--config",
            &config.display().to_string(),
        ])
        .output()
        .unwrap()
    }
}

/// A running child; dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    admin: SocketAddr,
    log: PathBuf,
    /// When it was started.
    pub started: Instant,
}

impl Process {
    /// Starts a command that will answer on this address.
    #[must_use]
    pub fn spawn(mut command: Command, admin: SocketAddr, log: &Path) -> Self {
        let open = || -> File {
            let mut options = OpenOptions::new();
            options.create(true).append(true).open(log).unwrap()
        };
        if std::env::var_os("LIENTHONG_LOG").is_none() {
            command.env("LIENTHONG_LOG", "warn");
        }
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap();
        Self {
            child,
            admin,
            log: log.to_owned(),
            started,
        }
    }

    /// Waits until `/ready` says so; the time since the start.
    ///
    /// # Errors
    /// Where it ended or was not ready in time, with the end of its log.
    pub async fn ready(&mut self, within: Duration) -> Result<Duration, String> {
        while self.started.elapsed() < within {
            if let Some(status) = self.ended() {
                return Err(format!("the gateway ended with {status}: {}", self.tail()));
            }
            if let Ok(answer) = self.get("/ready").await
                && answer.starts_with("HTTP/1.1 200")
            {
                return Ok(self.started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(format!("not ready in {within:?}: {}", self.tail()))
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM; how it ended within this time, else it is killed.
    pub async fn terminate(mut self, within: Duration) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < within {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    /// Waits until it ends by itself.
    pub async fn end_of(&mut self, within: Duration) -> Option<ExitStatus> {
        let asked = Instant::now();
        while asked.elapsed() < within {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    /// Sends a signal, such as STOP and CONT.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, signal)); // fails where it has ended already
    }

    /// Resident memory, KiB; 0 where it has ended.
    #[must_use]
    pub fn resident_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    }

    /// Open file descriptors; 0 where it has ended.
    #[must_use]
    pub fn fds(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        open.map_or(0, Iterator::count)
    }

    /// Processor time spent so far, in steps of 10 ms.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.unwrap_or_default();
        // the name, in brackets, may hold anything; utime and stime are the 14th and 15th field
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = rest.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// One sample of its metrics, found by the name and labels before it.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.get("/metrics").await.ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    }

    /// The last lines of what it logged.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }

    /// One GET on its operators' listener, the whole reply as text.
    ///
    /// # Errors
    /// Where nobody answers within a second.
    pub async fn get(&self, path: &str) -> std::io::Result<String> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.admin).await?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok(answer)
        };
        tokio::time::timeout(Duration::from_secs(1), exchange)
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
