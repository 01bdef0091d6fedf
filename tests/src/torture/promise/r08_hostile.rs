//! R8: a partner that is hostile but lawful. It loses calls and replies, is late, doubles them, lets
//! old ones overtake new ones and forgets sessions; and its own messages come twice and again.

use std::time::Duration;

use super::Plan;
use crate::torture::{
    kit::{FINISH_MAX, Kit},
    letter::Mix,
    load::Shape,
    office::Manners,
    report::{Line, thousands},
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let name = format!("hostile but lawful partner ({})", plan.engine.word());
    let kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R8", &name, why, plan.seed)],
    };
    kit.office.behave(Manners {
        lose_call: 5,
        lose_reply: 10,
        late: 10,
        double: 20,
        overtaken: 10,
        forget: 5,
        fail: 0,
    });
    let process = kit.serve().await;
    let load = kit.load(Shape {
        senders: 16,
        mix: Mix {
            dossiers: 10,
            ..Mix::USUAL
        },
        again: 20,
        twins: 20,
        ..Shape::USUAL
    });
    while plan.began.elapsed() < plan.budget.min(RUN_MAX)
        && load.answered() < plan.n.unwrap_or(u64::MAX)
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (calls, repeats) = kit.office.read(|book| {
        let repeats: u64 = book.files.values().map(|file| file.repeats).sum();
        (book.calls, repeats)
    });
    let mut load = load;
    load.finish(FINISH_MAX).await;
    kit.office.behave(Manners::default());
    let closed = kit.close(load, process).await;
    let first = format!(
        "lost 5+10 %, late 10 %, doubled 20 %, overtaken 10 %, sessions forgotten 5 %; twins 20 %, resent 20 %; \
         {} calls, {} steps told again",
        thousands(calls),
        thousands(repeats)
    );
    vec![kit.line("R8", &name, first, closed)]
}

const RUN_MAX: Duration = Duration::from_secs(600);
