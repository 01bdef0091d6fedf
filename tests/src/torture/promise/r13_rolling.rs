//! R13: restarted by SIGTERM under load, again and again: it drains in time, its last word to everybody
//! is an answer or "again, with the same id", and nothing is lost.

use std::time::{Duration, Instant};

use super::Plan;
use crate::torture::{
    kit::{Kit, READY_MAX},
    load::Shape,
    random::Random,
    report::Line,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
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

const NAME: &str = "rolling restart";
const DRAIN_MAX: Duration = Duration::from_secs(30);
