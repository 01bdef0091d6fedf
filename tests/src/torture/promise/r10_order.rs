//! R10: order per key. Every dossier's steps reach the partner in their order, though the gateway is
//! killed and the partner loses replies; read from the partner's own ledger.

use std::time::Duration;

use super::Plan;
use crate::torture::{
    kit::{FINISH_MAX, Kit, READY_MAX},
    letter::Mix,
    load::Shape,
    office::{Manners, STATES},
    random::Random,
    report::{Line, thousands},
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let name = format!("order per key ({})", plan.engine.word());
    let kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R10", &name, why, plan.seed)],
    };
    kit.office.behave(Manners {
        lose_reply: 10,
        double: 10,
        ..Manners::default()
    });
    let mut load = kit.load(Shape {
        senders: 24,
        mix: Mix {
            dossiers: 100,
            verifications: 0,
            bad: 0,
        },
        ..Shape::USUAL
    });
    let mut random = Random::of(plan.seed, &[20]);
    let kills = plan.n.unwrap_or(10);
    let mut killed = 0;
    for _ in 0..kills {
        if !plan.has_time() {
            break;
        }
        let mut process = kit.launch.serve(&kit.site);
        if let Err(why) = process.ready(READY_MAX).await {
            return vec![kit.broken("R10", &name, why)];
        }
        tokio::time::sleep(Duration::from_millis(300 + random.below(900))).await;
        process.kill();
        killed += 1;
    }
    let process = kit.serve().await;
    load.finish(FINISH_MAX).await;
    kit.office.behave(Manners::default());
    let closed = kit.close(load, process).await;
    let dossiers = kit.office.read(|book| book.files.len()) as u64;
    let first = format!(
        "{} keys of {} steps each, {killed} kills",
        thousands(dossiers),
        STATES.len()
    );
    vec![kit.line("R10", &name, first, closed)]
}
