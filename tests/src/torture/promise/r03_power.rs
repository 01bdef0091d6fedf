//! R3: the power is cut. What was not synced is gone, what was acknowledged is not, and no torn record
//! is taken for a whole one.

use std::time::Duration;

use super::Plan;
use crate::torture::{
    kit::{Kit, READY_MAX},
    load::Shape,
    lossy::Lossy,
    random::Random,
    report::{Line, thousands},
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let mut kit = Kit::make(plan.seed).await;
    let mut disk = match Lossy::mount(&kit.site.layout.gateway("disk")) {
        Ok(disk) => disk,
        Err(error) => return vec![not_run(&plan, error.to_string())],
    };
    kit.move_data("disk");
    for file in ["registry.sqlite", "registry.sqlite-wal"] {
        let _ = disk.load(&kit.site.layout.gateway(file)); // a file that was closed well has no log
    }
    let load = kit.load(Shape {
        senders: 32,
        ..Shape::USUAL
    });
    let mut random = Random::of(plan.seed, &[13]);
    let (mut cuts, mut forgotten) = (0, 0);
    while cuts < plan.n.unwrap_or(50) && plan.has_time() {
        let mut process = kit.launch.serve(&kit.site);
        if let Err(why) = process.ready(READY_MAX).await {
            return vec![kit.broken("R3", NAME, format!("after {cuts} cuts: {why}"))];
        }
        tokio::time::sleep(Duration::from_millis(random.below(1_000))).await;
        process.kill();
        forgotten += disk.unsynced().0;
        if let Err(error) = disk.cut(&mut random) {
            let why = format!("the disk came not back after {cuts} cuts: {error}");
            return vec![kit.broken("R3", NAME, why)];
        }
        cuts += 1;
        if let Some(why) = kit.journal() {
            return vec![kit.broken("R3", NAME, format!("after {cuts} cuts: {why}"))];
        }
    }
    let process = kit.serve().await;
    let syncs = disk.unsynced().1;
    let closed = kit.close(load, process).await;
    let first = format!(
        "{cuts} cuts, {} KiB forgotten, {} syncs, journal verified after each",
        thousands(forgotten / 1024),
        thousands(syncs)
    );
    vec![kit.line("R3", NAME, first, closed)]
}

const NAME: &str = "power cut";

fn not_run(plan: &Plan, why: String) -> Line {
    let why = format!("no FUSE file system can be mounted here (root and /dev/fuse): {why}");
    Line::not_run("R3", NAME, why, plan.seed)
}
