//! R5: the disk fills under load. Refusals come within a second, what is stored can still be asked for,
//! nothing acknowledged is lost, and the gateway goes on by itself when there is room again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::Plan;
use crate::torture::{
    kit::Kit,
    letter::{Kind, Scribe},
    line::{Caller, Line as Wire},
    load::{Load, Shape},
    random::Random,
    report::Line,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let mut kit = Kit::make(plan.seed).await;
    let disk = match Small::mount(&kit.site.layout.gateway("disk")) {
        Ok(disk) => disk,
        Err(why) => return vec![Line::not_run("R5", NAME, why, plan.seed)],
    };
    kit.move_data("disk");
    let from = kit.site.layout.gateway("registry.sqlite");
    fs::copy(from, disk.at.join("registry.sqlite")).unwrap();
    let process = kit.serve().await;
    let mut stored = Stored::send(&kit).await;
    let load = kit.load(Shape {
        senders: 16,
        again: 0,
        ..Shape::USUAL
    });
    let mut seen = Seen::default();
    for round in 0..plan.n.unwrap_or(4) {
        if plan.has_time() {
            seen.round(&disk, &load, &mut stored, round.is_multiple_of(2))
                .await;
        }
    }
    seen.slowest_refusal(&load);
    let mut closed = kit.close(load, process).await;
    closed.wrong.append(&mut seen.wrong);
    let late = plan.judge(seen.late, &mut closed.wrong);
    let first = format!(
        "{} fillings, {} refusals, slowest {} ms (limit 1,000), {} stored answers read while full, \
         resumed within {} ms (limit 10,000){late}",
        seen.rounds,
        seen.refusals,
        seen.slowest.as_millis(),
        seen.read,
        seen.resumed.as_millis()
    );
    vec![kit.line("R5", NAME, first, closed)]
}

const NAME: &str = "disk full";

/// A small disk of its own; dropping it takes it away.
struct Small {
    at: PathBuf,
}

impl Small {
    fn mount(at: &Path) -> Result<Self, String> {
        fs::create_dir_all(at).map_err(|error| error.to_string())?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=160m,mode=700", "tmpfs"]);
        let output = mount.arg(at).output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(Self { at: at.to_owned() }),
            false => Err(format!(
                "no disk of our own can be mounted here (root): {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }

    /// Fills it up to so many bytes; with 0 to the last.
    fn fill(&self, leave: u64) {
        let space = rustix::fs::statvfs(&self.at).unwrap();
        let free = space.f_bavail * space.f_frsize;
        let ballast = usize::try_from(free.saturating_sub(leave)).unwrap();
        let _ = fs::write(self.at.join("ballast"), vec![1; ballast]);
        if leave == 0 {
            // whatever is left of a page
            let _ = fs::write(self.at.join("rest"), vec![1; 1 << 20]);
        }
    }

    fn free(&self) {
        for name in ["ballast", "rest"] {
            let _ = fs::remove_file(self.at.join(name));
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// One acknowledged message and its answer, to be asked for again.
struct Stored {
    line: Wire,
    letter: crate::torture::letter::Letter,
    answer: bytes::Bytes,
}

impl Stored {
    async fn send(kit: &Kit) -> Self {
        let scribe = Scribe::new(&kit.site.layout.agencies(), kit.site.landmarks.clone());
        let letter = scribe.write(Kind::Verify, &mut Random::of(kit.seed, &[15]));
        let caller = Caller::new(&kit.site.layout.agency("tax"), kit.site.address);
        let mut line = caller.line();
        let reply = line.exchange(&letter.message).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        Self {
            line,
            letter,
            answer: reply.body,
        }
    }

    /// The very answer again, or what came instead.
    async fn ask(&mut self) -> Result<(), String> {
        match self.line.exchange(&self.letter.message).await {
            Ok(reply) if reply.body == self.answer => Ok(()),
            Ok(reply) => Err(format!("{} {}", reply.status, reply.text())),
            Err(broken) => Err(broken.0.to_owned()),
        }
    }
}

#[derive(Default)]
struct Seen {
    rounds: u64,
    refusals: usize,
    slowest: Duration,
    read: u64,
    resumed: Duration,
    wrong: Vec<String>,
    late: Vec<String>,
}

impl Seen {
    async fn round(&mut self, disk: &Small, load: &Load, stored: &mut Stored, to_the_last: bool) {
        self.rounds += 1;
        let acked = || load.seen.acked.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
        disk.fill(if to_the_last { 0 } else { 32 << 20 });
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let before = acked();
        for _ in 0..10 {
            match stored.ask().await {
                Ok(()) => self.read += 1,
                Err(what) => self
                    .wrong
                    .push(format!("not the stored answer while full: {what}")),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if acked() > before {
            let more = acked() - before;
            self.wrong.push(format!("{more} new messages while full"));
        }
        disk.free();
        let freed = Instant::now();
        let before = acked();
        while acked() == before && freed.elapsed() < Duration::from_secs(15) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.resumed = self.resumed.max(freed.elapsed());
        if freed.elapsed() > Duration::from_secs(10) {
            self.late
                .push("not resumed 10 s after there was room".into());
        }
    }

    fn slowest_refusal(&mut self, load: &Load) {
        let refusals = load.seen.refusals_after.lock().unwrap();
        let told = refusals.iter().filter(|(_, _, code)| code != "IN-PROGRESS");
        for (_, took, code) in told {
            self.refusals += 1;
            self.slowest = self.slowest.max(*took);
            if *took > Duration::from_secs(1) {
                self.late
                    .push(format!("{code} after {} ms", took.as_millis()));
            }
        }
    }
}
