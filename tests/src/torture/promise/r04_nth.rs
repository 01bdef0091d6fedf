//! R4: the n-th write or sync, of a file or of the folder, fails once, wherever it falls: at the start, in T1, in T2, in the
//! registry's commit, in a checkpoint. Nothing is acknowledged that the disk then has not, and the
//! next start is clean.

use std::time::{Duration, Instant};

use super::Plan;
use crate::torture::{
    kit::{Kit, READY_MAX},
    load::Shape,
    lossy::{Call, Lossy, Trap},
    random::Random,
    report::Line,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let mut kit = Kit::make(plan.seed).await;
    let mut disk = match Lossy::mount(&kit.site.layout.gateway("disk")) {
        Ok(disk) => disk,
        Err(error) => {
            let why = format!("no FUSE file system can be mounted here: {error}");
            return vec![Line::not_run("R4", NAME, why, plan.seed)];
        }
    };
    kit.move_data("disk");
    let _ = disk.load(&kit.site.layout.gateway("registry.sqlite"));
    let load = kit.load(Shape {
        senders: 16,
        ..Shape::USUAL
    });
    let mut random = Random::of(plan.seed, &[14]);
    let mut seen = Seen::default();
    for trap in traps(plan.n.unwrap_or(80), &mut random) {
        if !plan.has_time() {
            break;
        }
        if let Err(why) = one(&kit, &mut disk, trap, &mut random, &mut seen).await {
            return vec![kit.broken("R4", NAME, format!("{trap:?}: {why}"))];
        }
    }
    let process = kit.serve().await;
    let closed = kit.close(load, process).await;
    let Seen {
        tried,
        stopped,
        read_only,
        went_on,
        not_reached,
    } = seen;
    let first = format!(
        "{tried} faults: stopped {stopped}, read-only {read_only}, went on {went_on}, not reached {not_reached}"
    );
    vec![kit.line("R4", NAME, first, closed)]
}

const NAME: &str = "n-th write or sync fails";

#[derive(Default)]
struct Seen {
    tried: u64,
    stopped: u64,
    read_only: u64,
    went_on: u64,
    not_reached: u64,
}

/// The first calls each, then some further on, in an order of the seed's.
fn traps(number: u64, random: &mut Random) -> Vec<Trap> {
    let mut traps = Vec::new();
    for nth in 1..=number.div_ceil(4) {
        let nth = if nth <= 12 {
            nth
        } else {
            nth + random.below(60)
        };
        for call in [Call::Sync, Call::Write] {
            for full in [false, true] {
                traps.push(Trap {
                    call,
                    file: None,
                    nth,
                    full,
                });
            }
        }
    }
    // a start syncs its folder a few times, and later hardly anything does
    for nth in 1..=FOLDER_SYNCS {
        traps.push(Trap {
            call: Call::FolderSync,
            file: None,
            nth,
            full: false,
        });
    }
    let mut order = Vec::new();
    while !traps.is_empty() {
        let at = random.below(traps.len() as u64);
        order.push(traps.swap_remove(usize::try_from(at).unwrap_or(0)));
    }
    order.truncate(usize::try_from(number).unwrap_or(usize::MAX));
    order
}

/// One fault, in half of the cases another start; then the power is cut, so that only what is on the disk is left;
/// then a clean start.
async fn one(
    kit: &Kit,
    disk: &mut Lossy,
    trap: Trap,
    random: &mut Random,
    seen: &mut Seen,
) -> Result<(), String> {
    seen.tried += 1;
    disk.fail(Some(trap));
    let mut process = kit.launch.serve(&kit.site);
    let begun = Instant::now();
    while !disk.sprung() && process.ended().is_none() && begun.elapsed() < REACHED_WITHIN {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let sprung = disk.sprung();
    // long enough to acknowledge what must not be, and for the probes to be told
    let ended = process.end_of(Duration::from_millis(1_150)).await;
    match (sprung, ended) {
        (false, _) => seen.not_reached += 1,
        (true, Some(_)) => seen.stopped += 1,
        (true, None) => {
            let ready = process.get("/ready").await.unwrap_or_default();
            match ready.starts_with("HTTP/1.1 200") {
                true => seen.went_on += 1,
                false => seen.read_only += 1,
            }
        }
    }
    process.kill();
    disk.fail(None);
    if random.percent(50) {
        // started again at once, as a supervisor does: what was synced in vain is still in memory
        let mut process = kit.launch.serve(&kit.site);
        process
            .ready(READY_MAX)
            .await
            .map_err(|why| format!("the start after the fault: {why}"))?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        process.kill();
    }
    disk.cut(random).map_err(|error| error.to_string())?;
    let mut process = kit.launch.serve(&kit.site);
    process
        .ready(READY_MAX)
        .await
        .map_err(|why| format!("the next start is not clean: {why}"))?;
    process.kill();
    disk.cut(random).map_err(|error| error.to_string())?;
    match kit.journal() {
        Some(why) => Err(why),
        None => Ok(()),
    }
}

const FOLDER_SYNCS: u64 = 3;
const REACHED_WITHIN: Duration = Duration::from_millis(1_500);
