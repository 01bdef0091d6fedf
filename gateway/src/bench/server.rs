//! The gateway as a child process: started, looked at from outside, ended.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, File},
    io,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::scene::Scene;

type Trouble = Box<dyn Error + Send + Sync>;

/// The child; dropping it ends it.
pub(super) struct Server {
    child: Child,
    admin: SocketAddr,
    /// From the start of the process until it took messages.
    pub(super) ready_after: Duration,
}

/// What the child had used up at one moment.
pub(super) struct Sample {
    cpu_ticks: u64,
    rooms: Rooms,
}

/// Seconds and passages, by room.
type Rooms = BTreeMap<String, (f64, f64)>;

/// What was used up between two moments.
pub(super) struct Spent {
    pub(super) cpu: Duration,
    pub(super) rooms: Rooms,
}

/// Memory of the child, KiB.
pub(super) struct Memory {
    pub(super) resident_kb: u64,
    pub(super) highest_kb: u64,
}

impl Server {
    /// Starts this very executable with `serve` and waits until it takes messages.
    pub(super) async fn start(scene: &Scene) -> Result<Self, Trouble> {
        let log = File::create(scene.layout.root().join("serve.log"))?;
        let started = Instant::now();
        let child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg("--config")
            .arg(scene.layout.config())
            .env(crate::telemetry::LEVEL_VARIABLE, "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut server = Self {
            child,
            admin: scene.config.admin.socket(),
            ready_after: Duration::ZERO,
        };
        while started.elapsed() < READY_MAX {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the gateway ended with {status}; see serve.log").into());
            }
            let answer = server.get("/ready").await;
            if answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                server.ready_after = started.elapsed();
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err("the gateway was not ready in time".into())
    }

    pub(super) fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
                .unwrap_or(0)
        };
        Ok(Memory {
            resident_kb: of("VmRSS:"),
            highest_kb: of("VmHWM:"),
        })
    }

    pub(super) async fn sample(&self) -> Result<Sample, Trouble> {
        Ok(Sample {
            cpu_ticks: cpu_ticks(&self.child.id().to_string())?,
            rooms: rooms_of(&self.get("/metrics").await?),
        })
    }

    /// Asks the child to drain, and ends it where it does not.
    #[expect(
        clippy::disallowed_methods,
        reason = "the last act: nothing else waits for this thread"
    )]
    pub(super) fn stop(mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // fails only where the child has ended already
            let _ = kill_process(pid, Signal::TERM);
        }
        let asked = Instant::now();
        while asked.elapsed() < STOP_MAX {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    async fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.admin).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // both fail only where the child has ended already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sample {
    pub(super) fn until(&self, later: &Self) -> Spent {
        let rooms = later.rooms.iter().map(|(room, (seconds, passages))| {
            let (before, passed) = self.rooms.get(room).copied().unwrap_or_default();
            (room.clone(), (seconds - before, passages - passed))
        });
        Spent {
            cpu: ticks(later.cpu_ticks - self.cpu_ticks),
            rooms: rooms.collect(),
        }
    }
}

/// User and system time of a process (`self` or a number), in ticks.
pub(super) fn cpu_ticks(process: &str) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // the name in parentheses may hold spaces; utime and stime are the 14th and 15th field
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let times: Vec<u64> = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    Ok(times.iter().sum())
}

/// Linux shows process times in ticks of a hundredth of a second, whatever the kernel's own rate is.
pub(super) fn ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 10)
}

/// The rooms' sums and counts out of the metrics text.
fn rooms_of(metrics: &str) -> Rooms {
    let mut rooms = Rooms::new();
    for line in metrics.lines() {
        let Some(rest) = line.strip_prefix("lienthong_room_duration_seconds_") else {
            continue;
        };
        let (Some(room), Some(value)) = (label(rest, "room"), rest.rsplit(' ').next()) else {
            continue;
        };
        let value: f64 = value.parse().unwrap_or_default();
        let entry = rooms.entry(room.to_owned()).or_default();
        if rest.starts_with("sum{") {
            entry.0 += value;
        } else if rest.starts_with("count{") {
            entry.1 += value;
        }
    }
    rooms
}

fn label<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.split_once(&format!("{name}=\""))?.1.split('"').next()
}

const READY_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_by_room_is_read_from_the_metrics() {
        let text = "lienthong_room_duration_seconds_sum{room=\"verify\",route=\"/a\",outcome=\"ok\"} 0.5\n\
            lienthong_room_duration_seconds_count{room=\"verify\",route=\"/a\",outcome=\"ok\"} 4\n\
            lienthong_room_duration_seconds_sum{room=\"verify\",route=\"/b\",outcome=\"ok\"} 0.25\n\
            lienthong_room_duration_seconds_bucket{le=\"1\",room=\"verify\",route=\"/b\",outcome=\"ok\"} 9\n";
        assert_eq!(rooms_of(text)["verify"], (0.75, 4.0));
    }

    #[test]
    fn this_process_has_used_some_cpu() {
        let before = cpu_ticks("self").unwrap();
        let mut sum = 0_u64;
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(100) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_ticks("self").unwrap() > before);
    }
}
