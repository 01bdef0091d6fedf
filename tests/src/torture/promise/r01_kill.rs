//! R1: killed at any instant under load. What was acknowledged is done, once, and still answered.

use std::time::{Duration, Instant};

use super::Plan;
use crate::torture::{
    kit::{Kit, READY_MAX},
    load::Shape,
    random::Random,
    report::Line,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let name = format!("kill -9 ({})", plan.engine.word());
    let kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R1", &name, why, plan.seed)],
    };
    let mut random = Random::of(plan.seed, &[11]);
    let load = kit.load(Shape::USUAL);
    let (mut kills, mut slowest) = (0, Duration::ZERO);
    while kills < plan.n.unwrap_or(100) && plan.has_time() {
        let mut process = kit.launch.serve(&kit.site);
        let at = Duration::from_millis(random.below(1_500));
        // every fourth is killed while it starts, the others while they work
        if kills % 4 != 3 {
            match process.ready(READY_MAX).await {
                Ok(after) => slowest = slowest.max(after),
                Err(why) => return vec![broken(&kit, &name, kills, why)],
            }
            process.started = Instant::now();
        }
        tokio::time::sleep(at.saturating_sub(process.started.elapsed())).await;
        if let Some(status) = process.ended() {
            let why = format!("it ended by itself with {status}: {}", process.tail());
            return vec![broken(&kit, &name, kills, why)];
        }
        process.kill();
        kills += 1;
    }
    let process = kit.serve().await;
    let closed = kit.close(load, process).await;
    let first = format!(
        "{kills} kills, ready again within {} ms",
        slowest.as_millis()
    );
    vec![kit.line("R1", &name, first, closed)]
}

fn broken(kit: &Kit, name: &str, kills: u64, why: String) -> Line {
    kit.broken("R1", name, format!("after {kills} kills: {why}"))
}
