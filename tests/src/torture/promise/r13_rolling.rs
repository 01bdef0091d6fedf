//! R13: restarted by SIGTERM under load, again and again: it drains in time, its last word to everybody
//! is an answer or "again, with the same id", and nothing is lost.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{Engine, Plan};
use crate::torture::{
    kit::{FINISH_MAX, Kit, READY_MAX},
    load::{Load, Shape},
    process::{Launch, Process},
    random::Random,
    report::Line,
    site::free_port,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    if plan.engine == Engine::Postgres {
        return vec![two(plan).await];
    }
    let kit = Kit::make(plan.seed).await;
    let load = kit.load(Shape::USUAL);
    let mut random = Random::of(plan.seed, &[23]);
    let (mut restarts, mut slowest, mut wrong) = (0, Duration::ZERO, Vec::new());
    while restarts < plan.n.unwrap_or(20) && plan.has_time() {
        let mut process = kit.launch.serve(&kit.site);
        if let Err(why) = process.ready(READY_MAX).await {
            return vec![kit.broken("R13", NAME, format!("after {restarts} restarts: {why}"))];
        }
        tokio::time::sleep(Duration::from_millis(300 + random.below(1_200))).await;
        let asked = Instant::now();
        let ended = process.terminate(DRAIN_MAX).await;
        slowest = slowest.max(asked.elapsed());
        if !ended.is_some_and(|status| status.success()) {
            wrong.push(format!("restart {restarts}: ended with {ended:?}"));
        }
        restarts += 1;
    }
    let process = kit.serve().await;
    let mut closed = kit.close(load, process).await;
    closed.wrong.extend(wrong);
    let first = format!(
        "{restarts} restarts of one process under retrying load (a file has one gateway), drained within {} ms \
         (limit 30,000)",
        slowest.as_millis()
    );
    vec![kit.line("R13", NAME, first, closed)]
}

const NAME: &str = "rolling restart (sqlite)";
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// Two gateways on one database, restarted in turn; there is always one that works. Where `LIENTHONG_OLD_BIN`
/// names an older build, both begin as that: the first restart brings the schema on while the other still works.
async fn two(plan: Plan) -> Line {
    let name = "rolling restart (postgres)";
    let kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return Line::not_run("R13", name, why, plan.seed),
    };
    let (address, admin) = (free_port(), free_port());
    let second = kit.site.layout.gateway("second.toml");
    let text = std::fs::read_to_string(kit.site.layout.config()).unwrap();
    let text = text
        .replace(&port(kit.site.address), &port(address))
        .replace(&port(kit.site.admin), &port(admin))
        .replace("writer = \"one\"", "writer = \"two\"");
    std::fs::write(&second, text).unwrap();
    let first = kit.site.layout.config();
    let older = std::env::var_os("LIENTHONG_OLD_BIN").map(PathBuf::from);
    let before = Launch {
        program: older.clone().or_else(|| kit.launch.program.clone()),
        ..kit.launch.clone()
    };
    let start = |launch: &Launch, one: bool| match one {
        true => launch.serve_at(&kit.site, &first, kit.site.admin),
        false => launch.serve_at(&kit.site, &second, admin),
    };
    let mut repeated = 0;
    let mut running = Vec::new();
    for is_first in [true, false] {
        match until_ready(&mut repeated, || start(&before, is_first)).await {
            Ok(process) => running.push(process),
            Err(why) => return kit.broken("R13", name, why),
        }
    }
    let load = Load::start(
        &kit.site,
        Shape::USUAL,
        plan.seed,
        &[kit.site.address, address],
    );
    let mut random = Random::of(plan.seed, &[23]);
    let (mut other, mut one) = (running.remove(1), running.remove(0));
    let (mut restarts, mut slowest, mut wrong, mut is_first) =
        (0, Duration::ZERO, Vec::new(), true);
    while restarts < plan.n.unwrap_or(20) && plan.has_time() {
        tokio::time::sleep(Duration::from_millis(300 + random.below(900))).await;
        let asked = Instant::now();
        let ended = one.terminate(DRAIN_MAX).await;
        slowest = slowest.max(asked.elapsed());
        if !ended.is_some_and(|status| status.success()) {
            wrong.push(format!("restart {restarts}: ended with {ended:?}"));
        }
        let again = match until_ready(&mut repeated, || start(&kit.launch, is_first)).await {
            Ok(process) => process,
            Err(why) => {
                return kit.broken("R13", name, format!("after {restarts} restarts: {why}"));
            }
        };
        (one, other, is_first) = (other, again, !is_first);
        restarts += 1;
    }
    let mut load = load;
    load.finish(FINISH_MAX).await;
    let (keep, end) = if is_first { (one, other) } else { (other, one) };
    end.terminate(DRAIN_MAX).await;
    let mut closed = kit.close(load, keep).await;
    closed.wrong.extend(wrong);
    let from = older.map_or("", |_| ", the first two from an older build to this one");
    let told = format!(
        "{restarts} restarts in turn of two gateways{from}, {repeated} starts repeated, drained within {} ms (limit 30,000)",
        slowest.as_millis()
    );
    kit.line("R13", name, told, closed)
}

/// Starts it as a supervisor does: one that gives up at its start at a lock that it did not get in time is
/// started again, three times at most. How often is told; any other end is a failure.
async fn until_ready(repeated: &mut u32, start: impl Fn() -> Process) -> Result<Process, String> {
    let mut tries = 0;
    loop {
        let mut process = start();
        match process.ready(READY_MAX).await {
            Ok(_) => return Ok(process),
            Err(why) if tries < 3 && why.contains(LOCK_NOT_GOT) => tries += 1,
            Err(why) => return Err(why),
        }
        *repeated += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// PostgreSQL's code for a lock that was not got in time, as the gateway's last word has it.
const LOCK_NOT_GOT: &str = "(55P03)";

fn port(address: std::net::SocketAddr) -> String {
    format!("port = {}\n", address.port())
}
