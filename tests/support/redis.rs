//! A Redis of a test's own, from Debian's package, in a folder of its own; it ends with the test.
//!
//! Included by path where a test needs it. It uses the standard library only.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "each test uses a part; one that has no Redis stops there"
)]

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server that listens on a Unix socket.
pub struct Redis {
    folder: PathBuf,
    more: Vec<String>,
    child: Child,
}

impl Redis {
    /// Starts one in this folder with these options beside; `None`, said aloud, where it is not installed.
    pub fn start(folder: &Path, more: &[&str]) -> Option<Self> {
        if Command::new("redis-server")
            .arg("--version")
            .output()
            .is_err()
        {
            println!("not run: redis-server is not installed");
            return None;
        }
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        let child = launch(folder, &more);
        let redis = Self {
            folder: folder.to_owned(),
            more,
            child,
        };
        redis.ready();
        Some(redis)
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// Ends it as a crash would; nothing is kept.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The same again, empty.
    pub fn restart(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        self.child = launch(&self.folder, &self.more);
        self.ready();
    }

    /// Stops (`STOP`) or resumes (`CONT`) it.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// What `redis-cli` says to a command.
    pub fn ask(&self, command: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.arg("-s").arg(self.socket()).args(command);
        let said = cli.stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    fn ready(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        // one that wants a password is there as well
        while !["PONG", "NOAUTH"]
            .iter()
            .any(|word| self.ask(&["PING"]).contains(word))
        {
            assert!(Instant::now() < until, "redis did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// It dies with the thread that started it, however that ends.
fn launch(folder: &Path, more: &[String]) -> Child {
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "redis-server", "--port", "0"])
        .arg("--unixsocket")
        .arg(folder.join("redis.sock"))
        .arg("--dir")
        .arg(folder)
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
