//! R7: the insurance database is frozen, as by a stop signal. Nothing is acknowledged without it,
//! refusals come within a second, memory does not grow, and it goes on when the database does.

use std::{
    fs,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::Plan;
use crate::torture::{
    kit::{FINISH_MAX, Kit, READY_MAX},
    letter::Mix,
    load::{Load, Shape},
    process::Process,
    report::Line,
    site::free_port,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R7", NAME, why, plan.seed)],
    };
    let registry = match &kit.cluster {
        Some(_) => {
            // a message may wait for both, one after the other, before it is told "later"
            for (line, bound) in [("mode = \"postgres\"", 250), ("writer = \"one\"", 250)] {
                let bounded = format!("{line}\ntimeout_ms = {bound}");
                kit.site.edit("gateway.toml", line, &bounded);
            }
            None
        }
        None => match remote(&kit).await {
            Ok(registry) => Some(registry),
            Err(why) => return vec![kit.broken("R7", NAME, why)],
        },
    };
    let signal = |signal| match (&registry, &kit.cluster) {
        (Some(registry), _) => registry.signal(signal),
        (None, Some(cluster)) if signal == Signal::STOP => cluster.signal("STOP"),
        (None, Some(cluster)) => cluster.signal("CONT"),
        (None, None) => {}
    };
    let process = kit.serve().await;
    let load = kit.load(Shape {
        senders: 32,
        // the office that moves dossiers lives in the gateway, beside an embedded registry only
        mix: Mix {
            dossiers: 0,
            ..Mix::USUAL
        },
        ..Shape::USUAL
    });
    let frozen_for = match plan.budget > Duration::from_secs(120) {
        true => Duration::from_secs(30),
        false => Duration::from_secs(4),
    };
    let mut seen = Seen::default();
    for _ in 0..plan.n.unwrap_or(5) {
        if !plan.has_time() {
            break;
        }
        seen.freeze(&signal, &process, &load, frozen_for).await;
    }
    seen.slowest_refusal(&load);
    let mut closed = kit.close(load, process).await;
    drop(registry);
    let name = match kit.cluster {
        Some(_) => "database frozen (postgres, store and registry)",
        None => NAME,
    };
    closed.wrong.append(&mut seen.wrong);
    let late = plan.judge(seen.late, &mut closed.wrong);
    let first = format!(
        "{} times {} s, {} refusals, slowest {} ms (limit 1,000), memory +{} MiB (limit 64), again after {} ms (limit 5,000){late}",
        seen.times,
        frozen_for.as_secs(),
        seen.refusals,
        seen.slowest.as_millis(),
        seen.grown_kb / 1024,
        seen.again.as_millis()
    );
    vec![kit.line("R7", name, first, closed)]
}

const NAME: &str = "database frozen (remote registry)";

/// Puts the registry into a process of its own and the gateway before it.
async fn remote(kit: &Kit) -> Result<Process, String> {
    let listen = free_port();
    let beside = kit.site.layout.gateway("registry.toml");
    fs::copy(kit.site.layout.config(), &beside).map_err(|error| error.to_string())?;
    let process = kit.launch.registry(&kit.site, &beside, listen);
    kit.site.edit(
        "gateway.toml",
        "mode = \"embedded\"",
        &format!(
            "mode = \"remote\"\nuri = \"https://localhost:{}\"\nanchors = \"ca.pem\"\ntimeout_ms = 300",
            listen.port()
        ),
    );
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(listen).await.is_err() {
        if begun.elapsed() > READY_MAX {
            return Err(format!("the registry is not there: {}", process.tail()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(process)
}

#[derive(Default)]
struct Seen {
    times: u64,
    refusals: usize,
    slowest: Duration,
    grown_kb: u64,
    again: Duration,
    wrong: Vec<String>,
    late: Vec<String>,
}

impl Seen {
    async fn freeze(
        &mut self,
        signal: &dyn Fn(Signal),
        gateway: &Process,
        load: &Load,
        frozen_for: Duration,
    ) {
        self.times += 1;
        let acked = || load.seen.acked.load(Ordering::Relaxed);
        let flowing = acked();
        let begun = Instant::now();
        while acked() < flowing + 50 {
            if begun.elapsed() > FINISH_MAX {
                self.wrong.push("nothing flowed before it".to_owned());
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        signal(Signal::STOP);
        let before_kb = gateway.resident_kb();
        // what the registry had done already may still be answered, within a call's time
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let before = acked();
        tokio::time::sleep(frozen_for).await;
        if acked() > before {
            let more = acked() - before;
            self.wrong
                .push(format!("{more} messages acknowledged while frozen"));
        }
        let grown = gateway.resident_kb().saturating_sub(before_kb);
        self.grown_kb = self.grown_kb.max(grown);
        if grown > 64 << 10 {
            self.wrong.push(format!("memory grew by {grown} KiB"));
        }
        signal(Signal::CONT);
        let thawed = Instant::now();
        let before = acked();
        while acked() == before && thawed.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.again = self.again.max(thawed.elapsed());
        if thawed.elapsed() > Duration::from_secs(5) {
            self.late.push("not going on 5 s after the thaw".to_owned());
        }
    }

    fn slowest_refusal(&mut self, load: &Load) {
        let refusals = load.seen.refusals_after.lock().unwrap();
        // who asks again for a message that is being acted upon waits for it, by intent
        for (_, took, code) in refusals.iter().filter(|(_, _, code)| code != "IN-PROGRESS") {
            self.refusals += 1;
            self.slowest = self.slowest.max(*took);
            if *took > Duration::from_millis(1_000) {
                self.late
                    .push(format!("{code} after {} ms", took.as_millis()));
            }
        }
    }
}
